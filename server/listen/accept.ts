/**
 * Accepting connections, by TCP or TLS. Whatever one client does, and however few descriptors are free, the
 * next one is accepted; and a certificate can be renewed under way.
 *
 * @module
 */

import type { Certificate } from "./certificate.ts";

/** What accepting needs. */
export interface AcceptOptions {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** With it, connections are TLS. */
  readonly certificate?: Certificate;
  /** Takes a connection. */
  readonly take: (conn: Deno.Conn<Deno.NetAddr>) => void;
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

type Listener = Deno.Listener<Deno.Conn<Deno.NetAddr>, Deno.NetAddr>;

/** How long accepting rests when it fails, as when no descriptor is free. */
const ACCEPT_REST = 50;
/** How long a client may take to agree on keys, in ms. */
export const HANDSHAKE_TIMEOUT = 10_000;

/** Begins to accept. Throws if the address cannot be had. */
export function acceptAll({ certificate, take, ...address }: AcceptOptions): Accepting {
  let listener: Listener = certificate === undefined
    ? Deno.listen(address)
    : listenTls(reserve(address), certificate);
  const { hostname, port } = listener.addr;
  accept(listener);

  async function accept(from: Listener): Promise<void> {
    while (from === listener) {
      try {
        take(await from.accept());
      } catch (error) {
        // A client that has reset already is no reason to stop listening, nor to keep others waiting.
        if (error instanceof Deno.errors.NotConnected) continue;
        if (from === listener) await new Promise((resolve) => setTimeout(resolve, ACCEPT_REST));
      }
    }
  }

  return {
    authority: `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
    renew(certificate) {
      // The new one listens before the old one ends: nobody finds the door shut.
      const old = listener;
      listener = listenTls({ hostname, port }, certificate);
      accept(listener);
      old.close();
    },
    close() {
      const old = listener;
      listener = undefined as unknown as Listener;
      old.close();
    },
  };
}

type Address = Pick<AcceptOptions, "hostname" | "port">;

/** A port that is shared with its successor would be shared with a stranger as well: it must be free. */
function reserve({ hostname, port }: Address): Address {
  const listener = Deno.listen({ hostname, port });
  const { addr } = listener;
  listener.close();
  return { hostname, port: addr.port };
}

function listenTls(address: Address, { cert, key }: Certificate): Listener {
  return Deno.listenTls({ ...address, cert, key, reusePort: true });
}

/**
 * Waits until the keys are agreed on, but no longer than {@linkcode HANDSHAKE_TIMEOUT}; then the connection
 * is closed. Plain TCP has nothing to agree on.
 */
export async function limitHandshake(conn: Deno.Conn): Promise<void> {
  if (!("handshake" in conn)) return;
  const timer = setTimeout(() => {
    try {
      conn.close();
    } catch {
      // It was closed already.
    }
  }, HANDSHAKE_TIMEOUT);
  try {
    await (conn as Deno.TlsConn).handshake();
  } catch {
    // Whoever reads it finds out.
  }
  clearTimeout(timer);
}

/** Commands are small and somebody waits for each: do not hold them back. TLS sockets cannot be told. */
export function setNoDelay(conn: Deno.Conn): void {
  if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
}
