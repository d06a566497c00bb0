/**
 * The tables of the specification that follow from the code as a whole: statuses, messages, states,
 * limits, who may do what, the values of the sign-in.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { CATALOGUE, KINDS } from "../../protocol/catalogue.ts";
import { RETRY_FIRST, RETRY_MAX } from "../../protocol/reconnect_backoff.ts";
import { PAGE_MAX, REACH_MAX } from "../../protocol/forum/command.ts";
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
import { RELAY_MAX } from "../../protocol/catalogue.ts";
import { OFFERER_TABLE, TAKER_TABLE } from "../../protocol/peer/peer_table.ts";
import { PEER_WINDOW_BYTES } from "../../protocol/peer/peer_stream.ts";
import { RELAY_BYTES_MAX, RELAY_CHUNK_BYTES } from "../../protocol/peer/relay_queue.ts";
import { AHEAD_MS, RTT_MAX } from "../../protocol/peer/start_delays.ts";
import { RECEIVER_TABLE, SENDER_TABLE } from "../../protocol/transfer/transfer_table.ts";
import { TEXT_LINE_MAX, UNSIGNED_LINE_MAX } from "../../protocol/text_mode/text_connection.ts";
import { LACKING } from "../../protocol/text_mode/text_session.ts";
import { TEXT_TABLE } from "../../protocol/text_mode/text_table.ts";
import { allHelp } from "../../protocol/terminal/forum_verbs.ts";
import { ACK_DELAY_MAX, RECEIVED_RANGES_MAX } from "../../protocol/datagram/acknowledgement.ts";
import { CIDS_ACTIVE, CIDS_KEPT_MAX } from "../../protocol/datagram/cids.ts";
import { CLOSE_CODES, FIRST_APPLICATION_CODE } from "../../protocol/datagram/close_code.ts";
import {
  INITIAL_PACKETS,
  MINIMUM_PACKETS,
  WINDOW_MAX,
} from "../../protocol/datagram/congestion.ts";
import { COOKIE_MS } from "../../protocol/datagram/cookie.ts";
import {
  HALF_OPEN_MS,
  HANDSHAKE_MS,
  INIT_RETRY_MS,
  INIT_RETRY_MS_MAX,
} from "../../protocol/datagram/handshake_progress.ts";
import { DATAGRAM_TABLE } from "../../protocol/datagram/datagram_table.ts";
import { ENDPOINT_LIMITS, IDLE_MS } from "../../protocol/datagram/endpoint_options.ts";
import { RESET_RATE } from "../../protocol/datagram/resets.ts";
import { WINDOW_DEFAULT } from "../../protocol/datagram/flow.ts";
import { RETRIES_MAX } from "../../protocol/datagram/handshake.ts";
import { MTU_TRIES } from "../../protocol/datagram/mtu.ts";
import {
  ACK_RANGES_MAX,
  CLOSE_CODE_MAX,
  FRAME_TYPE,
  REASON_BYTES_MAX,
} from "../../protocol/datagram/packet_frame.ts";
import { FORGERIES_MAX, REKEY_BYTES, REKEY_MS } from "../../protocol/datagram/packet_keys.ts";
import {
  DATAGRAM_BYTES_MAX,
  DATAGRAM_BYTES_MIN,
  DATAGRAM_VERSION,
  PACKET_TYPE,
  PARAMS_BYTES,
} from "../../protocol/datagram/packet.ts";
import { PARAMS_TABLE } from "../../protocol/datagram/params.ts";
import { AMPLIFICATION, CHALLENGES_MAX, OTHER_PATHS_MAX } from "../../protocol/datagram/paths.ts";
import {
  CANDIDATES_MAX,
  OWN_NETWORK_GRACE_MS,
  PONGS_MAX,
  PUNCH_MS,
} from "../../protocol/datagram/punch.ts";
import { PIECES_MAX } from "../../protocol/datagram/receive_stream.ts";
import {
  PACKET_THRESHOLD,
  PACKET_THRESHOLD_MAX,
  PERSISTENT_PTOS,
  PROBE_WAIT_MAX,
} from "../../protocol/datagram/recovery.ts";
import { RTT_INITIAL } from "../../protocol/datagram/rtt.ts";
import { CONFIG_DEFAULTS } from "../../server/config.ts";
import { FEED_BYTES, FEEDS_BYTES } from "../../server/feed.ts";
import {
  COMMANDS_SHARE,
  CONNECTIONS_PER_ADDRESS,
  LIMIT_DEFAULTS,
  SIGN_INS_PER_ADDRESS,
  UNSIGNED_GRACE,
} from "../../server/limits.ts";
import { HANDSHAKE_TIMEOUT } from "../../transport/secure_socket.ts";
import { REQUEST_TIMEOUT } from "../../server/listen/web.ts";
import { FILE_LIMIT_DEFAULTS } from "../../server/files/file_limits.ts";
import { UPLOAD_RETENTION } from "../../server/files/housekeeping.ts";
import { STALL_BYTES } from "../../server/files/under_way.ts";
import { KEY_RETENTION } from "../../server/log/log.ts";
import { FILES_LISTED_MAX, PAGE_FILES_MAX } from "../../server/log/sqlite_file_lists.ts";
import { OFFER_LIFE, OFFERS_MADE_MAX, OFFERS_OPEN_MAX, REACHES_MAX } from "../../server/peers.ts";
import { AGAIN_MS, SEARCH_TRIES, TRY_MS } from "../../client/peer/path_search.ts";
import { ROWS_MAX } from "../../server/presence.ts";
import { FOLLOWS_MAX } from "../../server/questions.ts";
import { SALTINGS_AT_ONCE, SALTINGS_WAITING } from "../../server/salter.ts";
import { ITERATIONS, TOKEN_LIFE } from "../../server/sign_in.ts";
import { HEAD_MAX } from "../../server/web/request.ts";
import { FRAGMENTS_MAX, MESSAGE_MAX, PINGS_MAX } from "../../server/web/websocket_frame.ts";
import { code, type Table } from "./document.ts";
import { datagramValues } from "./datagrams.ts";
import { peerValues } from "./peers.ts";
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
  HANDSHAKE_TIMEOUT,
  REQUEST_TIMEOUT,
  HEAD_MAX,
  MESSAGE_MAX,
  FRAGMENTS_MAX,
  PINGS_MAX,
  COMMANDS_SHARE,
  FEED_BYTES,
  FEEDS_BYTES,
  ...named("FILE_LIMIT_DEFAULTS", FILE_LIMIT_DEFAULTS),
  STALL_BYTES,
  UPLOAD_RETENTION,
  OFFERS_MADE_MAX,
  OFFERS_OPEN_MAX,
  OFFER_LIFE,
  REACH_MAX,
  REACHES_MAX,
  SEARCH_TRIES,
  TRY_MS,
  AGAIN_MS,
  AHEAD_MS,
  RTT_MAX,
  RELAY_MAX,
  RELAY_BYTES_MAX,
  RELAY_CHUNK_BYTES,
  PEER_WINDOW_BYTES,
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

function limitTable(limits: Record<string, number>): Table {
  return {
    header: ["Name", "Value", "What it limits"],
    rows: Object.entries(limits).map(([name, value]) => [code(name), String(value)]),
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

const DATAGRAM_LIMITS: Record<string, number> = {
  DATAGRAM_VERSION,
  DATAGRAM_BYTES_MIN,
  DATAGRAM_BYTES_MAX,
  PARAMS_BYTES,
  INIT_RETRY_MS,
  INIT_RETRY_MS_MAX,
  HANDSHAKE_MS,
  HALF_OPEN_MS,
  RETRIES_MAX,
  COOKIE_MS,
  ...named("ENDPOINT_LIMITS", ENDPOINT_LIMITS),
  "RESET_RATE.perSecond": RESET_RATE.perSecond,
  IDLE_MS,
  ...named("WINDOW_DEFAULT", WINDOW_DEFAULT),
  PIECES_MAX,
  ACK_RANGES_MAX,
  RECEIVED_RANGES_MAX,
  ACK_DELAY_MAX,
  RTT_INITIAL,
  PACKET_THRESHOLD,
  PACKET_THRESHOLD_MAX,
  PROBE_WAIT_MAX,
  PERSISTENT_PTOS,
  INITIAL_PACKETS,
  MINIMUM_PACKETS,
  WINDOW_MAX,
  MTU_TRIES,
  REKEY_BYTES,
  REKEY_MS,
  FORGERIES_MAX,
  CIDS_ACTIVE,
  CIDS_KEPT_MAX,
  OTHER_PATHS_MAX,
  CHALLENGES_MAX,
  AMPLIFICATION,
  REASON_BYTES_MAX,
  FIRST_APPLICATION_CODE,
  CLOSE_CODE_MAX,
  CANDIDATES_MAX,
  PONGS_MAX,
  PUNCH_MS,
  OWN_NETWORK_GRACE_MS,
};

const byteHex = (value: number) => value.toString(16).padStart(2, "0");

/** Names with the byte that stands for them; what it is for is written by hand. */
function byteTable(first: string, bytes: Record<string, number>): Table {
  return {
    header: [first, "Name", "What stands behind it, and what it is for"],
    rows: Object.entries(bytes).map(([name, value]) => [
      byteHex(value),
      name.replace(/([A-Z])/g, "_$1").toUpperCase(),
    ]),
    key: 1,
  };
}

