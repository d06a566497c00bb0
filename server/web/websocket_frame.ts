/**
 * Frames of WebSocket (RFC 6455), as a server reads and writes them. Pure: bytes in, bytes out.
 *
 * A DFP stream does not care where messages begin, so none is ever put together: payload is unmasked in
 * place and handed on as it comes, and an unfinished message of any size costs a few bytes. (The `ws`
 * package holds a message until it is whole: 982 KiB for each peer that sends all of it but the end.)
 * What a peer does wrong is data, sticky, and the same however the bytes were cut.
 *
 * @module
 */

/** The most bytes of one message, however it is fragmented. */
export const MESSAGE_MAX = 1024 * 1024;
/** The most fragments of one message; empty ones cost their peer nothing else. */
export const FRAGMENTS_MAX = 4096;
/** Pings that wait for their pongs; older ones are forgotten, as RFC 6455 §5.5.3 allows. */
export const PINGS_MAX = 16;
/** The most payload of a control frame. */
const CONTROL_MAX = 125;

/** The status codes of closing that are used here (RFC 6455 §7.4.1). */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  fault: 1002,
  text: 1003,
  notUtf8: 1007,
  policy: 1008,
  tooBig: 1009,
} as const;

/** How the peer's side ended. */
export interface PeerClose {
  /** What our own Close says; `undefined` where the peer's said nothing. */
  readonly code: number | undefined;
  /** What the peer did wrong, for our own Close; `""` if it just closed. */
  readonly fault: string;
}

/** Reads a peer's frames. */
export interface FrameReader {
  /**
   * Takes the bytes that came, and moves the payload among them to the beginning of the same array. Says
   * how many bytes of payload there are now. After a Close or a fault nothing more is read.
   */
  read(bytes: Uint8Array): number;
  /** The payloads of the last Pings, {@linkcode PINGS_MAX} at most, that have come since it was asked. */
  takePings(): Uint8Array[];
  /** Set when the peer's side has ended. */
  readonly closed: PeerClose | undefined;
}

const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSING = 0x8;
const PING = 0x9;
const PONG = 0xa;
const FIN = 0x80;

/** What a head needs at most: two bytes, a length of eight, a mask of four. */
const HEAD_MAX = 14;
const NOTHING = new Uint8Array(0);
const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

class ServerFrameReader implements FrameReader {
  readonly #head = new Uint8Array(HEAD_MAX);
  #filled = 0;
  /** Whether the head that is there is whole: what comes next begins another one. */
  #whole = false;
  /** Payload of the present frame that is still to come. */
  #left = 0;
  /** Where in the mask the next byte stands. */
  #turn = 0;
  /** The payload of a control frame, while one is read. */
  #control: Uint8Array | undefined;
  #inMessage = false;
  #messageBytes = 0;
  #fragments = 0;
  #pings: Uint8Array[] = [];
  closed: PeerClose | undefined;

  takePings(): Uint8Array[] {
    const pings = this.#pings;
    if (pings.length > 0) this.#pings = [];
    return pings;
  }

