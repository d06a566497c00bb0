/**
 * Ours through WebSockets: the same server and the same load, in binary messages. The load generator masks
 * with zeros, and takes the heads of messages off as they come, so that what it costs more than over TCP is
 * little.
 *
 * @module
 */

import { dial, soon, writeAll } from "./dialogue.ts";
import { dfpPeer } from "./dfp.ts";
import type { ChatPeer, Stream } from "./peer.ts";

const HEAD_END = "\r\n\r\n";
const REQUEST = "GET /dfp HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n" +
  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==${HEAD_END}`;
/** The most bytes of a message to the server. */
const MESSAGE_MAX = 512 * 1024;

class WebSocketConn implements Stream {
  readonly #conn: Stream;
  /** Payload of the present message that is still to come. */
  #left = 0;
  readonly #head = new Uint8Array(10);
  #filled = 0;

  constructor(conn: Stream) {
    this.#conn = conn;
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    for (;;) {
      const count = await this.#conn.read(into);
      if (count === null) return null;
      const kept = this.#strip(into, count);
      if (kept > 0) return kept;
    }
  }

  /** Moves the payload to the beginning; says how much there is. */
  #strip(bytes: Uint8Array, length: number): number {
    let kept = 0;
    for (let at = 0; at < length;) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, length - at);
        if (kept < at) bytes.copyWithin(kept, at, at + step);
        kept += step;
        at += step;
        this.#left -= step;
        continue;
      }
      this.#head[this.#filled++] = bytes[at++];
      const short = this.#head[1];
      if (this.#filled < 2) continue;
      if (this.#filled < (short === 127 ? 10 : short === 126 ? 4 : 2)) continue;
      if (this.#head[0] !== 0x82) throw new Error("the server has ended the WebSocket");
      const view = new DataView(this.#head.buffer);
      this.#left = short === 127 ? view.getUint32(6) : short === 126 ? view.getUint16(2) : short;
      this.#filled = 0;
    }
    return kept;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    const payload = bytes.subarray(0, MESSAGE_MAX);
    const head = headOf(payload.length);
    const frame = new Uint8Array(head.length + payload.length);
    frame.set(head);
    frame.set(payload, head.length);
    await writeAll(this.#conn, frame);
    return payload.length;
  }

  close(): void {
    this.#conn.close();
  }
}

/** The head of a binary message, masked with zeros; the length must stand in its shortest form. */
function headOf(length: number): Uint8Array {
  if (length < 126) return Uint8Array.of(0x82, 0x80 | length, 0, 0, 0, 0);
  if (length < 0x10000) return Uint8Array.of(0x82, 0xfe, length >> 8, length, 0, 0, 0, 0);
  const head = new Uint8Array(14);
  head.set([0x82, 0xff]);
  new DataView(head.buffer).setUint32(6, length);
  return head;
}

/** Opens a WebSocket to a server on this machine. */
async function dialWebSocket(port: number): Promise<Stream> {
  const conn = await dial(port);
  await writeAll(conn, new TextEncoder().encode(REQUEST));
  await soon(skipHead(conn), { what: "the WebSocket" });
  return new WebSocketConn(conn);
}

/** Byte by byte, so that nothing behind it is lost. */
async function skipHead(conn: Stream): Promise<void> {
  const byte = new Uint8Array(1);
  let head = "";
  while (!head.endsWith(HEAD_END)) {
    if (await conn.read(byte) === null) throw new Error(`no WebSocket was opened: ${head}`);
    head += String.fromCharCode(byte[0]);
  }
}

/** Ours, by WebSocket. */
export const dfpWebSocket: ChatPeer = dfpPeer({
  name: "ours by WebSocket",
  options: ["--web-port", "0"],
  listening: /^listening http:\/\/.*:(\d+)\/\n(?:.*\n)*?ready$/m,
  dial: dialWebSocket,
});
