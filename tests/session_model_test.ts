/**
 * Model-based sessions: a server's and a client's connection, coupled in memory by a network that cuts and delays,
 * against a model of what both must then be. The model knows what was asked for; from that it knows who must be
 * signed in, which replies and events must have come, and how both must have ended.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ClientTransition } from "../protocol/client_connection.ts";
import { LINGER, SILENT_HEARTBEATS } from "../protocol/link.ts";
import { encodeMessage } from "../protocol/message.ts";
import type { ServerTransition } from "../protocol/server_connection.ts";
import { refuse, type StatusName } from "../protocol/status.ts";
import {
  clientEnd,
  move,
  registration,
  SALTED,
  serverEnd,
  USER,
  VERIFIER,
  WRONGLY_SALTED,
} from "./connection_scene.ts";
import { runs } from "./runs.ts";

const HEARTBEAT = 1000;
/** How many commands may be unanswered: few, so that the server holds some back. */
const COMMANDS = 3;
/** Who signs in with a new account. */
const NEWCOMER = "Boris";

type Attempt =
  | "password"
  | "wrong password"
  | "registration"
  | "taken name"
  | "token"
  | "old token";
const GOOD: readonly Attempt[] = ["password", "registration", "token"];

/** Why it ends. */
type End = "client closes" | "server closes" | "break" | "half-close" | "silence";

/** What must be. */
interface Model {
  /** Who is signed in, as soon as all that is under way has arrived. */
  user: string | undefined;
  /** Whether an attempt may be under way: then no other may begin. */
  busy: boolean;
  /** The commands sent, in order: whether each is told to the server's side, or refused since nobody is signed in. */
  commands: { id: number; signedIn: boolean }[];
  /** The events sent, and the notices. */
  events: number;
  /** How it ended, and with what status the closing side did. */
  ended: { how: End; status: StatusName } | undefined;
}

/** Both ends with the network between them, and who stands behind each. */
class Real {
  readonly server = serverEnd({ heartbeat: HEARTBEAT, commands: COMMANDS });
  readonly client = clientEnd();
  now = 0;
  /** Nothing arrives any more. */
  cut = false;
  readonly #questions: (() => void)[] = [];
  readonly commands: number[] = [];
  readonly answers = new Map<number, "done" | "refused">();
  readonly serverDid: ServerTransition[] = [];
  readonly clientDid: ClientTransition[] = [];
  salted = SALTED;
  user: string | undefined;

  /** Commands that the server has been told of and has not answered. */
  readonly unanswered: number[] = [];

  look(): void {
    for (let what = this.server.next(); what !== undefined; what = this.server.next()) {
      this.serverDid.push(what);
      this.#asked(what);
    }
    for (let what = this.client.next(); what !== undefined; what = this.client.next()) {
      this.clientDid.push(what);
      if (what.kind === "password-wanted") {
        this.#questions.push(() => this.client.provideSaltedPassword(this.salted, this.now));
      }
    }
    // Whoever has closed its end of a stream ends it for the other.
    if (this.client.state === "closed") this.server.receiveEnd(this.now);
    if (this.server.state === "closed" && this.server.pendingTransmit === 0) this.#partFromClient();
  }

