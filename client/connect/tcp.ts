/**
 * A {@linkcode Dial} over plain TCP. It only moves bytes.
 *
 * @module
 */

import type { Dial } from "../byte_stream.ts";
import { byteStream } from "./stream.ts";

/** Where the server listens. */
export interface TcpAddress {
  /** A name or an address, as `127.0.0.1`. */
  readonly hostname: string;
  /** 1 to 65,535; servers listen on 5000 by default. */
  readonly port: number;
}

/**
 * Dials a server over TCP; what is dialled rejects with the system's error when it cannot be reached.
 *
 * @example
 * ```ts
 * import { dialTcp } from "./tcp.ts";
 * import { assertRejects } from "@std/assert";
 *
 * const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const { port } = taken.addr;
 * taken.close();
 * await assertRejects(() => dialTcp({ hostname: "127.0.0.1", port })());
 * ```
 */
export function dialTcp(address: TcpAddress): Dial {
  return async (signal) => {
    const { hostname, port } = address;
    const socket = await Deno.connect({ hostname, port, ...signal && { signal } });
    // Commands are small and somebody waits for each: do not hold them back to fill packets.
    socket.setNoDelay();
    return byteStream(socket);
  };
}
