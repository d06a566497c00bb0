/**
 * Who stands behind the two ends of a connection in tests: a host that answers what a server's end asks, and a
 * guest that does with a client's end what a script says. What they do depends on what they are told and on
 * nothing else, so what one of them has heard can be played to another of them.
 *
 * @module
 */

import fc from "fast-check";
import type { Side } from "../protocol/catalogue.ts";
import type { ClientConnection, ClientTransition } from "../protocol/client_connection.ts";
import type { Connection } from "../protocol/connection.ts";
import { encodeMessage } from "../protocol/message.ts";
import type { ServerConnection, ServerTransition } from "../protocol/server_connection.ts";
import { refuse } from "../protocol/status.ts";
import { fakeVerifier } from "../protocol/verifier.ts";
import { createFileOwner, fileCommand, type FileOwner } from "./connection_files.ts";
import {
  clientEnd,
  registration,
  SALTED,
  type SceneOptions,
  serverEnd,
  take,
  USER,
  VERIFIER,
  WRONGLY_SALTED,
} from "./connection_scene.ts";

/** A connection with who stands behind it. */
export interface Party {
  readonly connection: Connection<ServerTransition | ClientTransition, string>;
  /** The next transition; what it asks for is put off. */
  next(): ServerTransition | ClientTransition | undefined;
  /** Does the first thing that was put off; false if there is none. */
  act(now: number): boolean;
}

/** A way of signing in. */
export type Attempt = (typeof ATTEMPTS)[number];
/** All ways of signing in; the last three are denied. */
export const ATTEMPTS = [
  "password",
  "registration",
  "token",
  "wrong password",
  "taken name",
  "old token",
] as const;

/** What a guest does. */
export interface Script {
  /** In order, until one is granted. */
  readonly attempts: readonly Attempt[];
  /** Whether the first is begun before WELCOME has come. */
  readonly early: boolean;
  /** How many commands it sends when it is signed in; those behind a token go at once. */
  readonly commands: number;
  /** How many files it sends and gets behind these. */
  readonly files: number;
  /** Whether it says goodbye in the end. */
  readonly leaves: boolean;
}

/** Any script; some have little before their files. */
export const script: fc.Arbitrary<Script> = fc.oneof(
  fc.record({
    attempts: fc.array(fc.constantFrom(...ATTEMPTS), { maxLength: 4 }),
    early: fc.boolean(),
    commands: fc.nat(6),
    files: fc.nat(2),
    leaves: fc.boolean(),
  }),
  fc.record({
    attempts: fc.constant(["token" as const]),
    early: fc.constant(true),
    commands: fc.nat(1),
    files: fc.integer({ min: 1, max: 8 }),
    leaves: fc.boolean(),
  }),
);

/** An event as every subscriber gets it. */
export const EVENT: Uint8Array = encodeMessage({
  kind: "event",
  id: 1,
  body: {
    kind: "thread.created",
    scope: "directory",
    seq: 1,
    at: 0,
    by: USER,
    thread: 1,
    title: "",
  },
});

class Host implements Party {
  readonly connection: ServerConnection;
  readonly #files: FileOwner;
  readonly #acts: ((now: number) => void)[] = [];

  constructor(connection: ServerConnection) {
    this.connection = connection;
    this.#files = createFileOwner(connection);
  }

  next(): ServerTransition | undefined {
    const what = this.connection.next();
    const act = what && this.#answerTo(what);
    if (act !== undefined) this.#acts.push(act);
    return what;
  }

  act(now: number): boolean {
    const act = this.#acts.shift();
    act?.(now);
    return act !== undefined;
  }

  #answerTo(what: ServerTransition): ((now: number) => void) | undefined {
    const { connection } = this;
    const admit = (user: string | undefined, token?: string) => (now: number) =>
      user === undefined
        ? connection.deny(refuse("expired"), now)
        : connection.grant({ user, role: "member", ...token !== undefined && { token } }, now);
    switch (what.kind) {
      case "verifier-wanted": {
        const { user } = what;
        const verifier = user === USER ? VERIFIER : fakeVerifier(new Uint8Array(1), user, 4096);
        return (now) => connection.provideVerifier(verifier, now);
      }
      case "proved":
        return admit(what.user, "new token");
      case "disproved":
        return admit(undefined);
      case "register-wanted":
        return admit(what.registration.user === USER ? undefined : what.registration.user, "token");
      case "resume-wanted":
        return admit(what.token === "token" ? USER : undefined);
      case "transfer":
        return this.#files.answerTo(what.event);
      case "command": {
        const { id, command } = what;
        if (command.op === "upload" || command.op === "download") {
          return () => {
            // Nobody is there any more to be answered.
            if (connection.state !== "ready") return;
            const opened = this.#files.open(id, command);
            if (opened === undefined) connection.refuse(id, refuse("bad-field"));
            else connection.done(id, opened);
          };
        }
        if (id % 3 === 0) return () => connection.refuse(id, refuse("no-thread"));
        return () => {
          connection.done(id, "{}");
          connection.sendEvents(EVENT);
          connection.send({
            kind: "notice",
            id: 0,
            body: { kind: "typing", user: "x", thread: id },
          });
        };
      }
      default:
        return undefined;
    }
  }
}

