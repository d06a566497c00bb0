import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Change, Upload } from "../protocol/forum/command.ts";
import { command as commandSchema, isChange } from "../protocol/forum/command_schema.ts";
import {
  type Content,
  type Context,
  decide,
  decideOpening,
  decidePromotion,
  decideRegistration,
  EMOJIS_MAX,
  FILES_MAX,
  isRefusal,
  MEMBERS_MAX,
  type Quota,
} from "../protocol/forum/decide.ts";
import { type ForumEvent, type Role, ROLES } from "../protocol/forum/event.ts";
import { forumEvent } from "../protocol/forum/event_schema.ts";
import { evolve } from "../protocol/forum/evolve.ts";
import { createMemoryState, type MemoryState } from "../protocol/forum/memory_state.ts";
import { describe, digest, pair, type SharedFile } from "../protocol/forum/state.ts";
import type { StatusName } from "../protocol/status.ts";
import {
  checkBody,
  checkFileName,
  checkMediaType,
  checkName,
  checkReaction,
  checkTitle,
  checkWhy,
  fold,
  mentions,
} from "../protocol/text.ts";
import { commandOf, TRICKY, VERIFIER } from "./arbitraries.ts";
import { runs } from "./runs.ts";

const LIGATURES = "ﬄ".repeat(32);
/** The longest that folding can make of a name, and names that are words of the language. */
const NAMES = ["Ann", "bob", "Zoë", "s", "secret", "constructor", "toString", LIGATURES];
const STRANGERS = ["nobody", "ann ", "../x", "__proto__", "s/", "Ann\n", ""];
const TITLES = [
  ...["s", "secret", "S", "Straße", "STRASSE", " s ", "../x", ".server.ts", "__proto__"],
  ...["constructor", "toString", "a, b", "lobby", "thread/1", "1", "<b>&amp;", "'; DROP TABLE--"],
  ...[
    "",
    "   ",
    "a\nb",
    "\u202eevil",
    "\0",
    "x".repeat(120),
    "x".repeat(121),
    "\u200b",
    "ann, bob",
  ],
];
const BODIES = [
  ...[
    "hello",
    "@ann, @BOB! and @nobody @ann",
    "",
    " \n\t ",
    "a\0b",
    "a\r\nb",
    "__proto__",
    "| ; ,",
  ],
  ...['{"op":"remove"}', "\n\n--\n", "1 1: x", "\u200b", "é😀漢", "x".repeat(65_537)],
  ...[`@${LIGATURES} @constructor @toString`, "#10 is not #1"],
];
const EMOJIS = ["👍", ":+1:", "❤️", "a", "", "ab", ":+1", "🇩🇪", ":x:", "\u200d"];
const FILE_NAMES = [
  ...["a.txt", "A.TXT", "b.bin", "../x", "CON", "a\0b", "two\nlines", "\u202egpj.exe", "😀"],
  ...[
    "__proto__",
    "constructor",
    "e\u0301",
    "é",
    "x".repeat(255),
    "x".repeat(256),
    "",
    " ",
    "\u200b",
  ],
];
const TYPES = [undefined, "image/png", "IMAGE/PNG", "text/plain; charset=utf-8", "x".repeat(200)];
/** Contents of files, each with the size that it has. */
const CONTENTS: readonly Content[] = [0, 1, 10, 10, 1000].map((size, i) => ({
  sha256: String(i).repeat(64),
  size,
}));
const QUOTAS: readonly (Quota | undefined)[] = [
  undefined,
  { file: 0, user: 0, all: 0 },
  { file: 999 },
  { user: 1010 },
  { all: 1020 },
];
const WHYS = [undefined, "spam", "", "a\nb", "y".repeat(301)];

/** What a user does, in numbers that are looked up in the forum as it then is. */
interface Act {
  readonly op: Change["op"];
  readonly who: number;
  readonly thread: number;
  readonly message: number;
  readonly user: number;
  readonly text: string;
  readonly flag: boolean;
  readonly role: Role;
  readonly members: readonly number[];
  readonly why: string | undefined;
  /** Which content a file has, whether its hash is told before, and whether it has come. */
  readonly content: number;
  readonly told: boolean;
  readonly came: boolean;
  readonly quota: Quota | undefined;
  /** How far the clock goes on, or back. */
  readonly clock: number;
}

const OPS = Object.keys(commandOf).filter((op) => isChange({ op } as Change)) as Change["op"][];
const texts = (from: readonly string[]) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...from) },
    { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...TRICKY), maxLength: 12 }) },
  );

function acting(op: Change["op"]): fc.Arbitrary<Act> {
  const of: Partial<Record<Change["op"], readonly string[]>> = {
    create: TITLES,
    react: EMOJIS,
    upload: FILE_NAMES,
  };
  return fc.record({
    op: fc.constant(op),
    who: fc.nat(NAMES.length),
    thread: fc.nat(99),
    message: fc.nat(99),
    user: fc.nat(99),
    text: texts(of[op] ?? BODIES),
    flag: fc.boolean(),
    role: fc.constantFrom(...ROLES),
    members: fc.array(fc.nat(NAMES.length), { maxLength: 3 }),
    why: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.constantFrom(...WHYS)),
    content: fc.nat(CONTENTS.length - 1),
    told: fc.boolean(),
    came: fc.boolean(),
    quota: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.constantFrom(...QUOTAS)),
    clock: fc.oneof(fc.nat(10), fc.integer({ min: -1000, max: 1000 })),
  });
}
const act: fc.Arbitrary<Act> = fc.oneof(
  ...OPS.map((op) => ({
    weight: { create: 4, post: 8, tell: 3, upload: 8 }[op as string] ?? 2,
    arbitrary: acting(op),
  })),
);
const session = (maxLength: number) => fc.array(act, { maxLength, size: "max" });

/** A message of the model: it lives as long as it is in its thread's array. */
interface Said {
  seq: number;
  ordinal: number;
  author: string;
  text: string;
  at: number;
  textSeq: number;
  editedAt?: number;
  reply?: number;
  mentions: string[];
  reactions: Map<string, Set<string>>;
}

interface Topic {
  number: number;
  title: string;
  owner: string;
  private: boolean;
  direct: boolean;
  members: Set<string>;
  at: number;
  lastAt: number;
  posts: number;
  messages: Said[];
  files: SharedFile[];
  head: number;
}

