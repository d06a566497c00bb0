/**
 * The suite in JavaScript, on the audited @noble packages: for browsers, workers and simulations. Where
 * node:crypto is at hand, transport/node_suite.ts is four times as fast.
 *
 * @module
 */

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Aead, Suite } from "./suite.ts";

function aead(key: Uint8Array): Aead {
  return {
    seal(nonce, header, plain, into) {
      chacha20poly1305(key, nonce, header).encrypt(plain, into);
    },
    open(nonce, header, sealed, into) {
      try {
        chacha20poly1305(key, nonce, header).decrypt(sealed, into);
        return true;
      } catch {
        // The package tells a wrong tag by throwing.
        return false;
      }
    },
  };
}

/**
 * The suite on @noble.
 *
 * @example
 * ```ts
 * import { nobleSuite } from "./noble_suite.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const { seal, open } = nobleSuite.aead(new Uint8Array(32));
 * const [nonce, header] = [new Uint8Array(12), new Uint8Array([7])];
 * const [sealed, plain] = [new Uint8Array(17), new Uint8Array(1)];
 * seal(nonce, header, new Uint8Array([42]), sealed);
 * assertEquals([open(nonce, header, sealed, plain), plain[0]], [true, 42]);
 * ```
 */
export const nobleSuite: Suite = {
  hash: (data) => sha256(data),
  hmac: (key, data) => hmac(sha256, key, data),
  publicKey: (secret) => x25519.getPublicKey(secret),
  agree(secret, publicKey) {
    try {
      const shared = x25519.getSharedSecret(secret, publicKey);
      return shared.some((byte) => byte !== 0) ? shared : undefined;
    } catch {
      // The package refuses the points that give zero.
      return undefined;
    }
  },
  aead,
};
