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
  socketTransport,
  type Transport,
  writeAll,
} from "../../transport/socket.ts";
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
  /** What has come behind the request. */
  readonly early: Uint8Array;
  /** Ends a connection whose last bytes are still to be read. */
  readonly part: (socket: Socket) => void;
}

class WebSocketTransport implements Transport {
  readonly #socket: Socket;
  readonly #bytes: Transport;
  readonly #part: (socket: Socket) => void;
  readonly #frames = createFrameReader();
  #early: Uint8Array | undefined;
  /** A data frame is being written. */
  #writing = false;
  /** Control frames are being written: frames must not run into each other. */
  #controlling: Promise<void> | undefined;
  /** Pings that will be answered once what is being written is. */
  #pings: Uint8Array[] = [];
  /** Our Close, until it is being written. */
  #close: Uint8Array | undefined;
  /** Our side has said Close, or is about to. */
  #said = false;
  #over = false;

  constructor({ socket, early, part }: WebSocketOptions) {
    this.#socket = socket;
    this.#bytes = socketTransport(socket);
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
      const chunk = this.#early ?? await this.#bytes.read();
      this.#early = undefined;
      if (chunk === null) throw new Error("the connection ended without a Close");
      const count = this.#frames.read(chunk);
      this.#answer(this.#frames.takePings());
      if (count > 0) return chunk.subarray(0, count);
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    while (this.#controlling !== undefined) await this.#controlling;
    if (this.#said) throw new Error("the WebSocket is closed");
    const taken = bytes.length > WRITE_MAX ? bytes.subarray(0, WRITE_MAX) : bytes;
    this.#writing = true;
    try {
      if (taken.length < COPY_MAX) await writeAll(this.#socket, binaryFrame(taken));
      else {
        await writeAll(this.#socket, binaryHead(taken.length));
        await writeAll(this.#socket, taken);
      }
    } finally {
      this.#writing = false;
      this.#control();
    }
    return taken.length;
  }

  /** Writes the control frames that wait, unless something is being written. */
  #control(): void {
    if (this.#writing || this.#controlling !== undefined) return;
    if (this.#pings.length === 0 && this.#close === undefined) return;
    this.#controlling = this.#writeControl().finally(() => {
      this.#controlling = undefined;
      this.#control();
    });
  }

  async #writeControl(): Promise<void> {
    const frames = this.#pings.map(pongFrame);
    this.#pings = [];
    if (this.#close !== undefined) frames.push(this.#close);
    this.#close = undefined;
    try {
      for (const frame of frames) await writeAll(this.#socket, frame);
    } catch {
      // Nobody is there to hear it.
    }
  }

  /** However many Pings come while the peer reads nothing, no more of them wait than the last few. */
  #answer(pings: readonly Uint8Array[]): void {
    if (pings.length === 0 || this.#said) return;
    this.#pings = [...this.#pings, ...pings].slice(-PINGS_MAX);
    this.#control();
  }

  /** Says Close, as the last frame. */
  #say(code: number | undefined, reason: string): void {
    if (this.#said) return;
    this.#said = true;
    this.#close = closeFrame(code, reason);
    this.#control();
  }

  async close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    // A peer that does not take what is being written takes no Close behind it either.
    if (this.#writing) return closeSocket(this.#socket);
    this.#say(CLOSE.normal, "");
    const late = setTimeout(() => closeSocket(this.#socket), CLOSE_TIMEOUT);
    while (this.#controlling !== undefined) await this.#controlling;
    clearTimeout(late);
    this.#part(this.#socket);
  }
}

/** Makes a transport of a connection that was turned into a WebSocket. */
export function webSocketTransport(options: WebSocketOptions): Transport {
  return new WebSocketTransport(options);
}
