/**
 * SCRAM-SHA-256, both roles (RFC 5802, RFC 7677; DESIGN §5): the client proves that it knows a password,
 * the server proves that it holds what was made from it, and the password itself never travels.
 *
 * ```text
 * client                                            server
 *   first()            n,,n=user,r=…            →   readClientFirst()
 *   readServerFirst()  ←  r=…,s=salt,i=4096         first()
 *   final()            c=biws,r=…,p=proof       →   readClientFinal()
 *   readServerFinal()  ←  v=signature               (its result)
 * ```
 *
 * The four messages are exactly those of the RFC, so any SCRAM library can stand at the other end. One
 * object serves one exchange. Between `readServerFirst` and `final` the caller runs PBKDF2, which is slow
 * by design and best left to WebCrypto:
 *
 * ```ts ignore
 * const key = await crypto.subtle.importKey(
 *   "raw", new TextEncoder().encode(normalizePassword(password)), "PBKDF2", false, ["deriveBits"]);
 * const saltedPassword = new Uint8Array(await crypto.subtle.deriveBits(
 *   { name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, 256));
 * ```
 *
 * Nothing that a peer sends makes a function here throw: it gives a {@linkcode ScramFault}. The roles
 * are in scram_client.ts and scram_server.ts, the keys in verifier.ts; here is what the messages look like.
 *
 * @module
 */

/** The limits of an exchange. */
export const SCRAM_LIMITS = {
  /** The fewest PBKDF2 rounds that a client accepts, unless told otherwise (RFC 7677 §4). */
  minIterations: 4096,
  /** The most PBKDF2 rounds that a client accepts: more would only serve to keep it busy. */
  maxIterations: 10_000_000,
  /** The longest message, in UTF-16 units. */
  messageLength: 4096,
  /** The longest nonce that one side may add, in characters. */
  nonceLength: 256,
  /** The longest channel binding data, in bytes. */
  bindingBytes: 1024,
  /** How long a new salt should be, in bytes, so that a fake one looks like all others. */
  saltBytes: 16,
  /** The length of a salted password and of each key, in bytes. */
  keyBytes: 32,
} as const;

/** Why an exchange failed because of what the other side sent. */
export interface ScramFault {
  /**
   * `malformed`: not the grammar of RFC 5802 §7; `wrong-nonce`: the nonce does not continue ours;
   * `wrong-proof`: wrong password, unknown user, or a server that does not know the password;
   * `wrong-binding`: the two ends are not on the same channel, or one hides that it could bind;
   * `unsupported`: an extension, binding type, identity or iteration count that is not accepted.
   */
  readonly fault: "malformed" | "wrong-nonce" | "wrong-proof" | "wrong-binding" | "unsupported";
  /** One sentence for people. */
  readonly text: string;
}

/** What ties an exchange to the channel that it runs over (RFC 5056). */
export interface ChannelBinding {
  /** `dfp-noise`, `tls-server-end-point`, or another name of letters, digits, `.` and `-`. */
  readonly type: string;
  /** What both ends know of the channel and nobody in between can choose, at most 1024 bytes. */
  readonly data: Uint8Array;
}

/** @throws RangeError for a nonce of our own that cannot be sent. */
export function expectNonce(nonce: string): void {
  if (!/^[!-+\--~]+$/.test(nonce) || nonce.length > SCRAM_LIMITS.nonceLength) {
    throw new RangeError("nonce must be 1 to 256 visible ASCII characters without a comma");
  }
}

/** @throws RangeError for a channel binding that cannot be sent. */
export function expectBinding(binding: ChannelBinding): void {
  if (!/^[A-Za-z0-9.-]{1,64}$/.test(binding.type)) {
    throw new RangeError("binding.type must be 1 to 64 letters, digits, dots and hyphens");
  }
  if (binding.data.length > SCRAM_LIMITS.bindingBytes) {
    throw new RangeError("binding.data must be at most 1024 bytes");
  }
}

/** A fault of form. */
export const malformed = (text: string): ScramFault => ({ fault: "malformed", text });
/** A fault of what is asked for. */
export const unsupported = (text: string): ScramFault => ({ fault: "unsupported", text });
/** The fault of a password or a user that is wrong. */
export const WRONG_PROOF: ScramFault = {
  fault: "wrong-proof",
  text: "The user name or the password is wrong.",
};

