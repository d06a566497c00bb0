/**
 * A device of a user in the simulation: the real client session, somebody who gives it commands, and a
 * program around it that follows what can be followed.
 *
 * It dies and forgets, stops reading, repeats itself; what it gets goes to the checker, and it keeps a copy of
 * the forum from the events alone.
 *
 * @module
 */

import type { Refused } from "../../protocol/body.ts";
import { createClientSession } from "../../protocol/client_session.ts";
import type { ClientSession, SessionTransition } from "../../protocol/session.ts";
import type { Change, Command } from "../../protocol/forum/command.ts";
import { isChange } from "../../protocol/forum/command_schema.ts";
import { type ForumEvent, threadScope, userScope } from "../../protocol/forum/event.ts";
import { evolve } from "../../protocol/forum/evolve.ts";
import type { UploadKept, UserRow } from "../../protocol/forum/reply.ts";
import { createMemoryState, type MemoryState } from "../../protocol/forum/memory_state.ts";
import { createScramClient, type ScramClient } from "../../protocol/scram_client.ts";
import { type StatusName, statusName } from "../../protocol/status.ts";
import { fold } from "../../protocol/text.ts";
import { type Checker, type Deed, markOf } from "./checker.ts";
import { type Content, CONTENTS } from "./contents.ts";
import {
  type Carrier,
  type CarrierOptions,
  createDownloadCarrier,
  createUploadCarrier,
} from "./file_carriers.ts";
import type { Link } from "./link.ts";
import { KEEPER, registrationOf, saltedPassword } from "./passwords.ts";
import type { Random } from "./random.ts";
import type { Cancel } from "./scheduler.ts";
import { chooseCommand } from "./workload.ts";
import { hold, type World } from "./world.ts";

/** Opens links to the server. */
export interface Network {
  /** Calls back with a link, or with nothing if none could be had. */
  dial(name: string, opened: (link: Link | undefined) => void): void;
}

/** Who a client is. */
export interface ClientOptions {
  /** The device: unique. */
  readonly name: string;
  readonly user: string;
  readonly users: readonly string[];
  /** Whether what was not acknowledged outlives its crashes. */
  readonly outbox: boolean;
  /** Whether it follows all it can from the beginning. */
  readonly follows: boolean;
  readonly network: Network;
  readonly checker: Checker;
}

/** A followed scope, as the program around the session sees it. */
interface Following {
  /** The last entry seen; -1 while the server has not said where "from now on" is. */
  last: number;
  /** The command that began it. */
  readonly asked: number;
}

/** A command that has no reply yet. */
interface Asked {
  readonly command: Command;
  readonly deed: Deed | undefined;
  /** The file that it carries. */
  readonly carrier?: Carrier;
  /** Whether the client tells another hash than that of what it sends. */
  readonly lies?: boolean;
  /** Whether the client has given it up. */
  cancelled?: boolean;
}

/** How a session may end, other than by our own goodbye, when both sides are right. */
const ENDINGS: ReadonlySet<StatusName | undefined> = new Set<StatusName>([
  "goodbye",
  "lost",
  "user-exists",
  "wrong-password",
  "locked-out",
  "banned",
  "replaced",
  "storage-full",
  "internal",
  "shutting-down",
  "silent",
  "sign-in-timeout",
  "cut-short",
]);

/** With what carrying a file may end, when both sides are right and nobody gave it up. */
const FILE_REFUSALS: ReadonlySet<string> = new Set<StatusName>([
  "no-thread",
  "no-file",
  "bad-position",
  "file-exists",
  "full",
  "quota",
  "transfer-busy",
  "storage-full",
  "internal",
  "replaced",
  "banned",
  "rate",
]);

/** The most times that time may stand still for one session. */
const SPINS_MAX = 5;

