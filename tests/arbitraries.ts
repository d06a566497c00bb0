/**
 * Arbitraries for everything that travels: texts, commands, events, messages and frames. Values lean to
 * their edges: the limits themselves, 0, the largest sequence number, characters of several bytes.
 *
 * Each is within its schema, so that what is made here must be understood. Texts are bounded in UTF-16
 * units, as schema.ts counts, and hold no half characters.
 *
 * @module
 */

import fc from "fast-check";
import { encodeBase64 } from "../protocol/base64.ts";
import { type Command, type Op, REACH_MAX } from "../protocol/forum/command.ts";
import {
  type EventKind,
  FILE_SIZE_MAX,
  FOLDED_NAME_MAX,
  type ForumEvent,
  ROLES,
  SCOPE_MAX,
  SEQ_MAX,
} from "../protocol/forum/event.ts";
import { PACKED_MIN } from "../protocol/transfer/shrinking.ts";
import { CATALOGUE, CHUNK_MAX, type Kind, KINDS, type Side } from "../protocol/catalogue.ts";
import { FIRST_SKIPPABLE_TYPE, type FrameHeader } from "../protocol/frame.ts";
import type { MessageOf } from "../protocol/message.ts";
import { SCRAM_LIMITS } from "../protocol/scram.ts";
import { STATUS } from "../protocol/status.ts";

/** What separates, ends, quotes or escapes somewhere, and what takes more than one byte or unit. */
export const TRICKY: readonly string[] = [
  ..." \t\n\r\0\"'\\/|,:;{}[]%$@#&<>=\x1b\x7f\x85",
  ..."aZ09éßŉﬄ漢가\u0301\u200d\u202e\u2028\ufeff\ufffd\ufffe\uffff",
  ..."😀👩🏽🇩\u{10ffff}",
  "__proto__",
  "constructor",
  "../",
  "\r\n",
];

/** The largest time that a JavaScript date can hold. */
export const TIME_MAX = 8_640_000_000_000_000;
const UINT32_MAX = 0xffff_ffff;

/** At most `max` units, without cutting a pair in two. */
export function clip(value: string, max: number): string {
  const cut = value.slice(0, max);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}

/** A number that is often at an end of its range. */
export function edge(min: number, max: number): fc.Arbitrary<number> {
  const ends = [min, min + 1, max - 1, max].filter((value) => value >= min && value <= max);
  return fc.oneof(fc.constantFrom(...ends), fc.integer({ min, max }));
}

/** How long texts may become. */
export interface Size {
  /** Without it, now and then a text is as long as its limit allows. */
  readonly short?: boolean;
}

/** A well-formed text of at most `max` UTF-16 units and at least `min` (0 or 1). */
export function text(max: number, { min = 0, short = false }: Size & { min?: number } = {}) {
  const usual = fc.oneof(
    fc.string({ unit: fc.constantFrom(...TRICKY), minLength: min, maxLength: 12 }),
    fc.string({ unit: "grapheme", minLength: min, maxLength: 12 }),
    fc.string({ unit: "binary", minLength: min, maxLength: 12 }),
  ).map((value) => clip(value, max));
  if (short) return usual;
  const longest = fc.constantFrom("x", "é", "漢", '"', "\n", "😀")
    .map((unit) => clip(unit.repeat(Math.ceil(max / unit.length)), max));
  return fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: longest });
}

/** A list of at most `max`, now and then a full one. */
function several<T>(
  item: fc.Arbitrary<T>,
  max: number,
  { short = false }: Size,
): fc.Arbitrary<T[]> {
  const usual = fc.array(item, { maxLength: 3 });
  return short
    ? usual
    : fc.oneof({ weight: 9, arbitrary: usual }, fc.array(item, { minLength: max, maxLength: max }));
}

const seq = edge(1, SEQ_MAX);
const place = edge(0, SEQ_MAX);
const size = edge(0, UINT32_MAX);
const bytes = edge(0, FILE_SIZE_MAX);
const sha256 = fc.oneof(
  fc.constantFrom("0".repeat(64), "f".repeat(64)),
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 64, maxLength: 64 }),
);
const offer = fc.oneof(
  fc.constantFrom("0".repeat(32), "f".repeat(32)),
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 32, maxLength: 32 }),
);
const addresses = (by: Size) => several(text(64, { min: 1, ...by }), REACH_MAX, by);
const time = edge(0, TIME_MAX);
const flag = fc.boolean();
const role = fc.constantFrom(...ROLES);

