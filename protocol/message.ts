/**
 * The message catalogue: every frame type with its sender, its fields and their limits, as data
 * (docs/PROTOCOL.md, "Messages"); frames become messages and messages become frames.
 *
 * A payload is a UTF-8 JSON object, or nothing at all for PING and PONG. What cannot be understood
 * becomes a {@linkcode MessageFault}, which is data like any message and never a throw.
 *
 * @module
 */

import type { Command } from "./forum/command.ts";
import { command } from "./forum/command_schema.ts";
import { type ForumEvent, type Role, ROLES } from "./forum/event.ts";
import { forumEvent } from "./forum/event_schema.ts";
import { encodeFrame, FIRST_SKIPPABLE_TYPE, type Frame } from "./frame.ts";
import {
  flag,
  integer,
  isProblem,
  list,
  object,
  oneOf,
  optional,
  problemText,
  record,
  type Schema,
  tagged,
  text,
} from "./schema.ts";
import { STATUS, type StatusName } from "./status.ts";

/** The protocol's version, the 2 in DFP/2. */
export const VERSION = 2;

/** The line with which the server begins. */
export const BANNER = "DFP 2024 INTERACTION WITH FORUM BEGINS\r\n";

/** The line with which a client begins, without waiting for the banner. */
export const PREFACE = "DFP/2\r\n";

/** The default for the largest payload of a frame, in bytes. */
export const FRAME_PAYLOAD_MAX = 256 * 1024;

/** First from the client. */
export interface Hello {
  /** {@linkcode VERSION}. */
  readonly version: number;
  /** Program and version, as `dfp-console/2.0`. */
  readonly agent: string;
  /** What the client can do beyond the basics; nothing is defined yet. */
  readonly features: string[];
}

/** What the server allows. */
export interface Limits {
  /** Largest payload of a frame, bytes. */
  readonly frame: number;
  /** Largest body of a message, bytes of UTF-8. */
  readonly text: number;
  /** Commands of one connection that may wait for their replies. */
  readonly commands: number;
}

/** The server's answer to HELLO. */
export interface Welcome {
  readonly version: number;
  /** Program and version of the server. */
  readonly server: string;
  readonly limits: Limits;
  /** After so many ms of silence the other side is asked for a sign of life. */
  readonly heartbeat: number;
  /** Ways to sign in, best first. */
  readonly mechanisms: string[];
  readonly registration: "open" | "closed";
  /** Type of channel binding that SCRAM must use here; absent where there is none. */
  readonly binding?: string;
  /** The server's clock, ms since 1970. */
  readonly time: number;
}

/** One of SCRAM's messages, as RFC 5802 writes it. */
export interface Scram {
  readonly scram: string;
}

/** Signing in has succeeded. */
export interface Granted {
  /** SCRAM's server-final message, when a password was proved: check it. */
  readonly scram?: string;
  readonly user: string;
  readonly role: Role;
  /** Secret that signs in again by RESUME; absent where that is not offered. */
  readonly token?: string;
}

/** A new account. Bytes are base64; the password never travels. */
export interface Register {
  readonly user: string;
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** Signing in with a token. */
export interface Resume {
  readonly token: string;
}

/** A reply that grants: the fields that reply.ts names for the command. */
export type Done = object;

/** A reply that refuses. */
export interface Refused {
  /** The status code. */
  readonly code: number;
  /** Its name. */
  readonly name: string;
  /** A sentence for a person. */
  readonly text: string;
  readonly detail?: {
    /** Trying again can help after so many ms. */
    readonly wait?: number;
    /** The last sequence number that there is. */
    readonly head?: number;
    /** The field that is wrong. */
    readonly field?: string;
  };
}

/** Somebody came or went. */
export interface PresenceNotice {
  readonly kind: "presence";
  readonly user: string;
  readonly on: boolean;
  /** When. */
  readonly at: number;
}

/** Somebody is typing. */
export interface TypingNotice {
  readonly kind: "typing";
  readonly user: string;
  readonly thread: number;
}

/** The server is about to stop; BYE follows. */
export interface ClosingNotice {
  readonly kind: "closing";
  readonly text: string;
}

/** What passes and is not kept. */
export type Notice = PresenceNotice | TypingNotice | ClosingNotice;

/** Why the session ends. */
export interface Bye {
  /** A status code. */
  readonly code: number;
  readonly reason: string;
}

/** Nothing. */
export type Nothing = object;

/** The body of each kind of message. */
export interface Bodies {
  hello: Hello;
  welcome: Welcome;
  login: Scram;
  challenge: Scram;
  proof: Scram;
  granted: Granted;
  register: Register;
  resume: Resume;
  command: Command;
  done: Done;
  refused: Refused;
  event: ForumEvent;
  notice: Notice;
  ping: Nothing;
  pong: Nothing;
  bye: Bye;
}

/** The kinds of message. */
export type Kind = keyof Bodies;

/** Which side may send it. */
export type Side = "client" | "server";

/** A message: its kind, the id of its frame, and its body. */
export type Message = { [K in Kind]: MessageOf<K> }[Kind];

/** A message of one kind. */
export interface MessageOf<K extends Kind> {
  readonly kind: K;
  /** Request, thread or nonce; 0 where the kind has none. */
  readonly id: number;
  readonly body: Bodies[K];
}

/** A frame that is not a message. */
export interface MessageFault {
  readonly kind: "fault";
  readonly status: StatusName;
  readonly text: string;
  /** The command's id, if the fault concerns that command alone and can be refused on it. */
  readonly request?: number;
  /** The field that is wrong. */
  readonly field?: string;
}

/** One row of the catalogue. */
export interface CatalogueEntry<B> {
  /** The type byte. */
  readonly type: number;
  readonly from: Side | "both";
  /** What the frame's id means; a kind with `none` has id 0. */
  readonly id: "none" | "request" | "thread" | "nonce";
  /** The body's rule; absent where the payload is empty. */
  readonly body?: Schema<B>;
}

const word: Schema<string> = text(64, 1);
const scram: Schema<Scram> = record({ scram: text(2048, 1) });
const encoded: Schema<string> = text(128, 1);
const time: Schema<number> = integer(0, 8_640_000_000_000_000);
const size: Schema<number> = integer(0, 0xffff_ffff);

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
    body: tagged<Notice>("kind", {
      presence: record({ user: word, on: flag, at: time }),
      typing: record({ user: word, thread: size }),
      closing: record({ text: text(1000) }),
    }),
  },
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

