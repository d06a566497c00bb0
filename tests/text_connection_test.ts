import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { encodeMessage } from "../protocol/message.ts";
import { refuse, STATUS } from "../protocol/status.ts";
import { TEXT_TABLE, type TextInput, type TextState } from "../protocol/text_mode/text_table.ts";
import { TEXT_LINE_MAX, UNSIGNED_LINE_MAX } from "../protocol/text_mode/text_connection.ts";
import { SALTED, take, USER, VERIFIER, WRONGLY_SALTED } from "./connection_scene.ts";
import { STATUS_LINE, TextScene, type TextSceneOptions } from "./text_scene.ts";

const STATES = Object.keys(TEXT_TABLE) as TextState[];
const PASSWORD = "do or do not";
const GRANT = { user: USER, role: "member" } as const;

/** Brings a connection into a state; nothing that happened on the way is left over. */
function reach(state: TextState, options?: TextSceneOptions): TextScene {
  const scene = new TextScene(options);
  const { connection } = scene;
  const type = (text: string) => {
    scene.type(text);
    scene.told();
  };
  const unsigned = () => type(`\n${USER}\n`);
  const steps: Record<TextState, () => void> = {
    opening: () => {},
    naming: () => type("\n"),
    verifying: unsigned,
    password: () => (unsigned(), connection.provideVerifier(VERIFIER, 0)),
    choosing: () => (unsigned(), connection.provideVerifier(undefined, 0)),
    repeating: () => (steps.choosing(), type(`${PASSWORD}\n`)),
    salting: () => (steps.password(), type(`${PASSWORD}\n`)),
    granting: () => (steps.salting(), connection.provideSaltedPassword(SALTED, 0), scene.told()),
    ready: () => (steps.granting(), connection.grant(GRANT, 0), scene.answer()),
    asking: () => (steps.ready(), type("SHT\n")),
    closing: () => connection.close("shutting-down", 0),
    closed: () => {
      connection.close("shutting-down", 0);
      connection.receiveBreak(0);
      scene.told();
    },
  };
  steps[state]();
  assertEquals(connection.state, state);
  scene.read();
  return scene;
}

/** The rows of the table that were tried. */
const tried = new Set<string>();

function expectRow(state: TextState, input: TextInput, scene: TextScene): void {
  const row = TEXT_TABLE[state][input];
  assert(row !== undefined, `${input} is not in ${state}`);
  assertEquals(scene.connection.state, row[1], `${state} ${input}`);
  tried.add(`${state} ${input}`);
}

/** What may be typed. */
const LINES = {
  "nothing": "\n",
  "a space": " \n",
  "a name": "Ada\n",
  "a name behind @": "@LST\n",
  "two words": "Ada Lovelace\n",
  "help": "HELP\n",
  "a question mark": "?\n",
  "a verb": "LST\n",
  "leave": "xit\n",
  "the password": `${PASSWORD}\n`,
  "no password": "\x07\n",
  "HTTP": "POST / HTTP/1.1\n",
  "another version": "dfp/3\n",
  "a cursor key": "\x1b[A\n",
} as const;
type Line = keyof typeof LINES | "not UTF-8" | "too long";

/** The line as bytes. */
function bytesOf(line: Line): string | Uint8Array {
  if (line === "not UTF-8") return Uint8Array.of(0xe9, 0x0a);
  return line === "too long" ? "x".repeat(TEXT_LINE_MAX + 1) : LINES[line];
}

/** What each line is in each state, and the code that comes back; what is not named is `else`. */
const READINGS: Partial<
  Record<TextState, Partial<Record<Line | "else", readonly [TextInput, ...number[]]>>>