/** A record in which the fields of `may` can be missing. */
function fields<A extends object, B extends object = Record<never, never>>(
  must: { [K in keyof A]: fc.Arbitrary<A[K]> },
  may?: { [K in keyof B]: fc.Arbitrary<B[K]> },
): fc.Arbitrary<A & Partial<B>> {
  const model = { ...must, ...may } as Record<string, fc.Arbitrary<unknown>>;
  return fc.record(model, {
    requiredKeys: Object.keys(must),
    noNullPrototype: true,
  }) as unknown as fc.Arbitrary<A & Partial<B>>;
}

type CommandShapes = { readonly [O in Op]: fc.Arbitrary<Extract<Command, { op: O }>> };

function commandShapes(by: Size): CommandShapes {
  const key = text(64, { min: 1, ...by });
  const name = text(64, { min: 1, ...by });
  const title = text(1024, by);
  const body = text(100_000, by);
  const why = text(600, by);
  const encoded = text(128, { min: 1, ...by });
  const scram = text(1024, { min: 1, ...by });
  const scope = text(SCOPE_MAX, { min: 1, ...by });
  const limit = edge(1, 500);
  const op = <const O extends Op>(name: O) => fc.constant(name);
  return {
    create: fields(
      { op: op("create"), title },
      { key, private: flag, members: several(name, 64, by) },
    ),
    remove: fields({ op: op("remove"), thread: seq }, { key, why }),
    post: fields({ op: op("post"), thread: seq, text: body }, { key, reply: seq }),
    edit: fields({ op: op("edit"), thread: seq, message: seq, text: body }, { key }),
    delete: fields({ op: op("delete"), thread: seq, message: seq }, { key, why }),
    react: fields(
      { op: op("react"), thread: seq, message: seq, emoji: text(64, by), on: flag },
      { key },
    ),
    tell: fields({ op: op("tell"), user: name, text: body }, { key }),
    invite: fields({ op: op("invite"), thread: seq, user: name }, { key }),
    expel: fields({ op: op("expel"), thread: seq, user: name }, { key, why }),
    mark: fields({ op: op("mark"), thread: seq, upto: seq }, { key }),
    upload: fields(
      { op: op("upload"), thread: seq, name: text(4096, by), size: bytes },
      { key, type: text(1024, by), sha256, modified: time, deflate: flag },
    ),
    withdraw: fields({ op: op("withdraw"), thread: seq, file: seq }, { key, why }),
    role: fields({ op: op("role"), user: name, role }, { key, why }),
    ban: fields({ op: op("ban"), user: name, on: flag }, { key, why }),
    credential: fields({
      op: op("credential"),
      salt: encoded,
      iterations: edge(4096, 10_000_000),
      storedKey: encoded,
      serverKey: encoded,
    }, { key }),
    threads: fields({ op: op("threads") }, { key, skip: place, limit }),
    find: fields({ op: op("find") }, { key, title, user: name }),
    read: fields(
      { op: op("read"), thread: seq },
      { key, after: place, before: seq, number: seq, limit },
    ),
    since: fields({ op: op("since"), at: time }, { key, thread: seq, limit }),
    search: fields({ op: op("search"), words: title }, { key, thread: seq, limit }),
    files: fields(
      { op: op("files") },
      { key, thread: seq, name: text(4096, by), skip: place, limit },
    ),
    download: fields(
      { op: op("download"), thread: seq, file: seq, upto: bytes },
      { key, offset: bytes, deflate: flag },
    ),
    users: fields({ op: op("users") }, { key }),
    follow: fields({ op: op("follow"), scope }, { key, after: place }),
    unfollow: fields({ op: op("unfollow"), scope }, { key }),
    watch: fields({ op: op("watch"), on: flag }, { key }),
    typing: fields({ op: op("typing"), thread: seq }, { key }),
    logout: fields({ op: op("logout") }, { key, everywhere: flag }),
    prove: fields({ op: op("prove"), scram }, { key }),
    admin: fields({
      op: op("admin"),
      scram,
      action: fc.constantFrom<"shutdown" | "promote">("shutdown", "promote"),
    }, { key }),
    announce: fields(
      { op: op("announce"), publicKey: text(64, { min: 1, ...by }), offers: flag },
      { key },
    ),
    offer: fields(
      { op: op("offer"), user: name, name: text(4096, by), size: bytes, sha256 },
      { key, type: text(1024, by) },
    ),
    accept: fields({ op: op("accept"), offer }, { key }),
    reach: fields({
      op: op("reach"),
      offer,
      own: addresses(by),
      seen: addresses(by),
      rtt: edge(0, 60_000),
    }, { key }),
    conclude: fields({ op: op("conclude"), offer, code: edge(0, 65_535) }, { key, reason: why }),
  };
}

type EventShapes = { readonly [K in EventKind]: fc.Arbitrary<Extract<ForumEvent, { kind: K }>> };

