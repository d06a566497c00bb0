/**
 * The parameters that each side tells in its half of the handshake, sealed: one byte of name, one of length,
 * the value highest byte first; zeros behind the last one. What a side does not know it passes over.
 *
 * @module
 */

import { PARAMS_BYTES } from "./packet.ts";

/** What a side tells of itself. */
export interface Params {
  /** The connection id that its packets came from, told again where nobody can change it. */
  readonly cid: number;
  /** Silence after which it gives the connection up, in ms. */
  readonly idle: number;
  /** Bytes of the stream that it takes before it has said more. */
  readonly window: number;
  /** The longest that it holds an acknowledgement back, in ms. */
  readonly ackDelay: number;
  /** The largest datagram that it takes. */
  readonly datagram: number;
  /** What RESET will show if it ever does not know `cid` any more. */
  readonly reset: number;
}

/** The name of each parameter on the wire, and what it may be. */
export const PARAMS_TABLE = {
  cid: { id: 1, min: 0, max: Number.MAX_SAFE_INTEGER },
  idle: { id: 2, min: 1000, max: 3_600_000 },
  window: { id: 3, min: 0, max: Number.MAX_SAFE_INTEGER },
  ackDelay: { id: 4, min: 0, max: 1000 },
  datagram: { id: 5, min: 1200, max: 65_527 },
  reset: { id: 6, min: 0, max: Number.MAX_SAFE_INTEGER },
} as const satisfies Record<keyof Params, { id: number; min: number; max: number }>;

const NAMES = Object.keys(PARAMS_TABLE) as (keyof Params)[];
const NAME_BY_ID = new Map(NAMES.map((name) => [PARAMS_TABLE[name].id as number, name]));
/** The most bytes of a value that is read as a number. */
const NUMBER_BYTES_MAX = 7;

/**
 * Encodes parameters.
 *
 * @throws RangeError for one that is out of its bounds.
 */
export function encodeParams(params: Params): Uint8Array {
  const bytes = new Uint8Array(PARAMS_BYTES);
  let at = 0;
  for (const name of NAMES) {
    const { id, min, max } = PARAMS_TABLE[name];
    const value = params[name];
    if (!(Number.isSafeInteger(value) && value >= min && value <= max)) {
      throw new RangeError(`${name} is ${value}; give a whole number from ${min} to ${max}`);
    }
    const digits = numberBytes(value);
    bytes.set([id, digits.length, ...digits], at);
    at += 2 + digits.length;
  }
  return bytes;
}

/** Reads parameters; `undefined` where one is missing, twice there, or out of its bounds. */
export function parseParams(bytes: Uint8Array): Params | undefined {
  const found: Partial<Record<keyof Params, number>> = {};
  for (let at = 0; at < bytes.length && bytes[at] !== 0;) {
    const name = NAME_BY_ID.get(bytes[at]);
    const length = bytes[at + 1];
    const start = at + 2;
    at = start + length;
    if (!(at <= bytes.length)) return undefined;
    if (name === undefined) continue;
    if (length > NUMBER_BYTES_MAX || found[name] !== undefined) return undefined;
    let value = 0;
    for (let digit = start; digit < at; digit++) value = value * 256 + bytes[digit];
    const { min, max } = PARAMS_TABLE[name];
    if (value < min || value > max) return undefined;
    found[name] = value;
  }
  const { cid, idle, window, ackDelay, datagram, reset } = found;
  if (cid === undefined || idle === undefined || window === undefined) return undefined;
  if (ackDelay === undefined || datagram === undefined || reset === undefined) return undefined;
  return { cid, idle, window, ackDelay, datagram, reset };
}

function numberBytes(value: number): number[] {
  const digits: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return digits;
}