> = {
  naming: {
    "nothing": ["blank", 132],
    "a space": ["blank", 132],
    "a name": ["name"],
    "a name behind @": ["name"],
    "help": ["help", 2020],
    "a question mark": ["help", 2020],
    "a verb": ["other-verb", 1401],
    "leave": ["leave", 2025],
    "not UTF-8": ["bad-line", 1415],
    "too long": ["fault", 1462],
    "else": ["bad-name", 1414],
  },
  password: {
    "nothing": ["blank"],
    "no password": ["bad-password", 1415],
    "a cursor key": ["bad-password", 1415],
    "not UTF-8": ["bad-line", 1415],
    "too long": ["fault", 1462],
    "else": ["password"],
  },
  choosing: {
    "nothing": ["blank"],
    "no password": ["bad-password", 1415],
    "a cursor key": ["bad-password", 1415],
    "not UTF-8": ["bad-line", 1415],
    "too long": ["fault", 1462],
    "else": ["password", 132],
  },
  repeating: {
    "nothing": ["blank"],
    "the password": ["password"],
    "no password": ["other-password", 1415],
    "not UTF-8": ["bad-line", 1415],
    "too long": ["fault", 1462],
    "else": ["other-password", 1415],
  },
  ready: {
    "nothing": ["blank"],
    "a space": ["blank"],
    "a name": ["line", 1024],
    "a name behind @": ["line", 1024],
    "two words": ["line", 1024],
    "help": ["line", 1024],
    "a question mark": ["line", 2020],
    "a verb": ["line"],
    "leave": ["line"],
    "not UTF-8": ["bad-line", 1415],
    "too long": ["fault", 1462],
    "else": ["line", 1024],
  },
  asking: {
    "nothing": ["blank", 1400],
    "no password": ["password", 1415],
    "a cursor key": ["password", 1415],
    "not UTF-8": ["bad-line", 1415],
    "too long": ["fault", 1462],
    "else": ["password"],
  },
};

for (
  const [state, readings] of Object.entries(READINGS) as [TextState, typeof READINGS["ready"]][]
) {
  Deno.test(`every line in the state ${state}: what the table says, and a status line where one is due`, () => {
    for (const line of [...Object.keys(LINES), "not UTF-8", "too long"] as Line[]) {
      const scene = reach(state);
      scene.type(bytesOf(line));
      const [input, ...codes] = readings![line] ?? readings!.else!;
      if (state === "ready" && line === "leave") {
        scene.told();
        tried.add("ready line");
        expectRow("ready", "leave", scene);
        assertEquals(scene.codes(), [2025]);
        continue;
      }
      scene.told();
      expectRow(state, input, scene);
      assertEquals(scene.codes(), codes, line);
    }
  });
}

Deno.test("the first line is greeted, and then read as a name", () => {
  for (const line of [...Object.keys(LINES), "not UTF-8"] as Line[]) {
    const { connection } = reach("opening");
    const scene = reach("opening");
    scene.type(bytesOf(line));
    scene.told();
    if (["HTTP", "another version", "a cursor key", "no password"].includes(line)) {
      expectRow("opening", "foreign", scene);
      assertEquals(scene.codes(), [1460], line);
      continue;
    }
    tried.add("opening line");
    const [greeting, ...rest] = scene.read();
    assertMatch(greeting, /text mode/);
    const same = reach("naming");
    same.type(bytesOf(line));
    same.told();
    assertEquals(rest, same.read());
    assertEquals(scene.connection.state, same.connection.state, line);
    assertEquals(connection.state, "opening");
  }
});

Deno.test("a first line without an end is not waited for without an end", () => {
  const scene = reach("opening");
  scene.type("x".repeat(UNSIGNED_LINE_MAX + 1));
  scene.told();
  expectRow("opening", "fault", scene);
  assertEquals(scene.codes(), [1462]);
});

Deno.test("where others can read along, nobody types a password: the first line ends it", () => {
  const scene = new TextScene({ secure: false });
  scene.type("Ada\nmy password\n");
  assertEquals(scene.told().map(({ kind }) => kind), ["closing"]);
  expectRow("opening", "open-line", scene);
  const [line, ...more] = scene.read();
  assertMatch(line, /^DFP 1403 not-allowed .*TLS.*terminal client/);
  assertEquals(more, []);
});

Deno.test("lines wait while the outside is asked, and while a line is run", () => {
  for (const state of ["verifying", "salting", "granting"] as const) {
    const scene = reach(state);
    scene.type("LST\nXIT\n");
    scene.connection.receiveEnd(0);
    assertEquals([scene.told(), scene.read()], [[], []]);
    assertEquals(scene.connection.state, state);
  }
  const scene = reach("ready");
  scene.type("LST\nATU\n");
  const first = scene.told();
  assertEquals(first.map((what) => what.kind === "command" && what.command.op), ["threads"]);
  assertEquals([scene.told(), scene.read()], [[], []]);
  assert(first[0].kind === "command");
  scene.connection.done(first[0].id, '{"threads":[],"more":false}');
  assertEquals(scene.codes(), [2020]);
  const [second] = scene.told();
  assert(second.kind === "command" && second.command.op === "users");
});

