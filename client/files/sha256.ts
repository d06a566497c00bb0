/**
 * SHA-256 over bytes as they come: by the runtime where it can, which is eight times as fast, and else
 * (in browsers) by @noble/hashes.
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";

/** A hash under way. */
export interface Sha256 {
  /** Takes the next bytes in. */
  update(bytes: Uint8Array): void;
  /** The hash of all, in lower-case hexadecimal; nothing can be taken in after it. */
  hex(): string;
}

interface NodeHash {
  update(bytes: Uint8Array): void;
  digest(form: "hex"): string;
}

interface NodeCrypto {
  createHash(name: "sha256"): NodeHash;
}

/** What Deno, Node and Bun have built in; bundlers for browsers see no import here. */
function builtIn(): NodeCrypto | undefined {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  return process?.getBuiltinModule?.("node:crypto") as NodeCrypto | undefined;
}

/**
 * Begins a hash.
 *
 * @example
 * ```ts
 * import { createSha256 } from "./sha256.ts";
 * import { assert } from "@std/assert";
 *
 * const hash = createSha256();
 * hash.update(new TextEncoder().encode("abc"));
 * assert(hash.hex().startsWith("ba7816bf"));
 * ```
 */
export function createSha256(): Sha256 {
  const fast = builtIn()?.createHash("sha256");
  if (fast !== undefined) {
    return { update: (bytes) => fast.update(bytes), hex: () => fast.digest("hex") };
  }
  const slow = sha256.create();
  return {
    update: (bytes) => void slow.update(bytes),
    hex: () => Array.from(slow.digest(), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}
