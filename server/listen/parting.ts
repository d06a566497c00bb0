/**
 * Parting: the end of a connection whose last bytes are still on their way. A socket that is closed while
 * bytes of its peer lie unread is reset, and the reset overtakes what was written last.
 *
 * @module
 */

import { closeSocket, type Socket } from "./transport.ts";

/** How long a peer may take to read the last bytes and go, in ms. */
const PARTING_TIMEOUT = 1000;
/** So many are parted from at the same time; more are closed at once. */
const PARTING_MAX = 256;

/** Ends connections. */
export type Part = (socket: Socket) => void;

/** Makes a way to part. */
export function createParting(): Part {
  let parting = 0;
  const scrap = new Uint8Array(4096);
  return async (socket) => {
    if (parting >= PARTING_MAX) return closeSocket(socket);
    parting++;
    const late = setTimeout(() => closeSocket(socket), PARTING_TIMEOUT);
    try {
      await socket.closeWrite();
      while (await socket.read(scrap) !== null);
    } catch {
      // It is gone already, or too slow.
    }
    clearTimeout(late);
    closeSocket(socket);
    parting--;
  };
}