/** Each method with which the outside answers: where it acts, where it comes too late; elsewhere it throws. */
const METHODS: readonly {
  name: string;
  call: (scene: TextScene) => void;
  acts: Partial<Record<TextState, readonly [TextInput, ...number[]]>>;
}[] = [
  {
    name: "provideVerifier of an account",
    call: ({ connection }) => connection.provideVerifier(VERIFIER, 0),
    acts: { verifying: ["verifier", 132] },
  },
  {
    name: "provideVerifier of nobody",
    call: ({ connection }) => connection.provideVerifier(undefined, 0),
    acts: { verifying: ["nobody", 132] },
  },
  {
    name: "provideSaltedPassword that fits",
    call: ({ connection }) => connection.provideSaltedPassword(SALTED, 0),
    acts: { salting: ["right-password"] },
  },
  {
    name: "provideSaltedPassword that does not",
    call: ({ connection }) => connection.provideSaltedPassword(WRONGLY_SALTED, 0),
    acts: { salting: ["wrong-password"] },
  },
  {
    name: "grant",
    call: ({ connection }) => connection.grant(GRANT, 0),
    acts: { granting: ["grant"] },
  },
  {
    name: "deny",
    call: ({ connection }) => connection.deny(refuse("banned"), 0),
    acts: {
      salting: ["deny", 1451],
      granting: ["deny", 1451],
    },
  },
];

for (const { name, call, acts } of METHODS) {
  Deno.test(`${name} in every state: it acts, comes too late, or throws and changes nothing`, () => {
    for (const state of STATES) {
      const scene = reach(state);
      const act = acts[state];
      if (act !== undefined) {
        call(scene);
        expectRow(state, act[0], scene);
        assertEquals(scene.codes(), act.slice(1), state);
        continue;
      }
      if (state === "closing" || state === "closed") call(scene);
      else assertThrows(() => call(scene), Error, `in state ${state}`);
      assertEquals([scene.connection.state, scene.told(), scene.read()], [state, [], []], state);
    }
  });
}

for (
  const [name, { verifier, passwords, asked }] of Object.entries({
    "an account": { verifier: VERIFIER, passwords: 1, asked: [132, 1431] },
    "a new account": { verifier: undefined, passwords: 2, asked: [132, 132, 1431] },
  })
) {
  Deno.test(`who may not sign in to ${name} is refused behind the password, which is never taken for a name`, () => {
    const scene = reach("verifying");
    scene.type(`${PASSWORD}\n`.repeat(passwords) + "Ada\n");
    scene.connection.provideVerifier(verifier, 0, refuse("sign-in-rate"));
    const told = scene.told();
    tried.add(`${passwords === 1 ? "password" : "repeating"} barred-password`);
    assertEquals(told.map((what) => "user" in what && what.user), ["Ada"]);
    assertEquals(scene.codes(), asked);
    scene.connection.provideVerifier(verifier, 0);
    scene.type(`${PASSWORD}\n`.repeat(passwords));
    assertEquals(scene.told().map(({ kind }) => kind), ["salting-wanted"], "the next one may");
  });
}

Deno.test("a blank line, and one that can be no password, are no password of who may not sign in", () => {
  const scene = reach("verifying");
  scene.connection.provideVerifier(VERIFIER, 0, refuse("banned"));
  scene.type("\n\x07\n");
  scene.told();
  assertEquals([scene.codes(), scene.connection.state], [[132, 1415], "naming"]);
});

Deno.test("a line of accents that goes on for ever is no title, and takes no time", () => {
  const scene = reach("ready");
  const begun = performance.now();
  scene.type(`RDT "a${"\u0301\u0323".repeat(15_000)}"\n`);
  scene.answer();
  assertEquals(scene.codes(), [1404]);
  // To put so many of them in order takes a second.
  assert(performance.now() - begun < 400, "it takes too long");
});

