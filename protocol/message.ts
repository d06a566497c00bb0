/**
 * Messages: frames become messages and messages become frames, by the catalogue
 * (docs/PROTOCOL.md, "Messages").
 *
 * A payload is a UTF-8 JSON object; bytes in DATA, PACKED and RELAY; nothing at all in PING and PONG.
 * What cannot be understood becomes a {@linkcode MessageFault}, which is data like any message and never a throw.
 *
 * @module
 */

import type { Bodies } from "./body.ts";
import {
  CATALOGUE,
  type CatalogueEntry,
  CHUNK_MAX,
  type Kind,
  KINDS,
  PACKED_HEADER_BYTES,
  type Side,
} from "./catalogue.ts";
import { encodeFrame, FIRST_SKIPPABLE_TYPE, type Frame } from "./frame.ts";
import { isProblem, problemText } from "./schema.ts";
import { STATUS, type StatusName } from "./status.ts";
import { PACKED_MIN } from "./transfer/shrinking.ts";

/** The protocol's version, the 2 in DFP/2. */
export const VERSION = 2;

/** The line with which the server begins. */
export const BANNER = "DFP 2024 INTERACTION WITH FORUM BEGINS\r\n";

/** The line with which a client begins, without waiting for the banner. */
export const PREFACE = "DFP/2\r\n";

/** The default for the largest payload of a frame, in bytes. */
export const FRAME_PAYLOAD_MAX = 256 * 1024;

/** A message: its kind, the id of its frame, and its body. */
export type Message = { [K in Kind]: MessageOf<K> }[Kind];

/** A message of one kind. */
export interface MessageOf<K extends Kind> {
  /** Which row of the catalogue it belongs to. */
  readonly kind: K;
  /** Request, thread, transfer, channel or nonce; 0 where the kind has none. */
  readonly id: number;
  /** What the payload says. */
  readonly body: Bodies[K];
}

/** A frame that is not a message. */
export interface MessageFault {
  /** Never a kind of message. */
  readonly kind: "fault";
  /** What to refuse it or end the session with. */
  readonly status: StatusName;
  /** A sentence for people. */
  readonly text: string;
  /** The command's id, if the fault concerns that command alone and can be refused on it. */
  readonly request?: number;
  /** The field that is wrong. */
  readonly field?: string;
}

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
  if (kind === "command" && frame.id === 0) {
    return fault(
      "bad-message",
      "The id of COMMAND must not be 0: a refusal could not be told from sign-in's.",
    );
  }
  if (entry.bytes !== undefined) return readBytes(kind as BytesKind, entry.bytes, frame);
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

/** Kinds whose payload is bytes. */
type BytesKind = "data" | "packed" | "relay";

/** DATA, PACKED or RELAY: the bytes are a view, since most of them are only passed on. */
function readBytes(
  kind: BytesKind,
  { min, max }: { min: number; max: number },
  { length, id, payload }: Frame,
): Message | MessageFault {
  if (length < min || length > max) {
    return fault("bad-message", `${kind.toUpperCase()} has from ${min} to ${max} bytes.`);
  }
  if (kind !== "packed") return { kind, id, body: { bytes: payload } };
  const [a, b, c, d] = payload;
  const raw = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  if (raw < PACKED_MIN || raw > CHUNK_MAX) {
    return fault("bad-message", `PACKED stands for ${PACKED_MIN} to ${CHUNK_MAX} bytes.`);
  }
  // A window is counted in bytes of the file: so what waits in memory is never more than that.
  if (length - PACKED_HEADER_BYTES >= raw) {
    return fault("bad-message", "PACKED must carry fewer bytes than it stands for.");
  }
  return { kind, id, body: { raw, bytes: payload.subarray(PACKED_HEADER_BYTES) } };
}

function hex(type: number): string {
  return type.toString(16).padStart(2, "0");
}

/** The payload of a message as text: JSON, or nothing. Bytes of files are no text: see `encodeMessage`. */
export function payloadOf<K extends Kind>(kind: K, body: Bodies[K]): string {
  return CATALOGUE[kind].body === undefined ? "" : JSON.stringify(body);
}

/**
 * Encodes a message into a frame of its own: header and payload, ready to be written.
 *
 * @example
 * ```ts
 * import { encodeMessage } from "./message.ts";
 * import { FRAME_HEADER_BYTES } from "./frame.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const frame = encodeMessage({ kind: "bye", id: 0, body: { code: 2025, reason: "Until then." } });
 * assertEquals(
 *   new TextDecoder().decode(frame.subarray(FRAME_HEADER_BYTES)),
 *   '{"code":2025,"reason":"Until then."}',
 * );
 * ```
 */
export function encodeMessage(message: Message): Uint8Array {
  if (message.kind === "data" || message.kind === "relay") {
    return encodeFrame(CATALOGUE[message.kind].type, message.id, message.body.bytes);
  }
  if (message.kind === "packed") {
    const { raw, bytes } = message.body;
    const payload = new Uint8Array(PACKED_HEADER_BYTES + bytes.length);
    new DataView(payload.buffer).setUint32(0, raw);
    payload.set(bytes, PACKED_HEADER_BYTES);
    return encodeFrame(CATALOGUE.packed.type, message.id, payload);
  }
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