/** The catalogue by type byte, so that reading a frame looks nothing up by name. */
const byType: ({ kind: Kind; entry: CatalogueEntry<unknown> } | undefined)[] = new Array(256);
for (const kind of KINDS) byType[CATALOGUE[kind].type] = { kind, entry: CATALOGUE[kind] };

// A decoder with `fatal` is slow in some engines (FACTS §3): bad bytes are looked for afterwards.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();

/** The text of UTF-8 bytes, or `undefined` if they are not UTF-8. */
function readText(bytes: Uint8Array): string | undefined {
  const text = decoder.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fault(status: StatusName, text: string, more?: Partial<MessageFault>): MessageFault {
  return { kind: "fault", status, text, ...more };
}

/**
 * Reads a frame that `from` has sent. `undefined` is a type that may be skipped.
 *
 * @example
 * ```ts
 * import { encodeMessage, parseMessage } from "./message.ts";
 * import { readFrame } from "./frame.ts";
 * import { createReceiveBuffer } from "./receive_buffer.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const message = { kind: "resume", id: 0, body: { token: "abc" } } as const;
 * const buffer = createReceiveBuffer();
 * buffer.append(encodeMessage(message));
 * const frame = readFrame(buffer, () => 1024);
 * if (frame === undefined || "tooLarge" in frame) throw new Error("the frame is whole");
 * assertEquals(parseMessage(frame, "client"), message);
 * ```
 */
export function parseMessage(frame: Frame, from: Side): Message | MessageFault | undefined {
  const row = byType[frame.type];
  if (row === undefined) {
    if (frame.type >= FIRST_SKIPPABLE_TYPE) return undefined;
    return fault("unknown-type", `A frame of type ${hex(frame.type)} is not known.`);
  }
  const { kind, entry } = row;
  if (entry.from !== "both" && entry.from !== from) {
    return fault("unexpected", `A ${from} does not send ${kind.toUpperCase()}.`);
  }
  if (entry.id === "none" && frame.id !== 0) {
    return fault("bad-message", `The id of ${kind.toUpperCase()} must be 0.`);
  }
  if (entry.body === undefined) {
    if (frame.length > 0) return fault("bad-message", `${kind.toUpperCase()} has no payload.`);
    return { kind, id: frame.id, body: {} } as Message;
  }
  const request = kind === "command" ? { request: frame.id } : undefined;
  const text = readText(frame.payload);
  if (text === undefined) {
    return fault("bad-message", `The payload of ${kind.toUpperCase()} is not UTF-8.`, request);
  }
  const value = readJson(text);
  if (value === undefined) {
    return fault("bad-message", `The payload of ${kind.toUpperCase()} is not JSON.`, request);
  }
  const body = entry.body.parse(value);
  if (isProblem(body)) {
    const unknownOp = kind === "command" && body.path === "op";
    return fault(
      unknownOp ? "invalid-command" : request !== undefined ? "bad-field" : "bad-message",
      unknownOp ? STATUS["invalid-command"].text : `${kind.toUpperCase()}: ${problemText(body)}.`,
      { ...request, field: body.path },
    );
  }
  return { kind, id: frame.id, body } as Message;
}

function hex(type: number): string {
  return type.toString(16).padStart(2, "0");
}

/** The payload of a message as text: JSON, or nothing. */
export function payloadOf<K extends Kind>(kind: K, body: Bodies[K]): string {
  return CATALOGUE[kind].body === undefined ? "" : JSON.stringify(body);
}

/** Encodes a message into a frame of its own. */
export function encodeMessage(message: Message): Uint8Array {
  return encodeText(
    CATALOGUE[message.kind].type,
    message.id,
    payloadOf(message.kind, message.body),
  );
}

/** Encodes a frame whose payload is the given text. */
export function encodeText(type: number, id: number, payload: string): Uint8Array {
  return encodeFrame(type, id, encoder.encode(payload));
}
