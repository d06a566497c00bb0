/**
 * The TCP listener, with TLS where there is a certificate: it only moves bytes between sockets and
 * sessions.
 *
 * @module
 */

import { isLoopback } from "../address.ts";
import { acceptAll } from "./accept.ts";
import type { Certificate } from "./certificate.ts";
import { couple, type Coupling } from "./couple.ts";
import { socketTransport } from "../../transport/socket.ts";

/** Where a listener is, and how to end it. */
export interface Listening {
  /** As `tcp://127.0.0.1:5000`. */
  readonly address: string;
  /** What people should know of it besides, as the key by which clients know it. */
  readonly note?: string;
  /** UDP ports of it that tell a client its address. */
  readonly observing?: readonly number[];
  /** Uses another certificate for new connections. Throws if it cannot be used. */
  renew(certificate: Certificate): void;
  /** Takes no new clients; the web listener goes on saying so. Connections that are open stay open. */
  close(): void;
  /** When all sessions are over: waits until what they said last has arrived, but not for long, and ends. */
  end?(): Promise<void>;
}

/** What a listener needs. */
export interface TcpOptions extends Coupling {
  readonly hostname: string;
  readonly port: number;
  /** With it, the listener speaks TLS. */
  readonly certificate?: Certificate;
  /** Whether passwords are taken where somebody on the way could read along. */
  readonly insecure: boolean;
}

/** Begins to listen. Throws if the address cannot be had. */
export function listenTcp(options: TcpOptions): Listening {
  const { certificate } = options;
  const secure = certificate !== undefined;
  const accepting = acceptAll({
    ...options,
    take(socket, source) {
      const exposed = !secure && !options.insecure && !isLoopback(source);
      couple(socketTransport(socket), { source, exposed }, options);
    },
  });
  return {
    address: `${secure ? "tls" : "tcp"}://${accepting.authority}`,
    renew: (certificate) => accepting.renew(certificate),
    close: () => accepting.close(),
  };
}
