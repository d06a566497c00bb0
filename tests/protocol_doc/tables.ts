/**
 * The tables of the specification that follow from the code as a whole: statuses, messages, states,
 * limits, who may do what, the values of the sign-in.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { CATALOGUE, KINDS } from "../../protocol/catalogue.ts";
import { RETRY_FIRST, RETRY_MAX } from "../../protocol/client_session.ts";
import { PAGE_MAX } from "../../protocol/forum/command.ts";
import { EMOJIS_MAX, FILES_MAX, MEMBERS_MAX, THREADS_MAX } from "../../protocol/forum/decide.ts";
import { FILE_SIZE_MAX, type Role, SCOPE_MAX, SEQ_MAX } from "../../protocol/forum/event.ts";
import { type Actor, policy } from "../../protocol/forum/policy.ts";
import type { Message as ForumMessage, SharedFile, Thread } from "../../protocol/forum/state.ts";
import { CLIENT_TABLE } from "../../protocol/client_table.ts";
import {
  FIRST_SKIPPABLE_TYPE,
  FRAME_HEADER_BYTES,
  FRAME_LENGTH_MAX,
} from "../../protocol/frame.ts";
import {
  HELD_BYTES_MAX,
  LINGER,
  OPENING_LINE_MAX,
  SILENT_HEARTBEATS,
  TRANSMIT_HIGH_WATER,
} from "../../protocol/link.ts";
import { LOCKOUT_DEFAULTS } from "../../protocol/lockout.ts";
import { FRAME_PAYLOAD_MAX } from "../../protocol/message.ts";
import { SCRAM_LIMITS } from "../../protocol/scram.ts";
import { SERVER_TABLE } from "../../protocol/server_table.ts";
import { type Refusal, STATUS } from "../../protocol/status.ts";
import { TEXT_LIMITS } from "../../protocol/text.ts";
import { RECEIVER_TABLE, SENDER_TABLE } from "../../protocol/transfer/transfer_table.ts";
import { TEXT_LINE_MAX, UNSIGNED_LINE_MAX } from "../../protocol/text_mode/text_connection.ts";
import { LACKING } from "../../protocol/text_mode/text_session.ts";
import { TEXT_TABLE } from "../../protocol/text_mode/text_table.ts";
import { allHelp } from "../../protocol/terminal/forum_verbs.ts";
import { CONFIG_DEFAULTS } from "../../server/config.ts";
import { FEED_BYTES, FEEDS_BYTES } from "../../server/feed.ts";
import {
  COMMANDS_SHARE,
  CONNECTIONS_PER_ADDRESS,
  LIMIT_DEFAULTS,
  SIGN_INS_PER_ADDRESS,
  UNSIGNED_GRACE,
} from "../../server/limits.ts";
import { FILE_LIMIT_DEFAULTS } from "../../server/files/file_limits.ts";
import { UPLOAD_RETENTION } from "../../server/files/housekeeping.ts";
import { STALL_BYTES } from "../../server/files/under_way.ts";
import { KEY_RETENTION } from "../../server/log/log.ts";
import { FILES_LISTED_MAX, PAGE_FILES_MAX } from "../../server/log/sqlite_file_lists.ts";
import { ROWS_MAX } from "../../server/presence.ts";
import { FOLLOWS_MAX } from "../../server/questions.ts";
import { SALTINGS_AT_ONCE, SALTINGS_WAITING } from "../../server/salter.ts";
import { ITERATIONS, TOKEN_LIFE } from "../../server/sign_in.ts";
import { code, type Table } from "./document.ts";
import { scramValues } from "./sign_in.ts";

function statusTable(): Table {
  return {
    header: ["Code", "Name", "Try again", "Text"],
    rows: Object.entries(STATUS).map(([name, { code: number, retry, text }]) => [
      String(number),
      code(name),
      retry,
      text,
    ]),
  };
}

function messageTable(): Table {
  return {
    header: ["Type", "Name", "From", "Id", "Payload", "What it is for"],
    rows: KINDS.map((kind) => {
      const { type, from, id, body, bytes } = CATALOGUE[kind];
      const hex = type.toString(16).padStart(2, "0");
      const payload = bytes !== undefined ? "bytes" : body === undefined ? "empty" : "JSON object";
      return [hex, kind.toUpperCase(), from, id === "none" ? "0" : id, payload];
    }),
    key: 1,
  };
}

type AnyTable = Record<string, Record<string, readonly [string, string]>>;

function stateTable(table: AnyTable): Table {
  return {
    header: ["State", "Input", "Action", "Next state"],
    rows: Object.entries(table).flatMap(([state, inputs]) =>
      Object.entries(inputs).map(([input, [action, next]]) => [state, input, action, next])
    ),
  };
}

function wordTable(what: string, words: readonly string[]): Table {
  return { header: [what, "Meaning"], rows: [...new Set(words)].map((word) => [word]), key: 0 };
}

const rowsOf = (table: AnyTable) =>
  Object.values(table).flatMap((inputs) => Object.entries(inputs));
const inputsOf = (table: AnyTable) => rowsOf(table).map(([input]) => input);
const actionsOf = (table: AnyTable) => rowsOf(table).map(([, [action]]) => action);

const LIMITS: Record<string, number> = {
  FRAME_HEADER_BYTES,
  FRAME_LENGTH_MAX,
  FRAME_PAYLOAD_MAX,
  FIRST_SKIPPABLE_TYPE,
  OPENING_LINE_MAX,
  TRANSMIT_HIGH_WATER,
  HELD_BYTES_MAX,
  LINGER,
  SILENT_HEARTBEATS,
  "CONFIG_DEFAULTS.heartbeat": CONFIG_DEFAULTS.heartbeat,
  "CONFIG_DEFAULTS.idleTimeout": CONFIG_DEFAULTS.idleTimeout,
  "CONFIG_DEFAULTS.textIdleTimeout": CONFIG_DEFAULTS.textIdleTimeout,
  UNSIGNED_LINE_MAX,
  TEXT_LINE_MAX,
  SALTINGS_AT_ONCE,
  SALTINGS_WAITING,
  SEQ_MAX,
  SCOPE_MAX,
  PAGE_MAX,
  ROWS_MAX,
  FOLLOWS_MAX,
  MEMBERS_MAX,
  EMOJIS_MAX,
  THREADS_MAX,
  FILES_MAX,
  FILE_SIZE_MAX,
  PAGE_FILES_MAX,
  FILES_LISTED_MAX,
  KEY_RETENTION,
  TOKEN_LIFE,
  ITERATIONS,
  RETRY_FIRST,
  RETRY_MAX,
  ...named("LIMIT_DEFAULTS", LIMIT_DEFAULTS),
  CONNECTIONS_PER_ADDRESS,
  ...named("SIGN_INS_PER_ADDRESS", SIGN_INS_PER_ADDRESS),
  UNSIGNED_GRACE,
  COMMANDS_SHARE,
  FEED_BYTES,
  FEEDS_BYTES,
  ...named("FILE_LIMIT_DEFAULTS", FILE_LIMIT_DEFAULTS),
  STALL_BYTES,
  UPLOAD_RETENTION,
  ...named("LOCKOUT_DEFAULTS", LOCKOUT_DEFAULTS),
  ...named("SCRAM_LIMITS", SCRAM_LIMITS),
  ...named("TEXT_LIMITS", TEXT_LIMITS),
};

function named(group: string, limits: object): Record<string, number> {
  return Object.assign(
    {},
    ...Object.entries(limits).map(([name, value]) =>
      typeof value === "number" ? { [`${group}.${name}`]: value } : named(`${group}.${name}`, value)
    ),
  );
}

function limitTable(): Table {
  return {
    header: ["Name", "Value", "What it limits"],
    rows: Object.entries(LIMITS).map(([name, value]) => [code(name), String(value)]),
    key: 0,
  };
}

/** What people type in text mode. */
function verbTable(): Table {
  return {
    header: ["Line", "Also", "What it does"],
    rows: allHelp(LACKING).map(({ usage, also, help }) => [
      // A bar would end the cell.
      code(usage.replaceAll("|", "/")),
      also.length === 0 ? "–" : also.map(code).join(" "),
      help,
    ]),
  };
}