/** A device. */
export class ClientNode {
  readonly options: ClientOptions;
  readonly #world: World;
  readonly #random: Random;
  #session: ClientSession | undefined;
  #link: Link | undefined;
  #cancelTimer: Cancel = () => {};
  #timerAt: number | undefined;
  #spins = 0;
  #spunAt = -1;
  #registered = false;
  #asked = new Map<number, Asked>();
  #following = new Map<string, Following>();
  #copy: MemoryState = createMemoryState(fold);
  #proof: ScramClient | undefined;
  #outbox: Deed[] = [];
  #marks = 0;
  #keys = 0;
  #leaving = false;
  /** Bytes of one download that may wait here. */
  readonly #window: number;
  #present: readonly UserRow[] = [];

  constructor(world: World, random: Random, options: ClientOptions) {
    this.#world = world;
    this.#random = random;
    this.options = options;
    this.#window = random.pick([300, 4096, 20_000, 70_000, 1 << 20]);
    options.checker.know(options.name, options.user);
  }

  get online(): boolean {
    return this.#session?.state === "online";
  }
  /** Whether all is said and done: nothing waits for a reply. */
  get idle(): boolean {
    return this.online && this.#asked.size === 0 && this.#outbox.length === 0;
  }
  get closed(): boolean {
    return this.#session === undefined;
  }

  /** What is missing until it is up to date; nothing if it is. */
  missing(): string | undefined {
    const { name, user, checker } = this.options;
    if (!this.idle) {
      const first = [...this.#asked.values()][0]?.command.op;
      return `${name} is ${this.#session?.state} and waits for ${this.#asked.size} replies, ` +
        `the first to ${first}; ${this.#outbox.length} deeds are left`;
    }
    for (const [scope, { last }] of this.#following) {
      const head = checker.truth.head(scope);
      if (last !== head && checker.maySee(user, scope)) {
        return `law 7: ${name} is at ${last} of ${head} in ${scope}`;
      }
    }
    return undefined;
  }

  start(): void {
    const { user } = this.options;
    this.#session = createClientSession({
      random: this.#random.fork().fill,
      agent: "simulated",
      user,
      window: this.#window,
      ...!this.#registered && { registration: registrationOf(user) },
    }, this.#world.scheduler.now);
    this.#line("starts");
    this.#asked.clear();
    this.#following.clear();
    this.#copy = createMemoryState(fold);
    this.#proof = undefined;
    this.#drain();
  }