Deno.test("a new account's password is typed twice, and its verifier is asked for", () => {
  const scene = reach("repeating");
  scene.type(`${PASSWORD}\n`);
  const [wanted] = scene.told();
  assert(wanted.kind === "salting-wanted");
  assertEquals([wanted.salting.password, wanted.salting.iterations], [PASSWORD, 600_000]);
  assertEquals(wanted.salting.salt, new Uint8Array(16).fill(7));
  scene.connection.provideSaltedPassword(SALTED, 0);
  expectRow("salting", "new-password", scene);
  const [told] = scene.told();
  assert(told.kind === "register-wanted");
  assertEquals(told.registration.user, USER);
  scene.connection.grant(GRANT, 0);
  scene.answer();
  assertMatch(scene.read().join("\n"), /Welcome Ada![^]*DFP 2020 valid-command You are signed in/);
});

Deno.test("somebody who comes in follows the directory, their own scope and their conversations", () => {
  const scene = reach("granting");
  scene.connection.grant(GRANT, 0);
  const row = {
    owner: "",
    at: 0,
    lastAt: 0,
    messages: 2,
    head: 3,
    read: 0,
    unread: 2,
    mentions: 0,
  };
  const direct = {
    ...row,
    thread: 7,
    title: "x",
    private: true,
    direct: true,
    members: ["Ada", "Bob"],
  };
  const lobby = { ...row, thread: 1, title: "lobby", private: false, direct: false, unread: 0 };
  const commands = scene.answer({ threads: { threads: [lobby, direct], more: false } });
  assertEquals(commands, [
    { op: "follow", scope: "directory" },
    { op: "follow", scope: "user/ada" },
    { op: "threads", limit: 500 },
    { op: "follow", scope: "thread/7" },
  ]);
  assertEquals(scene.read(), [
    "Welcome Ada! HLP lists the commands.",
    "Unread messages in 1 thread: @Bob",
    "DFP 2020 valid-command You are signed in as Ada.",
  ]);
});

Deno.test("a verb that needs a password asks for it, has it salted, and proves it", () => {
  const scene = reach("asking");
  scene.type("only the keeper knows\n");
  const [prove] = scene.told();
  assert(prove.kind === "command" && prove.command.op === "prove");
  tried.add("ready question");
  const nonce = /r=(.*)$/.exec(prove.command.scram)![1];
  scene.connection.done(prove.id, JSON.stringify({ scram: `r=${nonce}more,s=AAAA,i=4096` }));
  const [salting] = scene.told();
  assert(salting.kind === "salting-wanted");
  expectRow("ready", "salting", scene);
  assertEquals(salting.salting, {
    password: "only the keeper knows",
    salt: new Uint8Array(3),
    iterations: 4096,
  });
  scene.connection.provideSaltedPassword(SALTED, 0);
  expectRow("ready", "salted", scene);
  const [admin] = scene.told();
  expectRow("ready", "command", scene);
  assert(admin.kind === "command" && admin.command.op === "admin");
  assertEquals(admin.command.action, "shutdown");
  scene.connection.refuse(admin.id, refuse("wrong-password", "The admin password is wrong."));
  assertEquals(scene.read(), ["DFP 1402 wrong-password The admin password is wrong."]);
});

Deno.test("a salting that is refused refuses the line that needed it, and nothing else", () => {
  const scene = reach("ready");
  scene.type("/password\nfirst\nfirst\nATU\n");
  const [salting] = scene.told();
  assert(salting.kind === "salting-wanted" && salting.salting.password === "first");
  assertEquals(scene.codes(), [132, 132]);
  scene.connection.deny(refuse("sign-in-rate"), 0);
  expectRow("ready", "deny", scene);
  assertEquals(scene.codes(), [1431]);
  assertThrows(() => scene.connection.deny(refuse("sign-in-rate"), 0), Error, "answers nothing");
  assertEquals(scene.answer().map(({ op }) => op), ["users"]);
});