function eventShapes(by: Size): EventShapes {
  const user = text(64, by);
  const title = text(256, by);
  const why = text(600, by);
  const body = text(65_536, by);
  const encoded = text(128, by);
  const mentions = several(text(FOLDED_NAME_MAX, by), 32, by);
  const entry = <const K extends EventKind>(kind: K) => ({
    kind: fc.constant(kind),
    scope: text(SCOPE_MAX, { min: 1, ...by }),
    seq,
    at: time,
    by: user,
  });
  return {
    "thread.opened": fields({
      ...entry("thread.opened"),
      thread: seq,
      title,
      private: flag,
      members: several(user, 64, by),
      direct: flag,
    }),
    "thread.created": fields({ ...entry("thread.created"), thread: seq, title }),
    "thread.removed": fields({ ...entry("thread.removed"), thread: seq, title }, { why }),
    "message.posted": fields(
      { ...entry("message.posted"), text: body, number: seq },
      { reply: seq, mentions, erased: flag },
    ),
    "message.edited": fields(
      { ...entry("message.edited"), message: seq, text: body },
      { mentions, erased: flag },
    ),
    "message.deleted": fields({ ...entry("message.deleted"), message: seq }, { why }),
    "reaction.changed": fields(
      { ...entry("reaction.changed"), message: seq, emoji: text(64, by), on: flag },
    ),
    "file.shared": fields({
      ...entry("file.shared"),
      name: text(510, by),
      size: bytes,
      type: text(127, by),
      sha256,
    }),
    "file.removed": fields({ ...entry("file.removed"), file: seq, name: text(510, by) }, { why }),
    "member.joined": fields({ ...entry("member.joined"), user }),
    "member.left": fields({ ...entry("member.left"), user }, { why }),
    "user.registered": fields({ ...entry("user.registered"), user }),
    "user.role": fields({ ...entry("user.role"), user, role }, { why }),
    "user.banned": fields({ ...entry("user.banned"), user, on: flag }, { why }),
    "thread.entered": fields({ ...entry("thread.entered"), thread: seq, title }),
    "thread.left": fields({ ...entry("thread.left"), thread: seq }),
    "thread.read": fields({ ...entry("thread.read"), thread: seq, upto: seq }),
    "credential.set": fields({
      ...entry("credential.set"),
      user,
      salt: encoded,
      iterations: edge(1, 10_000_000),
      storedKey: encoded,
      serverKey: encoded,
    }),
  };
}

type MessageShapes = { readonly [K in Kind]: fc.Arbitrary<MessageOf<K>> };

/** Any object that survives JSON; -0 does not. */
const anyObject: fc.Arbitrary<object> = fc.dictionary(
  fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("constructor", "toString", "kind")),
  fc.jsonValue({ maxDepth: 3 }),
  { maxKeys: 5, noNullPrototype: true },
).map((value) => JSON.parse(JSON.stringify(value)));

