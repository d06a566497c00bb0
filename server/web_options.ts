/**
 * The web listener and TLS on the command line.
 *
 * @module
 */

import type { CertificateFiles } from "./listen/certificate.ts";
import { originOf, plain } from "./web/origin.ts";

/** How the server is reached by browsers, and how safely. */
export interface WebConfig {
  /** The port of the web listener, 0 to 65,535; 0 takes a free one. Without it there is none. */
  readonly webPort?: number;
  /** The folder with the web page's files. */
  readonly webRoot?: string;
  /** Origins whose pages may use the forum, beside its own, as `https://forum.example`. */
  readonly webOrigins: readonly string[];
  /** Addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Addresses that may see the metrics, beside this machine itself. */
  readonly metricsFrom: readonly string[];
  /** With it, all listeners speak TLS. */
  readonly tls?: CertificateFiles;
  /** Take passwords also where somebody on the way could read along. */
  readonly insecure: boolean;
}

/** What is used where nothing is said. */
export const WEB_DEFAULTS: WebConfig = {
  webOrigins: [],
  trustedProxies: [],
  metricsFrom: [],
  insecure: false,
};

/** Options with a value; those that may be repeated stand in {@linkcode WEB_LISTS}. */
export const WEB_OPTIONS = ["web-port", "web-root", "tls-cert", "tls-key"] as const;
/** Options that may be repeated. */
export const WEB_LISTS = ["web-origin", "trusted-proxy", "metrics-from"] as const;

/** What `--help` says of them. */
export const WEB_USAGE = `Browsers and TLS:
  --web-port PORT         serve the web page and WebSockets here (0 takes a free port; without
                          this option there is no web listener)
  --web-root DIR          a web page's files, instead of the web client
  --web-origin URL        let pages of this origin use the forum too; may be repeated
  --trusted-proxy ADDRESS believe what this proxy says of its clients; may be repeated
  --metrics-from ADDRESS  show /metrics to this address too; may be repeated
  --tls-cert FILE --tls-key FILE
                          speak TLS with this certificate (PEM) on all ports. SIGHUP reads the
                          files again
  --insecure              take passwords from other machines without TLS too
`;

/** What is wrong with an option. */
export type Complain = (text: string) => never;

/** An address as options take it. */
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]+)$/i;

/** Reads the options; `port` reads a port number. */
export function readWebConfig(
  given: { readonly [name: string]: unknown },
  { port, complain }: { port: (text: string) => number; complain: Complain },
): WebConfig {
  const text = (name: (typeof WEB_OPTIONS)[number]) => given[name] as string | undefined;
  const list = (name: (typeof WEB_LISTS)[number]) => given[name] as string[];
  const addresses = (name: (typeof WEB_LISTS)[number]) =>
    list(name).map((address) => {
      if (ADDRESS.test(address)) return plain(address);
      return complain(`--${name} needs an address like 192.0.2.1, not ${address}`);
    });
  const [webPort, webRoot] = [text("web-port"), text("web-root")];
  const [cert, key] = [text("tls-cert"), text("tls-key")];
  if (cert === undefined && key !== undefined) complain("--tls-key needs --tls-cert as well");
  if (cert !== undefined && key === undefined) complain("--tls-cert needs --tls-key as well");
  if (webPort === undefined) {
    const idle = ["web-root", "web-origin", "trusted-proxy", "metrics-from"].find((name) =>
      given[name] !== undefined && (given[name] as string | string[]).length > 0
    );
    if (idle !== undefined) complain(`--${idle} does nothing without --web-port`);
  }
  return {
    ...webPort !== undefined && { webPort: port(webPort) },
    ...webRoot !== undefined && { webRoot },
    webOrigins: list("web-origin").map((url) =>
      originOf(url) ?? complain(`--web-origin needs a URL like https://forum.example, not ${url}`)
    ),
    trustedProxies: addresses("trusted-proxy"),
    metricsFrom: addresses("metrics-from"),
    ...cert !== undefined && key !== undefined && { tls: { cert, key } },
    insecure: given.insecure === true,
  };
}
