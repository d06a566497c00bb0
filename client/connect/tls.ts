/**
 * A {@linkcode Dial} over TLS. It only moves bytes. The server's certificate is checked; it is not bound to
 * the sign-in, since the runtime does not show it (docs/PROTOCOL.md, "Transport").
 *
 * @module
 */

import type { Dial } from "../byte_stream.ts";
import { byteStream } from "./stream.ts";
import type { TcpAddress } from "./tcp.ts";

/** Where the server listens, and who vouches for it. */
export interface TlsAddress extends TcpAddress {
  /** Certificates of authorities, in PEM, that count beside the system's own. */
  readonly caCerts?: readonly string[];
}

/**
 * Dials a server over TLS; what is dialled rejects with the system's error when it cannot be reached, or
 * when its certificate is not good.
 *
 * @example
 * ```ts
 * import { dialTls } from "./tls.ts";
 * import { assertRejects } from "@std/assert";
 *
 * const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const { port } = taken.addr;
 * taken.close();
 * await assertRejects(() => dialTls({ hostname: "127.0.0.1", port })());
 * ```
 */
export function dialTls({ hostname, port, caCerts = [] }: TlsAddress): Dial {
  return async (signal) => {
    const plain = await Deno.connect({ hostname, port, ...signal && { signal } });
    // As over TCP; a TLS socket of the runtime cannot be told so any more.
    plain.setNoDelay();
    const socket = await Deno.startTls(plain, { hostname, caCerts: [...caCerts] });
    const stream = byteStream(socket);
    // The runtime keeps the descriptor of one that has agreed on no keys until its server ends it.
    const giveUp = () => stream.close();
    signal?.addEventListener("abort", giveUp);
    try {
      // Whoever is no good is found out here, and not when something is sent.
      await socket.handshake();
    } catch (error) {
      stream.close();
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
    return stream;
  };
}
