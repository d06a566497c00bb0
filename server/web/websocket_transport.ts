/**
 * A WebSocket as a transport: a stream of bytes in binary messages whose boundaries mean nothing.
 *
 * One message leaves for each write, and one frame at a time is on its way, so a reader that stops
 * stalls its session just as over TCP. Of what came nothing is kept but the bytes of the last read.
 *
 * @module
 */

import {
  closeSocket,
  type Socket,
  type SocketReader,
  type Transport,
  writeAll,
} from "../listen/transport.ts";
import {
  binaryFrame,
  binaryHead,
  CLOSE,
  closeFrame,
  createFrameReader,
  PINGS_MAX,
  pongFrame,
} from "./websocket_frame.ts";

/** The most payload of one message that is sent. */
const WRITE_MAX = 64 * 1024;
/** From so many bytes on, a second write costs less than a copy. */
const COPY_MAX = 4 * 1024;
/** How long saying Close may take, in ms. */
const CLOSE_TIMEOUT = 1000;

/** What a transport needs. */
export interface WebSocketOptions {
  readonly socket: Socket;
  readonly reader: SocketReader;
  /** What has come behind the request. */
  readonly early: Uint8Array;
  /** Ends a connection whose last bytes are still to be read. */
  readonly part: (socket: Socket) => void;
}

class WebSocketTransport implements Transport {
  readonly #socket: Socket;
  readonly #reader: SocketReader;
  readonly #part: (socket: Socket) => void;
  readonly #frames = createFrameReader();
  #early: Uint8Array | undefined;
  /** Resolves when all frames so far are written, or cannot be: they must not run into each other. */
  #written = Promise.resolve();
  #writing = false;
  /** Pings that will be answered together, once what stands before is written. */
  #pings: Uint8Array[] = [];
  /** Our side has said Close. */
  #said = false;
  #over = false;

  constructor({ socket, reader, early, part }: WebSocketOptions) {
    this.#socket = socket;
    this.#reader = reader;
    this.#early = early.length > 0 ? early : undefined;
    this.#part = part;
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const { closed } = this.#frames;
      if (closed !== undefined) {
        this.#say(closed.code, closed.fault);
        if (closed.fault !== "") throw new Error(closed.fault);
        return null;
      }
      const chunk = this.#early ?? await this.#reader.read();
      this.#early = undefined;
      if (chunk === null) throw new Error("the connection ended without a Close");
      const count = this.#frames.read(chunk);
      this.#answer(this.#frames.takePings());
      if (count > 0) return chunk.subarray(0, count);
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#said) throw new Error("the WebSocket is closed");
    const taken = bytes.length > WRITE_MAX ? bytes.subarray(0, WRITE_MAX) : bytes;
    this.#writing = true;
    try {
      if (taken.length < COPY_MAX) await this.#enqueue(() => [binaryFrame(taken)]);
      else await this.#enqueue(() => [binaryHead(taken.length), taken]);
    } finally {
      this.#writing = false;
    }
    return taken.length;
  }

  /** Writes a frame behind all others; it is made when its turn has come. */
  #enqueue(frame: () => readonly Uint8Array[]): Promise<void> {
    const done = this.#written.then(() => this.#writeAll(frame()));
    this.#written = done.catch(() => {});
    return done;
  }

  async #writeAll(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) await writeAll(this.#socket, part);
  }

  /** However many Pings come while the peer reads nothing, no more of them wait than the last few. */
  #answer(pings: readonly Uint8Array[]): void {
    if (pings.length === 0 || this.#said) return;
    const waits = this.#pings.length > 0;
    this.#pings = [...this.#pings, ...pings].slice(-PINGS_MAX);
    if (waits) return;
    this.#enqueue(() => {
      const pongs = this.#pings.map(pongFrame);
      this.#pings = [];
      return pongs;
    }).catch(() => {});
  }

  /** Says Close, as the last frame. */
  #say(code: number | undefined, reason: string): void {
    if (this.#said) return;
    this.#said = true;
    this.#enqueue(() => [closeFrame(code, reason)]).catch(() => {});
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    // A peer that does not take what is being written takes no Close behind it either.
    if (this.#writing) return closeSocket(this.#socket);
    this.#say(CLOSE.normal, "");
    const late = setTimeout(() => closeSocket(this.#socket), CLOSE_TIMEOUT);
    this.#written.then(() => {
      clearTimeout(late);
      this.#part(this.#socket);
    });
  }
}

/** Makes a transport of a connection that was turned into a WebSocket. */
export function webSocketTransport(options: WebSocketOptions): Transport {
  return new WebSocketTransport(options);
}
