/**
 * Transports: reliable streams of bytes to one client, as the sessions of the service need them.
 *
 * @module
 */

/** A stream. */
export interface Transport {
  /** Some bytes that came, valid until the next call; `null` is the end. */
  read(): Promise<Uint8Array | null>;
  /** Writes some of the bytes and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends it in both directions; what is pending fails. */
  close(): void;
}

/** A quiet connection waits with so small a buffer, because a pending read pins it (FACTS §8). */
const QUIET_BYTES = 256;
const BUSY_BYTES = 64 * 1024;

/** Reads a socket with a buffer that grows while much comes, and shrinks when it is quiet. */
export interface SocketReader {
  read(): Promise<Uint8Array | null>;
}

/** Makes a reader of a socket. */
export function createSocketReader(conn: Pick<Deno.Conn, "read">): SocketReader {
  const quiet = new Uint8Array(QUIET_BYTES);
  let buffer = quiet;
  return {
    async read() {
      const taken = buffer;
      const count = await conn.read(taken);
      if (count === null) return null;
      if (count === taken.length) {
        if (taken === quiet) buffer = new Uint8Array(BUSY_BYTES);
      } else if (count < QUIET_BYTES) buffer = quiet;
      return taken.subarray(0, count);
    },
  };
}

/** Closes a socket that may be closed already. */
export function closeSocket(conn: Pick<Deno.Conn, "close">): void {
  try {
    conn.close();
  } catch {
    // It was closed already.
  }
}

/** A socket as it is: TCP, or TLS, which the runtime does. */
export function socketTransport(conn: Deno.Conn): Transport {
  const reader = createSocketReader(conn);
  return {
    read: () => reader.read(),
    write: (bytes) => conn.write(bytes as Uint8Array<ArrayBuffer>),
    close: () => closeSocket(conn),
  };
}
