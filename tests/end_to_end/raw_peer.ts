/**
 * A peer that speaks frames by hand, so that it can misbehave: it reads only when asked to, and sends
 * whatever it is given. What it should not do itself (SCRAM, frames) it takes from `protocol/`.
 *
 * @module
 */

import { newCredential, saltPassword } from "../../client/password.ts";
import type { Command } from "../../protocol/forum/command.ts";
import type { ForumEvent } from "../../protocol/forum/event.ts";
import type { Granted, Refused, Welcome } from "../../protocol/body.ts";
import { CATALOGUE, type Kind } from "../../protocol/catalogue.ts";
import { readFrame } from "../../protocol/frame.ts";
import {
  BANNER,
  encodeMessage,
  encodeText,
  FRAME_PAYLOAD_MAX,
  type Message,
  type MessageOf,
  parseMessage,
  PREFACE,
  VERSION,
} from "../../protocol/message.ts";
import { createReceiveBuffer } from "../../protocol/receive_buffer.ts";
import { createScramClient } from "../../protocol/scram_client.ts";

/** Where to connect. */
export interface PeerAddress {
  readonly hostname: string;
  readonly port: number;
}

/** A peer. */
export interface RawPeer {
  /** Writes all of the bytes. */
  sendBytes(bytes: Uint8Array): Promise<void>;
  send(...messages: Message[]): Promise<void>;
  /** Sends a COMMAND whose payload is any text at all. */
  sendPayload(id: number, payload: string): Promise<void>;
  /** Sends a COMMAND. */
  command(id: number, command: Command): Promise<void>;
  /** The next message from the server, whatever it is; `undefined` at the end of the stream. */
  next(): Promise<Message | undefined>;
  /** The next message of a kind; those before it are skipped, except that an early end rejects. */
  expect<K extends Kind>(kind: K): Promise<MessageOf<K>>;
  /** The reply to a command; events and notices before it are skipped. */
  reply(id: number): Promise<MessageOf<"done"> | MessageOf<"refused">>;
  /** The next event, and nothing else before it but PINGs. */
  event(): Promise<ForumEvent>;
  /** Reads the server's text up to the end of the stream, as a person with a terminal would. */
  text(): Promise<string>;
  /** Banner, preface and HELLO. */
  greet(): Promise<Welcome>;
  /** Makes an account and is signed in. */
  register(user: string, password: string): Promise<Granted | Refused>;
  login(user: string, password: string): Promise<Granted | Refused>;
  resume(token: string): Promise<Granted | Refused>;
  /** Ends its own side; it can still read. */
  endWriting(): Promise<void>;
  close(): void;
}

/** What carries a peer's bytes: a TCP or TLS socket, or a WebSocket. */
export interface PeerSocket {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** How a peer reads. */
export interface PeerOptions {
  /** The most bytes of one read; 64 KiB if not given. */
  readonly readBytes?: number;
}

class Peer implements RawPeer {
  readonly #socket: PeerSocket;
  readonly #received = createReceiveBuffer();
  readonly #chunk: Uint8Array;
  #open = true;

  constructor(socket: PeerSocket, { readBytes = 64 * 1024 }: PeerOptions) {
    this.#socket = socket;
    this.#chunk = new Uint8Array(readBytes);
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      rest = rest.subarray(await this.#socket.write(rest));
    }
  }

  send(...messages: Message[]): Promise<void> {
    return this.sendBytes(joined(messages.map(encodeMessage)));
  }

  sendPayload(id: number, payload: string): Promise<void> {
    return this.sendBytes(encodeText(CATALOGUE.command.type, id, payload));
  }

  command(id: number, command: Command): Promise<void> {
    return this.send({ kind: "command", id, body: command });
  }

  async #more(): Promise<boolean> {
    const count = await this.#socket.read(this.#chunk);
    if (count === null) return false;
    this.#received.append(this.#chunk.subarray(0, count));
    return true;
  }

