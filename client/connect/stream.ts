/**
 * A socket as a {@linkcode ByteStream}.
 *
 * @module
 */

import type { ByteStream } from "../byte_stream.ts";

/** Wraps a socket, which may then be closed more than once. */
export function byteStream(socket: Deno.Conn): ByteStream {
  let open = true;
  return {
    read: (into) => socket.read(into as Uint8Array<ArrayBuffer>),
    write: (bytes) => socket.write(bytes as Uint8Array<ArrayBuffer>),
    close() {
      if (!open) return;
      open = false;
      socket.close();
    },
  };
}
