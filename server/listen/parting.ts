/**
 * Parting: the end of a connection whose last bytes are still on their way. A socket that is closed while
 * bytes of its peer lie unread is reset, and the reset overtakes what was written last.
 *
 * @module
 */

import { closeSocket, type Socket } from "../../transport/socket.ts";

/** How long a peer may take to read the last bytes and go, in ms. */
const PARTING_TIMEOUT = 1000;
/** So many are parted from at the same time; more are closed at once. */
export const PARTING_MAX = 256;

/** Ends connections. */
export type Part = (socket: Socket) => void;

/** Makes a way to part. */
export function createParting(): Part {
  let parting = 0;
  /** Shared by all: nobody looks at what comes. */
  const scrap = new Uint8Array(4096);
  return async (socket) => {
    if (parting >= PARTING_MAX) return closeSocket(socket);
    parting++;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PARTING_TIMEOUT);
    // Its place is given back in time, whatever becomes of the socket.
    await Promise.race([readToEnd(socket, scrap), late]);
    clearTimeout(timer);
    closeSocket(socket);
    parting--;
  };
}

async function readToEnd(socket: Socket, scrap: Uint8Array): Promise<void> {
  try {
    await socket.closeWrite();
    while (await socket.read(scrap) !== null);
  } catch {
    // It is gone already, or closed because it was too slow.
  }
}
