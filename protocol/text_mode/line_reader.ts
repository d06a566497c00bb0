/**
 * Lines of text out of the bytes that a terminal sends.
 *
 * A line ends with CR, LF or CR LF. What telnet says to the other end about itself (RFC 854: IAC and what
 * belongs to it) is no text and left out, and so is NUL, which telnet puts behind a CR. The bytes of a line
 * are looked at once, however they were cut, and no more of them are kept than a line may have.
 *
 * @module
 */

import type { ReceiveBuffer } from "../receive_buffer.ts";

const NUL = 0x00;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Telnet's commands, as far as their length differs (RFC 854). */
const TELNET = { end: 240, begin: 250, will: 251, dont: 254, command: 255 } as const;

/** What came. */
export type LineInput =
  /** A line, without its end. */
  | { readonly kind: "line"; readonly line: string }
  /** A line that is not UTF-8, with U+FFFD for what is not. */
  | { readonly kind: "not-text"; readonly line: string }
  /** More bytes than a line may have, and no end. Nothing more can be read. */
  | { readonly kind: "too-long" };

/** Reads lines from a buffer. */
export interface LineReader {
  /** Takes the next line of at most so many bytes, or `undefined` while it is not whole. */
  pull(most: number): LineInput | undefined;
  /** Takes what stands behind the last line's end; nothing more will come. */
  rest(): LineInput | undefined;
}

/** Where within telnet's own talk the next byte stands. */
type Place = "text" | "command" | "option" | "inside" | "inside-command";

const SMALLEST = 128;
const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder();
const strict = new TextDecoder("utf-8", { fatal: true });

class TerminalReader implements LineReader {
  readonly #received: ReceiveBuffer;
  #line = NOTHING;
  #length = 0;
  /** Bytes since the last line's end, those that are left out too. */
  #taken = 0;
  #place: Place = "text";
  /** A line feed that comes next belongs to the end that was seen. */
  #returned = false;

  constructor(received: ReceiveBuffer) {
    this.#received = received;
  }

  pull(most: number): LineInput | undefined {
    const received = this.#received;
    const waiting = received.length;
    for (let at = 0; at < waiting; at++) {
      const byte = received.at(at);
      if (this.#ends(byte)) {
        received.skip(at + 1);
        return this.#finish();
      }
      if (this.#taken > most) {
        received.skip(at + 1);
        return { kind: "too-long" };
      }
    }
    received.skip(waiting);
    return undefined;
  }

  rest(): LineInput | undefined {
    return this.#length > 0 ? this.#finish() : undefined;
  }

  /** Takes one byte in, and says whether it ends a line. */
  #ends(byte: number): boolean {
    if (this.#place !== "text") {
      this.#taken++;
      this.#place = this.#within(byte);
      return false;
    }
    const returned = this.#returned;
    this.#returned = byte === CARRIAGE_RETURN;
    if (byte === CARRIAGE_RETURN) return true;
    if (byte === LINE_FEED) return !returned;
    this.#taken++;
    if (byte === TELNET.command) this.#place = "command";
    else if (byte !== NUL) this.#add(byte);
    return false;
  }

  /** What follows a byte of telnet's own talk. */
  #within(byte: number): Place {
    switch (this.#place) {
      case "command":
        if (byte === TELNET.command) this.#add(byte);
        if (byte === TELNET.begin) return "inside";
        return byte >= TELNET.will && byte <= TELNET.dont ? "option" : "text";
      case "inside":
        return byte === TELNET.command ? "inside-command" : "inside";
      case "inside-command":
        return byte === TELNET.end ? "text" : "inside";
      default:
        return "text";
    }
  }

  #add(byte: number): void {
    if (this.#length === this.#line.length) {
      const grown = new Uint8Array(Math.max(SMALLEST, this.#length * 2));
      grown.set(this.#line);
      this.#line = grown;
    }
    this.#line[this.#length++] = byte;
  }

  #finish(): LineInput {
    const bytes = this.#line.subarray(0, this.#length);
    this.#line = NOTHING;
    this.#length = this.#taken = 0;
    try {
      return { kind: "line", line: strict.decode(bytes) };
    } catch {
      return { kind: "not-text", line: decoder.decode(bytes) };
    }
  }
}

/**
 * Makes a reader over a buffer that somebody else fills.
 *
 * @example
 * ```ts
 * import { createReceiveBuffer } from "../receive_buffer.ts";
 * import { createLineReader } from "./line_reader.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const buffer = createReceiveBuffer();
 * const reader = createLineReader(buffer);
 * buffer.append(new TextEncoder().encode("LST\r\nXI"));
 * assertEquals(reader.pull(100), { kind: "line", line: "LST" });
 * assertEquals(reader.pull(100), undefined);
 * assertEquals(reader.rest(), { kind: "line", line: "XI" });
 * ```
 */
export function createLineReader(received: ReceiveBuffer): LineReader {
  return new TerminalReader(received);
}
