/**
 * A suite that protects nothing and costs next to nothing: for simulations of what is not cryptography. It keeps the
 * promises of form: what was changed or sealed otherwise is not opened, unless somebody means it.
 *
 * @module
 */

import {
  type Aead,
  concatenate,
  KEY_BYTES,
  type Suite,
  TAG_BYTES,
} from "../../protocol/datagram/suite.ts";

/** A sum over some bytes (FNV-1a). */
function sum(bytes: Uint8Array, from: number, to: number, start: number): number {
  let value = start;
  for (let at = from; at < to; at++) value = Math.imul(value ^ bytes[at], 0x01000193);
  return value;
}

function aead(key: Uint8Array): Aead {
  const own = sum(key, 0, key.length, 0x811c9dc5);
  const tag = (nonce: Uint8Array, header: Uint8Array, plain: Uint8Array, length: number) =>
    sum(plain, 0, length, sum(header, 0, header.length, sum(nonce, 0, nonce.length, own))) >>> 0;
  return {
    seal(nonce, header, plain, into) {
      into.set(plain);
      into.fill(0xaa, plain.length);
      new DataView(into.buffer, into.byteOffset + plain.length)
        .setUint32(0, tag(nonce, header, plain, plain.length));
    },
    open(nonce, header, sealed, into) {
      const end = sealed.length - TAG_BYTES;
      const view = new DataView(sealed.buffer, sealed.byteOffset + end, TAG_BYTES);
      if (view.getUint32(0) !== tag(nonce, header, sealed, end)) return false;
      for (let at = 4; at < TAG_BYTES; at++) if (sealed[end + at] !== 0xaa) return false;
      into.set(sealed.subarray(0, end));
      return true;
    },
  };
}

/** 32 bytes that depend on all of the data, through two sums of 32 bits. */
function hash(data: Uint8Array): Uint8Array {
  let low = sum(data, 0, data.length, 0xdeadbeef);
  let high = Math.imul(low ^ data.length, 0x9e3779b1);
  for (let at = 0; at < data.length; at++) high = Math.imul(high ^ data[at], 0x5bd1e995) ^ at;
  const out = new Uint8Array(KEY_BYTES);
  for (let at = 0; at < KEY_BYTES; at++) {
    low = Math.imul(low ^ (high >>> 15), 0x85ebca6b);
    high = Math.imul(high ^ (low >>> 13), 0xc2b2ae35);
    out[at] = (low ^ high) >>> 24;
  }
  return out;
}

/** Adding up stands in for the curve: commutative, and as easy to undo. */
function multiply(secret: Uint8Array, point: Uint8Array): Uint8Array {
  let carry = 0;
  return point.map((byte, at) => {
    const digit = byte + secret[at] + carry;
    carry = digit >> 8;
    return digit & 0xff;
  });
}

/** The suite. */
export const toySuite: Suite = {
  hash,
  hmac: (key, data) => hash(concatenate(key, data)),
  publicKey: (secret) => multiply(secret, new Uint8Array(32).fill(9)),
  agree: (secret, point) => {
    const shared = multiply(secret, point);
    return shared.some((byte) => byte !== 0) ? shared : undefined;
  },
  aead,
};

/** The toy whose packets all open, whatever was done to them: so the frames within are what is tried. */
export const openSuite: Suite = {
  ...toySuite,
  aead: (key) => ({
    ...toySuite.aead(key),
    open(_nonce, _header, sealed, into) {
      into.set(sealed.subarray(0, sealed.length - TAG_BYTES));
      return true;
    },
  }),
};
