/**
 * What the datagram transport needs from outside: cryptography and chance (DATAGRAM §2 and §5). Both are
 * injected, so the machines stay pure and the same in a server, a browser and a simulation.
 *
 * The suite is fixed: ChaCha20-Poly1305 (RFC 8439), X25519 (RFC 7748), HMAC and HKDF with SHA-256 (RFC 2104,
 * RFC 5869). noble_suite.ts has one in JavaScript; transport/node_suite.ts one over node:crypto.
 *
 * @module
 */

/** Bytes of every key, hash and public key of the suite. */
export const KEY_BYTES = 32;
/** Bytes of a nonce. */
export const NONCE_BYTES = 12;
/** Bytes that sealing adds. */
export const TAG_BYTES = 16;

/** Seals and opens under one key. */
export interface Aead {
  /**
   * Encrypts `plain` and authenticates it together with `header`.
   *
   * @param into Takes the result, `plain.length + 16` bytes exactly; it may not overlap `plain`.
   */
  seal(nonce: Uint8Array, header: Uint8Array, plain: Uint8Array, into: Uint8Array): void;
  /**
   * Decrypts into `into`, `sealed.length - 16` bytes exactly. False if it was not sealed so: what stands in
   * `into` then means nothing.
   */
  open(nonce: Uint8Array, header: Uint8Array, sealed: Uint8Array, into: Uint8Array): boolean;
}

/** The cryptography of one runtime. Nothing here may wait. */
export interface Suite {
  /** SHA-256. */
  hash(data: Uint8Array): Uint8Array;
  /** HMAC-SHA-256. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** The X25519 public key of a secret one. */
  publicKey(secret: Uint8Array): Uint8Array;
  /** The X25519 shared secret; `undefined` where it would be all zero, which proves nothing. */
  agree(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  /** A cipher for a key of 32 bytes. */
  aead(key: Uint8Array): Aead;
}

/** What the machines are given. */
export interface Env {
  /** Fills an array with bytes that nobody can guess. */
  random(out: Uint8Array): void;
  /** The cryptography. */
  readonly suite: Suite;
}

/** A static X25519 key pair. */
export interface KeyPair {
  /** Known to its owner only. */
  readonly secret: Uint8Array;
  /** Known to others. */
  readonly public: Uint8Array;
}

/** Makes a new key pair. */
export function createKeyPair({ random, suite }: Env): KeyPair {
  const secret = new Uint8Array(KEY_BYTES);
  random(secret);
  return { secret, public: suite.publicKey(secret) };
}

const encoder = new TextEncoder();

/** Some byte strings and texts behind one another. */
export function concatenate(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const arrays = parts.map((part) => typeof part === "string" ? encoder.encode(part) : part);
  const whole = new Uint8Array(arrays.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}

/** HKDF-Extract (RFC 5869 §2.2). */
export function hkdfExtract(suite: Suite, salt: Uint8Array, input: Uint8Array): Uint8Array {
  return suite.hmac(salt, input);
}

/**
 * HKDF-Expand (RFC 5869 §2.3): `length` bytes for a purpose.
 *
 * @throws RangeError above 255 blocks of 32 bytes.
 */
export function hkdfExpand(
  suite: Suite,
  key: Uint8Array,
  info: Uint8Array | string,
  length: number,
): Uint8Array {
  if (length > 255 * KEY_BYTES) throw new RangeError(`HKDF cannot give ${length} bytes`);
  const out = new Uint8Array(length);
  let block = new Uint8Array(0);
  for (let at = 0, count = 1; at < length; at += block.length, count++) {
    block = new Uint8Array(suite.hmac(key, concatenate(block, info, Uint8Array.of(count))));
    out.set(block.subarray(0, length - at), at);
  }
  return out;
}