  #partFromClient(): void {
    if (this.client.state !== "closed") this.client.receiveEnd(this.now);
  }

  #asked(what: ServerTransition): void {
    const { server } = this;
    const admit = (user: string | undefined) => {
      if (user === undefined) return server.deny(refuse("wrong-password"), this.now);
      if (server.state !== "closing" && server.state !== "closed") this.user = user;
      server.grant({ user, role: "member", token: "token" }, this.now);
    };
    switch (what.kind) {
      case "verifier-wanted":
        this.#questions.push(() => server.provideVerifier(VERIFIER, this.now));
        return;
      case "proved":
        this.#questions.push(() => admit(what.user));
        return;
      case "disproved":
        this.#questions.push(() => admit(undefined));
        return;
      case "register-wanted": {
        const { user } = what.registration;
        this.#questions.push(() => admit(user === NEWCOMER ? user : undefined));
        return;
      }
      case "resume-wanted":
        this.#questions.push(() => admit(what.token === "token" ? USER : undefined));
        return;
      case "command":
        this.commands.push(what.id);
        this.unanswered.push(what.id);
    }
  }

  /** Answers the oldest question of signing in; false if there is none. */
  decide(): boolean {
    const question = this.#questions.shift();
    question?.();
    this.look();
    return question !== undefined;
  }

  /** Answers one command, not always the oldest. */
  answer(which: number, how: "done" | "refused"): boolean {
    const [id] = this.unanswered.splice(which % Math.max(1, this.unanswered.length), 1);
    if (id === undefined) return false;
    if (how === "done") this.server.done(id, JSON.stringify({ id }));
    else this.server.refuse(id, refuse("no-thread"));
    this.answers.set(id, how);
    this.look();
    return true;
  }

  /** Some bytes arrive, in both directions or in one. */
  carry(up: number, down: number): boolean {
    if (this.cut) return false;
    const { server, client, now } = this;
    let moved = move(client, server, { count: up, now });
    this.look();
    moved += move(server, client, { count: down, now });
    this.look();
    return moved > 0;
  }

  /** Everything arrives, and everything is answered. */
  settle(): void {
    for (
      let rounds = 0;
      this.carry(1e9, 1e9) || this.decide() || this.answer(0, "done");
      rounds++
    ) {
      assert(rounds < 1000, "they do not come to rest");
    }
  }

  /** Time passes; what is due happens, and meanwhile bytes arrive unless the link is cut. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const dues = [this.server.timeout(), this.client.timeout()].filter((due) =>
        due !== undefined
      );
      const due = Math.max(this.now, Math.min(...dues));
      if (!(due <= until)) break;
      this.now = due;
      this.server.handleTimeout(due);
      this.client.handleTimeout(due);
      this.look();
      while (this.carry(1e9, 1e9));
    }
    this.now = until;
  }
}

/** What holds at any time, however much is still under way. */
function check(model: Model, real: Real): void {
  const reached = model.commands.filter(({ signedIn }) => signedIn).map(({ id }) => id);
  assertEquals(real.commands, reached.slice(0, real.commands.length), "commands in order");
  const replies = new Set<number>();
  let events = 0;
  let granted = false;
  for (const what of real.clientDid) {
    if (what.kind === "event") assertEquals(what.event.seq, ++events, "events in order");
    if (what.kind === "granted") {
      granted = true;
      assertEquals(what.granted.user, real.user);
    }
    if (what.kind !== "done" && what.kind !== "refused") continue;
    assert(!replies.has(what.id), `two replies to ${what.id}`);
    replies.add(what.id);
    const { signedIn } = model.commands.find(({ id }) => id === what.id)!;
    if (signedIn) assertEquals(what.kind, real.answers.get(what.id));
    else assertEquals([what.kind, statusOf(what)], ["refused", "not-signed-in"]);
  }
  assert(events <= model.events);
  assert(!granted || model.user !== undefined, "somebody came in who must not");
  for (const did of [real.serverDid, real.clientDid]) {
    const kinds = did.map(({ kind }) => kind as string);
    const closing = kinds.findIndex((kind) => kind === "closing" || kind === "closed");
    if (closing >= 0) assert(kinds.slice(closing + 1).every((kind) => kind === "closed"));
    assert(kinds.filter((kind) => kind === "closed").length <= 1);
  }
}

function statusOf(what: ClientTransition): string | undefined {
  return what.kind === "refused" ? what.refused.name : undefined;
}

/** What holds when all has arrived. */
function checkSettled(model: Model, real: Real): void {
  check(model, real);
  if (model.ended !== undefined) return checkEnded(model.ended, real);
  const state = model.user === undefined ? "unsigned" : "ready";
  assertEquals([real.server.state, real.client.state], [state, state]);
  assertEquals(real.user, model.user);
  const replied = real.clientDid.filter(({ kind }) => kind === "done" || kind === "refused");
  assertEquals(replied.length, model.commands.length, "every command has its reply");
  assertEquals(real.clientDid.filter(({ kind }) => kind === "event").length, model.events);
  assertEquals(real.clientDid.filter(({ kind }) => kind === "notice").length, model.events);
  assertEquals([real.server.pendingTransmit, real.client.pendingTransmit], [0, 0]);
}

function checkEnded({ how, status }: NonNullable<Model["ended"]>, real: Real): void {
  assertEquals([real.server.state, real.client.state], ["closed", "closed"]);
  assertEquals([real.server.timeout(), real.client.timeout()], [undefined, undefined]);
  const [server, client] = [real.serverDid.at(-1), real.clientDid.at(-1)].map((what) =>
    what?.kind === "closed" ? what.ending.status : undefined
  );
  const wanted: Record<End, [StatusName, StatusName]> = {
    "client closes": ["goodbye", status],
    "server closes": [status, status],
    "break": ["lost", "lost"],
    "half-close": ["lost", "lost"],
    "silence": ["silent", "silent"],
  };
  // A stream can break in the middle of a frame.
  const plain = (given: StatusName | undefined) =>
    how === "break" && given === "cut-short" ? "lost" : given;
  assertEquals([plain(server), plain(client)], wanted[how]);
}

