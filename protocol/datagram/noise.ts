/**
 * The Noise Protocol Framework, revision 34, as far as it is needed here: the patterns NK and KKpsk0 with
 * 25519, ChaChaPoly and SHA-256 (DATAGRAM §2). Checked against published vectors.
 *
 * ```text
 * NK:  <- s                       KKpsk0:  -> s   <- s
 *      ...                                 ...
 *      -> e, es                            -> psk, e, es, ss
 *      <- e, ee                            <- e, ee, se
 * ```
 *
 * One object is one side of one handshake: the initiator writes and then reads, the responder reads and then
 * writes. A message that is not genuine changes nothing, so the genuine one can still be read behind it.
 *
 * @module
 */

import {
  type Aead,
  concatenate,
  hkdfExpand,
  hkdfExtract,
  KEY_BYTES,
  type KeyPair,
  NONCE_BYTES,
  type Suite,
  TAG_BYTES,
} from "./suite.ts";

/** A step of a message: a key is sent, two are combined, or the secret that both have is mixed in. */
type Token = "e" | "es" | "se" | "ee" | "ss" | "psk";

/** Whose static keys both know before, and what the two messages do. */
interface Pattern {
  readonly known: readonly Role[];
  readonly messages: readonly (readonly Token[])[];
}

/** Which side of a handshake. */
export type Role = "initiator" | "responder";

/** The patterns, as the specification writes them. */
const PATTERNS = {
  NK: { known: ["responder"], messages: [["e", "es"], ["e", "ee"]] },
  KKpsk0: {
    known: ["initiator", "responder"],
    messages: [["psk", "e", "es", "ss"], ["e", "ee", "se"]],
  },
} as const satisfies Record<string, Pattern>;

/** The name of a pattern. */
export type PatternName = keyof typeof PATTERNS;

/** What one side of a handshake is made with. */
export interface NoiseOptions {
  readonly suite: Suite;
  readonly pattern: PatternName;
  readonly role: Role;
  /** What both sides must agree on besides. */
  readonly prologue: Uint8Array;
  /** A secret key for this handshake alone. */
  readonly ephemeral: Uint8Array;
  /** Our static keys: not for the initiator of NK. */
  readonly static?: KeyPair;
  /** The peer's static public key: not for the responder of NK. */
  readonly remoteStatic?: Uint8Array;
  /** The secret that both have, 32 bytes, for KKpsk0. */
  readonly psk?: Uint8Array;
}

/** What a finished handshake gives (Split). */
export interface NoiseResult {
  /** The key for what the initiator sends. */
  readonly initiator: Uint8Array;
  /** The key for what the responder sends. */
  readonly responder: Uint8Array;
  /** What stands for the whole handshake and is the same on both sides only if nobody stands between. */
  readonly hash: Uint8Array;
}

/** One side of a handshake. */
export interface Noise {
  /** Writes our message. */
  write(payload: Uint8Array): Uint8Array;
  /** Reads the peer's message: its payload, or `undefined` if it is not genuine. */
  read(message: Uint8Array): Uint8Array | undefined;
  /** The result, once both messages are through. */
  split(): NoiseResult;
}

const NOTHING = new Uint8Array(0);

/** The running hash and key of a handshake (SymmetricState). Nothing in it is changed in place. */
interface Symmetric {
  readonly h: Uint8Array;
  readonly ck: Uint8Array;
  readonly aead: Aead | undefined;
  readonly n: number;
}

class Handshake implements Noise {
  readonly #options: NoiseOptions;
  readonly #messages: readonly (readonly Token[])[];
  readonly #ephemeralPublic: Uint8Array;
  #remoteEphemeral = NOTHING;
  #state: Symmetric;
  #next = 0;

  constructor(options: NoiseOptions) {
    const { suite, pattern, role, prologue } = options;
    const { known, messages } = PATTERNS[pattern];
    this.#options = options;
    this.#messages = messages;
    this.#ephemeralPublic = suite.publicKey(options.ephemeral);
    const name = concatenate(`Noise_${pattern}_25519_ChaChaPoly_SHA256`);
    // A name of 32 bytes stands for itself, a shorter one is padded, a longer one hashed.
    const h = name.length <= KEY_BYTES
      ? concatenate(name, new Uint8Array(KEY_BYTES - name.length))
      : suite.hash(name);
    this.#state = { h, ck: h, aead: undefined, n: 0 };
    this.#mixHash(prologue);
    for (const side of known) {
      const key = side === role ? options.static?.public : options.remoteStatic;
      if (key === undefined) throw new Error(`${pattern} needs the static key of the ${side}`);
      this.#mixHash(key);
    }
    if (pattern === "KKpsk0" && options.psk?.length !== KEY_BYTES) {
      throw new RangeError("KKpsk0 needs a psk of 32 bytes");
    }
  }

