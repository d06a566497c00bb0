/**
 * Published vectors of the Noise Protocol Framework, from `vectors.txt` of flynn/noise 1.0.0 (as Debian's
 * golang-github-flynn-noise-dev 1.0.0-2 has it), whose authors made them with other implementations. All
 * keys are given as secret keys, in hexadecimal.
 *
 * @module
 */

import type { PatternName } from "../../protocol/datagram/noise.ts";

/** One handshake: two messages, and then one of each side under the keys that it gave. */
export interface NoiseVector {
  readonly pattern: PatternName;
  readonly prologue: string;
  readonly payloads: readonly [string, string];
  readonly messages: readonly [string, string];
  readonly transport: readonly [string, string];
}

/** The keys of all vectors. */
export const VECTOR_KEYS = {
  initiatorStatic: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
  responderStatic: "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
  initiatorEphemeral: "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
  responderEphemeral: "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60",
  psk: "2176657279736563726574766572797365637265747665727973656372657421",
} as const;

/** What the two sides send under their new keys, with nonce 0: "yellowsubmarine", "submarineyellow". */
export const TRANSPORT_PAYLOADS = [
  "79656c6c6f777375626d6172696e65",
  "7375626d6172696e6579656c6c6f77",
] as const;

const PAYLOADS = ["746573745f6d73675f30", "746573745f6d73675f31"] as const;
const PROLOGUE = "6e6f74736563726574";
const NK_TRANSPORT = [
  "9cfd3ddea89d9f445475098f834e572ec4a8c5e9be740dd92831ef6cf6fd9e",
  "5db2eb7c7b37b33cd42fd321e05d9048c9be3efa0ae3a8c76724307e7562ff",
] as const;
const KK_TRANSPORT = [
  "fe6f6f749a1495883a1715674543c2ebe56c1cb674d4f4e47f9086553700ce",
  "7a88c03c458db5b49827d899535210ba453d7dfc0f76a661b8cad08cf967ef",
] as const;

/** The vectors. */
export const NOISE_VECTORS: readonly NoiseVector[] = [
  {
    pattern: "NK",
    prologue: "",
    payloads: ["", ""],
    messages: [
      "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254bb9e8fd1c92e99737291c111956e17ab",
      "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466d97cd906e611b305ce4c22ffd315b750",
    ],
    transport: NK_TRANSPORT,
  },
  {
    pattern: "NK",
    prologue: "",
    payloads: PAYLOADS,
    messages: [
      "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd1662543e44c6b6a0a9a28f5daf1796ae55886ff960a634ddc73b72e7b0",
      "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484666e1a02e46e9053fa2a81f648b1fee43c438299bba0e77bc34d08",
    ],
    transport: NK_TRANSPORT,
  },
  {
    pattern: "NK",
    prologue: PROLOGUE,
    payloads: ["", ""],
    messages: [
      "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254660f1a4e72e678e4b0bcacd08c2cc9f4",
      "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484669b3dc8f07dd44673e4833fc90ce1164e",
    ],
    transport: NK_TRANSPORT,
  },
  {
    pattern: "NK",
    prologue: PROLOGUE,
    payloads: PAYLOADS,
    messages: [
      "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd1662543e44c6b6a0a9a28f5dafb35dfe4f2cf52995fadd57f0a4006d1c",
      "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484666e1a02e46e9053fa2a81414fd4a5bd34dbd73cb3a6e1b896bce6",
    ],
    transport: NK_TRANSPORT,
  },
  {
    pattern: "KKpsk0",
    prologue: "",
    payloads: ["", ""],
    messages: [
      "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd16625498bf0afa6ad430bef2179595b80f00af",
      "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484660bc0a013b37277dafd0e2a2073ac3cc0",
    ],
    transport: KK_TRANSPORT,
  },
  {
    pattern: "KKpsk0",
    prologue: "",
    payloads: PAYLOADS,
    messages: [
      "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254b999c716e2b5ebd7dddc18c68985cfb4351b19d5aa51e6b6a3d9",
      "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466ad07cf9d7d4c88039123d1fae114ca14da9754cad2103495e943",
    ],
    transport: KK_TRANSPORT,
  },
  {
    pattern: "KKpsk0",
    prologue: PROLOGUE,
    payloads: ["", ""],
    messages: [
      "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd1662543dbdbd15ce16ebbd5cbe94c31693a31d",
      "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466c6530671018ea8a0fc755a25fc2567ce",
    ],
    transport: KK_TRANSPORT,
  },
  {
    pattern: "KKpsk0",
    prologue: PROLOGUE,
    payloads: PAYLOADS,
    messages: [
      "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254b999c716e2b5ebd7dddc071a74c7c4c9cb80ac268b23a5284fc2",
      "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466ad07cf9d7d4c88039123b962375716b252dc4ad12cfe6f5d4bb8",
    ],
    transport: KK_TRANSPORT,
  },
];