/** What a nonce is made of; the comma has already been taken for a separator. */
export const VISIBLE = /^[!-~]+$/;

/** `gs2-cbind-flag "," [authzid] ","` of RFC 5802 §7. */
const GS2_HEADER = /^(?:(n|y)|p=([A-Za-z0-9.-]{1,64})),(?:a=([^,]+))?,/;

/**
 * The values of the attributes that a message must begin with, in order, one letter of `names` each.
 * What follows them are extensions: their form is checked and they are otherwise passed over, except
 * `m`, which says that whoever does not know it must stop.
 */
export function readAttributes(text: string, names: string): string[] | ScramFault {
  if (text.length > SCRAM_LIMITS.messageLength) return malformed("The message is too long.");
  if (!text.isWellFormed()) return malformed("The message is not Unicode.");
  const values: string[] = [];
  for (const attribute of text.split(",")) {
    if (!/^[A-Za-z]=[^\0]+$/.test(attribute)) {
      return malformed("The message is not a list of attributes.");
    }
    if (attribute.startsWith("m=")) return unsupported("The message demands an unknown extension.");
    if (values.length === names.length) continue;
    if (attribute[0] !== names[values.length]) break;
    values.push(attribute.slice(2));
  }
  return values.length === names.length
    ? values
    : malformed(`The message lacks its attribute ${names[values.length]}.`);
}

/** A user name as a message writes it: without commas and equals signs. */
export function escapeName(name: string): string {
  return name.replaceAll("=", "=3D").replaceAll(",", "=2C");
}

function unescapeName(escaped: string): string | undefined {
  if (/=(?!2C|3D)/.test(escaped)) return undefined;
  return escaped.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

const encoder = new TextEncoder();

/** The GS2 header and the channel binding data, as `c=` carries them in base64. */
export function encodeBinding(header: string, data: Uint8Array): Uint8Array {
  const prefix = encoder.encode(header);
  const bytes = new Uint8Array(prefix.length + data.length);
  bytes.set(prefix);
  bytes.set(data, prefix.length);
  return bytes;
}

/** Combines proof and signature, byte by byte. */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, at) => byte ^ b[at]);
}

/** Compares without stopping at the first difference, so that the time tells nothing of where it is. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= a[at] ^ b[at];
  return difference === 0;
}

/** What the client's first message says. */
export interface ClientFirst {
  /** The user who wants to sign in, unescaped, otherwise as sent: fold and look it up. */
  readonly user: string;
  /** The client's nonce. */
  readonly nonce: string;
  /** The GS2 header as sent, which the final message must repeat. */
  readonly header: string;
  /** The message after the header, as sent, which is part of what both sides sign. */
  readonly bare: string;
  /** `n`: the client binds nothing; `y`: it could, but was told that the server cannot; `p`: it does. */
  readonly flag: "n" | "y" | "p";
  /** The binding type, with flag `p`. */
  readonly bindingType?: string;
}

/** Reads the first message of a client: whom to look up before {@linkcode createScramServer}. */
export function readClientFirst(text: string): ClientFirst | ScramFault {
  const header = GS2_HEADER.exec(text);
  if (!header) return malformed("The message does not begin with a GS2 header.");
  const bare = text.slice(header[0].length);
  const values = readAttributes(bare, "nr");
  if (!Array.isArray(values)) return values;
  const user = unescapeName(values[0]);
  const nonce = values[1];
  if (user === undefined) return malformed("The user name holds a wrong escape.");
  if (!VISIBLE.test(nonce) || nonce.length > SCRAM_LIMITS.nonceLength) {
    return malformed("The nonce is not 1 to 256 visible ASCII characters.");
  }
  if (header[3] !== undefined && header[3] !== values[0]) {
    return unsupported("Nobody can sign in here for somebody else.");
  }
  const common = { user, nonce, header: header[0], bare };
  return header[2] === undefined
    ? { ...common, flag: header[1] === "y" ? "y" : "n" }
    : { ...common, flag: "p", bindingType: header[2] };
}