function actor(name: string, role: Role): Actor {
  return { name, user: { name, role, banned: false, at: 0 } };
}

function thread(about: Partial<Thread>): Thread {
  return {
    number: 2,
    title: "t",
    owner: "own",
    private: false,
    direct: false,
    members: [],
    at: 0,
    posts: 0,
    living: 0,
    lastAt: 0,
    ...about,
  };
}

/** What each rule says to the author or owner, to another member, to a moderator and to an admin. */
function policyTable(): Table {
  const message: ForumMessage = { seq: 2, ordinal: 1, author: "own", at: 0, textSeq: 2 };
  const file: SharedFile = {
    seq: 3,
    name: "f",
    by: "own",
    at: 0,
    size: 0,
    type: "a/b",
    sha256: "0".repeat(64),
  };
  const open = thread({});
  const closed = thread({ private: true });
  const direct = thread({ private: true, direct: true });
  const subject = (role: Role) => actor("other", role).user;
  const rules: Record<string, (actor: Actor) => Refusal | undefined> = {
    "`edit` a message": (actor) => policy.edit(actor, message),
    "`delete` a message": (actor) => policy.delete(actor, message, open),
    "`delete` in a conversation of two": (actor) => policy.delete(actor, message, direct),
    "`withdraw` one's own file": (actor) =>
      policy.withdraw(actor, { ...file, by: actor.name }, { ...open, owner: "x" }),
    "`withdraw` a file of another": (actor) => policy.withdraw(actor, { ...file, by: "x" }, open),
    "`withdraw` one in a conversation of two": (actor) => policy.withdraw(actor, file, direct),
    "`remove` a thread": (actor) => policy.remove(actor, open),
    "`remove` a thread of the server": (actor) => policy.remove(actor, thread({ owner: "" })),
    "`invite` to a private thread": (actor) => policy.invite(actor, closed),
    "`invite` to a public thread": (actor) => policy.invite(actor, open),
    "`invite` to a conversation of two": (actor) => policy.invite(actor, direct),
    "`expel` another member": (actor) => policy.expel(actor, closed, "other"),
    "`expel` oneself": (actor) => policy.expel(actor, { ...closed, owner: "x" }, actor.name),
    "`expel` the owner": (actor) => policy.expel(actor, closed, "own"),
    "`expel` from a conversation of two": (actor) => policy.expel(actor, direct, "other"),
    "`role`": (actor) => policy.role(actor),
    "`ban` a member": (actor) => policy.ban(actor, subject("member")),
    "`ban` a moderator": (actor) => policy.ban(actor, subject("moderator")),
    "`ban` an admin": (actor) => policy.ban(actor, subject("admin")),
  };
  const actors = [
    actor("own", "member"),
    actor("me", "member"),
    actor("me", "moderator"),
    actor("me", "admin"),
  ];
  return {
    header: ["To", "Author or owner", "Another member", "Moderator", "Admin"],
    rows: Object.entries(rules).map(([what, rule]) => [
      what,
      ...actors.map((actor) => {
        const refusal = rule(actor);
        return refusal === undefined ? "yes" : code(refusal.status);
      }),
    ]),
  };
}

