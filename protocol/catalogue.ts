/**
 * The message catalogue: every frame type with its sender, its fields and their limits, as data
 * (docs/PROTOCOL.md, "Messages"). The tables of the specification are drawn from it.
 *
 * @module
 */

import type { Bodies, Notice, Scram, UnknownNotice } from "./body.ts";
import { REACH_MAX } from "./forum/command.ts";
import { command } from "./forum/command_schema.ts";
import { FILE_SIZE_MAX, ROLES, SCOPE_MAX, SEQ_MAX, TIME_MAX } from "./forum/event.ts";
import { forumEvent } from "./forum/event_schema.ts";
import {
  flag,
  hexadecimal,
  integer,
  list,
  object,
  oneOf,
  optional,
  record,
  type Schema,
  tagged,
  text,
} from "./schema.ts";

/** The kinds of message. */
export type Kind = keyof Bodies;

/** Which side may send it. */
export type Side = "client" | "server";

/** One row of the catalogue. */
export interface CatalogueEntry<B> {
  /** The type byte. */
  readonly type: number;
  /** Who may send it; from the other side it is a fault. */
  readonly from: Side | "both";
  /** What the frame's id means; a kind with `none` has id 0. */
  readonly id: "none" | "request" | "thread" | "transfer" | "channel" | "nonce";
  /** The body's rule; absent where the payload is empty or no JSON. */
  readonly body?: Schema<B>;
  /** The payload is raw bytes, so many at least and at most. */
  readonly bytes?: { readonly min: number; readonly max: number };
}

/** The most bytes of a file that one DATA or PACKED carries. */
export const CHUNK_MAX: number = 64 * 1024;
/** The most bytes of the datagram that one RELAY carries. */
export const RELAY_MAX = 1472;
/** What PACKED says before the deflated bytes: how many they were. */
export const PACKED_HEADER_BYTES = 4;

const word: Schema<string> = text(64, 1);
const scram: Schema<Scram> = record({ scram: text(2048, 1) });
const encoded: Schema<string> = text(128, 1);
const time: Schema<number> = integer(0, TIME_MAX);
const size: Schema<number> = integer(0, 0xffff_ffff);
const offer: Schema<string> = hexadecimal(32);
const addresses: Schema<string[]> = list(word, REACH_MAX);
const place: Schema<number> = integer(0, FILE_SIZE_MAX);

/** Every kind of message. */
export const CATALOGUE: { readonly [K in Kind]: CatalogueEntry<Bodies[K]> } = {
  hello: {
    type: 0x01,
    from: "client",
    id: "none",
    body: record({ version: integer(0, 255), agent: text(120), features: list(word, 32) }),
  },
  welcome: {
    type: 0x02,
    from: "server",
    id: "none",
    body: record({
      version: integer(0, 255),
      server: text(120),
      limits: record({ frame: size, text: size, commands: size }),
      heartbeat: size,
      mechanisms: list(word, 16),
      registration: oneOf(["open", "closed"]),
      binding: optional(word),
      time,
    }),
  },
  login: { type: 0x03, from: "client", id: "none", body: scram },
  challenge: { type: 0x04, from: "server", id: "none", body: scram },
  proof: { type: 0x05, from: "client", id: "none", body: scram },
  granted: {
    type: 0x06,
    from: "server",
    id: "none",
    body: record({
      scram: optional(text(2048, 1)),
      user: word,
      scope: text(SCOPE_MAX, 1),
      role: oneOf(ROLES),
      token: optional(text(128, 1)),
    }),
  },
  register: {
    type: 0x07,
    from: "client",
    id: "none",
    body: record({
      user: text(256),
      salt: encoded,
      iterations: integer(4096, 10_000_000),
      storedKey: encoded,
      serverKey: encoded,
    }),
  },
  resume: { type: 0x08, from: "client", id: "none", body: record({ token: text(128, 1) }) },
  command: { type: 0x10, from: "client", id: "request", body: command },
  done: { type: 0x11, from: "server", id: "request", body: object },
  refused: {
    type: 0x12,
    from: "server",
    id: "request",
    body: record({
      code: integer(0, 65_535),
      name: word,
      text: text(1000),
      detail: optional(record({
        wait: optional(size),
        head: optional(size),
        field: optional(text(200)),
      })),
    }),
  },
  event: { type: 0x20, from: "server", id: "thread", body: forumEvent },
  notice: {
    type: 0x21,
    from: "server",
    id: "none",
    body: tagged<Notice | UnknownNotice>("kind", {
      presence: record({ user: word, on: flag, at: time }),
      typing: record({ user: word, thread: size }),
      closing: record({ text: text(1000) }),
      offer: record({
        offer,
        by: word,
        name: text(510),
        size: place,
        type: text(127),
        sha256: hexadecimal(64),
        until: time,
      }),
      go: record({ offer, channel: size, secret: encoded, publicKey: encoded }),
      reach: record({ offer, own: addresses, seen: addresses, delay: integer(0, 60_000) }),
      concluded: record({ offer, code: integer(0, 65_535), reason: text(1000) }),
    }, record({})),
  },
  data: { type: 0x30, from: "both", id: "transfer", bytes: { min: 1, max: CHUNK_MAX } },
  credit: {
    type: 0x31,
    from: "both",
    id: "transfer",
    body: record({ at: place, upto: place }),
  },
  finish: {
    type: 0x32,
    from: "both",
    id: "transfer",
    body: record({
      sha256: hexadecimal(64),
      file: optional(integer(1, SEQ_MAX)),
      at: optional(time),
    }),
  },
  abort: {
    type: 0x33,
    from: "both",
    id: "transfer",
    body: record({ code: integer(0, 65_535), reason: text(1000) }),
  },
  packed: {
    type: 0x34,
    from: "both",
    id: "transfer",
    bytes: { min: PACKED_HEADER_BYTES + 1, max: PACKED_HEADER_BYTES + CHUNK_MAX - 1 },
  },
  relay: { type: 0x35, from: "both", id: "channel", bytes: { min: 1, max: RELAY_MAX } },
  ping: { type: 0x40, from: "both", id: "nonce" },
  pong: { type: 0x41, from: "both", id: "nonce" },
  bye: {
    type: 0x42,
    from: "both",
    id: "none",
    body: record({ code: integer(0, 65_535), reason: text(1000) }),
  },
};

/** All kinds, in the order of the catalogue. */
export const KINDS: readonly Kind[] = Object.keys(CATALOGUE) as Kind[];
