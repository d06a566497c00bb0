/**
 * The shapes of events, checked: what the payload of an EVENT must look like, kind by kind
 * (docs/PROTOCOL.md, "Events").
 *
 * @module
 */

import {
  flag,
  hexadecimal,
  integer,
  list,
  oneOf,
  optional,
  record,
  type RecordSchema,
  type Schema,
  tagged,
  text,
} from "../schema.ts";
import {
  type EventKind,
  FILE_SIZE_MAX,
  FOLDED_NAME_MAX,
  type ForumEvent,
  ROLES,
  SCOPE_MAX,
  SEQ_MAX,
  TIME_MAX,
  type UnknownEvent,
} from "./event.ts";

const seq: Schema<number> = integer(1, SEQ_MAX);
const user: Schema<string> = text(64);
const title: Schema<string> = text(256);
const why: Schema<string> = text(600);
const body: Schema<string> = text(65_536);
const fileName: Schema<string> = text(510);
const mentions: Schema<string[]> = list(text(FOLDED_NAME_MAX), 32);
const at: Schema<number> = integer(0, TIME_MAX);
const base = { scope: text(SCOPE_MAX, 1), seq, at, by: user };
const encoded: Schema<string> = text(128);

/** What each kind must look like. */
const kinds: {
  readonly [K in EventKind]: RecordSchema<Omit<Extract<ForumEvent, { kind: K }>, "kind">>;
} = {
  "thread.opened": record({
    ...base,
    thread: seq,
    title,
    private: flag,
    members: list(user, 64),
    direct: flag,
  }),
  "thread.created": record({ ...base, thread: seq, title }),
  "thread.removed": record({ ...base, thread: seq, title, why: optional(why) }),
  "message.posted": record({
    ...base,
    text: body,
    number: seq,
    reply: optional(seq),
    mentions: optional(mentions),
    erased: optional(flag),
  }),
  "message.edited": record({
    ...base,
    message: seq,
    text: body,
    mentions: optional(mentions),
    erased: optional(flag),
  }),
  "message.deleted": record({ ...base, message: seq, why: optional(why) }),
  "reaction.changed": record({ ...base, message: seq, emoji: text(64), on: flag }),
  "file.shared": record({
    ...base,
    name: fileName,
    size: integer(0, FILE_SIZE_MAX),
    type: text(127),
    sha256: hexadecimal(64),
  }),
  "file.removed": record({ ...base, file: seq, name: fileName, why: optional(why) }),
  "member.joined": record({ ...base, user }),
  "member.left": record({ ...base, user, why: optional(why) }),
  "user.registered": record({ ...base, user }),
  "user.role": record({ ...base, user, role: oneOf(ROLES), why: optional(why) }),
  "user.banned": record({ ...base, user, on: flag, why: optional(why) }),
  "thread.entered": record({ ...base, thread: seq, title }),
  "thread.left": record({ ...base, thread: seq }),
  "thread.read": record({ ...base, thread: seq, upto: seq }),
  "credential.set": record({
    ...base,
    user,
    salt: encoded,
    iterations: integer(1, 10_000_000),
    storedKey: encoded,
    serverKey: encoded,
  }),
};

/** What the payload of an EVENT must look like. */
export const forumEvent: Schema<ForumEvent | UnknownEvent> = tagged<ForumEvent | UnknownEvent>(
  "kind",
  kinds,
  record(base),
);
