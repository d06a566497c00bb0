/**
 * All listeners of a server, as its configuration says: opened together, with one certificate.
 *
 * @module
 */

import type { Company } from "../company.ts";
import type { ServerConfig } from "../config.ts";
import type { ServerGauges } from "../gauges.ts";
import type { Service } from "../service.ts";
import { reason, StartError } from "../start_error.ts";
import type { Assets } from "../web/assets.ts";
import { createPages } from "../web/pages.ts";
import { type Certificate, CertificateError, readCertificate } from "./certificate.ts";
import { type Listening, listenTcp } from "./tcp.ts";
import { listenUdp } from "./udp.ts";
import { udpKey } from "./udp_key.ts";
import { listenWeb } from "./web.ts";

/** What listeners need. */
export interface ListenersOptions {
  readonly config: ServerConfig;
  readonly service: Service;
  /** A clock that never goes back, in ms. */
  readonly now: () => number;
  readonly gauges: ServerGauges;
  readonly company: Company;
  /** The files of the web page. */
  readonly page: Assets;
  /** Whether new clients are taken. */
  readonly ready: () => boolean;
}

/** Listeners. */
export interface Listeners {
  /** One a listener, as `tcp://127.0.0.1:5000`. */
  readonly addresses: readonly string[];
  /** What people should know of some of them, by their addresses. */
  readonly notes: ReadonlyMap<string, string>;
  /** UDP ports that tell a client its address: two, where there is a UDP listener. */
  readonly observing: readonly number[];
  /** Reads the certificate again, for new connections, and says for the log what has become of it. */
  renew(): Record<string, string> | undefined;
  /** Takes no new connections. */
  close(): void;
  /** When all sessions are over: waits until what they said last has arrived, but not for long. */
  end(): Promise<void>;
}

/**
 * Opens all listeners.
 *
 * @throws StartError if one cannot be opened; then none is.
 */
export function openListeners(options: ListenersOptions): Listeners {
  const { config, gauges } = options;
  const { hostname, port, udpPort, webPort, tls } = config;
  const certificate = certificateOf(config);
  const key = udpPort === undefined ? undefined : udpKey(config.data);
  const secure = certificate !== undefined;
  const shared = { ...options, hostname, insecure: config.insecure, ...secure && { certificate } };
  const listeners: Listening[] = [];
  const close = () => listeners.forEach((listener) => listener.close());
  const open = (on: { port: number; option: string }, begin: () => Listening) => {
    try {
      listeners.push(begin());
    } catch (error) {
      close();
      for (const listener of listeners) listener.end?.();
      throw new StartError(
        `cannot listen on ${hostname} port ${on.port}: ${
          reason(error)
        }. Choose another with --hostname or ${on.option}`,
      );
    }
  };
  open({ port, option: "--port" }, () => {
    return listenTcp({ ...shared, port, traffic: gauges.traffic(secure ? "tls" : "tcp") });
  });
  if (udpPort !== undefined && key !== undefined) {
    open({ port: udpPort, option: "--udp-port" }, () => {
      const traffic = gauges.traffic("udp");
      const show = gauges.datagrams.bind(gauges);
      return listenUdp({ ...shared, port: udpPort, key, limits: config.limits, traffic, show });
    });
  }
  if (webPort !== undefined) {
    open({ port: webPort, option: "--web-port" }, () => {
      return listenWeb({
        ...shared,
        port: webPort,
        traffic: gauges.traffic(secure ? "wss" : "ws"),
        limits: config.limits,
        origins: config.webOrigins,
        trustedProxies: config.trustedProxies,
        responded: (status) => gauges.responded(status),
        turnedAway: (why) => gauges.turnedAway(why),
        pages: createPages({
          assets: options.page,
          metrics: () => gauges.text(),
          metricsFrom: config.metricsFrom,
          ready: options.ready,
        }),
      });
    });
  }
  return {
    addresses: listeners.map(({ address }) => address),
    observing: listeners.flatMap(({ observing = [] }) => observing),
    notes: new Map(listeners.flatMap(({ address, note }) => note ? [[address, note]] : [])),
    renew(): Record<string, string> | undefined {
      if (tls === undefined) return undefined;
      try {
        const renewed = readCertificate(tls);
        for (const listener of listeners) listener.renew(renewed);
        return { names: renewed.names, until: renewed.until };
      } catch (error) {
        return { failed: `${reason(error)}. The old one stays in use` };
      }
    },
    close,
    async end() {
      await Promise.all(listeners.map((listener) => listener.end?.()));
    },
  };
}

function certificateOf({ tls }: ServerConfig): Certificate | undefined {
  try {
    return tls && readCertificate(tls);
  } catch (error) {
    if (error instanceof CertificateError) throw new StartError(error.message);
    throw error;
  }
}