  read(bytes: Uint8Array): number {
    let at = 0;
    let kept = 0;
    while (this.closed === undefined) {
      if (this.#left === 0) {
        if (this.#control !== undefined) this.#endControl(this.#control);
        else if (at === bytes.length) break;
        else at = this.#readHead(bytes, at);
        continue;
      }
      if (at === bytes.length) break;
      const count = Math.min(this.#left, bytes.length - at);
      if (this.#control === undefined) {
        this.#unmask(bytes.subarray(at, at + count), bytes, kept);
        kept += count;
      } else {
        const filled = this.#control.length - this.#left;
        this.#unmask(bytes.subarray(at, at + count), this.#control, filled);
      }
      at += count;
      this.#left -= count;
    }
    return kept;
  }

  /** `to` may be the same memory, as long as it is written no further ahead than `from` is read. */
  #unmask(from: Uint8Array, to: Uint8Array, start: number): void {
    const mask = this.#head;
    // The mask stands at the end of a head that is whole.
    const base = this.#filled - 4;
    let turn = this.#turn;
    for (let at = 0; at < from.length; at++) {
      to[start + at] = from[at] ^ mask[base + turn];
      turn = (turn + 1) & 3;
    }
    this.#turn = turn;
  }

  /** Fills the head from `at` on; says where it ends. */
  #readHead(bytes: Uint8Array, at: number): number {
    const head = this.#head;
    if (this.#whole) {
      this.#whole = false;
      this.#filled = 0;
      this.#turn = 0;
    }
    while (at < bytes.length) {
      head[this.#filled++] = bytes[at++];
      if (this.#filled === 2) this.#judgeStart();
      if (this.closed !== undefined) return at;
      if (this.#filled === this.#headBytes) {
        this.#whole = true;
        this.#judgeLength();
        return at;
      }
    }
    return at;
  }

  /** How long the head is, as its second byte says; a lone byte is not enough to know. */
  get #headBytes(): number {
    if (this.#filled < 2) return HEAD_MAX;
    const length = this.#head[1] & 0x7f;
    return length === 127 ? 14 : length === 126 ? 8 : 6;
  }

  #judgeStart(): void {
    const [first, second] = this.#head;
    const opcode = first & 0x0f;
    const whole = (first & FIN) !== 0;
    if ((first & 0x70) !== 0) return this.#fail(CLOSE.fault, "a reserved bit is set");
    if ((second & 0x80) === 0) return this.#fail(CLOSE.fault, "a frame is not masked");
    switch (opcode) {
      case CLOSING:
      case PING:
      case PONG:
        if (!whole) return this.#fail(CLOSE.fault, "a control frame is fragmented");
        if ((second & 0x7f) > CONTROL_MAX) {
          return this.#fail(CLOSE.fault, "a control frame is longer than 125 bytes");
        }
        return;
      case CONTINUATION:
        if (!this.#inMessage) return this.#fail(CLOSE.fault, "there is nothing to continue");
        return;
      case TEXT:
      case BINARY:
        if (this.#inMessage) {
          return this.#fail(CLOSE.fault, "a message begins within another one");
        }
        if (opcode === TEXT) this.#fail(CLOSE.text, "DFP travels in binary messages only");
        return;
      default:
        return this.#fail(CLOSE.fault, "the opcode is not known");
    }
  }

  #judgeLength(): void {
    const head = this.#head;
    const short = head[1] & 0x7f;
    let length = short;
    let least = 0;
    if (short === 126) [length, least] = [(head[2] << 8) | head[3], 126];
    else if (short === 127) {
      // Anything above 32 bits is too big all the same; the sign bit must not be set.
      if ((head[2] & 0x80) !== 0) return this.#fail(CLOSE.fault, "the length is negative");
      const high = head[2] | head[3] | head[4] | head[5];
      const low = ((head[6] << 24) | (head[7] << 16) | (head[8] << 8) | head[9]) >>> 0;
      [length, least] = [high !== 0 ? Infinity : low, 0x10000];
    }
    // RFC 6455 §5.2: what could be said shorter must be.
    if (length < least) return this.#fail(CLOSE.fault, "the length is not in its shortest form");
    const opcode = head[0] & 0x0f;
    if (opcode >= CLOSING) {
      this.#control = length === 0 ? NOTHING : new Uint8Array(length);
    } else if (!this.#countFragment(length, opcode)) return;
    this.#left = length;
  }

  /** Counts a data frame as part of its message. */
  #countFragment(length: number, opcode: number): boolean {
    if (opcode !== CONTINUATION) {
      this.#messageBytes = 0;
      this.#fragments = 0;
    }
    this.#messageBytes += length;
    this.#inMessage = (this.#head[0] & FIN) === 0;
    if (this.#messageBytes > MESSAGE_MAX) {
      this.#fail(CLOSE.tooBig, `a message is larger than ${MESSAGE_MAX} bytes`);
    } else if (++this.#fragments > FRAGMENTS_MAX) {
      this.#fail(CLOSE.policy, `a message has more than ${FRAGMENTS_MAX} fragments`);
    }
    return this.closed === undefined;
  }

  #endControl(payload: Uint8Array): void {
    this.#control = undefined;
    const opcode = this.#head[0] & 0x0f;
    if (opcode === PING) {
      this.#pings.push(payload);
      if (this.#pings.length > PINGS_MAX) this.#pings.shift();
    } else if (opcode === CLOSING) this.#endClose(payload);
  }

  #endClose(payload: Uint8Array): void {
    if (payload.length === 0) {
      this.closed = { code: undefined, fault: "" };
      return;
    }
    if (payload.length === 1) return this.#fail(CLOSE.fault, "half a closing code");
    const code = (payload[0] << 8) | payload[1];
    if (!mayTravel(code)) return this.#fail(CLOSE.fault, "the closing code is reserved");
    try {
      utf8.decode(payload.subarray(2));
    } catch {
      return this.#fail(CLOSE.notUtf8, "the closing reason is not UTF-8");
    }
    this.closed = { code, fault: "" };
  }

  #fail(code: number, fault: string): void {
    this.closed = { code, fault };
  }
}

/** Whether a Close may carry this code (RFC 6455 §7.4, and what is registered since). */
function mayTravel(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
}

/**
 * Makes a reader of the frames of one peer.
 *
 * @example
 * ```ts
 * import { createFrameReader } from "./websocket_frame.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const reader = createFrameReader();
 * // RFC 6455 §5.7 as a binary message: "Hello", masked.
 * const bytes = Uint8Array.of(0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58);
 * const count = reader.read(bytes);
 * assertEquals(new TextDecoder().decode(bytes.subarray(0, count)), "Hello");
 * ```
 */
export function createFrameReader(): FrameReader {
  return new ServerFrameReader();
}

/** The head of a frame with so much payload, in an array with room for so much behind it. */
function headOf(opcode: number, length: number, room: number): Uint8Array {
  const head = length < 126 ? 2 : length < 0x10000 ? 4 : 10;
  const bytes = new Uint8Array(head + room);
  bytes[0] = FIN | opcode;
  if (head === 2) bytes[1] = length;
  else if (head === 4) {
    bytes[1] = 126;
    bytes[2] = length >>> 8;
    bytes[3] = length;
  } else {
    bytes[1] = 127;
    new DataView(bytes.buffer).setUint32(6, length);
  }
  return bytes;
}

function frame(opcode: number, payload: Uint8Array): Uint8Array {
  const bytes = headOf(opcode, payload.length, payload.length);
  bytes.set(payload, bytes.length - payload.length);
  return bytes;
}

/** A whole binary message. */
export function binaryFrame(payload: Uint8Array): Uint8Array {
  return frame(BINARY, payload);
}

/** What stands before the payload of a binary message, where that is too large to be copied. */
export function binaryHead(length: number): Uint8Array {
  return headOf(BINARY, length, 0);
}

/** The answer to a Ping. */
export function pongFrame(payload: Uint8Array): Uint8Array {
  return frame(PONG, payload);
}

/** A Close; without a code it says nothing. */
export function closeFrame(code?: number, reason = ""): Uint8Array {
  if (code === undefined) return frame(CLOSING, NOTHING);
  const text = encoder.encode(reason).subarray(0, CONTROL_MAX - 2);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >>> 8;
  payload[1] = code;
  payload.set(text, 2);
  return frame(CLOSING, payload);
}