Deno.test("a new password is typed twice and changed by its verifier", () => {
  const scene = reach("ready");
  scene.type("/password\none\ntwo\n");
  scene.told();
  assertEquals(scene.codes(), [132, 132, 1415]);
  scene.type("/password\none\none\n");
  scene.told();
  scene.connection.provideSaltedPassword(SALTED, 0);
  const [changed] = scene.told();
  assert(changed.kind === "command" && changed.command.op === "credential");
  assertEquals(changed.command.iterations, 600_000);
  assertEquals(typeof changed.command.key, "string");
  scene.connection.done(changed.id, "{}");
  assertEquals(scene.read().at(-1), "DFP 2020 valid-command Done.");
});

/** The table's other inputs, and how they come about. */
const OTHERS: readonly {
  name: string;
  input: TextInput;
  code?: number;
  options?: TextSceneOptions;
  /** The states in which it cannot come about: nothing happens. */
  not: readonly TextState[];
  give: (scene: TextScene) => void;
}[] = [
  {
    name: "the end of the stream",
    input: "end",
    // What the outside is asked for, and a line that is run, is waited for.
    not: ["verifying", "salting", "granting", "closing", "closed"],
    give: ({ connection }) => connection.receiveEnd(0),
  },
  {
    name: "a break of the stream",
    input: "end",
    not: ["closing", "closed"],
    give: ({ connection }) => connection.receiveBreak(0),
  },
  {
    name: "too slow a sign-in",
    input: "late",
    code: 1510,
    options: { signInTimeout: 5000 },
    not: ["ready", "asking", "closing", "closed"],
    give: ({ connection }) => connection.handleTimeout(5000),
  },
  {
    name: "idleness",
    input: "idle",
    code: 1508,
    options: { idleTimeout: 5000 },
    not: STATES.filter((state) => state !== "ready" && state !== "asking"),
    give: ({ connection }) => connection.handleTimeout(5000),
  },
  {
    name: "close()",
    input: "close",
    code: 1511,
    not: ["closing", "closed"],
    give: ({ connection }) => connection.close("replaced", 0),
  },
];

for (const { name, input, code, options, not, give } of OTHERS) {
  Deno.test(`${name} in every state`, () => {
    for (const state of STATES) {
      const scene = reach(state, options);
      give(scene);
      const told = scene.told();
      if (not.includes(state)) {
        if (state !== "closing") assertEquals([told, scene.connection.state], [[], state]);
        continue;
      }
      tried.add(`${state} ${input}`);
      assert(["closing", "closed"].includes(scene.connection.state), state);
      assertEquals(scene.codes(), code === undefined ? [] : [code], state);
    }
  });
}

Deno.test("a sign-in that is late is ended, even if it is granted before anybody looks", () => {
  const scene = reach("granting", { signInTimeout: 5000 });
  scene.connection.handleTimeout(5000);
  scene.connection.grant(GRANT, 5000);
  assertEquals(scene.told().map(({ kind }) => kind), ["closing"]);
  expectRow("ready", "late", scene);
  assertEquals(scene.codes(), [1510]);
});

Deno.test("an ending is complete when the peer has ended too, or after a second; who leaves need not wait", () => {
  const scene = reach("closing");
  assertEquals(scene.told(), []);
  scene.type("what comes now is thrown away\n");
  assertEquals(scene.connection.timeout(), 1000);
  scene.connection.handleTimeout(1000);
  const [closed] = scene.told();
  assert(closed.kind === "closed" && closed.ending.status === "shutting-down");
  tried.add("closing finished");
  assertEquals([scene.connection.wantsRead, scene.connection.timeout()], [false, undefined]);

  const leaving = reach("ready");
  leaving.type("XIT\n");
  assertEquals(leaving.told().map(({ kind }) => kind), ["closing"]);
  assertMatch(leaving.read().join("\n"), /seya Ada![^]*DFP 2025 goodbye/);
  assertEquals(leaving.told().map(({ kind }) => kind), ["closed"]);
});

Deno.test("the last line needs no end, and the end of the stream waits for what was typed", () => {
  const scene = reach("ready");
  scene.type("LST\nATU");
  scene.connection.receiveEnd(0);
  assertEquals(scene.answer().map(({ op }) => op), ["threads", "users"]);
  assertEquals(scene.connection.state, "closing");
  assertEquals(scene.codes(), [2020, 2020]);
  assertEquals(scene.told().map((what) => "ending" in what && what.ending.status), ["goodbye"]);
});