function messageShapes(by: Size): MessageShapes {
  const word = text(64, { min: 1, ...by });
  const scram = fields({ scram: text(2048, { min: 1, ...by }) }, {});
  const encoded = text(128, { min: 1, ...by });
  const version = edge(0, 255);
  const code = fc.oneof(
    fc.constantFrom(...Object.values(STATUS).map((status) => status.code)),
    edge(0, 65_535),
  );
  const of = <const K extends Kind>(kind: K, body: fc.Arbitrary<MessageOf<K>["body"]>) =>
    fc.record({
      kind: fc.constant(kind),
      id: CATALOGUE[kind].id === "none"
        ? fc.constant(0)
        : edge(kind === "command" ? 1 : 0, UINT32_MAX),
      body,
    }, { noNullPrototype: true }) as fc.Arbitrary<MessageOf<K>>;
  return {
    hello: of(
      "hello",
      fields({ version, agent: text(120, by), features: several(word, 32, by) }),
    ),
    welcome: of(
      "welcome",
      fields({
        version,
        server: text(120, by),
        limits: fields({ frame: size, text: size, commands: size }),
        heartbeat: size,
        mechanisms: several(word, 16, by),
        registration: fc.constantFrom<"open" | "closed">("open", "closed"),
        time,
      }, { binding: word }),
    ),
    login: of("login", scram),
    challenge: of("challenge", scram),
    proof: of("proof", scram),
    granted: of(
      "granted",
      fields({ user: word, scope: word, role }, {
        scram: text(2048, { min: 1, ...by }),
        token: encoded,
      }),
    ),
    register: of(
      "register",
      fields({
        user: word,
        salt: encoded,
        iterations: edge(4096, 10_000_000),
        storedKey: encoded,
        serverKey: encoded,
      }),
    ),
    resume: of("resume", fields({ token: encoded })),
    command: of("command", commandIn(by)),
    done: of("done", anyObject),
    refused: of(
      "refused",
      fields({ code, name: word, text: text(1000, by) }, {
        detail: fields({}, { wait: size, head: size, field: text(200, by) }),
      }),
    ),
    event: of("event", eventIn(by)),
    notice: of(
      "notice",
      fc.oneof(
        fields(
          { kind: fc.constant("presence" as const), user: word, on: flag, at: time },
        ),
        fields({ kind: fc.constant("typing" as const), user: word, thread: size }),
        fields({ kind: fc.constant("closing" as const), text: text(1000, by) }),
        fields({
          kind: fc.constant("offer" as const),
          offer,
          by: word,
          name: text(510, by),
          size: bytes,
          type: text(127, by),
          sha256,
          until: time,
        }),
        fields({
          kind: fc.constant("go" as const),
          offer,
          channel: size,
          secret: encoded,
          publicKey: encoded,
        }),
        fields({
          kind: fc.constant("reach" as const),
          offer,
          own: addresses(by),
          seen: addresses(by),
          delay: edge(0, 60_000),
        }),
        fields({
          kind: fc.constant("concluded" as const),
          offer,
          code,
          reason: text(1000, by),
        }),
      ),
    ),
    data: of("data", fields({ bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }) })),
    credit: of("credit", fields({ at: edge(0, FILE_SIZE_MAX), upto: edge(0, FILE_SIZE_MAX) })),
    finish: of("finish", fields({ sha256 }, { file: seq, at: time })),
    abort: of("abort", fields({ code, reason: text(1000, by) })),
    packed: of(
      "packed",
      fields({
        raw: edge(PACKED_MIN, CHUNK_MAX),
        bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
      }),
    ),
    relay: of("relay", fields({ bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }) })),
    ping: of("ping", fc.constant({})),
    pong: of("pong", fc.constant({})),
    bye: of("bye", fields({ code, reason: text(1000, by) })),
  };
}

function commandIn(by: Size): fc.Arbitrary<Command> {
  return fc.oneof(...Object.values(commandShapes(by)) as fc.Arbitrary<Command>[]);
}

function eventIn(by: Size): fc.Arbitrary<ForumEvent> {
  return fc.oneof(...Object.values(eventShapes(by)) as fc.Arbitrary<ForumEvent>[]);
}

/** A command of each op. */
export const commandOf: CommandShapes = commandShapes({});
/** Any command. */
export const command: fc.Arbitrary<Command> = commandIn({});
/** An event of each kind. */
export const eventOf: EventShapes = eventShapes({});
/** Any event. */
export const event: fc.Arbitrary<ForumEvent> = eventIn({});
/** A message of each kind. */
export const messageOf: MessageShapes = messageShapes({});
/** A message of each kind, of some hundred bytes at the most where its lists are short. */
export const shortMessageOf: MessageShapes = messageShapes({ short: true });
/** Any message. */
export const message: fc.Arbitrary<MessageOf<Kind>> = fc.oneof(
  ...KINDS.map((kind) => messageOf[kind] as fc.Arbitrary<MessageOf<Kind>>),
);

/** A short message that `side` sends. */
export function shortMessageFrom(side: Side): fc.Arbitrary<MessageOf<Kind>> {
  const kinds = KINDS.filter((kind) => ["both", side].includes(CATALOGUE[kind].from));
  return fc.oneof(...kinds.map((kind) => shortMessageOf[kind] as fc.Arbitrary<MessageOf<Kind>>));
}

/** A header. */
export const frameHeader: fc.Arbitrary<FrameHeader> = fc.record({
  length: fc.oneof(edge(0, 0xff_ff_ff), fc.nat(300)),
  type: fc.oneof(edge(0, 255), fc.constantFrom(FIRST_SKIPPABLE_TYPE - 1, FIRST_SKIPPABLE_TYPE)),
  id: edge(0, UINT32_MAX),
}, { noNullPrototype: true });

/** A frame of any type with a payload of any bytes. */
export const frame: fc.Arbitrary<{ type: number; id: number; payload: Uint8Array }> = fc.record({
  type: frameHeader.map((header) => header.type),
  id: frameHeader.map((header) => header.id),
  payload: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 2000 })),
}, { noNullPrototype: true });

/** What a registration and a `credential` need beside the name, of the right sizes. */
export const VERIFIER = {
  salt: encodeBase64(new Uint8Array(SCRAM_LIMITS.saltBytes).fill(1)),
  iterations: 600_000,
  storedKey: encodeBase64(new Uint8Array(SCRAM_LIMITS.keyBytes).fill(2)),
  serverKey: encodeBase64(new Uint8Array(SCRAM_LIMITS.keyBytes).fill(3)),
};
