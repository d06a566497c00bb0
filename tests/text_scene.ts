/**
 * A connection in text mode in tests, with somebody outside who answers only when a test says so.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Command } from "../protocol/forum/command.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { createTransmitBuffer } from "../protocol/transmit_buffer.ts";
import {
  createTextConnection,
  type TextConnection,
  type TextConnectionOptions,
  type TextTransition,
} from "../protocol/text_mode/text_connection.ts";
import { drain, NEVER, SALTED, take, USER, VERIFIER } from "./connection_scene.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A status line: its code. */
export const STATUS_LINE = /^DFP (\d+) /;

/** What may be otherwise than usual; without more, nothing ever takes too long. */
export type TextSceneOptions = Partial<TextConnectionOptions>;

/** A connection in text mode, at time 0. */
export function textEnd(options: TextSceneOptions = {}): TextConnection {
  return createTextConnection({
    stream: {
      received: createReceiveBuffer(),
      transmit: createTransmitBuffer(),
      now: 0,
      ended: false,
      severed: false,
    },
    secure: true,
    random: (out) => out.fill(7),
    time: 1_700_000_000_000,
    signInTimeout: NEVER,
    idleTimeout: 0,
    ...options,
  });
}

/** The replies that a forum with nothing in it gives. */
export const REPLIES: Readonly<Record<string, object>> = {
  threads: { threads: [], more: false },
  users: { users: [], more: false },
  search: { threads: [], messages: [], more: false },
  since: { messages: [], more: false },
  follow: { head: 0 },
  prove: { scram: "r=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHmore,s=AAAA,i=4096" },
  post: { seq: 2, number: 1, at: 1_700_000_000_000 },
};

/** Talks with a connection. */
export class TextScene {
  readonly connection: TextConnection;
  now = 0;

  constructor(options?: TextSceneOptions) {
    this.connection = textEnd(options);
  }

  /** Somebody types. */
  type(text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? encoder.encode(text) : text;
    this.connection.receive(bytes, this.now);
  }

  /** What has happened. */
  told(): TextTransition[] {
    return drain<TextTransition>(this.connection);
  }

  /** The lines that can be read. */
  read(): string[] {
    const text = decoder.decode(take(this.connection));
    assert(text === "" || text.endsWith("\r\n"), "a line is not whole");
    return text.split("\r\n").slice(0, -1);
  }

  /** The codes of the status lines among them. */
  codes(): number[] {
    return this.read().flatMap((line) => {
      const status = STATUS_LINE.exec(line);
      return status === null ? [] : [Number(status[1])];
    });
  }

  /** Answers commands as an empty forum does, until there are no more; gives those commands. */
  answer(replies: Readonly<Record<string, object>> = {}): Command[] {
    const commands: Command[] = [];
    for (let told = this.told(); told.length > 0; told = this.told()) {
      for (const what of told) {
        if (what.kind !== "command") continue;
        const { op } = what.command;
        commands.push(what.command);
        this.connection.done(what.id, JSON.stringify(replies[op] ?? REPLIES[op] ?? {}));
      }
    }
    return commands;
  }

  /** Signs in with the password. */
  signIn(user = USER): void {
    this.type(`${user}\n`);
    assertEquals(this.told().at(-1)?.kind, "verifier-wanted");
    this.connection.provideVerifier(VERIFIER, this.now);
    this.type("a password\n");
    assertEquals(this.told().at(-1)?.kind, "salting-wanted");
    this.connection.provideSaltedPassword(SALTED, this.now);
    assertEquals(this.told().at(-1)?.kind, "proved");
    this.connection.grant({ user, role: "member" }, this.now);
    this.answer();
    assertEquals(this.connection.state, "ready");
    this.read();
  }
}