function paramsTable(): Table {
  return {
    header: ["Byte", "Name", "From", "To", "Meaning"],
    rows: Object.entries(PARAMS_TABLE).map(([name, { id, min, max }]) => [
      String(id),
      code(name),
      String(min),
      String(max),
    ]),
    key: 1,
  };
}

function closeTable(): Table {
  return {
    header: ["Code", "Name", "Text"],
    rows: Object.entries(CLOSE_CODES).map(([name, { code: number, text }]) => [
      String(number),
      code(name),
      text,
    ]),
  };
}

function valueTable(values: Record<string, string>): Table {
  return {
    header: ["Name", "Value", "How it is made"],
    rows: Object.entries(values).map(([name, value]) => [name, code(value)]),
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
  "peer values": () => valueTable(peerValues()),
  "offerer states": () => stateTable(OFFERER_TABLE as AnyTable),
  "offerer inputs": () => wordTable("Input", inputsOf(OFFERER_TABLE as AnyTable)),
  "offerer actions": () => wordTable("Action", actionsOf(OFFERER_TABLE as AnyTable)),
  "taker states": () => stateTable(TAKER_TABLE as AnyTable),
  "taker inputs": () => wordTable("Input", inputsOf(TAKER_TABLE as AnyTable)),
  "taker actions": () => wordTable("Action", actionsOf(TAKER_TABLE as AnyTable)),
  "datagram packets": () => byteTable("First byte", PACKET_TYPE),
  "datagram parameters": paramsTable,
  "datagram frames": () => byteTable("Type", FRAME_TYPE),
  "datagram close codes": closeTable,
  "datagram states": () => stateTable(DATAGRAM_TABLE as AnyTable),
  "datagram inputs": () => wordTable("Input", inputsOf(DATAGRAM_TABLE as AnyTable)),
  "datagram actions": () => wordTable("Action", actionsOf(DATAGRAM_TABLE as AnyTable)),
  "datagram limits": () => limitTable(DATAGRAM_LIMITS),
  "datagram values": () => valueTable(datagramValues()),
  limits: () => limitTable(LIMITS),
  policy: policyTable,
  scram: scramTable,
};
