/**
 * A {@linkcode Dial} over TLS. It only moves bytes. The server's certificate is checked; it is not bound to
 * the sign-in (docs/PROTOCOL.md, "Transport").
 *
 * @module
 */

import { secureClient } from "../../transport/secure_socket.ts";
import type { Dial } from "../byte_stream.ts";
import type { TcpAddress } from "./tcp.ts";

/** Where the server listens, and who vouches for it. */
export interface TlsAddress extends TcpAddress {
  /**
   * Certificates of authorities, in PEM, that count beside the system's own. If some are given, the system's need the
   * right `--allow-sys`; without it these alone count.
   */
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
    // As over TCP.
    plain.setNoDelay();
    return await secureClient(plain, { hostname, caCerts }, signal);
  };
}