/** A command of the model with what it checks in any case. */
abstract class Step implements fc.Command<Model, Real> {
  check(model: Readonly<Model>): boolean {
    return model.ended === undefined;
  }
  run(model: Model, real: Real): void {
    this.act(model, real);
    real.look();
    // A denied attempt makes room for the next, whatever is still on its way behind it.
    if (real.client.state === "unsigned") model.busy = false;
    check(model, real);
  }
  protected abstract act(model: Model, real: Real): void;
  abstract toString(): string;
}

class SignIn extends Step {
  readonly #attempt: Attempt;
  readonly #behind: number;
  constructor(attempt: Attempt, behind: number) {
    super();
    this.#attempt = attempt;
    this.#behind = behind;
  }
  override check(model: Readonly<Model>): boolean {
    return super.check(model) && model.user === undefined && !model.busy;
  }
  protected act(model: Model, real: Real): void {
    const { client, now } = real;
    model.busy = true;
    switch (this.#attempt) {
      case "password":
      case "wrong password":
        real.salted = this.#attempt === "password" ? SALTED : WRONGLY_SALTED;
        client.login(USER, now);
        break;
      case "registration":
      case "taken name":
        client.register(registration(this.#attempt === "registration" ? NEWCOMER : USER), now);
        break;
      case "token":
      case "old token":
        client.resume(this.#attempt, now);
    }
    const good = GOOD.includes(this.#attempt);
    if (good) model.user = this.#attempt === "registration" ? NEWCOMER : USER;
    assertEquals(client.acceptsCommands, this.#attempt.endsWith("token"));
    if (!client.acceptsCommands) return;
    for (let i = 0; i < this.#behind; i++) send(model, real, good);
  }
  toString(): string {
    return `signs in: ${this.#attempt}, ${this.#behind} commands behind it`;
  }
}

function send(model: Model, real: Real, signedIn: boolean): void {
  const id = model.commands.length + 1;
  model.commands.push({ id, signedIn });
  real.client.command(id, { op: "users" });
}

class Send extends Step {
  readonly #count: number;
  constructor(count: number) {
    super();
    this.#count = count;
  }
  override check(model: Readonly<Model>): boolean {
    return super.check(model) && model.user !== undefined;
  }
  protected act(model: Model, real: Real): void {
    // GRANTED may still be under way: then it may not send yet.
    if (!real.client.acceptsCommands) return;
    for (let i = 0; i < this.#count; i++) send(model, real, true);
  }
  toString(): string {
    return `sends ${this.#count} commands`;
  }
}

class Answer extends Step {
  readonly #which: number;
  readonly #how: "done" | "refused";
  constructor(which: number, how: "done" | "refused") {
    super();
    this.#which = which;
    this.#how = how;
  }
  protected act(_model: Model, real: Real): void {
    real.answer(this.#which, this.#how);
  }
  toString(): string {
    return `answers ${this.#which}: ${this.#how}`;
  }
}

class Tell extends Step {
  protected act(model: Model, real: Real): void {
    if (real.server.state !== "ready") {
      // Nobody is there to be told: it does nothing.
      const { pendingTransmit } = real.server;
      tell(real, 99);
      assertEquals(real.server.pendingTransmit, pendingTransmit);
    } else tell(real, ++model.events);
  }
  toString(): string {
    return "tells an event and a notice";
  }
}

function tell({ server }: Real, seq: number): void {
  server.sendEvents(encodeMessage({
    kind: "event",
    id: 1,
    body: {
      kind: "message.posted",
      scope: "thread/1",
      seq,
      at: 0,
      by: USER,
      text: "x",
      number: seq,
    },
  }));
  server.send({ kind: "notice", id: 0, body: { kind: "typing", user: USER, thread: 1 } });
}

class Carry extends Step {
  readonly #up: number;
  readonly #down: number;
  constructor(up: number, down: number) {
    super();
    this.#up = up;
    this.#down = down;
  }
  protected act(_model: Model, real: Real): void {
    real.carry(this.#up, this.#down);
  }
  toString(): string {
    return `${this.#up} bytes up, ${this.#down} bytes down`;
  }
}

class Decide extends Step {
  protected act(_model: Model, real: Real): void {
    real.decide();
  }
  toString(): string {
    return "answers a question of signing in";
  }
}

class Settle extends Step {
  override run(model: Model, real: Real): void {
    real.settle();
    model.busy = false;
    checkSettled(model, real);
  }
  protected act(): void {}
  toString(): string {
    return "all arrives and is answered";
  }
}

/** Nobody says anything for long, but both are there: PINGs keep them together. */
class Pass extends Step {
  readonly #ms: number;
  constructor(ms: number) {
    super();
    this.#ms = ms;
  }
  override run(model: Model, real: Real): void {
    // Whoever waits for an answer hears nothing in between.
    real.settle();
    model.busy = false;
    real.pass(this.#ms);
    assertEquals(real.serverDid.some(({ kind }) => kind === "closed"), false);
    checkSettled(model, real);
  }
  protected act(): void {}
  toString(): string {
    return `${this.#ms} ms pass`;
  }
}

class Ends extends Step {
  readonly #how: End;
  readonly #status: StatusName;
  readonly #counts: Map<string, number>;
  constructor(how: End, status: StatusName, counts: Map<string, number>) {
    super();
    this.#how = how;
    this.#status = status;
    this.#counts = counts;
  }
  override run(model: Model, real: Real): void {
    const how = this.#how;
    const { server, client, now } = real;
    // What is under way when somebody breaks off may be done or not.
    switch (how) {
      case "client closes":
        client.close(this.#status, now);
        break;
      case "server closes":
        // A goodbye that meets bytes on their way is told all the same.
        server.close(this.#status, now);
        break;
      case "break":
        server.receiveBreak(now);
        client.receiveBreak(now);
        break;
      case "half-close": {
        // All that the client has said arrives before its end does, and every command is answered.
        real.settle();
        const due = model.commands.filter(({ signedIn }) => signedIn);
        if (client.acceptsCommands) send(model, real, true);
        while (move(client, server, { count: 1e9, now }) > 0);
        server.receiveEnd(now);
        real.settle();
        const replies = real.clientDid.filter(({ kind }) => kind === "done" || kind === "refused");
        assertEquals(replies.length, model.commands.length);
        assert(real.commands.length >= due.length);
        break;
      }
      case "silence":
        // A client that is not welcomed yet has a limit of another kind.
        real.settle();
        real.cut = true;
        real.pass((SILENT_HEARTBEATS + 1) * HEARTBEAT);
    }
    real.look();
    model.ended = { how, status: this.#status };
    real.settle();
    real.pass(2 * LINGER);
    checkSettled(model, real);
    this.#counts.set(how, (this.#counts.get(how) ?? 0) + 1);
  }
  protected act(): void {}
  toString(): string {
    return `ends: ${this.#how} (${this.#status})`;
  }
}

Deno.test("law 4: whatever is done on either side, a session is what its model says", () => {
  const counts = new Map<string, number>();
  const count = (what: string, by: number) => counts.set(what, (counts.get(what) ?? 0) + by);
  const attempts: readonly Attempt[] = [...GOOD, "wrong password", "taken name", "old token"];
  const usual = [
    fc.tuple(fc.constantFrom(...attempts), fc.nat(5)).map((given) => new SignIn(...given)),
    fc.integer({ min: 1, max: 6 }).map((count) => new Send(count)),
    fc.tuple(fc.nat(5), fc.constantFrom<"done" | "refused">("done", "refused"))
      .map((given) => new Answer(...given)),
    fc.constant(new Tell()),
    fc.tuple(fc.nat(400), fc.nat(400)).map((given) => new Carry(...given)),
    fc.constant(new Decide()),
    fc.constant(new Settle()),
    fc.integer({ min: 1, max: 10 * HEARTBEAT }).map((ms) => new Pass(ms)),
  ];
  const ends = fc.tuple(
    fc.constantFrom<End>("client closes", "server closes", "break", "half-close", "silence"),
    fc.constantFrom<StatusName>("goodbye", "shutting-down", "replaced"),
  ).map((given) => new Ends(...given, counts));
  // An end comes seldom, so that there is a session before it.
  const commands = [...usual, ...usual, ...usual, ends];
  fc.assert(
    fc.property(fc.commands(commands, { maxCommands: 60, size: "max" }), (commands) => {
      const real = new Real();
      const model: Model = {
        user: undefined,
        busy: false,
        commands: [],
        events: 0,
        ended: undefined,
      };
      fc.modelRun(() => ({ model, real }), commands);
      if (model.ended === undefined) {
        real.settle();
        checkSettled(model, real);
      }
      count("granted", real.clientDid.filter(({ kind }) => kind === "granted").length);
      count("denied", real.clientDid.filter(({ kind }) => kind === "denied").length);
      count("replies", real.answers.size);
      count(
        "refused behind a token",
        real.clientDid.filter((what) => statusOf(what) === "not-signed-in").length,
      );
      count("events", model.events);
    }),
    { numRuns: runs(100) },
  );
  if (runs(100) < 100) return;
  const met = [
    ...["granted", "denied", "replies", "refused behind a token", "events"],
    ...["client closes", "server closes", "break", "half-close", "silence"],
  ];
  for (const what of met) assert((counts.get(what) ?? 0) > 0, `no run has met: ${what}`);
});