  write(payload: Uint8Array): Uint8Array {
    this.#expect("initiator");
    const parts: Uint8Array[] = [];
    for (const token of this.#messages[this.#next]) {
      if (token === "e") {
        parts.push(this.#ephemeralPublic);
        this.#mixEphemeral(this.#ephemeralPublic);
      } else if (!this.#mix(token)) {
        throw new Error(`the peer's public key is none: ${token} gives nothing`);
      }
    }
    parts.push(this.#seal(payload));
    this.#next++;
    return concatenate(...parts);
  }

  read(message: Uint8Array): Uint8Array | undefined {
    this.#expect("responder");
    const before = this.#state;
    const payload = this.#tryRead(message);
    if (payload === undefined) this.#state = before;
    else this.#next++;
    return payload;
  }

  #tryRead(message: Uint8Array): Uint8Array | undefined {
    let rest = message;
    for (const token of this.#messages[this.#next]) {
      if (token === "e") {
        if (rest.length < KEY_BYTES) return undefined;
        this.#remoteEphemeral = rest.slice(0, KEY_BYTES);
        rest = rest.subarray(KEY_BYTES);
        this.#mixEphemeral(this.#remoteEphemeral);
      } else if (!this.#mix(token)) return undefined;
    }
    return this.#open(rest);
  }

  split(): NoiseResult {
    if (this.#next !== this.#messages.length) throw new Error("the handshake is not through");
    const [initiator, responder] = this.#hkdf(this.#state.ck, NOTHING);
    return { initiator, responder, hash: this.#state.h };
  }

  /** The first message is the initiator's to write and the responder's to read, the second the other way. */
  #expect(first: Role): void {
    const turn = this.#next === 0 ? this.#options.role === first : this.#options.role !== first;
    if (!turn || this.#next >= this.#messages.length) {
      throw new Error(`it is not the turn of the ${this.#options.role}`);
    }
  }

  #mixHash(data: Uint8Array): void {
    const { suite } = this.#options;
    this.#state = { ...this.#state, h: suite.hash(concatenate(this.#state.h, data)) };
  }

  #mixKey(input: Uint8Array): void {
    const [ck, key] = this.#hkdf(this.#state.ck, input);
    this.#state = { ...this.#state, ck, aead: this.#options.suite.aead(key), n: 0 };
  }

  #mixEphemeral(key: Uint8Array): void {
    this.#mixHash(key);
    // With a psk, the ephemeral keys must vary the key as well (§9.2).
    if (this.#options.pattern === "KKpsk0") this.#mixKey(key);
  }

  /** Mixes what a token stands for; false where a key of the peer is none. */
  #mix(token: Exclude<Token, "e">): boolean {
    const { suite, role, ephemeral, static: own, remoteStatic, psk } = this.#options;
    if (token === "psk") {
      const [ck, hash, key] = this.#hkdf(this.#state.ck, psk!, 3);
      this.#state = { ...this.#state, ck };
      this.#mixHash(hash);
      this.#state = { ...this.#state, aead: suite.aead(key), n: 0 };
      return true;
    }
    // The first letter is the initiator's key, the second the responder's.
    const [mine, theirs] = role === "initiator" ? [token[0], token[1]] : [token[1], token[0]];
    const shared = suite.agree(
      mine === "e" ? ephemeral : own!.secret,
      theirs === "e" ? this.#remoteEphemeral : remoteStatic!,
    );
    if (shared === undefined) return false;
    this.#mixKey(shared);
    return true;
  }

  #nonce(): Uint8Array {
    const nonce = new Uint8Array(NONCE_BYTES);
    nonce[4] = this.#state.n;
    this.#state = { ...this.#state, n: this.#state.n + 1 };
    return nonce;
  }

  #seal(plain: Uint8Array): Uint8Array {
    const { aead, h } = this.#state;
    const sealed = new Uint8Array(plain.length + TAG_BYTES);
    aead!.seal(this.#nonce(), h, plain, sealed);
    this.#mixHash(sealed);
    return sealed;
  }

  #open(sealed: Uint8Array): Uint8Array | undefined {
    const { aead, h } = this.#state;
    if (sealed.length < TAG_BYTES) return undefined;
    const plain = new Uint8Array(sealed.length - TAG_BYTES);
    if (!aead!.open(this.#nonce(), h, sealed, plain)) return undefined;
    this.#mixHash(sealed);
    return plain;
  }

  /** HKDF as in §4.3: two or three keys. */
  #hkdf(ck: Uint8Array, input: Uint8Array, count = 2): Uint8Array[] {
    const { suite } = this.#options;
    const bytes = hkdfExpand(suite, hkdfExtract(suite, ck, input), NOTHING, count * KEY_BYTES);
    return Array.from(
      { length: count },
      (_, at) => bytes.slice(at * KEY_BYTES, (at + 1) * KEY_BYTES),
    );
  }
}

/**
 * Begins one side of a handshake.
 *
 * @throws Error where a key that the pattern needs is missing.
 *
 * @example
 * ```ts
 * import { createNoise } from "./noise.ts";
 * import { nobleSuite as suite } from "./noble_suite.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const secret = new Uint8Array(32).fill(1);
 * const server = { secret, public: suite.publicKey(secret) };
 * const common = { suite, pattern: "NK", prologue: new Uint8Array(0) } as const;
 * const initiator = createNoise({
 *   ...common, role: "initiator", ephemeral: new Uint8Array(32).fill(2), remoteStatic: server.public,
 * });
 * const responder = createNoise({
 *   ...common, role: "responder", ephemeral: new Uint8Array(32).fill(3), static: server,
 * });
 * assertEquals(responder.read(initiator.write(new Uint8Array([1]))), new Uint8Array([1]));
 * assertEquals(initiator.read(responder.write(new Uint8Array([2]))), new Uint8Array([2]));
 * assertEquals(initiator.split(), responder.split());
 * ```
 */
export function createNoise(options: NoiseOptions): Noise {
  return new Handshake(options);
}
