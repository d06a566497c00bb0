/**
 * The two ends of a connection in tests, coupled in memory: bytes travel, and questions are answered, only when a
 * test says so.
 *
 * @module
 */

import { assert } from "@std/assert";
import { encodeBase64 } from "../protocol/base64.ts";
import type { Register } from "../protocol/body.ts";
import { CATALOGUE, type Side } from "../protocol/catalogue.ts";
import { type ClientConnection, createClientConnection } from "../protocol/client_connection.ts";
import type { Connection } from "../protocol/connection.ts";
import { readFrame } from "../protocol/frame.ts";
import {
  BANNER,
  FRAME_PAYLOAD_MAX,
  type Message,
  parseMessage,
  PREFACE,
} from "../protocol/message.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import {
  createServerConnection,
  type ServerConnection,
  type ServerConnectionOptions,
} from "../protocol/server_connection.ts";
import { statusName } from "../protocol/status.ts";
import { createVerifier, type Verifier } from "../protocol/verifier.ts";

const decoder = new TextDecoder();

/** The only name that has an account. */
export const USER = "Ada";
/** Her password, salted. */
export const SALTED: Uint8Array = new Uint8Array(32).fill(9);
/** Another password, salted. */
export const WRONGLY_SALTED: Uint8Array = new Uint8Array(32).fill(8);
const SALT = new Uint8Array(16).fill(3);
/** What the server keeps of her password. */
export const VERIFIER: Verifier = createVerifier(SALTED, SALT, 4096);
/** What every client adds to a sign-in. */
export const CLIENT_NONCE: string = encodeBase64(new Uint8Array(18).fill(5));
/** The largest payload that a server of these tests takes, in bytes. */
export const FRAME = 4096;

/** Asks for an account of this name. */
export function registration(user: string): Register {
  return {
    user,
    salt: encodeBase64(SALT),
    iterations: VERIFIER.iterations,
    storedKey: encodeBase64(VERIFIER.storedKey),
    serverKey: encodeBase64(VERIFIER.serverKey),
  };
}

/** How long things may take, and how much may be asked for; without them nothing ever takes too long. */
export interface SceneOptions {
  /** In ms; 0 is never. */
  readonly heartbeat?: number;
  readonly signInTimeout?: number;
  readonly idleTimeout?: number;
  readonly openTimeout?: number;
  /** Commands that may wait for their replies. */
  readonly commands?: number;
  /** Whether who does not begin with the preface is handed over. */
  readonly text?: boolean;
}

/** What belongs to a transfer, a message of each kind. */
export const TRANSFER_MESSAGES: readonly Message[] = [
  { kind: "data", id: 7, body: { bytes: new Uint8Array([1, 2, 3]) } },
  { kind: "packed", id: 7, body: { raw: 600, bytes: new Uint8Array([3, 0]) } },
  { kind: "credit", id: 7, body: { at: 3, upto: 9 } },
  { kind: "finish", id: 7, body: { sha256: "0123456789abcdef".repeat(4) } },
  { kind: "abort", id: 7, body: { code: 1471, reason: "" } },
];

/** Longer than any test. */
export const NEVER = 1e12;

/** A server's end, at time 0. */
export function serverEnd(
  {
    heartbeat = 0,
    signInTimeout = NEVER,
    idleTimeout = 0,
    commands = 8,
    text = false,
  }: SceneOptions = {},
): ServerConnection {
  const options: ServerConnectionOptions = {
    random: (out) => out.fill(6),
    now: 0,
    time: 0,
    signInTimeout,
    idleTimeout,
    text,
    welcome: {
      server: "test",
      limits: { frame: FRAME, text: 1000, commands },
      heartbeat,
      mechanisms: ["SCRAM-SHA-256"],
      registration: "open",
    },
  };
  return createServerConnection(options);
}

/** A client's end, at time 0. */
export function clientEnd({ openTimeout = NEVER }: SceneOptions = {}): ClientConnection {
  return createClientConnection({
    random: (out) => out.fill(5),
    now: 0,
    agent: "test",
    openTimeout,
  });
}

/** Everything that has happened. */
export function drain<T>(connection: Pick<Connection<T, string>, "next">): T[] {
  const happened: T[] = [];
  for (let what = connection.next(); what !== undefined; what = connection.next()) {
    happened.push(what);
    assert(happened.length < 100_000, "next() does not end");
  }
  return happened;
}

/** Takes all that waits to be written. */
export function take(connection: Connection<unknown, string>): Uint8Array {
  const parts: number[] = [];
  for (let bytes = connection.peekTransmit(); bytes.length > 0;) {
    parts.push(...bytes);
    connection.consumeTransmit(bytes.length);
    bytes = connection.peekTransmit();
  }
  return Uint8Array.from(parts);
}

/** Takes all that waits to be written as lines and messages, each in a few words. */
export function said(connection: Connection<unknown, string>, side: Side): string[] {
  const words: string[] = [];
  const bytes = take(connection);
  const buffer = createReceiveBuffer();
  buffer.append(bytes);
  for (const line of [PREFACE, BANNER]) {
    if (!decoder.decode(bytes).startsWith(line)) continue;
    words.push(line.trimEnd());
    buffer.skip(line.length);
  }
  if (buffer.length > 0 && decoder.decode(buffer.view(0, 4)) === "DFP ") {
    return [...words, decoder.decode(buffer.view(0, buffer.length)).slice(0, 8)];
  }
  for (;;) {
    const frame = readFrame(buffer, () => FRAME_PAYLOAD_MAX);
    if (frame === undefined) break;
    assert(!("tooLarge" in frame));
    const message = parseMessage(frame, side);
    assert(message !== undefined && message.kind !== "fault");
    words.push(inWords(message));
  }
  assert(buffer.length === 0, "a frame is not whole");
  return words;
}

/** A message in a few words: its kind, its id if it has one, its status if it has one. */
export function inWords(message: Message): string {
  const { kind, id } = message;
  const words: (string | number)[] = [kind];
  if (CATALOGUE[kind].id !== "none" && kind !== "ping") words.push(id);
  if (message.kind === "refused") words.push(message.body.name);
  if (message.kind === "bye") words.push(statusName(message.body.code)!);
  return words.join(" ");
}

/** Both ends. What happens to them is not looked at. */
export class Pair {
  readonly server: ServerConnection;
  readonly client: ClientConnection;
  /** How many bytes have reached each. */
  readonly arrived: Record<Side, number> = { server: 0, client: 0 };

  constructor(options: SceneOptions = {}) {
    this.server = serverEnd(options);
    this.client = clientEnd(options);
  }

  /** What the client has written reaches the server: all of it, or the first bytes. */
  toServer(count = this.client.pendingTransmit): void {
    this.arrived.server += move(this.client, this.server, { count, now: 0 });
    drain(this.server);
  }

  /** What the server has written reaches the client. */
  toClient(count = this.server.pendingTransmit): void {
    this.arrived.client += move(this.server, this.client, { count, now: 0 });
    drain(this.client);
  }
}

/** Carries bytes from one end to the other. */
export function move(
  from: Connection<unknown, string>,
  to: Connection<unknown, string>,
  { count, now }: { count: number; now: number },
): number {
  let left = count;
  while (left > 0 && to.wantsRead) {
    const bytes = from.peekTransmit().slice(0, left);
    if (bytes.length === 0) break;
    to.receive(bytes, now);
    from.consumeTransmit(bytes.length);
    left -= bytes.length;
  }
  return count - left;
}