Deno.test("a session is idle from the last word on, whether it is being answered or not", () => {
  const scene = reach("ready", { idleTimeout: 5000 });
  scene.now = 3000;
  scene.type("LST\n");
  scene.told();
  assertEquals(scene.connection.timeout(), 8000);
  scene.connection.handleTimeout(7999);
  assertEquals(scene.told(), []);
  scene.connection.handleTimeout(8000);
  assertEquals(scene.told().map(({ kind }) => kind), ["closing"]);
  assertEquals(scene.read(), [`DFP 1508 idle ${STATUS.idle.text}`]);
});

Deno.test("no line is run for a reader that has stopped reading", () => {
  const scene = reach("ready");
  const posted = {
    kind: "message.posted",
    scope: "thread/1",
    at: 0,
    by: "Bob",
    number: 1,
  } as const;
  scene.type("JIN #1\n");
  const page = { thread: { thread: 1, title: "lobby", direct: false, head: 1 }, messages: [] };
  scene.answer({ read: page });
  scene.read();
  const text = "x".repeat(60_000);
  for (const seq of [2, 3]) {
    scene.connection.sendEvents(
      encodeMessage({ kind: "event", id: 1, body: { ...posted, seq, text } }),
    );
  }
  scene.type("LST\n");
  assertEquals(scene.told(), []);
  scene.connection.consumeTransmit(scene.connection.pendingTransmit - 1000);
  const ops = scene.told().map((what) => what.kind === "command" && what.command.op);
  // What was shown before the line counts as read.
  assertEquals(ops, ["mark", "threads"]);
});

Deno.test("lines are as long as a message and its verb can be, and short before that", () => {
  const scene = reach("ready");
  scene.type(`MSG #1 ${"x".repeat(65_536)}\n`);
  assertEquals(scene.answer().map(({ op }) => op), ["post"]);
  const unsigned = reach("naming");
  unsigned.type("x".repeat(UNSIGNED_LINE_MAX));
  assertEquals([unsigned.told(), unsigned.connection.state], [[], "naming"]);
  unsigned.type("x");
  unsigned.told();
  assertMatch(unsigned.read()[0], /^DFP 1462 too-large A line has at most 1024 bytes here\.$/);
});

Deno.test("live messages come with a star, their later lines set in, and nothing that a terminal obeys", () => {
  const scene = reach("ready");
  const page = { thread: { thread: 1, title: "lobby", direct: false, head: 1 }, messages: [] };
  scene.type("JIN #1\n");
  scene.answer({ read: page });
  scene.read();
  const event = (scope: string, text: string) =>
    encodeMessage({
      kind: "event",
      id: 0,
      body: { kind: "message.posted", scope, seq: 2, at: 0, by: "Bob", number: 3, text },
    });
  scene.connection.sendEvents(event("thread/1", "one\nDFP 2020 two\n* three \x1b[31m"));
  assertEquals(scene.read(), [
    "* [lobby] 3 Bob (01 Jan 1970 00:00:00): one",
    "  DFP 2020 two",
    "  * three \\x1b[31m",
  ]);
  scene.connection.send({ kind: "notice", id: 0, body: { kind: "closing", text: "Soon." } });
  const presence = { kind: "presence", user: "Bob", on: true, at: 0 } as const;
  scene.connection.send({ kind: "notice", id: 0, body: presence });
  assertEquals(scene.read(), ["* The server is closing: Soon."]);
});

Deno.test("a conversation that somebody begins is looked up and followed from its first message", () => {
  for (const state of ["ready", "asking"] as const) {
    const scene = reach(state);
    const body = { kind: "thread.entered", scope: "user/ada", seq: 1, at: 0, by: "Bob" } as const;
    scene.connection.sendEvents(
      encodeMessage({ kind: "event", id: 0, body: { ...body, thread: 7, title: "Ada, Bob" } }),
    );
    const members = ["Ada", "Bob"];
    const thread = { thread: 7, title: "Ada, Bob", direct: true, members, head: 2 };
    const commands = scene.answer({ read: { thread, messages: [] } });
    assertEquals(commands, [
      { op: "read", thread: 7, limit: 1 },
      { op: "follow", scope: "thread/7", after: 0 },
    ]);
    if (state === "asking") expectRow("asking", "command", scene);
    assertEquals([scene.connection.state, scene.read()], [state, []]);
  }
});