class Guest implements Party {
  readonly connection: ClientConnection;
  readonly #script: Script;
  readonly #files: FileOwner;
  readonly #acts: ((now: number) => void)[] = [];
  #tried = 0;
  #salted = SALTED;
  #sent = 0;
  #answered = 0;

  constructor(connection: ClientConnection, script: Script) {
    this.connection = connection;
    this.#script = script;
    this.#files = createFileOwner(connection);
    if (script.early) this.#acts.push((now) => this.#try(now));
  }

  next(): ClientTransition | undefined {
    const what = this.connection.next();
    const act = what && this.#answerTo(what);
    if (act !== undefined) this.#acts.push(act);
    return what;
  }

  act(now: number): boolean {
    const act = this.#acts.shift();
    act?.(now);
    return act !== undefined;
  }

  #answerTo(what: ClientTransition): ((now: number) => void) | undefined {
    switch (what.kind) {
      case "welcomed":
        return this.#script.early ? undefined : (now) => this.#try(now);
      case "denied":
        return (now) => this.#try(now);
      case "password-wanted":
        return (now) => this.connection.provideSaltedPassword(this.#salted, now);
      case "granted":
        return (now) => {
          this.#send();
          this.#leave(now);
        };
      case "transfer": {
        if (what.event.what === "finish" || what.event.what === "abort") this.#answered++;
        const act = this.#files.answerTo(what.event);
        return (now) => {
          act?.();
          this.#leave(now);
        };
      }
      case "done": {
        const { id, result } = what;
        if (id <= this.#script.commands || id > this.#sent) {
          this.#answered++;
          return (now) => this.#leave(now);
        }
        return () => {
          if (this.connection.state === "ready") this.#files.opened(id, result);
        };
      }
      case "refused":
        this.#answered++;
        return (now) => this.#leave(now);
      default:
        return undefined;
    }
  }

  /** Begins the next attempt, if there is one left and nothing has ended in between. */
  #try(now: number): void {
    const { connection } = this;
    if (connection.state === "closing" || connection.state === "closed") return;
    const attempt = this.#script.attempts[this.#tried++];
    switch (attempt) {
      case undefined:
        this.#leave(now);
        return;
      case "password":
      case "wrong password":
        this.#salted = attempt === "password" ? SALTED : WRONGLY_SALTED;
        return connection.login(USER, now);
      case "registration":
      case "taken name":
        return connection.register(registration(attempt === "taken name" ? USER : "Boris"), now);
      case "token":
      case "old token":
        connection.resume(attempt, now);
        this.#send();
    }
  }

  #send(): void {
    const { commands, files } = this.#script;
    while (this.#sent < commands + files && this.connection.acceptsCommands) {
      const id = ++this.#sent;
      this.connection.command(id, id <= commands ? { op: "users" } : fileCommand(id));
    }
  }

  #leave(now: number): void {
    if (this.#script.leaves && this.#answered >= this.#sent) this.connection.close("goodbye", now);
  }
}

/** A new end of a connection with who stands behind it. */
export function party(side: Side, script: Script, options?: SceneOptions): Party {
  return side === "server" ? new Host(serverEnd(options)) : new Guest(clientEnd(options), script);
}

/** Pulls what there is, and does at once what it asks for; gives what was told and written. */
export function attend(party: Party, now: number): { told: string[]; written: number[] } {
  const told: string[] = [];
  const written: number[] = [];
  const write = () => written.push(...take(party.connection));
  do {
    write();
    for (let what = party.next(); what !== undefined; what = party.next()) {
      told.push(JSON.stringify(what));
      while (party.act(now));
      write();
    }
  } while (party.act(now) || party.connection.pendingTransmit > 0);
  return { told, written };
}

/** What each side writes when a guest with this script meets a host. */
export function record(script: Script): Record<Side, Uint8Array> {
  const [server, client] = [party("server", script), party("client", script)];
  const all: Record<Side, number[]> = { server: [], client: [] };
  for (let quiet = false; !quiet;) {
    quiet = true;
    for (
      const [side, from, to] of [["client", client, server], ["server", server, client]] as const
    ) {
      const { written } = attend(from, 0);
      if (written.length === 0) continue;
      quiet = false;
      all[side].push(...written);
      if (to.connection.wantsRead) to.connection.receive(Uint8Array.from(written), 0);
    }
  }
  return { server: Uint8Array.from(all.server), client: Uint8Array.from(all.client) };
}