/** The forum as somebody would write it in an afternoon: arrays, and rules one after the other. */
class Model {
  users = new Map<string, { name: string; role: Role; banned: boolean; at: number }>();
  topics: Topic[] = [];
  /** `user thread` → how far. */
  marks = new Map<string, number>();
  given = 0;

  /** Every reason to refuse the command; without any, it must be granted. */
  reasons(who: string, command: Change, context: Context): Set<StatusName> {
    const found = new Set<StatusName>();
    const me = this.users.get(who);
    if (me === undefined) return found.add("unknown-user");
    if (me.banned) return found.add("banned");
    const rank = ROLES.indexOf(me.role);
    const when = (status: StatusName, holds: boolean) => holds && found.add(status);
    const bad = (checked: unknown) => typeof checked !== "string";
    const why = "why" in command && command.why !== undefined && bad(checkWhy(command.why));
    when("bad-text", why);
    const other = "user" in command ? this.users.get(fold(command.user)) : undefined;
    switch (command.op) {
      case "create": {
        when("bad-name", bad(checkTitle(command.title)));
        when("bad-field", !command.private && (command.members?.length ?? 0) > 0);
        when("unknown-user", (command.members ?? []).some((name) => !this.users.has(fold(name))));
        const title = checkTitle(command.title);
        const same = this.topics.some((topic) =>
          !topic.private && typeof title === "string" && fold(topic.title) === fold(title)
        );
        when("thread-exists", !command.private && same);
        return found;
      }
      case "tell":
        when("unknown-user", other === undefined);
        when("not-allowed", fold(command.user) === who);
        when("bad-text", bad(checkBody(command.text)));
        return found;
      case "role":
        when("unknown-user", other === undefined);
        when("not-allowed", rank < 2);
        when("no-change", other?.role === command.role);
        return found;
      case "ban":
        when("unknown-user", other === undefined);
        when("not-allowed", rank < 1 || (other && ROLES.indexOf(other.role) >= rank) === true);
        when("no-change", other?.banned === command.on);
        return found;
      case "credential":
        return found;
    }
    const topic = this.topics.find((topic) => topic.number === command.thread);
    if (topic === undefined || (topic.private && !topic.members.has(who))) {
      return new Set<StatusName>(["no-thread"]);
    }
    switch (command.op) {
      case "post": {
        const answered = topic.messages.some(({ seq }) => seq === command.reply);
        when("bad-text", bad(checkBody(command.text)));
        when("no-message", command.reply !== undefined && !answered);
        return found;
      }
      case "remove":
        when("not-owner", topic.owner === "" || (topic.owner !== who && rank < 1));
        return found;
      case "invite":
        when("not-allowed", !topic.private || topic.direct);
        when("unknown-user", other === undefined);
        when("no-change", topic.members.has(fold(command.user)));
        return found;
      case "expel": {
        const gone = fold(command.user);
        when("not-allowed", !topic.private || topic.direct || gone === topic.owner);
        when("not-owner", gone !== who && topic.owner !== who && rank < 1);
        when("unknown-user", !topic.members.has(gone));
        return found;
      }
      case "mark":
        return found;
      case "upload": {
        const { content, quota = {} } = context;
        const { name, size, sha256, type = "a/b" } = command;
        const other = content !== undefined &&
          (size !== content.size || sha256 !== undefined && sha256 !== content.sha256);
        when("bad-content", other);
        when("bad-name", bad(checkFileName(name)));
        when("bad-field", bad(checkMediaType(type)));
        if (this.#there(topic, who, command, context) !== undefined) return found;
        when("file-exists", topic.files.some((file) => fold(file.name) === fold(name)));
        const within = (most: number | undefined, amount: number) => !most || amount <= most;
        const known = content !== undefined || this.sees(who, sha256, size);
        const hash = content?.sha256 ?? sha256;
        const has = known && this.files().some((file) => file.sha256 === hash);
        const fits = within(quota.file, size) && within(quota.user, this.usage(who) + size) &&
          within(quota.all, this.contentBytes() + (has ? 0 : size));
        when("quota", !fits);
        return found;
      }
      case "withdraw": {
        const file = topic.files.find(({ seq }) => seq === command.file);
        if (file === undefined) return new Set<StatusName>(["no-file"]);
        const others = topic.direct || (topic.owner !== who && rank < 1);
        when("not-author", file.by !== who && others);
        return found;
      }
    }
    const said = topic.messages.find(({ seq }) => seq === command.message);
    if (said === undefined) return new Set<StatusName>(["no-message"]);
    if (command.op === "edit") {
      when("not-author", said.author !== who);
      when("bad-text", bad(checkBody(command.text)));
    } else if (command.op === "delete") {
      when("not-author", said.author !== who && (topic.direct || rank < 1));
    } else {
      const emoji = checkReaction(command.emoji);
      when("bad-text", bad(emoji));
      const { reactions } = said;
      const another = command.on && typeof emoji === "string" && !reactions.has(emoji);
      when("full", another && reactions.size >= EMOJIS_MAX);
    }
    return found;
  }

  files(): SharedFile[] {
    return this.topics.flatMap(({ files }) => files);
  }

  usage(who: string): number {
    return this.files().reduce((sum, { by, size }) => sum + (by === who ? size : 0), 0);
  }

  contentBytes(): number {
    const sizes = new Map(this.files().map(({ sha256, size }) => [sha256, size]));
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  /** Whether somebody may see a file of this content. */
  sees(who: string, sha256: string | undefined, size: number): boolean {
    return this.topics.some((topic) =>
      (!topic.private || topic.members.has(who)) &&
      topic.files.some((file) => file.sha256 === sha256 && file.size === size)
    );
  }

  /** The file that this upload would be once more. */
  #there(topic: Topic, who: string, { name, size, sha256 }: Upload, { content }: Context) {
    return topic.files.find((file) =>
      fold(file.name) === fold(name) && file.by === who && file.size === size &&
      file.sha256 === (content?.sha256 ?? sha256)
    );
  }

  #open(title: string, by: string, more: Partial<Topic>, at: number): Topic {
    const topic: Topic = {
      number: ++this.given,
      title,
      owner: by,
      private: false,
      direct: false,
      members: new Set(),
      at,
      lastAt: at,
      posts: 0,
      messages: [],
      files: [],
      head: 1,
      ...more,
    };
    this.topics.push(topic);
    return topic;
  }

