/**
 * Whole numbers in packets: big-endian ones of fixed size, and those of one, two, four or eight bytes of RFC
 * 9000 §16, whose first two bits say which. All stay below 2⁵³, what JavaScript counts exactly.
 *
 * @module
 */

/** The most bytes of a variable integer. */
export const VARINT_BYTES_MAX = 8;

/** How many bytes a number takes. */
export function varintBytes(value: number): number {
  return value < 0x40 ? 1 : value < 0x4000 ? 2 : value < 0x4000_0000 ? 4 : 8;
}

/**
 * Writes a number at `at`, where the caller has made room; gives the place behind it.
 *
 * @throws RangeError for what is no whole number from 0 to 2⁵³−1.
 */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  if (value < 0x40 && value >= 0) {
    into[at] = value;
    return at + 1;
  }
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`${value} cannot be written; give a whole number below 2^53`);
  }
  if (value < 0x4000) {
    into[at] = 0x40 | (value >>> 8);
    into[at + 1] = value;
    return at + 2;
  }
  if (value < 0x4000_0000) {
    writeUint32(into, at, (value | 0x8000_0000) >>> 0);
    return at + 4;
  }
  writeUint64(into, at, value);
  into[at] |= 0xc0;
  return at + 8;
}

/** Writes 32 bits, highest byte first. */
export function writeUint32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}

/** Writes a number below 2⁵³ as eight bytes, highest first. */
export function writeUint64(into: Uint8Array, at: number, value: number): void {
  writeUint32(into, at, Math.floor(value / 2 ** 32));
  writeUint32(into, at + 4, value >>> 0);
}

/** The 32 bits at `at`. */
export function readUint32(from: Uint8Array, at: number): number {
  return ((from[at] << 24) | (from[at + 1] << 16) | (from[at + 2] << 8) | from[at + 3]) >>> 0;
}

/** The number of eight bytes at `at`, or −1 where it is above 2⁵³−1. */
export function readUint64(from: Uint8Array, at: number): number {
  const high = readUint32(from, at);
  return high >= 2 ** 21 ? -1 : high * 2 ** 32 + readUint32(from, at + 4);
}

/**
 * Reads numbers and bytes one behind the other. What is not there, or is too large, makes the reader fail,
 * and everything behind it gives 0: whoever reads looks at `failed` when it is done.
 */
export class Reader {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #failed = false;

  /** Begins to read from `start` to `end`. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#failed = false;
  }

  /** Whether something was not there. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Where the next byte stands. */
  get at(): number {
    return this.#at;
  }

  /** Whether all is read, or reading has failed. */
  get done(): boolean {
    return this.#failed || this.#at >= this.#end;
  }

  /** One byte. */
  byte(): number {
    if (this.#at >= this.#end) return this.#fail();
    return this.#bytes[this.#at++];
  }

  /** A variable integer. */
  varint(): number {
    if (this.#at >= this.#end) return this.#fail();
    const bytes = this.#bytes;
    const at = this.#at;
    const first = bytes[at];
    if (first < 0x40) {
      this.#at = at + 1;
      return first;
    }
    const size = 1 << (first >>> 6);
    if (at + size > this.#end) return this.#fail();
    this.#at = at + size;
    if (size === 2) return ((first & 0x3f) << 8) | bytes[at + 1];
    if (size === 4) return readUint32(bytes, at) & 0x3fff_ffff;
    const high = readUint32(bytes, at) & 0x3fff_ffff;
    return high >= 2 ** 21 ? this.#fail() : high * 2 ** 32 + readUint32(bytes, at + 4);
  }

  /** A number of eight bytes. */
  uint64(): number {
    const at = this.skip(8);
    if (this.#failed) return 0;
    const value = readUint64(this.#bytes, at);
    return value < 0 ? this.#fail() : value;
  }

  /** Passes over so many bytes; gives where they began. */
  skip(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) return this.#fail();
    this.#at = at + count;
    return at;
  }

  #fail(): 0 {
    this.#failed = true;
    return 0;
  }
}
