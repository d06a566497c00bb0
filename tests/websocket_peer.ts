/**
 * A WebSocket peer that writes frames by hand, so that it can misbehave.
 *
 * @module
 */

import type { PeerSocket } from "./end_to_end/raw_peer.ts";

/** Opcodes of RFC 6455. */
export const CONTINUE = 0, TEXT = 1, BINARY = 2, CLOSING = 8, PING = 9, PONG = 10;

/** How a frame is made. */
export interface FrameOptions {
  /** Whether it ends its message; true if not given. */
  readonly fin?: boolean;
  readonly mask?: Uint8Array;
  /** The whole first byte, whatever the opcode says. */
  readonly first?: number;
}

/** A frame as a client sends it. */
export function maskedFrame(
  opcode: number,
  payload: Uint8Array,
  { fin = true, mask = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d), first }: FrameOptions = {},
): Uint8Array {
  const { length } = payload;
  const head = length < 126 ? 2 : length < 0x10000 ? 4 : 10;
  const bytes = new Uint8Array(head + 4 + length);
  bytes[0] = first ?? ((fin ? 0x80 : 0) | opcode);
  bytes[1] = 0x80 | (head === 2 ? length : head === 4 ? 126 : 127);
  const view = new DataView(bytes.buffer);
  if (head === 4) view.setUint16(2, length);
  if (head === 10) view.setBigUint64(2, BigInt(length));
  bytes.set(mask, head);
  for (let at = 0; at < length; at++) bytes[head + 4 + at] = payload[at] ^ mask[at & 3];
  return bytes;
}

/** The key of the example in RFC 6455 §1.3. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The head of a request that opens a WebSocket; a header that is `undefined` is left out. */
export function upgradeRequest(
  headers: Readonly<Record<string, string | undefined>> = {},
  line = "GET /dfp HTTP/1.1",
): string {
  const all = {
    Host: "forum.example",
    Upgrade: "websocket",
    Connection: "keep-alive, Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line}\r\n${lines.join("")}\r\n`;
}

/** A frame of the server. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** An HTTP connection, and the WebSocket that it may become. */
export class WebPeer {
  readonly #socket: Deno.Conn;
  #waiting = new Uint8Array(0);
  #open = true;

  constructor(socket: Deno.Conn) {
    this.#socket = socket;
  }

  /** Connects to a URL as `http://127.0.0.1:8080/`. */
  static async connect(url: string, caCerts: string[] = []): Promise<WebPeer> {
    const { protocol, hostname, port } = new URL(url);
    const address = { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
    return new WebPeer(
      protocol === "https:"
        ? await Deno.connectTls({ ...address, caCerts })
        : await Deno.connect(address),
    );
  }

  async send(...parts: (Uint8Array | string)[]): Promise<void> {
    for (const part of parts) {
      const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
      for (let rest = bytes; rest.length > 0;) {
        rest = rest.subarray(await this.#socket.write(rest as Uint8Array<ArrayBuffer>));
      }
    }
  }

  async #more(): Promise<boolean> {
    const chunk = new Uint8Array(64 * 1024);
    const count = await this.#socket.read(chunk);
    if (count === null) return false;
    const grown = new Uint8Array(this.#waiting.length + count);
    grown.set(this.#waiting);
    grown.set(chunk.subarray(0, count), this.#waiting.length);
    this.#waiting = grown;
    return true;
  }

  async #take(count: number): Promise<Uint8Array | undefined> {
    while (this.#waiting.length < count) if (!await this.#more()) return undefined;
    const taken = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return taken;
  }

  /** A whole response: its head and its body; `undefined` at the end. */
  async response(): Promise<{ status: number; head: string; body: string } | undefined> {
    let end: number;
    for (;;) {
      const text = new TextDecoder().decode(this.#waiting);
      end = text.indexOf("\r\n\r\n");
      if (end >= 0) break;
      if (!await this.#more()) return undefined;
    }
    const head = new TextDecoder().decode(await this.#take(end + 4));
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
    const hasBody = status !== 304 && status !== 101;
    const body = hasBody ? new TextDecoder().decode(await this.#take(length)) : "";
    return { status, head, body };
  }

  /** Becomes a WebSocket. */
  async upgrade(headers: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    await this.send(upgradeRequest(headers));
    const answer = await this.response();
    if (answer?.status !== 101) throw new Error(`no WebSocket: ${answer?.head}${answer?.body}`);
  }

  /** The next frame; `undefined` at the end. */
  async frame(): Promise<ServerFrame | undefined> {
    const start = await this.#take(2);
    if (start === undefined) return undefined;
    let length = start[1];
    if (length > 127) throw new Error("the server has masked a frame");
    if (length >= 126) {
      const more = (await this.#take(length === 126 ? 2 : 8))!;
      const view = new DataView(more.buffer);
      length = length === 126 ? view.getUint16(0) : Number(view.getBigUint64(0));
    }
    return { opcode: start[0] & 0x0f, payload: (await this.#take(length))! };
  }

  /** The next frame that carries no data of the forum. */
  async control(): Promise<ServerFrame | undefined> {
    for (;;) {
      const frame = await this.frame();
      if (frame?.opcode !== BINARY) return frame;
    }
  }

  /** The code of the Close that comes next, after which the connection must end; 1005 for none. */
  async closing(): Promise<number> {
    const frame = await this.control();
    if (frame?.opcode !== CLOSING) throw new Error(`no Close came: ${JSON.stringify(frame)}`);
    // Whoever has said Close first waits for the other's; a server ends the connection then.
    await this.send(maskedFrame(CLOSING, frame.payload)).catch(() => {});
    if (await this.frame() !== undefined) throw new Error("something came behind the Close");
    return frame.payload.length === 0 ? 1005 : frame.payload[0] << 8 | frame.payload[1];
  }

  /** This WebSocket as a stream of bytes; messages are as large as writes are. */
  stream(): PeerSocket {
    let unread = new Uint8Array(0);
    return {
      read: async (into) => {
        while (unread.length === 0) {
          const frame = await this.frame();
          if (frame === undefined || frame.opcode === CLOSING) return null;
          if (frame.opcode === BINARY) unread = frame.payload.slice();
        }
        const count = Math.min(into.length, unread.length);
        into.set(unread.subarray(0, count));
        unread = unread.slice(count);
        return count;
      },
      write: async (bytes) => {
        await this.send(maskedFrame(BINARY, bytes));
        return bytes.length;
      },
      closeWrite: () => this.send(maskedFrame(CLOSING, new Uint8Array(0))),
      close: () => this.close(),
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#socket.close();
  }
}
