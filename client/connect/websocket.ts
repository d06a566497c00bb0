/**
 * A {@linkcode Dial} over WebSocket, by the `WebSocket` that browsers, workers, Deno, Bun and Node have in
 * common. It only moves bytes; where messages begin and end means nothing.
 *
 * @module
 */

import type { ByteStream, Dial } from "../byte_stream.ts";

/** Where the server listens. */
export interface WebSocketAddress {
  /** As `wss://forum.example/dfp`. */
  readonly url: string;
  /** Makes the socket, where more than the URL is needed for that. */
  readonly open?: (url: string) => WebSocket;
}

/** The most bytes of one message that is sent. */
const WRITE_MAX = 64 * 1024;
/** With so many bytes that wait in the socket, a write is held back. */
const HIGH_WATER = 256 * 1024;
/** The most bytes that wait to be read: this interface cannot ask a server to wait. */
const UNREAD_MAX = 8 * 1024 * 1024;
/** The most messages of them: small ones cost more than their bytes. */
const UNREAD_MESSAGES_MAX = 65_536;
/** How long a write that is held back waits before it looks again, in ms: there is no event for it. */
const LOOK_AGAIN = 10;

/**
 * Dials a server over WebSocket; what is dialled rejects when it cannot be reached.
 *
 * @example
 * ```ts
 * import { dialWebSocket } from "./websocket.ts";
 * import { assertRejects } from "@std/assert";
 *
 * const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const { port } = taken.addr;
 * taken.close();
 * await assertRejects(() => dialWebSocket({ url: `ws://127.0.0.1:${port}/dfp` })());
 * ```
 */
export function dialWebSocket({ url, open = (url) => new WebSocket(url) }: WebSocketAddress): Dial {
  return (signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<ByteStream>();
    const socket = open(url);
    socket.binaryType = "arraybuffer";
    const stream = new WebSocketStream(socket);
    const giveUp = () => {
      stream.close();
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", giveUp);
    socket.onopen = () => {
      signal?.removeEventListener("abort", giveUp);
      resolve(stream);
    };
    socket.onerror = (event) => {
      signal?.removeEventListener("abort", giveUp);
      // Browsers do not say why.
      const { message } = event as { message?: unknown };
      const why = typeof message === "string" && message !== "" ? `: ${message}` : "";
      reject(new Error(`the WebSocket cannot be opened${why}`));
    };
    return promise;
  };
}

class WebSocketStream implements ByteStream {
  readonly #socket: WebSocket;
  #unread: Uint8Array[] = [];
  /** The first message that was not read to its end, and how much of it was. */
  #first = 0;
  #read = 0;
  #unreadBytes = 0;
  #ended = false;
  #fault: Error | undefined;
  #arrived: (() => void) | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ wasClean, reason }) => {
      if (!wasClean) this.#fail(new Error(reason || "the WebSocket broke"));
      this.#end();
    };
  }

  #take(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) {
      return this.#break(new Error("the server sent text: it is no DFP server"));
    }
    if (data.byteLength === 0 || this.#ended) return;
    this.#unread.push(new Uint8Array(data));
    this.#unreadBytes += data.byteLength;
    this.#arrived?.();
    if (this.#unreadBytes > UNREAD_MAX || this.#unread.length - this.#first > UNREAD_MESSAGES_MAX) {
      this.#break(new Error("more has come than was read in time"));
    }
  }

  #break(fault: Error): void {
    this.#fail(fault);
    this.#end();
    this.#socket.close();
  }

  #fail(fault: Error): void {
    this.#fault ??= fault;
  }

  #end(): void {
    this.#ended = true;
    this.#arrived?.();
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#unreadBytes === 0) {
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#arrived = resolve);
      this.#arrived = undefined;
    }
    let count = 0;
    while (count < into.length && this.#first < this.#unread.length) {
      const rest = this.#unread[this.#first].subarray(this.#read);
      const taken = rest.subarray(0, into.length - count);
      into.set(taken, count);
      count += taken.length;
      this.#read += taken.length;
      if (taken.length < rest.length) break;
      this.#first++;
      this.#read = 0;
    }
    this.#unreadBytes -= count;
    // Not one by one: taking the first of many off moves all others.
    if (this.#first * 2 >= this.#unread.length) {
      this.#unread = this.#unread.slice(this.#first);
      this.#first = 0;
    }
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    while (!this.#ended && this.#socket.bufferedAmount > HIGH_WATER) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN) {
      throw this.#fault ?? new Error("the WebSocket is closed");
    }
    // A copy: the socket may look at it later than its caller keeps it.
    const taken = bytes.slice(0, WRITE_MAX);
    this.#socket.send(taken);
    return taken.length;
  }

  close(): void {
    this.#fail(new Error("the WebSocket is closed"));
    this.#end();
    this.#unread = [];
    this.#first = this.#read = this.#unreadBytes = 0;
    this.#socket.close();
  }
}
