/**
 * The oracle: what must hold whatever goes wrong (DESIGN §11).
 *
 * It sees each unit as the disk has it, and every reply and event as a client gets it, and keeps a forum of
 * its own that it compares with all others. What does not fit breaks the run.
 *
 * @module
 */

import type { Change, Keyed } from "../../protocol/forum/command.ts";
import { type ForumEvent, scopeThread, threadScope } from "../../protocol/forum/event.ts";
import { evolve } from "../../protocol/forum/evolve.ts";
import { createMemoryState, type MemoryState } from "../../protocol/forum/memory_state.ts";
import { digest } from "../../protocol/forum/state.ts";
import { TRANSMIT_HIGH_WATER } from "../../protocol/link.ts";
import { FRAME_PAYLOAD_MAX } from "../../protocol/message.ts";
import type { DownloadOpened, UploadKept } from "../../protocol/forum/reply.ts";
import { fold } from "../../protocol/text.ts";
import type { MemoryDisk } from "../../server/blob/memory_disk.ts";
import { SEGMENT_BYTES } from "../../server/feed.ts";
import type { Log, Published } from "../../server/log/log.ts";
import { LIMIT_DEFAULTS } from "../../server/limits.ts";
import { FOLLOWS_MAX } from "../../server/questions.ts";
import type { ServiceSession } from "../../server/session.ts";
import { type Content, contentOf } from "./contents.ts";
import { hold, type World } from "./world.ts";

/**
 * The most bytes that may wait for one reader: what lets more work begin, a unit's replies with one that goes
 * over, and a run of events with an entry that goes over.
 */
export const PENDING_MAX = TRANSMIT_HIGH_WATER + 2 * FRAME_PAYLOAD_MAX + 2 * SEGMENT_BYTES;

/** A change that somebody wants, under its key, however often it is sent. */
export interface Deed {
  readonly user: string;
  readonly command: Change & Keyed;
  /** What no other deed has: the first word of its text, or its title. */
  readonly mark: string | undefined;
  /** What is shared. */
  readonly content?: Content;
  /** How many times it was given to a session. */
  given: number;
  /** How many of these were certainly not done. */
  refused: number;
  /** What it was answered. */
  done: string | undefined;
}

/** Who was in a private thread. */
interface Membership {
  member: boolean;
  /** The entry with which they last left. */
  left: number;
}