  async next(): Promise<Message | undefined> {
    for (;;) {
      const frame = readFrame(this.#received, () => FRAME_PAYLOAD_MAX);
      if (frame !== undefined && "tooLarge" in frame) {
        throw new Error(`the server sent a frame of ${frame.length} bytes`);
      }
      if (frame !== undefined) {
        const message = parseMessage(frame, "server");
        if (message?.kind === "fault") throw new Error(`the server sent this: ${message.text}`);
        if (message !== undefined) return message;
      } else if (!(await this.#more())) return undefined;
    }
  }

  async expect<K extends Kind>(kind: K): Promise<MessageOf<K>> {
    const skipped: Message[] = [];
    for (;;) {
      const message = await this.next();
      if (message?.kind === kind) return message as unknown as MessageOf<K>;
      if (message === undefined) {
        const had = skipped.map((other) => JSON.stringify(other)).join("\n").slice(-2000);
        throw new Error(`the stream ended and no ${kind} came. It had:\n${had}`);
      }
      skipped.push(message);
    }
  }

  async reply(id: number): Promise<MessageOf<"done"> | MessageOf<"refused">> {
    for (;;) {
      const message = await this.next();
      if (message === undefined) throw new Error(`the stream ended, no reply to ${id} came`);
      if (message.kind !== "done" && message.kind !== "refused") continue;
      if (message.id !== id) throw new Error(`a reply to ${message.id} came instead of ${id}`);
      return message;
    }
  }

  async event(): Promise<ForumEvent> {
    for (;;) {
      const message = await this.next();
      // This server sends no kinds of event that are not known here.
      if (message?.kind === "event") return message.body as ForumEvent;
      if (message?.kind !== "ping") throw new Error(`no event came: ${JSON.stringify(message)}`);
    }
  }

  async text(): Promise<string> {
    while (await this.#more());
    const bytes = this.#received.view(0, this.#received.length).slice();
    this.#received.clear();
    return new TextDecoder().decode(bytes);
  }

  async greet(): Promise<Welcome> {
    await this.sendBytes(new TextEncoder().encode(PREFACE));
    await this.send({
      kind: "hello",
      id: 0,
      body: { version: VERSION, agent: "raw-peer/1", features: [] },
    });
    while (this.#received.length < BANNER.length) {
      if (!(await this.#more())) throw new Error("the stream ended before the banner");
    }
    const banner = new TextDecoder().decode(this.#received.view(0, BANNER.length));
    if (banner !== BANNER) throw new Error(`the banner is ${JSON.stringify(banner)}`);
    this.#received.skip(BANNER.length);
    return (await this.expect("welcome")).body;
  }

  async register(user: string, password: string): Promise<Granted | Refused> {
    await this.send({
      kind: "register",
      id: 0,
      body: { user, ...await newCredential(password) },
    });
    return await this.#outcome();
  }

  async login(user: string, password: string): Promise<Granted | Refused> {
    const scram = createScramClient({ user, nonce: crypto.randomUUID() });
    await this.send({ kind: "login", id: 0, body: { scram: scram.first() } });
    const answer = await this.#signInStep();
    if (answer.kind !== "challenge") return answer.body as Refused;
    const challenge = scram.readServerFirst(answer.body.scram);
    if ("fault" in challenge) throw new Error(challenge.text);
    const salted = await saltPassword(password, challenge.salt, challenge.iterations);
    await this.send({ kind: "proof", id: 0, body: { scram: scram.final(salted) } });
    return await this.#outcome();
  }

  async resume(token: string): Promise<Granted | Refused> {
    await this.send({ kind: "resume", id: 0, body: { token } });
    return await this.#outcome();
  }

  async #outcome(): Promise<Granted | Refused> {
    return (await this.#signInStep()).body as Granted | Refused;
  }

  async #signInStep() {
    for (;;) {
      const message = await this.next();
      switch (message?.kind) {
        case "challenge":
        case "granted":
        case "refused":
          return message;
        case "ping":
          // Where keys take long to work out, the server wants to know whether anybody is there.
          await this.send({ kind: "pong", id: message.id, body: {} });
          break;
        default:
          throw new Error(`signing in was answered with ${JSON.stringify(message)}`);
      }
    }
  }

  endWriting(): Promise<void> {
    return this.#socket.closeWrite();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#socket.close();
  }
}

/** Joins arrays of bytes. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Opens a connection and says nothing on it. */
export async function connectPeer(
  { hostname, port }: PeerAddress,
  options: PeerOptions = {},
): Promise<RawPeer> {
  const socket = await Deno.connect({ hostname, port });
  socket.setNoDelay();
  return new Peer(socket, options);
}

/** A peer on a socket that was opened elsewhere. */
export function peerOn(socket: PeerSocket, options: PeerOptions = {}): RawPeer {
  return new Peer(socket, options);
}

/** Whether signing in was granted. */
export function isGranted(outcome: Granted | Refused): outcome is Granted {
  return "role" in outcome;
}