  #startLater(ms: number): void {
    this.#world.scheduler.after(ms, () => {
      if (this.#session === undefined && !this.#leaving) this.start();
    });
  }

  /** Dies and forgets. */
  crash(): void {
    if (this.#session === undefined) return;
    this.#line("dies");
    this.#world.transcript.count("client deaths");
    this.#link?.client.die(this.#random.pick(["end", "break", "silence"]));
    this.#forget();
    this.#startLater(this.#random.between(10, 3000));
  }

  /** The session is no more: what it was asked comes again, or its outcome is never known. */
  #forget(): void {
    const lost = [...this.#asked.values()].flatMap(({ deed }) => deed ?? []);
    for (const { carrier } of this.#asked.values()) if (carrier !== undefined) carrier.over = true;
    if (this.options.outbox) this.#outbox.push(...lost);
    this.#asked.clear();
    this.#session = undefined;
    this.#link = undefined;
    this.#cancelTimer();
    this.#timerAt = undefined;
  }

  reset(): void {
    this.#link?.reset();
  }
  vanish(): void {
    this.#link?.vanish();
  }
  stall(ms: number): void {
    this.#link?.stall(ms);
  }
  /** Stops reading, or goes on. */
  pause(paused: boolean): void {
    if (this.#link !== undefined) this.#link.client.paused = paused;
  }

  /** Leaves for good. */
  leave(): void {
    this.#leaving = true;
    this.#session?.close(this.#world.scheduler.now);
    this.#drain();
  }

  /** Does something. */
  act(): void {
    if (this.#session === undefined) return;
    const { users, user, checker } = this.options;
    if (user === users[0] && this.online && this.#random.chance(0.3)) this.#becomeAdmin();
    const count = this.#random.chance(this.#world.faults.burst)
      ? this.#random.between(5, this.#world.faults.flood)
      : 1;
    if (this.#random.chance(this.#world.faults.cancel)) this.#cancelOne();
    const state = checker.truth;
    for (let i = 0; i < count; i++) {
      if (this.#outbox.length > 0 && this.#random.chance(0.7)) this.#redo();
      else if (this.#random.chance(0.02)) this.#uploadAnew();
      else {
        // Large ones are rare: the others would wait for them.
        const content = this.#random.chance(0.5)
          ? CONTENTS[this.#random.below(28)]
          : this.#random.pick(CONTENTS);
        this.give(
          chooseCommand({
            random: this.#random,
            state,
            user: fold(user),
            users,
            mark: `${this.options.name}.${++this.#marks}`,
            content,
            long: this.#world.faults.long,
            clock: this.#world.clock(),
          }),
          content,
        );
      }
    }
    this.#drain();
  }

  /** Gives up one of the files on their way. */
  #cancelOne(): void {
    const carried = [...this.#asked].filter(([, { carrier }]) => carrier !== undefined);
    if (carried.length === 0) return;
    const [id, asked] = this.#random.pick(carried);
    this.#line(`gives up ${id}`);
    this.#world.transcript.count("files given up");
    asked.cancelled = true;
    this.#session!.cancelTransfer(id, "cancelled", this.#world.scheduler.now);
  }

  /** Begins an upload of this user anew, as another process would that knows nothing of the first. */
  #uploadAnew(): void {
    const { checker, user } = this.options;
    const own = checker.deeds.filter((deed) => deed.user === user && deed.content !== undefined);
    if (own.length === 0) return;
    const { command, content } = this.#random.pick(own.slice(-5));
    this.#world.transcript.count("uploads begun anew");
    this.give(command, content);
  }

  /** Says one last thing, and looks around. */
  speak(): void {
    if (!this.idle) return;
    const { name } = this.options;
    this.give({ op: "post", thread: 1, text: `${name}.last` });
    this.give({ op: "users" });
    const content = this.#random.pick(CONTENTS);
    const { length: size } = content.bytes;
    this.give({ op: "upload", thread: 1, name: `${name}.last`, size, deflate: true }, content);
    for (const { seq: file } of [...this.options.checker.truth.files(1)].slice(-2)) {
      this.give({ op: "download", thread: 1, file, upto: 0 });
    }
    this.#drain();
  }

  /** Gives again what had no reply when the last session ended. */
  #redo(): void {
    const deed = this.#outbox.shift();
    if (deed === undefined) return;
    this.#world.transcript.count("commands from an outbox");
    this.#do(deed);
  }

  /** Everything that is left from sessions before. */
  redoAll(): void {
    while (this.#session !== undefined && this.#outbox.length > 0) this.#redo();
    this.#drain();
  }

  #becomeAdmin(): void {
    if (this.options.checker.truth.user(fold(this.options.user))?.role === "admin") return;
    const nonce = `admin${this.#random.below(2 ** 31)}`;
    this.#proof = createScramClient({ user: KEEPER, nonce });
    this.give({ op: "prove", scram: this.#proof.first() });
  }

  /** Gives a command, if it is online. */
  order(command: Command): void {
    if (!this.online) return;
    this.give(command);
    this.#drain();
  }

  /** Gives a command to the session; an upload has a content. */
  give(command: Command, content?: Content): void {
    const session = this.#session!;
    if (isChange(command)) {
      const { user, name, checker } = this.options;
      const deed: Deed = {
        user,
        command: { ...command, key: `${name}:${++this.#keys}` },
        mark: markedBy(command),
        ...command.op === "upload" && { content },
        given: 0,
        refused: 0,
        done: undefined,
      };
      checker.want(deed);
      this.#do(deed);
      // An impatient program sends the same again.
      if (this.#random.chance(0.05)) this.#do(deed);
      return;
    }
    const id = session.command(command, this.#world.scheduler.now);
    const carrier = command.op === "download" ? this.#download(id, command) : undefined;
    this.#asked.set(id, { command, deed: undefined, ...carrier !== undefined && { carrier } });
    if (command.op === "logout" && command.everywhere) {
      this.options.checker.ending(this.options.user);
    }
    if (command.op === "follow") {
      this.#following.set(command.scope, {
        last: command.after ?? -1,
        asked: id,
      });
    } else if (command.op === "unfollow") this.#following.delete(command.scope);
  }

  #do(deed: Deed): void {
    deed.given++;
    const id = this.#session!.command(deed.command, this.#world.scheduler.now);
    const { command, content } = deed;
    const lies = content !== undefined && this.#random.chance(this.#world.faults.lie);
    const carrier = content && createUploadCarrier(this.#carrierOptions(id), { content, lies });
    this.#asked.set(id, { command, deed, lies, ...carrier !== undefined && { carrier } });
    this.#world.transcript.count("changes given");
  }

  #download(id: number, command: Extract<Command, { op: "download" }>): Carrier {
    const { checker, user } = this.options;
    return createDownloadCarrier(this.#carrierOptions(id), {
      offset: command.offset ?? 0,
      window: this.#window,
      check: (reply) => checker.downloading(user, command, reply),
    });
  }

  #carrierOptions(id: number): CarrierOptions {
    const session = this.#session!;
    return {
      id,
      world: this.#world,
      random: this.#random,
      session,
      after: () => {
        if (this.#session === session) this.#drain();
      },
    };
  }

  #line(text: string): void {
    this.#world.transcript.line(`${this.options.name} ${text}`);
  }

  #drain(): void {
    const session = this.#session;
    if (session === undefined) return;
    for (;;) {
      const happened = session.next();
      if (happened === undefined) break;
      this.#happened(session, happened);
      if (this.#session !== session) {
        hold(session.next() === undefined, () => `law 4: ${this.options.name} goes on when closed`);
        return;
      }
    }
    this.#arm(session);
    this.#link?.client.wake();
  }

  #arm(session: ClientSession): void {
    const due = session.timeout();
    if (due === this.#timerAt) return;
    this.#cancelTimer();
    this.#timerAt = due;
    if (due === undefined) return;
    const { scheduler } = this.#world;
    this.#cancelTimer = scheduler.at(due, () => {
      this.#timerAt = undefined;
      const { now } = scheduler;
      this.#spins = now === this.#spunAt ? this.#spins + 1 : 0;
      this.#spunAt = now;
      hold(
        this.#spins <= SPINS_MAX,
        () => `law 4: handling the timeout of ${this.options.name} makes no progress`,
      );
      session.handleTimeout(now);
      this.#drain();
    });
  }

  #happened(session: ClientSession, happened: SessionTransition): void {
    const { transcript, scheduler } = this.#world;
    const { name, user } = this.options;
    switch (happened.kind) {
      case "dial":
        this.#line("dials");
        return this.#dial(session);
      case "hang-up":
        this.#link?.client.close();
        this.#link = undefined;
        return;
      case "password-wanted": {
        const salted = saltedPassword(user);
        scheduler.after(this.#random.pick([0, 0, 100, 700]), () => {
          if (this.#session !== session) return;
          session.provideSaltedPassword(salted, scheduler.now);
          this.#drain();
        });
        return;
      }
      case "online":
        this.#line(`online ${happened.role} ${happened.again}`);
        transcript.count(happened.again ? "links mended" : "sessions");
        this.#registered = true;
        if (!happened.again && this.options.follows) {
          for (const scope of ["accounts", "directory", userScope(fold(user))]) {
            this.give({ op: "follow", scope, after: 0 });
          }
        }
        return;
      case "offline":
        this.#line(`offline ${happened.text}`);
        hold(
          !/not belong|not what|not known|larger/.test(happened.text),
          () => `${name} and the server misunderstood each other: ${happened.text}`,
        );
        return;
      case "done":
        this.#line(`done ${happened.id} ${JSON.stringify(happened.result)}`);
        transcript.count("done");
        return this.#done(happened.id, happened.result);
      case "refused": {
        const status = statusName(happened.refused.code);
        this.#line(`refused ${happened.id} ${status}`);
        transcript.count(`refused: ${status}`);
        return this.#refused(session, happened.id, happened.refused);
      }
      case "transfer-opened":
        this.#line(`opened ${happened.id} ${JSON.stringify(happened.reply)}`);
        return this.#carrier(happened.id).opened(happened.reply);
      case "transfer":
        this.#carrier(happened.event.id).event(happened.event);
        if (this.#random.chance(this.#world.faults.snap)) this.#snap();
        return;
      case "event":
        this.#line(`event ${happened.event.scope} ${happened.event.seq}`);
        transcript.count("events delivered");
        return this.#event(happened.event);
      case "notice":
        this.#line(`notice ${JSON.stringify(happened.notice)}`);
        return;
      case "unfollowed":
        this.#line(`unfollowed ${happened.scope} ${happened.refused.name}`);
        hold(
          happened.refused.name === "no-thread" || happened.refused.name === "internal",
          () => `law 7: ${name} lost ${happened.scope}: ${happened.refused.name}`,
        );
        this.#following.delete(happened.scope);
        if (happened.refused.name === "internal") this.#followOn(happened.scope);
        return;
      case "closed":
        this.#line(`closed ${happened.refused.name}`);
        transcript.count(`closed: ${happened.refused.name}`);
        return this.#closed(session, happened.refused);
    }
  }

  /** The link breaks with files on it. */
  #snap(): void {
    const link = this.#link;
    this.#line("link snaps");
    this.#world.transcript.count("links that snap with files on them");
    // Not within what is being done now.
    this.#world.scheduler.after(0, () => link?.reset());
  }

  #carrier(id: number): Carrier {
    const carrier = this.#asked.get(id)?.carrier;
    hold(carrier !== undefined, () => `law 4: ${this.options.name} hears of ${id}, which is over`);
    return carrier;
  }

  #dial(session: ClientSession): void {
    this.options.network.dial(this.options.name, (link) => {
      const { scheduler } = this.#world;
      if (this.#session !== session) return link?.client.die("break");
      if (link === undefined || !link.client.open) {
        session.dialFailed(scheduler.now, "nobody answers");
      } else {
        this.#link = link;
        session.opened(scheduler.now);
        link.client.attach({ endpoint: session, after: () => this.#after(link) });
      }
      this.#drain();
    });
  }

  #after(link: Link): void {
    if (this.#link === link) this.#drain();
  }

  #closed(session: ClientSession, refused: Refused): void {
    const status = statusName(refused.code);
    const { name, user, checker } = this.options;
    hold(ENDINGS.has(status), () => `${name}'s session ended: ${refused.name} ${refused.text}`);
    hold(
      status !== "replaced" || checker.ended(user),
      () => `${name}'s session was replaced, and nobody has asked for it`,
    );
    hold(this.#asked.size === 0, () => `${name} is closed and owes ${this.#asked.size} replies`);
    hold(session.timeout() === undefined, () => `law 4: ${name} is closed and waits for time`);
    if (status === "user-exists") this.#registered = true;
    // A registration that was not kept, and somebody else of the same name in between.
    if (status === "wrong-password") this.#registered = false;
    this.#forget();
    this.#startLater(refused.detail?.wait ?? this.#random.between(100, 2000));
  }

  #event(event: ForumEvent): void {
    const { name, user, checker } = this.options;
    const following = this.#following.get(event.scope);
    hold(following !== undefined, () => `${name} gets ${event.scope}, which it does not follow`);
    hold(
      following.last >= 0 && event.seq === following.last + 1,
      () => `law 7: ${name} gets ${event.seq} after ${following.last} in ${event.scope}`,
    );
    following.last = event.seq;
    checker.delivered(user, event);
    if (event.seq === this.#copy.head(event.scope) + 1) evolve(this.#copy, event);
    if (!this.options.follows) return;
    if (event.kind === "thread.created") {
      const scope = threadScope(event.thread);
      if (this.#random.chance(0.9) && !this.#following.has(scope)) {
        this.give({ op: "follow", scope, ...this.#random.chance(0.8) && { after: 0 } });
      }
    } else if (event.kind === "thread.entered") {
      this.#followOn(threadScope(event.thread));
    } else if (event.kind === "thread.left") {
      this.give({ op: "unfollow", scope: threadScope(event.thread) });
    }
  }

  #followOn(scope: string): void {
    this.give({ op: "follow", scope, after: this.#copy.head(scope) });
  }

  #done(id: number, result: object): void {
    const asked = this.#asked.get(id);
    hold(asked !== undefined, () => `law 6: ${this.options.name} gets a second reply to ${id}`);
    this.#asked.delete(id);
    const { command, deed, carrier } = asked;
    if (carrier !== undefined) {
      hold(
        !asked.cancelled,
        () => `law 4: ${this.options.name} has given up ${id}, and it is done`,
      );
      carrier.over = true;
      carrier.done();
    }
    if (deed !== undefined) this.options.checker.acknowledged(deed, replyOf(command, result));
    else this.#answered(id, command, result);
  }

  #answered(id: number, command: Command, result: object): void {
    const { user, checker } = this.options;
    const reply = result as Record<string, unknown>;
    for (const row of [reply.thread, ...(reply.threads ?? []) as object[]]) {
      if (row !== undefined) checker.shown(user, (row as { thread: number }).thread);
    }
    for (const row of (reply.messages ?? []) as { thread?: number }[]) {
      if (row.thread !== undefined) checker.shown(user, row.thread);
    }
    if (command.op === "follow") {
      const following = this.#following.get(command.scope);
      if (following?.asked !== id) return;
      if (following.last < 0) following.last = reply.head as number;
    } else if (command.op === "users") this.#present = reply.users as UserRow[];
    else if (command.op === "prove" && this.#proof !== undefined) {
      if ("fault" in this.#proof.readServerFirst(reply.scram as string)) return;
      this.give({
        op: "admin",
        scram: this.#proof.final(saltedPassword(KEEPER)),
        action: "promote",
      });
    }
  }

  #refused(session: ClientSession, id: number, refused: Refused): void {
    const asked = this.#asked.get(id);
    hold(asked !== undefined, () => `law 6: ${this.options.name} gets a second reply to ${id}`);
    this.#asked.delete(id);
    const { command, deed, carrier } = asked;
    const { name } = refused;
    if (carrier !== undefined) {
      carrier.over = true;
      hold(
        !carrier.begun || name !== "transfer-busy",
        () => `files: ${command.op} ${id} has begun, and does not go on: ${name}`,
      );
      if (carrier.begun) this.#world.transcript.count(`${command.op} ends on its way: ${name}`);
      if (session.state !== "closed" && session.state !== "leaving") {
        this.#fileRefused(asked, refused);
      }
    }
    if (deed !== undefined) {
      // When a session ends, or a unit fails, what was asked may have been done before.
      if (session.state === "closed") {
        if (this.options.outbox) this.#outbox.push(deed);
      } else if (name !== "internal" && name !== "lost" && name !== "cancelled") deed.refused++;
      return;
    }
    if (carrier !== undefined) return;
    // The answer to these is written down.
    const writes = command.op === "logout" || command.op === "admin";
    hold(
      name !== "storage-full" || writes || session.state === "closed",
      () => `${command.op} is refused because the disk is full`,
    );
    if (command.op !== "follow" || this.#following.get(command.scope)?.asked !== id) return;
    this.#following.delete(command.scope);
    if (name === "internal" && session.state !== "closed") this.#followOn(command.scope);
  }

  /** A file did not come through. */
  #fileRefused(
    { command, deed, lies = false, cancelled = false }: Asked,
    { name, detail, text }: Refused,
  ): void {
    const { scheduler, transcript } = this.#world;
    const { checker } = this.options;
    const spoiled = name === "bad-content" && deed !== undefined &&
      (lies || checker.spoiled || checker.mistakable(deed));
    hold(
      cancelled ? name === "cancelled" : FILE_REFUSALS.has(name) || spoiled,
      () => `files: ${JSON.stringify(command)} is refused: ${name}: ${text}`,
    );
    const again = name === "transfer-busy" || name === "bad-content";
    if (!again || !this.#random.chance(0.8)) return;
    const session = this.#session;
    scheduler.after(detail?.wait ?? 0, () => {
      if (this.#session !== session || session?.state === "closed") return;
      transcript.count("files tried again");
      if (deed !== undefined) this.#do(deed);
      else this.give(command);
      this.#drain();
    });
  }

  /** Who is on, as it was told last. */
  get present(): readonly UserRow[] {
    return this.#present;
  }

  /** At the end: the copy made of the events must be the forum that this user may see. */
  compare(): void {
    const { name, user, checker } = this.options;
    const { truth } = checker;
    this.#world.transcript.count("law 7: scopes complete at the end", this.#following.size);
    const whole = new Set<number>();
    for (const scope of this.#following.keys()) {
      const thread = Number(scope.split("/")[1]);
      if (!scope.startsWith("thread/") || this.#copy.head(scope) !== truth.head(scope)) continue;
      if (truth.thread(thread) !== undefined) whole.add(thread);
    }
    const one = linesOf(this.#copy, whole).sort().join("\n");
    const other = linesOf(truth, whole).sort().join("\n");
    hold(one === other, () => `law 5: ${name} has\n${one}\ninstead of\n${other}`);
    this.#world.transcript.count("threads compared", whole.size);
    if (this.#copy.head("accounts") === truth.head("accounts")) {
      for (const person of this.options.users) {
        const [mine, right] = [this.#copy.user(fold(person)), truth.user(fold(person))];
        hold(JSON.stringify(mine) === JSON.stringify(right), () => `law 5: ${name} and ${person}`);
      }
    }
    const folded = fold(user);
    if (this.#copy.head(userScope(folded)) !== truth.head(userScope(folded))) return;
    for (const { number } of truth.threads()) {
      hold(
        this.#copy.mark(folded, number) === truth.mark(folded, number),
        () => `law 5: ${name}'s mark in thread ${number}`,
      );
    }
  }
}

/** The word by which a deed is found again. */
function markedBy(command: Change): string | undefined {
  if ("text" in command) return markOf(command.text);
  if (command.op !== "create" || command.title === "lobby") return undefined;
  return command.title;
}

/** A reply as it is compared. An upload's may come as DONE or as FINISH. */
function replyOf({ op }: Command, result: object): string {
  if (op !== "upload") return JSON.stringify(result);
  const { file, at, sha256 } = result as UploadKept;
  return JSON.stringify({ file, at, sha256 });
}

/** The lines of a state that concern these threads and what is in them. */
function linesOf(state: MemoryState, threads: ReadonlySet<number>): string[] {
  return [...state.lines()].filter((line) => {
    const [kind, first, second] = JSON.parse(line);
    if (kind === "user" || kind === "mark") return false;
    return threads.has(kind === "mention" ? second : first);
  });
}
