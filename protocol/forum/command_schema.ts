/**
 * The shapes of commands, checked: what the payload of a COMMAND must look like (docs/PROTOCOL.md,
 * "Commands"). The schemas hold form and size only; whether a name, a title or a text may be used is
 * decided, and refused in its own words, by decide.ts.
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
import { type Change, type Command, type Keyed, type Op, PAGE_MAX, REACH_MAX } from "./command.ts";
import { FILE_SIZE_MAX, ROLES, SCOPE_MAX, SEQ_MAX, TIME_MAX } from "./event.ts";

const key = optional(text(64, 1));
const seq: Schema<number> = integer(1, SEQ_MAX);
const place: Schema<number> = integer(0, SEQ_MAX);
const limit = optional(integer(1, PAGE_MAX));
const name: Schema<string> = text(64, 1);
// Longer than what is allowed, so that decide can say what is wrong in its own words.
const title: Schema<string> = text(1024);
const body: Schema<string> = text(100_000);
const fileName: Schema<string> = text(4096);
const bytes: Schema<number> = integer(0, FILE_SIZE_MAX);
const moment: Schema<number> = integer(0, TIME_MAX);
const why = optional(text(600));
const encoded: Schema<string> = text(128, 1);
const scram: Schema<string> = text(1024, 1);
const offer: Schema<string> = hexadecimal(32);
const addresses: Schema<string[]> = list(text(64, 1), REACH_MAX);

type Fields<C> = C extends Command ? Omit<C, "op"> : never;
type Shapes = { readonly [K in Op]: RecordSchema<Fields<Extract<Command, { op: K }>>> };

const changes = {
  create: record({ key, title, private: optional(flag), members: optional(list(name, 64)) }),
  remove: record({ key, thread: seq, why }),
  post: record({ key, thread: seq, text: body, reply: optional(seq) }),
  edit: record({ key, thread: seq, message: seq, text: body }),
  delete: record({ key, thread: seq, message: seq, why }),
  react: record({ key, thread: seq, message: seq, emoji: text(64), on: flag }),
  tell: record({ key, user: name, text: body }),
  invite: record({ key, thread: seq, user: name }),
  expel: record({ key, thread: seq, user: name, why }),
  mark: record({ key, thread: seq, upto: seq }),
  upload: record({
    key,
    thread: seq,
    name: fileName,
    size: bytes,
    type: optional(text(1024)),
    sha256: optional(hexadecimal(64)),
    modified: optional(moment),
    deflate: optional(flag),
  }),
  withdraw: record({ key, thread: seq, file: seq, why }),
  role: record({ key, user: name, role: oneOf(ROLES), why }),
  ban: record({ key, user: name, on: flag, why }),
  credential: record({
    key,
    salt: encoded,
    iterations: integer(4096, 10_000_000),
    storedKey: encoded,
    serverKey: encoded,
  }),
};

const questions = {
  threads: record({ key, skip: optional(place), limit }),
  find: record({ key, title: optional(title), user: optional(name) }),
  read: record({
    key,
    thread: seq,
    after: optional(place),
    before: optional(seq),
    number: optional(seq),
    limit,
  }),
  since: record({ key, at: moment, thread: optional(seq), limit }),
  search: record({ key, words: text(1024), thread: optional(seq), limit }),
  files: record({
    key,
    thread: optional(seq),
    name: optional(fileName),
    skip: optional(place),
    limit,
  }),
  download: record({
    key,
    thread: seq,
    file: seq,
    offset: optional(bytes),
    upto: bytes,
    deflate: optional(flag),
  }),
  users: record({ key }),
  follow: record({ key, scope: text(SCOPE_MAX, 1), after: optional(place) }),
  unfollow: record({ key, scope: text(SCOPE_MAX, 1) }),
  watch: record({ key, on: flag }),
  typing: record({ key, thread: seq }),
  logout: record({ key, everywhere: optional(flag) }),
  prove: record({ key, scram }),
  admin: record({ key, scram, action: oneOf(["shutdown", "promote"]) }),
  announce: record({ key, publicKey: text(64, 1), offers: flag }),
  offer: record({
    key,
    user: name,
    name: fileName,
    size: bytes,
    sha256: hexadecimal(64),
    type: optional(text(1024)),
  }),
  accept: record({ key, offer }),
  reach: record({ key, offer, own: addresses, seen: addresses, rtt: integer(0, 60_000) }),
  conclude: record({ key, offer, code: integer(0, 65_535), reason: why }),
};

const shapes: Shapes = { ...changes, ...questions };

/** What the payload of a COMMAND must look like. */
export const command: Schema<Command> = tagged<Command>("op", shapes);

/** Whether a command changes something that lasts, and so needs a key. */
export function isChange(given: Command): given is Change & Keyed {
  return given.op in changes;
}