/** The oracle of one run. */
export class Checker {
  readonly #world: World;
  /** The forum as it must be. */
  readonly truth: MemoryState = createMemoryState(fold);
  readonly #entries = new Map<string, ForumEvent[]>();
  readonly #order: ForumEvent[] = [];
  /** How often each mark was done. */
  readonly #marks = new Map<string, number>();
  readonly #members = new Map<number, Map<string, Membership>>();
  readonly deeds: Deed[] = [];
  /** By thread and name: how often files were wanted, and how often they were shared. */
  readonly #names = new Map<string, { wanted: number; shared: number }>();
  #files!: MemoryDisk;
  /** Whether bytes on the disk are others than those that came. */
  spoiled = false;
  readonly #ending = new Set<string>();
  /** Whose each device is. */
  readonly #owners = new Map<string, string>();
  /** The sessions of the server that is up. */
  readonly #sessions = new Set<ServiceSession>();
  #mostPending = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Counts something that was checked, for the report. */
  #count(what: string, by = 1): void {
    this.#world.transcript.count(what, by);
  }

  /** A device belongs to a user. */
  know(device: string, user: string): void {
    this.#owners.set(device, user);
  }

  /** Where the bytes of files lie. */
  watch(files: MemoryDisk): void {
    this.#files = files;
  }

  /** Somebody wants a change. */
  want(deed: Deed): void {
    this.deeds.push(deed);
    const { command } = deed;
    if (command.op === "upload") this.#named(command.thread, command.name).wanted++;
  }

  /** Whether what came of an upload can be taken for that of another one, so that they are mixed. */
  mistakable({ user, command, content }: Deed): boolean {
    return this.deeds.some((other) =>
      other.user === user && other.content !== content &&
      other.content?.bytes.length === content?.bytes.length &&
      "name" in other.command && "name" in command && other.command.name === command.name
    );
  }

  #named(thread: number, name: string): { wanted: number; shared: number } {
    const key = `${thread} ${name}`;
    let named = this.#names.get(key);
    if (named === undefined) this.#names.set(key, named = { wanted: 0, shared: 0 });
    return named;
  }

  /** A unit is on the disk. */
  committed(entries: readonly Published[]): void {
    for (const { scope, seq, json, event } of entries) {
      hold(
        json === JSON.stringify(event) && scope === event.scope && seq === event.seq,
        () => `entry ${seq} of ${scope} is published as something else`,
      );
      evolve(this.truth, event);
      const before = this.#entries.get(scope)?.at(-1);
      hold(
        before === undefined || before.at <= event.at,
        () => `entry ${seq} of ${scope} is older than the one before it`,
      );
      let list = this.#entries.get(scope);
      if (list === undefined) this.#entries.set(scope, list = []);
      list.push(event);
      this.#order.push(event);
      this.#note(event);
      this.#count("events");
      this.#world.transcript.line(`commit ${scope} ${seq} ${event.kind}`);
    }
  }

  #note(event: ForumEvent): void {
    const mark = event.kind === "message.posted" || event.kind === "message.edited"
      ? markOf(event.text)
      : event.kind === "thread.opened" && !event.direct && event.by !== ""
      ? event.title
      : undefined;
    if (mark !== undefined) {
      const count = (this.#marks.get(mark) ?? 0) + 1;
      hold(count === 1, () => `law 6: ${mark} was done ${count} times`);
      this.#marks.set(mark, count);
    }
    if (event.kind === "file.shared") this.#noteFile(event);
    if (event.kind === "thread.opened" && event.private) {
      const members = new Map<string, Membership>();
      for (const name of event.members) members.set(fold(name), { member: true, left: 0 });
      this.#members.set(event.thread, members);
    }
    const members = this.#members.get(scopeThread(event.scope));
    if (event.kind === "member.joined") members!.set(fold(event.user), { member: true, left: 0 });
    if (event.kind === "member.left") {
      members!.set(fold(event.user), { member: false, left: event.seq });
      this.#count("expulsions");
    }
    if (event.kind === "user.banned" && event.on) this.#noteBan(event.user);
  }

  /** A file that can be seen is there, whole, and was wanted as often as it is shared. */
  #noteFile(event: Extract<ForumEvent, { kind: "file.shared" }>): void {
    const { scope, name, by, size, sha256 } = event;
    this.#count("files shared");
    const content = contentOf(sha256);
    const kept = this.#files.kept.get(sha256);
    hold(
      content !== undefined && content.bytes.length === size && kept?.bytes.length === size,
      () => `files: ${name} of ${by} is shared, and its bytes are not there`,
    );
    const named = this.#named(scopeThread(scope), name);
    hold(
      ++named.shared <= named.wanted,
      () => `law 6: ${name} of ${by} is shared ${named.shared} times`,
    );
  }

  /** What the store has and should not, or should and has not; nothing if all is as it must be. */
  stray(): string | undefined {
    const living = new Set<string>();
    for (const { number } of this.truth.threads()) {
      for (const { sha256 } of this.truth.files(number)) living.add(sha256);
    }
    const { kept, partials } = this.#files;
    for (const sha256 of living) if (!kept.has(sha256)) return `${sha256} is missing`;
    for (const sha256 of kept.keys()) if (!living.has(sha256)) return `${sha256} is left over`;
    for (const upload of partials.keys()) return `upload ${upload} is left over`;
    this.#count("files: contents that are left at the end", living.size);
    return undefined;
  }

  /** A download begins: what the server says of the file is what was shared. */
  downloading(
    user: string,
    { thread, file }: { thread: number; file: number },
    row: DownloadOpened,
  ): void {
    this.shown(user, thread);
    const written = this.entries(threadScope(thread))[file - 1];
    hold(
      written?.kind === "file.shared" && row.seq === file && row.name === written.name &&
        row.by === written.by && row.size === written.size && row.sha256 === written.sha256,
      () => `files: ${user} is shown ${JSON.stringify(row)} for ${JSON.stringify(written)}`,
    );
  }

  /** A ban can meet a sign-in of the same user that is being decided. */
  #noteBan(user: string): void {
    this.#count("bans");
    for (const { source, connection } of this.#sessions) {
      if (connection.state === "granting" && this.#owners.get(source) === user) {
        this.#count("bans that race with a sign-in");
      }
    }
  }

  /** The user of a session who is banned and takes part all the same, or `undefined`. */
  bannedAndPresent(): string | undefined {
    for (const { present, user } of this.#sessions) {
      if (present && this.truth.user(user)?.banned) return user;
    }
    return undefined;
  }

  /** The entries of a scope, as they were written. */
  entries(scope: string): readonly ForumEvent[] {
    return this.#entries.get(scope) ?? [];
  }

  /** Whether a user may follow a scope now. */
  maySee(user: string, scope: string): boolean {
    const number = scopeThread(scope);
    if (number === 0) return true;
    const thread = this.truth.thread(number);
    return thread !== undefined && (!thread.private || thread.members.includes(fold(user)));
  }

  /** A client gets an event. */
  delivered(user: string, event: ForumEvent): void {
    const { scope, seq } = event;
    this.#count("law 7: events compared with the disk");
    const written = this.#entries.get(scope)?.[seq - 1];
    hold(written !== undefined, () => `entry ${seq} of ${scope} is delivered and not on the disk`);
    hold(
      same(event, written) || (this.#gone(written) && same(event, blanked(written))),
      () => `law 7: ${user} gets ${JSON.stringify(event)} for ${JSON.stringify(written)}`,
    );
    const members = this.#members.get(scopeThread(scope));
    if (members !== undefined) {
      const membership = members.get(fold(user));
      hold(
        membership !== undefined && (membership.member || seq <= membership.left),
        () => `${user} gets entry ${seq} of ${scope}, which is private`,
      );
    }
    hold(
      scope !== "secrets" && (!scope.startsWith("user/") || scope === `user/${fold(user)}`),
      () => `${user} gets ${scope}`,
    );
  }

  /** Whether the text of an entry was replaced or deleted since. */
  #gone(event: ForumEvent): boolean {
    if (event.kind !== "message.posted" && event.kind !== "message.edited") return false;
    const thread = scopeThread(event.scope);
    const seq = event.kind === "message.posted" ? event.seq : event.message;
    return this.truth.message(thread, seq)?.textSeq !== event.seq;
  }

  /** A reply shows a thread to a user. */
  shown(user: string, thread: number): void {
    const members = this.#members.get(thread);
    hold(
      members === undefined || members.has(fold(user)),
      () => `${user} is shown thread ${thread}, which is private`,
    );
  }

  /** A change is acknowledged: what it says must be on the disk. */
  acknowledged(deed: Deed, json: string): void {
    const { command, user } = deed;
    hold(
      deed.done === undefined || deed.done === json,
      () => `law 6: ${command.key} of ${user} brought ${deed.done}, then ${json}`,
    );
    this.#count("law 6: acknowledgements compared with the disk");
    if (deed.done !== undefined) this.#count("law 6: repeated commands answered alike");
    deed.done = json;
    const reply = JSON.parse(json);
    const { op } = command;
    if (op === "mark") {
      const thread = this.truth.thread(command.thread);
      hold(
        thread === undefined || this.truth.mark(fold(user), command.thread) >= reply.upto,
        () => `law 6: ${user}'s mark in thread ${command.thread} is lost`,
      );
    }
    if (command.op === "upload") return this.#uploaded(deed, reply);
    if (op !== "post" && op !== "tell" && op !== "edit" && op !== "delete" && op !== "create") {
      return;
    }
    const scope = threadScope("thread" in command ? command.thread : reply.thread);
    const written = this.entries(scope)[(reply.seq ?? 1) - 1];
    const right = written !== undefined && written.by === user && {
      post: () => written.kind === "message.posted",
      tell: () => written.kind === "message.posted",
      edit: () => written.kind === "message.edited",
      delete: () => written.kind === "message.deleted",
      create: () => written.kind === "thread.opened",
    }[op]();
    const said = !right
      ? undefined
      : "text" in written
      ? markOf(written.text)
      : "title" in written
      ? written.title
      : undefined;
    hold(
      right && said === deed.mark,
      () => `law 6: ${JSON.stringify(command)} is acknowledged with ${json} and is not there`,
    );
  }

  #uploaded({ user, command, content }: Deed, { file, sha256 }: UploadKept): void {
    const { thread, name } = command as Extract<Change, { op: "upload" }>;
    const written = this.entries(threadScope(thread))[file - 1];
    this.#count("files: uploads acknowledged");
    hold(
      written?.kind === "file.shared" && written.by === user && written.name === name &&
        written.sha256 === sha256 && sha256 === content?.sha256,
      () => `law 6: ${JSON.stringify(command)} is acknowledged as ${JSON.stringify(written)}`,
    );
  }

  /** A user ends all their other sessions. */
  ending(user: string): void {
    this.#ending.add(user);
  }
  /** Whether a user has ever done so. */
  ended(user: string): boolean {
    return this.#ending.has(user);
  }

  /** A session on the server did something: it must stay within its memory. */
  session(session: ServiceSession): void {
    if (session.over) this.#sessions.delete(session);
    else this.#sessions.add(session);
    const pending = session.connection.pendingTransmit;
    this.#count("law 8: sessions measured");
    if (pending >= TRANSMIT_HIGH_WATER) this.#count("law 8: readers that stalled");
    hold(pending <= PENDING_MAX, () => `law 8: ${pending} bytes wait for ${session.user}`);
    hold(
      session.jobs.length <= LIMIT_DEFAULTS.commands + 1 && session.followed <= FOLLOWS_MAX,
      () => `law 8: ${session.jobs.length} jobs wait for ${session.user}`,
    );
    hold(
      !session.over || (session.timeout() === undefined && session.peekTransmit().length === 0),
      () => `law 4: a closed session goes on`,
    );
    if (pending > this.#mostPending) this.#mostPending = pending;
  }

  get mostPending(): number {
    return this.#mostPending;
  }

  /** A new server has read the disk: it must know what the old one knew. */
  reopened(log: Log): void {
    this.#sessions.clear();
    hold(
      digest(log.lines()) === digest(this.truth.lines()),
      () => `law 5: after a restart the state is another one: ${difference(log, this.truth)}`,
    );
  }

  /** At the end: deeds, and the log against its own replay. */
  settle(log: Log): void {
    for (const { mark, command, user, given, refused, done } of this.deeds) {
      const named = command.op === "upload" ? this.#named(command.thread, command.name) : undefined;
      // What was wanted several times may have been done by another wish.
      if (mark === undefined && named?.wanted !== 1) continue;
      this.#count("law 6: deeds looked for at the end");
      const count = named?.shared ?? this.#marks.get(mark!) ?? 0;
      hold(done === undefined || count === 1, () => `law 6: ${mark} is acknowledged and lost`);
      hold(
        done !== undefined || refused < given || count === 0,
        () => `${JSON.stringify(command)} of ${user} was refused, and done`,
      );
    }
    this.reopened(log);
    for (const sha256 of this.#files.kept.keys()) {
      const { bytes } = this.#files.kept.get(sha256)!;
      const right = contentOf(sha256)?.bytes;
      hold(
        right?.length === bytes.length && bytes.every((byte, at) => byte === right[at]),
        () => `files: what lies under ${sha256} is something else`,
      );
    }
    // By then even the texts of removed threads are gone.
    while (log.tidy(this.#world.clock()));
    const replayed = createMemoryState(fold);
    for (const { event } of this.#read(log)) evolve(replayed, event);
    hold(
      digest(replayed.lines()) === digest(log.lines()),
      () => `law 5: replay gives another state: ${difference(log, replayed)}`,
    );
  }

  /** All entries of a log in the order in which they were written. */
  *#read(log: Log): Iterable<{ event: ForumEvent }> {
    const read = new Map<string, ForumEvent[]>();
    for (const [scope, written] of this.#entries) {
      const list: ForumEvent[] = [];
      for (;;) {
        const page = log.entries(scope, list.length, { count: 100, bytes: 1 << 20 });
        for (const { json } of page) list.push(JSON.parse(json));
        if (page.length === 0) break;
      }
      hold(list.length === written.length, () => `law 6: entries of ${scope} are lost`);
      read.set(scope, list);
    }
    for (const written of this.#order) {
      const event = read.get(written.scope)![written.seq - 1];
      hold(
        same(event, this.#gone(written) ? blanked(written) : written),
        () => `law 6: the log holds ${JSON.stringify(event)} for ${JSON.stringify(written)}`,
      );
      yield { event };
    }
  }
}

/** What no other deed has: the first word of a text. */
export function markOf(text: string): string {
  const end = text.indexOf(" ");
  return end < 0 ? text : text.slice(0, end);
}

function blanked(event: ForumEvent): ForumEvent {
  const { mentions: _, ...rest } = event as ForumEvent & { mentions?: string[] };
  return { ...rest, text: "", erased: true } as ForumEvent;
}

/** Whether two events have the same fields, in any order. */
function same(one: object, other: object): boolean {
  const a = Object.entries(one).filter(([, value]) => value !== undefined);
  const b = new Map(Object.entries(other).filter(([, value]) => value !== undefined));
  if (a.length !== b.size) return false;
  return a.every(([name, value]) => {
    const there = b.get(name);
    return value === there ||
      (typeof value === "object" && JSON.stringify(value) === JSON.stringify(there));
  });
}

/** The first line in which two states differ. */
function difference(log: Log, state: MemoryState): string {
  const one = new Set(log.lines());
  const other = new Set(state.lines());
  const missing = [...other].find((line) => !one.has(line));
  const extra = [...one].find((line) => !other.has(line));
  return `missing ${missing}, extra ${extra}`;
}