Deno.test("what the caller answers wrongly throws, and changes nothing", () => {
  const verifying = reach("verifying");
  const short = { ...VERIFIER, storedKey: new Uint8Array(3) };
  assertThrows(() => verifying.connection.provideVerifier(short, 0), RangeError, "storedKey");
  assertEquals(verifying.connection.state, "verifying");
  const salting = reach("salting");
  const wrong = new Uint8Array(3);
  assertThrows(() => salting.connection.provideSaltedPassword(wrong, 0), RangeError);
  assertEquals(salting.connection.state, "salting");
  const ready = reach("ready");
  assertThrows(() => ready.connection.done(99, "{}"), Error, "no command");
  assertThrows(() => ready.connection.refuse(99, refuse("no-thread")), Error, "no command");
  const late = reach("closing");
  late.connection.done(99, "{}");
  late.connection.sendEvents(new Uint8Array(0));
});

Deno.test("every command line gets one final status line, and it comes last", () => {
  const typed = ["LST", "ATU", "SRC x", "RDM 1h", "whatsthedate", "EDT", "HLP", "HLP frob", "FLS"];
  for (const line of typed) {
    const scene = reach("ready");
    scene.type(`${line}\n`);
    scene.answer();
    const lines = scene.read();
    const final = lines.filter((line) => STATUS_LINE.test(line));
    assertEquals([final.length, lines.at(-1)], [1, final[0]], line);
  }
});

Deno.test("files are listed and taken out by their very names", () => {
  const scene = reach("ready");
  const facts = {
    by: "Bob",
    at: 0,
    size: 3,
    type: "text/plain",
    sha256: "0123456789abcdef".repeat(4),
  };
  const files = [{ thread: 1, title: "lobby", seq: 5, name: "secret\nDFP 2020", ...facts }];
  scene.type("FLS\n");
  scene.answer({ files: { files, more: false } });
  assertEquals(scene.read(), [
    "[lobby] #5 secret\\nDFP 2020 (3 bytes, text/plain) by Bob, 01 Jan 1970 00:00:00, " +
    "sha256 0123456789abcdef…",
    "DFP 2020 valid-command Done.",
  ]);
  scene.type("RMF #1 s\n");
  assertEquals(scene.answer({ files: { files: [], more: false } }), [
    { op: "files", thread: 1, name: "s" },
  ]);
  assertEquals(scene.read(), ["DFP 1407 no-file There is no such file in this thread."]);
  scene.type("RMF #1 #5\n");
  const commands = scene.answer({ files: { files, more: false } });
  assertEquals(commands.map(({ op }) => op), ["files", "withdraw"]);
  assertEquals(scene.read().length, 2);
});

Deno.test("files are only named: how to get them is said instead", () => {
  const scene = reach("ready");
  scene.type("UPD lobby x.bin\n/download lobby x.bin\nHLP UPD\n");
  scene.told();
  const lines = scene.read();
  assertEquals(scene.read(), []);
  assertEquals(lines.map((line) => line.slice(0, 22)), [
    "DFP 1403 not-allowed F",
    "DFP 1403 not-allowed F",
    "DFP 1024 invalid-comma",
  ]);
  assertMatch(lines[0], /Files are not carried in text mode; use the terminal client or the web/);
});

Deno.test("bytes that wait when the stream is handed over are written first", () => {
  const scene = new TextScene();
  scene.type("\n");
  scene.told();
  assertEquals(take(scene.connection).at(-1), 0x0a);
});

Deno.test("the tests above have tried every row of the table", () => {
  const all = STATES.flatMap((state) =>
    Object.keys(TEXT_TABLE[state]).map((input) => `${state} ${input}`)
  );
  if (tried.size === 0) return;
  // While the outside is asked nothing is read, so nothing of it can be a fault or an end.
  const impossible = [
    ...["verifying", "salting", "granting"].map((state) => `${state} fault`),
    "asking late",
  ];
  assertEquals(all.filter((row) => !tried.has(row)).sort(), impossible.sort());
});
