/**
 * Accepting connections, by TCP or TLS. Whatever one client does, and however few descriptors are free, the
 * next one is accepted; and the certificate can be renewed under way.
 *
 * @module
 */

import type { Certificate } from "./certificate.ts";
import { secureContext, secureSocket } from "../../transport/secure_socket.ts";
import { closeSocket, type Socket } from "../../transport/socket.ts";

/** What accepting needs. */
export interface AcceptOptions {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** With it, connections are TLS. */
  readonly certificate?: Certificate;
  /** Takes a connection and the address of its other end. */
  readonly take: (socket: Socket, address: string) => void;
}

/** Connections that are accepted. */
export interface Accepting {
  /** As `127.0.0.1:5000` or `[::1]:5000`. */
  readonly authority: string;
  /** Uses another certificate for new connections. Throws if it cannot be used; then the old one stays. */
  renew(certificate: Certificate): void;
  /** Takes no new connections. Those that are open stay open. */
  close(): void;
}

/** How long accepting rests when it fails, as when no descriptor is free. */
const ACCEPT_REST = 50;

/** Begins to accept. Throws if the address cannot be had. */
export function acceptAll({ hostname, port, certificate, take }: AcceptOptions): Accepting {
  let context = certificate && secureContext(certificate);
  const listener = Deno.listen({ hostname, port });
  const { hostname: host, port: taken } = listener.addr;
  let closed = false;
  accept();

  async function accept(): Promise<void> {
    while (!closed) {
      try {
        admit(await listener.accept());
      } catch (error) {
        if (error instanceof Deno.errors.NotConnected) continue;
        if (!closed) await new Promise((resolve) => setTimeout(resolve, ACCEPT_REST));
      }
    }
  }

  /** Hands a connection on. If that fails it is closed: nobody else has it. */
  function admit(conn: Deno.TcpConn): void {
    try {
      // Commands are small and somebody waits for each: do not hold them back to fill packets.
      conn.setNoDelay(true);
      // Whoever types may say nothing for hours; one whose machine has gone must not stay for ever.
      conn.setKeepAlive(true);
      const { hostname: address } = conn.remoteAddr;
      take(context === undefined ? conn : secureSocket(conn, context), address);
    } catch {
      // A client that has reset already is no reason to stop listening, nor to keep others waiting.
      closeSocket(conn);
    }
  }

  return {
    authority: `${host.includes(":") ? `[${host}]` : host}:${taken}`,
    renew(certificate) {
      context = secureContext(certificate);
    },
    close() {
      closed = true;
      listener.close();
    },
  };
}
