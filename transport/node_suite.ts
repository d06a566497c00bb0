/**
 * The suite over node:crypto, which Deno, Node and Bun have: four times as fast as the one in JavaScript.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  randomFillSync,
} from "node:crypto";
import { type Aead, type Env, type Suite, TAG_BYTES } from "../protocol/datagram/suite.ts";

const ALGORITHM = "chacha20-poly1305";
const OPTIONS = { authTagLength: TAG_BYTES } as const;
/** How DER begins for a raw X25519 key: node:crypto does not take the raw bytes. */
const SECRET_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

function secretKey(secret: Uint8Array) {
  const key = Buffer.concat([SECRET_PREFIX, secret]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function publicKey(raw: Uint8Array) {
  const key = Buffer.concat([PUBLIC_PREFIX, raw]);
  return createPublicKey({ key, format: "der", type: "spki" });
}

function aead(key: Uint8Array): Aead {
  return {
    seal(nonce, header, plain, into) {
      const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS);
      cipher.setAAD(header, { plaintextLength: plain.length });
      into.set(cipher.update(plain));
      cipher.final();
      into.set(cipher.getAuthTag(), plain.length);
    },
    open(nonce, header, sealed, into) {
      const end = sealed.length - TAG_BYTES;
      const decipher = createDecipheriv(ALGORITHM, key, nonce, OPTIONS);
      decipher.setAAD(header, { plaintextLength: end });
      decipher.setAuthTag(sealed.subarray(end));
      try {
        into.set(decipher.update(sealed.subarray(0, end)));
        decipher.final();
        return true;
      } catch {
        // A wrong tag is told by throwing.
        return false;
      }
    },
  };
}

/** The suite on node:crypto. */
export const nodeSuite: Suite = {
  hash: (data) => new Uint8Array(createHash("sha256").update(data).digest()),
  hmac: (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest()),
  publicKey(secret) {
    const der = createPublicKey(secretKey(secret)).export({ format: "der", type: "spki" });
    return new Uint8Array(der.subarray(PUBLIC_PREFIX.length));
  },
  agree(secret, other) {
    try {
      const shared = diffieHellman({
        privateKey: secretKey(secret),
        publicKey: publicKey(other),
      });
      return shared.some((byte) => byte !== 0) ? new Uint8Array(shared) : undefined;
    } catch {
      // The points that give zero are refused.
      return undefined;
    }
  },
  aead,
};

/** What the machines are given where node:crypto is at hand. */
export const nodeEnv: Env = {
  random: (out) => void randomFillSync(out),
  suite: nodeSuite,
};