  #named(text: string): string[] {
    return mentions(text).filter((name) => this.users.has(name));
  }

  #post(topic: Topic, author: string, given: string, at: number, reply?: number) {
    const text = checkBody(given) as string;
    const seq = ++topic.head;
    topic.messages.push({
      seq,
      ordinal: ++topic.posts,
      author,
      text,
      at,
      textSeq: seq,
      ...reply !== undefined && { reply },
      mentions: this.#named(text),
      reactions: new Map(),
    });
    topic.lastAt = at;
    return { seq, number: topic.messages.length, at };
  }

  openLobby(at: number): void {
    this.#open("lobby", "", {}, at);
  }

  /** Does it, at the time that its events name, and tells the reply. */
  do(who: string, command: Change, { at, ...context }: Context): object {
    const other = "user" in command ? fold(command.user) : "";
    switch (command.op) {
      case "create": {
        const members = new Set([who, ...(command.members ?? []).map(fold)]);
        const closed = command.private === true;
        const title = checkTitle(command.title) as string;
        const more = closed ? { private: true, members } : {};
        return { thread: this.#open(title, who, more, at).number };
      }
      case "tell": {
        const members = new Set([who, other]);
        const names = [...members].map((name) => this.users.get(name)!.name).sort().join(", ");
        const topic =
          this.topics.find((topic) =>
            topic.direct && topic.members.has(who) && topic.members.has(other)
          ) ?? this.#open(names, who, { private: true, direct: true, members }, at);
        return { thread: topic.number, ...this.#post(topic, who, command.text, at) };
      }
      case "role":
        this.users.get(other)!.role = command.role;
        return {};
      case "ban":
        this.users.get(other)!.banned = command.on;
        return {};
      case "credential":
        return {};
    }
    const topic = this.topics.find(({ number }) => number === command.thread)!;
    switch (command.op) {
      case "post":
        return this.#post(topic, who, command.text, at, command.reply);
      case "remove":
        this.topics = this.topics.filter((other) => other !== topic);
        for (const key of this.marks.keys()) {
          if (key.endsWith(` ${topic.number}`)) this.marks.delete(key);
        }
        return {};
      case "invite":
        topic.members.add(other);
        topic.head++;
        return {};
      case "expel":
        topic.members.delete(other);
        topic.head++;
        return {};
      case "mark": {
        const key = `${who} ${topic.number}`;
        const upto = Math.max(this.marks.get(key) ?? 0, Math.min(command.upto, topic.head));
        this.marks.set(key, upto);
        return { upto };
      }
      case "upload": {
        const there = this.#there(topic, who, command, { at, ...context });
        if (there !== undefined) return { file: there.seq, at: there.at, sha256: there.sha256 };
        const { size, type = "application/octet-stream" } = command;
        const known = context.content !== undefined || this.sees(who, command.sha256, size);
        if (!known) return {};
        const sha256 = context.content?.sha256 ?? command.sha256!;
        const seq = ++topic.head;
        const name = checkFileName(command.name) as string;
        topic.files.push({ seq, name, by: who, at, size, type: type.toLowerCase(), sha256 });
        return { file: seq, at, sha256 };
      }
      case "withdraw":
        topic.files = topic.files.filter(({ seq }) => seq !== command.file);
        topic.head++;
        return {};
    }
    const said = topic.messages.find(({ seq }) => seq === command.message)!;
    switch (command.op) {
      case "edit": {
        said.text = checkBody(command.text) as string;
        said.mentions = this.#named(said.text);
        said.textSeq = ++topic.head;
        said.editedAt = at;
        return { seq: topic.head, at };
      }
      case "delete":
        topic.messages = topic.messages.filter((other) => other !== said);
        return { seq: ++topic.head };
      case "react": {
        const emoji = checkReaction(command.emoji) as string;
        const by = said.reactions.get(emoji) ?? new Set();
        if (by.has(who) === command.on) return {};
        if (command.on) by.add(who);
        else by.delete(who);
        if (by.size > 0) said.reactions.set(emoji, by);
        else said.reactions.delete(emoji);
        topic.head++;
        return {};
      }
    }
  }

  /** The lines that a state with the same content must have. */
  lines(): string[] {
    const lines = [...this.users].map(([folded, user]) => describe.user(folded, user));
    for (const topic of this.topics) {
      lines.push(describe.thread({
        ...topic,
        members: [...topic.members],
        living: topic.messages.length,
      }));
      for (const file of topic.files) lines.push(describe.file(topic.number, file));
      for (const said of topic.messages) {
        lines.push(describe.message(topic.number, said, said.text));
        for (const user of said.mentions) {
          lines.push(describe.mention(user, topic.number, said.seq));
        }
        for (const [emoji, users] of said.reactions) {
          for (const user of users) {
            lines.push(describe.reaction(topic.number, said.seq, emoji, user));
          }
        }
      }
    }
    for (const [key, upto] of this.marks) {
      const [user, thread] = key.split(" ");
      lines.push(describe.mark(user, Number(thread), upto));
    }
    return lines.sort();
  }
}

interface Forum {
  readonly state: MemoryState;
  readonly log: ForumEvent[];
  apply(events: readonly ForumEvent[]): void;
}

function createForum(): Forum {
  const state = createMemoryState(fold);
  const log: ForumEvent[] = [];
  const apply = (events: readonly ForumEvent[]) => {
    for (const event of events) {
      evolve(state, event);
      log.push(event);
    }
  };
  apply(decideOpening(state, "lobby", 0));
  for (const user of NAMES) {
    const outcome = decideRegistration(state, { user, ...VERIFIER }, 1);
    assert(!isRefusal(outcome));
    apply(outcome.events);
  }
  apply(decidePromotion(state, fold(NAMES[0]), 2));
  return { state, log, apply };
}

function createModel(): Model {
  const model = new Model();
  model.openLobby(0);
  for (const name of NAMES) {
    model.users.set(fold(name), { name, role: "member", banned: false, at: 1 });
  }
  model.users.get(fold(NAMES[0]))!.role = "admin";
  return model;
}

/** The command that an act comes to in this forum; `undefined` if it does not pass its schema. */
function commandFor(given: Act, state: MemoryState): Change | undefined {
  // One more than there is, so that what is not there is asked for as well.
  const thread = given.thread % (state.lastThread + 2);
  const head = state.head(`thread/${thread}`);
  const near = [...state.messages(thread)].map(({ seq }) => seq);
  const message = given.message % 4 === 0
    ? given.message % (head + 3)
    : near[given.message % (near.length || 1)];
  const files = [...state.files(thread)].map(({ seq }) => seq);
  const content = CONTENTS[given.content];
  const type = TYPES[given.user % TYPES.length];
  const everybody = [...NAMES, ...NAMES.map((name) => name.toUpperCase()), ...STRANGERS];
  const user = everybody[given.user % everybody.length];
  const raw = {
    op: given.op,
    thread,
    message,
    user,
    text: given.text,
    title: given.text,
    name: given.text,
    // Now and then it is not what is said before.
    size: given.message % 8 === 0 ? 3 : content.size,
    ...given.told && { sha256: content.sha256 },
    ...type !== undefined && { type },
    file: given.message % 8 === 0 ? message : files[given.message % (files.length || 1)],
    emoji: given.text,
    upto: given.message % (head + 5),
    on: given.flag,
    role: given.role,
    private: given.flag,
    ...given.why !== undefined && { why: given.why },
    ...given.members.length > 0 &&
      { members: given.members.map((i) => [...NAMES, "nobody"][i]) },
    ...given.op === "post" && given.flag && { reply: message },
    ...VERIFIER,
  };
  const parsed = commandSchema.parse(JSON.parse(JSON.stringify(raw)));
  return "op" in parsed && isChange(parsed) ? parsed : undefined;
}

/** Who acts: anybody, or, more than half of the time, somebody who may. */
function actorFor(given: Act, command: Change, state: MemoryState): string {
  const thread = "thread" in command ? state.thread(command.thread) : undefined;
  const anybody = fold([...NAMES, "nobody"][given.who]);
  if (thread === undefined || given.who % 3 === 0) return anybody;
  if (command.op === "edit" || command.op === "delete") {
    return state.message(thread.number, command.message)?.author ?? anybody;
  }
  if (command.op === "withdraw") return state.file(thread.number, command.file)?.by ?? anybody;
  if (command.op === "remove" || command.op === "expel") return thread.owner || anybody;
  return thread.private ? thread.members[given.who % thread.members.length] : anybody;
}

/** Lines of a state, sorted: equal contents give equal arrays. */
const linesOf = (state: MemoryState) => [...state.lines()].sort();

/** Does an act, and returns what was decided. */
function perform(forum: Forum, given: Act, at: number) {
  const command = commandFor(given, forum.state);
  if (command === undefined) return undefined;
  const context = {
    user: actorFor(given, command, forum.state),
    at,
    ...given.came && { content: CONTENTS[given.content] },
    ...given.quota !== undefined && { quota: given.quota },
  };
  const outcome = decide(forum.state, command, context);
  return { command, context, outcome };
}

Deno.test("DESIGN §6: a session of many users is what arrays of messages would make of it", () => {
  fc.assert(
    fc.property(session(60), (acts) => {
      const forum = createForum();
      const { state } = forum;
      const model = createModel();
      let clock = 10;
      for (const given of acts) {
        clock = Math.max(0, clock + given.clock);
        const done = perform(forum, given, clock);
        if (done === undefined) continue;
        const { command, context, outcome } = done;
        const before = linesOf(state);
        assertEquals(decide(state, command, context), outcome, "deciding twice differs");
        assertEquals(linesOf(state), before, "deciding has changed something");

        const reasons = model.reasons(context.user, command, context);
        if (isRefusal(outcome)) {
          assert(
            reasons.has(outcome.status),
            `${command.op} is refused with ${outcome.status}, not ${[...reasons].join(" or ")}`,
          );
          if (outcome.status === "no-thread" && "thread" in command) {
            // What may not be seen is refused like what was never there.
            assertEquals(decide(state, { ...command, thread: 999_999 }, context), outcome);
          }
          continue;
        }
        assertEquals([...reasons], [], `${command.op} is granted`);
        const at = outcome.events[0]?.at ?? clock;
        assert(at >= clock, "an entry is earlier than its command");
        assertEquals<object>(outcome.reply, model.do(context.user, command, { ...context, at }));
        for (const event of outcome.events) {
          assertEquals(event.seq, state.head(event.scope) + 1, "a scope has a gap");
          assertEquals(event.by, state.user(context.user)?.name);
          assertEquals<unknown>(
            forumEvent.parse(JSON.parse(JSON.stringify(event))),
            event,
            "an event that cannot travel",
          );
          forum.apply([event]);
        }
        assertEquals(linesOf(state), model.lines());
        checkLookups(state, model);
      }
    }),
    { numRuns: runs(100) },
  );
});

/** What is kept to be found quickly agrees with what is there. */
function checkLookups(state: MemoryState, model: Model): void {
  assertEquals(state.lastThread, model.given);
  assertEquals([...state.threads()].map(({ number }) => number), model.topics.map((t) => t.number));
  for (const title of TITLES) {
    const found = model.topics.find((t) => !t.private && fold(t.title) === fold(title));
    assertEquals(state.titled(fold(title))?.number, found?.number);
  }
  assertEquals(state.contentBytes, model.contentBytes());
  for (const who of NAMES.map(fold)) {
    assertEquals(state.usage(who), model.usage(who));
    for (const { sha256, size } of CONTENTS) {
      assertEquals(
        state.seesContent(who, sha256),
        model.sees(who, sha256, size) ? size : undefined,
      );
    }
  }
  for (const { sha256 } of CONTENTS) {
    assertEquals(
      state.hasContent(sha256),
      model.files().some((file) => file.sha256 === sha256),
    );
  }
  const pairs = new Set<string>();
  for (const topic of model.topics) {
    assertEquals(state.head(`thread/${topic.number}`), topic.head);
    assertEquals(
      [...state.messages(topic.number)].map(({ seq }) => seq),
      topic.messages.map(({ seq }) => seq),
    );
    assertEquals([...state.files(topic.number)], topic.files);
    assertEquals(state.fileCount(topic.number), topic.files.length);
    for (const file of topic.files) {
      assertEquals(state.file(topic.number, file.seq), file);
      assertEquals(state.fileNamed(topic.number, fold(file.name)), file);
    }
    if (!topic.direct) continue;
    const [one, other] = topic.members;
    assert(!pairs.has(pair([one, other])), "two conversations of the same two");
    pairs.add(pair([one, other]));
    assertEquals(state.direct(one, other)?.number, topic.number);
    assertEquals(state.direct(other, one)?.number, topic.number);
  }
}

/** What some acts leave in the log. */
function logOf(acts: readonly Act[]): Forum {
  const forum = createForum();
  let clock = 10;
  for (const given of acts) {
    clock = Math.max(0, clock + given.clock);
    const done = perform(forum, given, clock);
    if (done !== undefined && !isRefusal(done.outcome)) forum.apply(done.outcome.events);
  }
  return forum;
}

Deno.test("law 5: folding the log into a fresh state gives what the live system has", () => {
  fc.assert(
    fc.property(session(60), (acts) => {
      const { state, log } = logOf(acts);
      const again = createMemoryState(fold);
      for (const event of log) evolve(again, JSON.parse(JSON.stringify(event)));
      assertEquals(digest(again.lines()), digest(state.lines()));
      assertEquals(again.lastThread, state.lastThread);
      for (const { scope } of log) assertEquals(again.head(scope), state.head(scope));
    }),
    { numRuns: runs(100) },
  );
});

Deno.test("law 5: scopes can be folded in any order, as long as a thread's marks come before its removal", () => {
  fc.assert(
    fc.property(session(60), fc.infiniteStream(fc.nat(1000)), (acts, choices) => {
      const { state, log } = logOf(acts);
      const lanes = new Map<string, ForumEvent[]>();
      for (const event of log) lanes.set(event.scope, [...lanes.get(event.scope) ?? [], event]);
      const again = createMemoryState(fold);
      const waits = (event: ForumEvent) =>
        event.kind === "thread.removed" && event.scope !== "directory" &&
        [...lanes].some(([scope, lane]) =>
          scope.startsWith("user/") &&
          lane.some((mark) => mark.kind === "thread.read" && mark.thread === event.thread)
        );
      for (let left = log.length; left > 0; left--) {
        const ready = [...lanes.values()].filter(([first]) => first !== undefined && !waits(first));
        evolve(again, ready[choices.next().value % ready.length].shift()!);
      }
      assertEquals(digest(again.lines()), digest(state.lines()));
    }),
    { numRuns: runs(100) },
  );
});

Deno.test("law 5: different contents have different digests", () => {
  fc.assert(
    fc.property(session(30), session(30), (some, others) => {
      const [one, other] = [logOf(some).state, logOf(others).state];
      assertEquals(
        digest(one.lines()) === digest(other.lines()),
        linesOf(one).join("\n") === linesOf(other).join("\n"),
      );
    }),
    { numRuns: runs(50) },
  );
});

Deno.test("a private thread is told to its members only", () => {
  fc.assert(
    fc.property(session(60), (acts) => {
      const { log } = logOf(acts);
      const closed = new Map<number, Set<string>>();
      for (const event of log) {
        if (event.kind === "thread.opened" && event.private) {
          closed.set(event.thread, new Set(event.members.map(fold)));
        }
        const about = event.scope.startsWith("thread/") ? Number(event.scope.slice(7)) : undefined;
        const members = closed.get(about ?? ("thread" in event ? event.thread : 0));
        if (members === undefined) continue;
        if (event.kind === "member.joined") members.add(fold(event.user));
        if (about !== undefined) continue;
        assert(event.scope.startsWith("user/"), `${event.scope} tells of a private thread`);
        assert(members.has(event.scope.slice(5)), `${event.scope} is told of it`);
      }
    }),
    { numRuns: runs(100) },
  );
});

Deno.test("the messages of a thread stand in the order of their times, though the clock goes back", () => {
  fc.assert(
    fc.property(session(60), (acts) => {
      const { state } = logOf(acts);
      for (const thread of state.threads()) {
        let before = thread.at;
        for (const { seq, at } of state.messages(thread.number)) {
          assert(at >= before, `message ${seq} is at ${at}, after ${before}`);
          before = at;
        }
        assert(thread.lastAt >= before);
      }
    }),
    { numRuns: runs(100) },
  );
});

Deno.test("an entry is never earlier than the one before it in its scope, though the clock goes back", () => {
  fc.assert(
    fc.property(session(40), (acts) => {
      const latest = new Map<string, number>();
      for (const event of logOf(acts).log) {
        const before = latest.get(event.scope) ?? 0;
        assert(
          event.at >= before,
          `${event.scope}/${event.seq} is at ${event.at}, after ${before}`,
        );
        latest.set(event.scope, event.at);
      }
    }),
    { numRuns: runs(100) },
  );
});

Deno.test("law 3: no command that can be parsed makes decide throw, and a refusal is a sentence", () => {
  const anyChange: fc.Arbitrary<Change> = fc.oneof(
    ...OPS.map((op) => commandOf[op] as fc.Arbitrary<Change>),
  );
  const reduced = anyChange.map((change) =>
    "thread" in change && change.thread % 2 === 0
      ? {
        ...change,
        thread: 1 + change.thread % 3,
        ..."message" in change && { message: 2 },
        ..."file" in change && { file: 2 },
      }
      : change
  );
  fc.assert(
    fc.property(session(10), fc.array(reduced, { maxLength: 10 }), fc.nat(99), (acts, given, i) => {
      const { state } = logOf(acts);
      for (const change of given) {
        const outcome = decide(state, change, { user: fold(NAMES[i % NAMES.length]), at: 5 });
        if (!isRefusal(outcome)) { for (const event of outcome.events) evolve(state, event); }
        else if (outcome.text !== undefined) assert(outcome.text.endsWith("."), outcome.text);
      }
    }),
    { numRuns: runs(100) },
  );
});

// DESIGN §13 and the limits, one by one.

interface Hand {
  readonly state: MemoryState;
  /** Does it and returns the reply; a refusal is returned as its status. */
  do(
    user: string,
    command: Change,
    more?: Pick<Context, "content" | "quota">,
  ): Record<string, unknown> | string;
  /** The texts of a thread's living messages, in the order of their numbers. */
  texts(thread: number): (string | undefined)[];
}

function hand(): Hand {
  const { state, apply } = createForum();
  return {
    state,
    do(user, command, more = {}) {
      const outcome = decide(state, command, { user, at: 5, ...more });
      if (isRefusal(outcome)) return outcome.status;
      apply(outcome.events);
      return outcome.reply as Record<string, unknown>;
    },
    texts: (thread) => [...state.messages(thread)].map(({ seq }) => state.text(thread, seq)),
  };
}

Deno.test("DESIGN §13: removing `s` leaves `secret`", () => {
  const forum = hand();
  assertEquals(forum.do("bob", { op: "create", title: "secret" }), { thread: 2 });
  assertEquals(forum.do("bob", { op: "create", title: "s" }), { thread: 3 });
  forum.do("bob", { op: "post", thread: 2, text: "stays" });
  assertEquals(forum.do("bob", { op: "remove", thread: 3 }), {});
  assertEquals(forum.state.titled("s"), undefined);
  assertEquals(forum.state.titled("secret")?.number, 2);
  assertEquals(forum.texts(2), ["stays"]);
});

Deno.test("DESIGN §13: message 10 is not message 1, and numbers close up while identities stay", () => {
  const forum = hand();
  const seqs = Array.from({ length: 12 }, (_, i) => {
    const reply = forum.do("bob", { op: "post", thread: 1, text: `text ${i + 1}` });
    assert(typeof reply === "object");
    assertEquals(reply.number, i + 1);
    return reply.seq as number;
  });
  assert(typeof forum.do("bob", { op: "delete", thread: 1, message: seqs[0] }) === "object");
  assertEquals(forum.texts(1)[8], "text 10");
  assertEquals(
    forum.do("bob", { op: "edit", thread: 1, message: seqs[0], text: "x" }),
    "no-message",
  );
  assert(
    typeof forum.do("bob", { op: "edit", thread: 1, message: seqs[9], text: "ten" }) === "object",
  );
  assertEquals(forum.texts(1)[8], "ten");
  const reply = forum.do("bob", { op: "post", thread: 1, text: "next" });
  assert(typeof reply === "object" && reply.number === 12 && reply.seq === seqs[11] + 3);
});

Deno.test("DESIGN §13: separators, quotes and line ends in a text change nothing else", () => {
  const forum = hand();
  const texts = [
    "a|b;c,d",
    '"quoted" \\ \'',
    "line 1\nline 2\n3. line 3",
    "\t",
    "{}",
    "</p>",
    "%00",
  ];
  for (const text of texts) forum.do("bob", { op: "post", thread: 1, text });
  assertEquals(forum.texts(1), texts.filter((text) => text !== "\t"));
  for (const title of ["a|b", "a,b", '"a"', "'a'", "a\\", "a/b", "a b", "a  b"]) {
    const made = forum.do("bob", { op: "create", title });
    if (title === "a  b") assertEquals(made, "thread-exists");
    else assert(typeof made === "object" && forum.state.titled(fold(title))?.title === title);
  }
});

Deno.test("DESIGN §13: paths and words of the language are plain titles, and never names of users", () => {
  const forum = hand();
  const titles = [
    "../x",
    ".server.ts",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "/etc/passwd",
  ];
  for (const title of titles) {
    assertEquals(forum.state.titled(fold(title)), undefined);
    const made = forum.do("bob", { op: "create", title });
    assert(typeof made === "object");
    assertEquals(forum.state.titled(fold(title))?.title, title);
    assertEquals(forum.do("zoë", { op: "create", title: title.toUpperCase() }), "thread-exists");
  }
  for (const user of ["../x", ".server.ts", "__proto__", "a/b", "a b", "", " "]) {
    const outcome = decideRegistration(forum.state, { user, ...VERIFIER }, 1);
    assert(isRefusal(outcome) && outcome.status === "bad-name", user);
    assertEquals(forum.do("bob", { op: "tell", user, text: "x" }), "unknown-user");
  }
  for (const user of ["hasOwnProperty", "valueOf"]) {
    assertEquals(forum.do("bob", { op: "tell", user, text: "x" }), "unknown-user");
    assertEquals(decide(forum.state, { op: "mark", thread: 1, upto: 1 }, { user, at: 1 }), {
      status: "unknown-user",
    });
  }
  assert(typeof forum.do("bob", { op: "tell", user: "constructor", text: "x" }) === "object");
});

Deno.test("DESIGN §13: an empty or blank text is refused and harms nothing", () => {
  const forum = hand();
  for (const text of ["", " ", "\n", "\r\n", "\t \n", "\u200b"]) {
    assertEquals(forum.do("bob", { op: "post", thread: 1, text }), "bad-text");
    assertEquals(forum.do("bob", { op: "tell", user: "ann", text }), "bad-text");
    assertEquals(forum.do("bob", { op: "create", title: text }), "bad-name");
  }
  assertEquals(forum.texts(1), []);
  assertEquals(forum.state.lastThread, 1);
  assertEquals(forum.state.direct("ann", "bob"), undefined);
});

Deno.test("a title is taken in whatever case, is free again after removal, and its number is not", () => {
  const forum = hand();
  assertEquals(forum.do("bob", { op: "create", title: "Straße" }), { thread: 2 });
  for (const title of ["straße", "STRASSE", " Straße ", "ｓｔｒａßｅ"]) {
    assertEquals(forum.do("zoë", { op: "create", title }), "thread-exists");
  }
  // A private thread has its title to itself, and keeps nobody from it.
  assertEquals(forum.do("zoë", { op: "create", title: "Straße", private: true }), { thread: 3 });
  assertEquals(forum.do("zoë", { op: "create", title: "Straße", private: true }), { thread: 4 });
  assertEquals(forum.do("bob", { op: "remove", thread: 2 }), {});
  assertEquals(forum.do("bob", { op: "post", thread: 2, text: "x" }), "no-thread");
  assertEquals(forum.do("zoë", { op: "create", title: "STRASSE" }), { thread: 5 });
});

Deno.test("a name is taken in whatever case, and by those that look like it", () => {
  const forum = hand();
  for (const user of ["ann", "ANN", "Ａｎｎ", "ZOE\u0308", "zoë", LIGATURES.toUpperCase()]) {
    const outcome = decideRegistration(forum.state, { user, ...VERIFIER }, 1);
    assert(isRefusal(outcome));
    assert(["user-exists", "bad-name"].includes(outcome.status), user);
  }
  const outcome = decideRegistration(forum.state, { user: "ann2", ...VERIFIER }, 1);
  assert(!isRefusal(outcome) && typeof checkName(outcome.user) === "string");
});

Deno.test(`a message carries at most ${EMOJIS_MAX} different reactions, each by as many as like`, () => {
  const forum = hand();
  const { seq } = forum.do("bob", { op: "post", thread: 1, text: "x" }) as { seq: number };
  const react = (user: string, emoji: string, on = true) =>
    forum.do(user, { op: "react", thread: 1, message: seq, emoji, on });
  for (let i = 0; i < EMOJIS_MAX; i++) assertEquals(react("bob", `:r${i}:`), {});
  assertEquals(react("bob", ":one_more:"), "full");
  assertEquals(react("ann", ":r3:"), {});
  const head = forum.state.head("thread/1");
  assertEquals(react("ann", ":r3:"), {});
  assertEquals(forum.state.head("thread/1"), head, "a reaction that is there already is no event");
  assertEquals(react("bob", ":r3:", false), {});
  assertEquals(react("bob", ":one_more:"), "full");
  assertEquals(react("ann", ":r3:", false), {});
  assertEquals(react("bob", ":one_more:"), {});
});

Deno.test(`a private thread has at most ${MEMBERS_MAX} members`, () => {
  const { state, apply } = createForum();
  const names = Array.from({ length: MEMBERS_MAX + 1 }, (_, i) => `user${i}`);
  for (const user of names) {
    const outcome = decideRegistration(state, { user, ...VERIFIER }, 3);
    assert(!isRefusal(outcome));
    apply(outcome.events);
  }
  const create = (members: string[]) =>
    decide(state, { op: "create", title: "t", private: true, members }, { user: "bob", at: 4 });
  const tooMany = create(names.slice(0, MEMBERS_MAX));
  assert(isRefusal(tooMany) && tooMany.status === "full");
  const made = create(["BOB", "bob", ...names.slice(0, MEMBERS_MAX - 1)]);
  assert(!isRefusal(made));
  for (const event of made.events) {
    assertEquals<unknown>(forumEvent.parse(JSON.parse(JSON.stringify(event))), event);
  }
  apply(made.events);
  const invited = decide(state, { op: "invite", thread: 2, user: names[MEMBERS_MAX] }, {
    user: "bob",
    at: 5,
  });
  assert(isRefusal(invited) && invited.status === "full");
});

Deno.test("a mark only goes on, and never beyond the end", () => {
  const forum = hand();
  for (let i = 0; i < 5; i++) forum.do("bob", { op: "post", thread: 1, text: "x" });
  const mark = (upto: number) => forum.do("ann", { op: "mark", thread: 1, upto });
  assertEquals(mark(3), { upto: 3 });
  assertEquals(mark(2), { upto: 3 });
  assertEquals(mark(0xffff_ffff), { upto: 6 });
  assertEquals(forum.state.mark("ann", 1), 6);
  assertEquals(forum.state.mark("bob", 1), 0);
});

Deno.test("an edit replaces whom the message mentions, and deletions take all with them", () => {
  const forum = hand();
  const kept = (kind: string) => linesOf(forum.state).filter((line) => line.includes(`"${kind}"`));
  const post = () => forum.do("bob", { op: "post", thread: 2, text: "@ann and @s" });
  forum.do("bob", { op: "create", title: "t" });
  const { seq } = post() as { seq: number };
  assertEquals(kept("mention").length, 2);
  forum.do("bob", { op: "edit", thread: 2, message: seq, text: "@ann" });
  assertEquals(kept("mention"), [describe.mention("ann", 2, seq)]);
  forum.do("bob", { op: "edit", thread: 2, message: seq, text: "nobody" });
  assertEquals(kept("mention"), []);
  const second = post() as { seq: number };
  forum.do("ann", { op: "react", thread: 2, message: second.seq, emoji: "👍", on: true });
  forum.do("bob", { op: "delete", thread: 2, message: second.seq });
  assertEquals([kept("mention"), kept("reaction")], [[], []]);
  post();
  forum.do("ann", { op: "mark", thread: 2, upto: 1 });
  forum.do("bob", { op: "remove", thread: 2 });
  assertEquals([kept("mark"), kept("message"), kept("mention")], [[], [], []]);
  assertEquals(forum.state.mark("ann", 2), 0);
});

Deno.test("who leaves a private thread sees it no more; who is let in again does", () => {
  const forum = hand();
  const thread = 2;
  forum.do("bob", { op: "create", title: "t", private: true, members: ["Ann"] });
  assertEquals(forum.do("ann", { op: "post", thread, text: "hello" }), {
    seq: 2,
    number: 1,
    at: 5,
  });
  assertEquals(forum.do("ann", { op: "expel", thread, user: "ANN" }), {});
  assertEquals(forum.do("ann", { op: "edit", thread, message: 2, text: "x" }), "no-thread");
  assertEquals(forum.do("bob", { op: "invite", thread, user: "ann" }), {});
  assert(typeof forum.do("ann", { op: "edit", thread, message: 2, text: "x" }) === "object");
});

const [, BYTE, TEN, OTHER_TEN] = CONTENTS;

/** Shares a file whose bytes have come. */
function share(forum: Hand, user: string, name: string, content: Content, thread = 1) {
  return forum.do(user, { op: "upload", thread, name, size: content.size }, { content });
}

Deno.test("an upload begins without an event, and is a file when its bytes have come", () => {
  const forum = hand();
  const wanted = { op: "upload", thread: 1, name: "a.txt", size: 10 } as const;
  assertEquals(forum.do("ann", wanted), {});
  assertEquals(forum.state.head("thread/1"), 1);
  const kept = { file: 2, at: 5, sha256: TEN.sha256 };
  assertEquals(forum.do("ann", wanted, { content: TEN }), kept);
  assertEquals(forum.state.file(1, 2), {
    seq: 2,
    name: "a.txt",
    by: "ann",
    at: 5,
    size: 10,
    type: "application/octet-stream",
    sha256: TEN.sha256,
  });
  assertEquals(forum.do("ann", wanted, { content: TEN }), kept, "the same again is the same file");
  assertEquals(forum.do("ann", { ...wanted, sha256: TEN.sha256 }), kept);
  for (const content of [BYTE, { ...TEN, size: 11 }]) {
    assertEquals(forum.do("ann", { ...wanted, name: "b" }, { content }), "bad-content");
  }
  const told = { ...wanted, name: "b", sha256: OTHER_TEN.sha256 };
  assertEquals(forum.do("ann", told, { content: TEN }), "bad-content");
});

Deno.test("a name is taken in whatever case, by others and for other contents, until the file is gone", () => {
  const forum = hand();
  share(forum, "ann", "Straße.TXT", TEN);
  const wanted = { op: "upload", thread: 1, name: "STRASSE.txt", size: 10 } as const;
  for (const user of ["ann", "bob"]) assertEquals(forum.do(user, wanted), "file-exists");
  assertEquals(forum.do("ann", { ...wanted, sha256: OTHER_TEN.sha256 }), "file-exists");
  assertEquals(forum.do("bob", { ...wanted, sha256: TEN.sha256 }), "file-exists");
  forum.do("bob", { op: "create", title: "t" });
  assert(typeof share(forum, "bob", "straße.txt", TEN, 2) === "object", "another thread");
  assertEquals(forum.do("ann", { op: "withdraw", thread: 1, file: 2, why: "old" }), {});
  assertEquals(forum.do("ann", { op: "withdraw", thread: 1, file: 2 }), "no-file");
  assertEquals(forum.do("bob", { ...wanted, sha256: TEN.sha256 }), {
    file: 4,
    at: 5,
    sha256: TEN.sha256,
  });
});

Deno.test("what one can see need not be sent again, and what one cannot see is not there", () => {
  const forum = hand();
  forum.do("ann", { op: "create", title: "t", private: true, members: ["bob"] });
  share(forum, "ann", "secret.bin", TEN, 2);
  const { sha256, size } = TEN;
  const wanted = { op: "upload", thread: 1, name: "mine.bin", size, sha256 } as const;
  assertEquals(forum.do("zoë", wanted), {}, "its bytes are wanted, as if nobody had it");
  assertEquals(forum.do("bob", { ...wanted, size: 11 }), {}, "that is another file");
  assert("file" in (forum.do("bob", wanted) as object));
  assertEquals(forum.state.contentBytes, 10, "it is kept once");
  assertEquals([forum.state.usage("ann"), forum.state.usage("bob")], [10, 10]);
  assert("file" in (forum.do("zoë", { ...wanted, name: "copy" }) as object), "now it is public");
  assertEquals(forum.do("ann", { op: "remove", thread: 2 }), {});
  assertEquals([forum.state.usage("ann"), forum.state.contentBytes], [0, 10]);
});

Deno.test("quotas: a file, a user's files, and all contents; 0 is no limit", () => {
  const forum = hand();
  const wish = (name: string, { size, sha256 }: Content, quota: Quota, content?: Content) =>
    forum.do("ann", { op: "upload", thread: 1, name, size, sha256 }, { quota, content });
  assertEquals(wish("a", TEN, { file: 9 }), "quota");
  assertEquals(wish("a", TEN, { file: 10, user: 10, all: 10 }), {});
  assertEquals(wish("a", TEN, { user: 9 }), "quota");
  assertEquals(wish("a", TEN, { all: 9 }), "quota");
  assertEquals(wish("a", TEN, { all: 9 }, TEN), "quota", "asked again when the bytes have come");
  assert("file" in (wish("a", TEN, {}, TEN) as object));
  assertEquals(wish("b", TEN, { user: 19 }), "quota", "each file counts for its user");
  assert("file" in (wish("b", TEN, { user: 20, all: 10 }) as object), "a content counts once");
  assertEquals(wish("c", OTHER_TEN, { all: 19 }), "quota");
  assertEquals(wish("c", OTHER_TEN, { file: 0, user: 0, all: 0 }), {});
  const huge = { sha256: "a".repeat(64), size: 2 ** 50 };
  for (let i = 0; i < 7; i++) assert("file" in (wish(`huge ${i}`, huge, {}, huge) as object));
  assertEquals(wish("huge 7", huge, {}), "quota", "what could not be counted exactly");
});

Deno.test("a full forum does not tell whether a content is hidden in it", () => {
  const forum = hand();
  forum.do("bob", { op: "create", title: "t", private: true });
  share(forum, "bob", "secret.bin", TEN, 2);
  const ask = ({ sha256, size }: Content) =>
    forum.do("ann", { op: "upload", thread: 1, name: "x", size, sha256 }, { quota: { all: 15 } });
  assertEquals(ask(TEN), ask(OTHER_TEN));
});

Deno.test(`a thread holds at most ${FILES_MAX} files`, () => {
  const forum = hand();
  const file = { by: "ann", at: 1, type: "a/b", ...BYTE };
  for (let i = 0; i < FILES_MAX; i++) forum.state.putFile(1, { ...file, seq: i + 9, name: `${i}` });
  assertEquals(share(forum, "ann", "one more", BYTE), "full");
  forum.state.dropFile(1, forum.state.file(1, 9)!);
  assert("file" in (share(forum, "ann", "one more", BYTE) as object));
});

Deno.test("files take no number, and a name is a label that is kept as it is", () => {
  const forum = hand();
  for (const name of ["../../etc/passwd", "CON", "a\0b\n\x1b[2J", "\u202egpj.exe", "C:\\x"]) {
    const { file } = share(forum, "ann", name, TEN) as { file: number };
    assertEquals(forum.state.file(1, file)?.name, name);
  }
  const posted = forum.do("bob", { op: "post", thread: 1, text: "x" });
  assertEquals(posted, { seq: 7, number: 1, at: 5 });
  assertEquals(forum.state.thread(1)?.posts, 1);
});

Deno.test("evolve: a gap or a repeat is the caller's mistake", () => {
  const { log } = createForum();
  const state = createMemoryState(fold);
  evolve(state, log[0]);
  assertThrows(() => evolve(state, log[0]), RangeError, "entry 1");
  assertThrows(() => evolve(state, { ...log[0], seq: 3 }), RangeError, "entry 3");
});

Deno.test("a promotion makes an admin once, and of a user only", () => {
  const { state, apply } = createForum();
  assertEquals(decidePromotion(state, "ann", 5), []);
  assertEquals(decidePromotion(state, "nobody", 5), []);
  apply(decidePromotion(state, "bob", 5));
  assertEquals(state.user("bob")?.role, "admin");
});
