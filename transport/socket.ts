/**
 * Sockets, and transports over them: reliable streams of bytes to one other side, as sessions need them.
 *
 * @module
 */

/** A socket, as the runtime has it, or one that speaks TLS. */
export interface Socket {
  /** Reads some bytes into the array; `null` is the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends our side; the other one can still be read. */
  closeWrite(): Promise<void>;
  /** Ends it in both directions; what is pending fails. */
  close(): void;
}

/** A stream. */
export interface Transport {
  /** Some bytes that came, valid until the next call; `null` is the end. They may be read `into` memory at hand. */
  read(into?: Uint8Array): Promise<Uint8Array | null>;
  /** Writes some of the bytes and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends it in both directions; what is pending fails. */
  close(): void;
}

/** A quiet connection waits with so small a buffer, because a pending read pins it (FACTS §8). */
const QUIET_BYTES = 256;
/** Who sends as much as is read gets more, step by step: a file costs a call for each. */
const BUSY_BYTES = [64 * 1024, 256 * 1024];

/** Between the parts of a file there is little to read now and then: only the second such read in a row is quiet. */
const QUIET_READS = 2;

/** Closes a socket that may be closed already. */
export function closeSocket(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It was closed already.
  }
}

/** Writes all of the bytes. */
export async function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await socket.write(rest));
}

/** Reads with a buffer that grows while much comes, and shrinks when it is quiet. */
class SocketTransport implements Transport {
  readonly #socket: Socket;
  readonly #quiet = new Uint8Array(QUIET_BYTES);
  #buffer = this.#quiet;
  #littleReads = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  async read(into?: Uint8Array): Promise<Uint8Array | null> {
    if (into !== undefined) {
      const count = await this.#socket.read(into);
      return count === null ? null : into.subarray(0, count);
    }
    const buffer = this.#buffer;
    const count = await this.#socket.read(buffer);
    if (count === null) return null;
    if (count === buffer.length) {
      const more = BUSY_BYTES.find((size) => size > count);
      if (more !== undefined) this.#buffer = new Uint8Array(more);
    }
    this.#littleReads = count < QUIET_BYTES ? this.#littleReads + 1 : 0;
    const files = buffer.length === BUSY_BYTES.at(-1);
    if (this.#littleReads >= (files ? QUIET_READS : 1)) this.#buffer = this.#quiet;
    return buffer.subarray(0, count);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#socket.write(bytes);
  }

  close(): void {
    closeSocket(this.#socket);
  }
}

/** A socket as it is. */
export function socketTransport(socket: Socket): Transport {
  return new SocketTransport(socket);
}