function scramTable(): Table {
  return {
    header: ["Name", "Value", "How it is made"],
    rows: Object.entries(scramValues()).map(([name, value]) => [
      code(name),
      code(typeof value === "string" ? value : Buffer.from(value).toString("hex")),
    ]),
    key: 0,
  };
}

/** The tables by the words of their markers. */
export const TABLES: Record<string, () => Table> = {
  statuses: statusTable,
  messages: messageTable,
  "server states": () => stateTable(SERVER_TABLE as AnyTable),
  "server inputs": () => wordTable("Input", inputsOf(SERVER_TABLE as AnyTable)),
  "server actions": () => wordTable("Action", actionsOf(SERVER_TABLE as AnyTable)),
  "text states": () => stateTable(TEXT_TABLE as AnyTable),
  "text inputs": () => wordTable("Input", inputsOf(TEXT_TABLE as AnyTable)),
  "text actions": () => wordTable("Action", actionsOf(TEXT_TABLE as AnyTable)),
  verbs: verbTable,
  "client states": () => stateTable(CLIENT_TABLE as AnyTable),
  "client inputs": () => wordTable("Input", inputsOf(CLIENT_TABLE as AnyTable)),
  "client actions": () => wordTable("Action", actionsOf(CLIENT_TABLE as AnyTable)),
  "sender states": () => stateTable(SENDER_TABLE as AnyTable),
  "sender inputs": () => wordTable("Input", inputsOf(SENDER_TABLE as AnyTable)),
  "receiver states": () => stateTable(RECEIVER_TABLE as AnyTable),
  "receiver inputs": () => wordTable("Input", inputsOf(RECEIVER_TABLE as AnyTable)),
  limits: limitTable,
  policy: policyTable,
  scram: scramTable,
};
