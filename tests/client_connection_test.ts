import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Welcome } from "../protocol/body.ts";
import { KINDS } from "../protocol/catalogue.ts";
import type { ClientTransition } from "../protocol/client_connection.ts";
import {
  CLIENT_TABLE,
  type ClientAction,
  type ClientInput,
  type ClientState,
} from "../protocol/client_table.ts";
import { BANNER, encodeMessage, encodeText, type Message } from "../protocol/message.ts";
import { STATUS, type StatusName } from "../protocol/status.ts";
import {
  CLIENT_NONCE,
  drain,
  Pair,
  registration,
  said,
  SALTED,
  type SceneOptions,
  TRANSFER_MESSAGES,
  USER,
  VERIFIER,
} from "./connection_scene.ts";

const encoder = new TextEncoder();
const STATES = Object.keys(CLIENT_TABLE) as ClientState[];
const GRANT = { user: USER, role: "member", token: "token" } as const;

/** Brings a new client into a state by talking to a real server; nothing that happened on the way is left over. */
function reach(state: ClientState, options: SceneOptions = {}): Pair {
  const pair = new Pair(options);
  const { server, client } = pair;
  const steps: Record<ClientState, () => void> = {
    opening: () => {},
    greeting: () => pair.toClient(BANNER.length),
    unsigned: () => {
      pair.toServer();
      pair.toClient();
    },
    challenging: () => client.login(USER, 0),
    hashing: () => {
      pair.toServer();
      server.provideVerifier(VERIFIER, 0);
      pair.toClient();
    },
    proving: () => client.provideSaltedPassword(SALTED, 0),
    granting: () => client.resume("token", 0),
    ready: () => {
      pair.toServer();
      server.grant(GRANT, 0);
      pair.toClient();
    },
    closing: () => client.close("goodbye", 0),
    closed: () => {
      said(client, "client");
      client.receiveEnd(0);
      drain(client);
    },
  };
  // A password and a token are two ways to the same place.
  const way = STATES.filter((step) =>
    state === "granting"
      ? !["challenging", "hashing", "proving"].includes(step)
      : step !== "granting"
  );
  for (const step of way) {
    steps[step]();
    assertEquals(client.state, step, "the exchange goes another way");
    if (step === state) break;
  }
  said(client, "client");
  return pair;
}

/** What has come out of a client. */
interface Outcome {
  readonly state: ClientState;
  /** What was told: kind, states, cause, and the status of an ending. */
  readonly told: string[];
  readonly written: readonly string[];
}

function observe({ client, arrived }: Pair): Outcome {
  const told = drain(client).map((what) => tell(what, arrived.client));
  return { state: client.state, told, written: said(client, "client") };
}

/** In words; a fault must name the first byte of what was given last. */
function tell(what: ClientTransition, at: number): string {
  const words: string[] = [what.kind, what.from, what.to, what.cause];
  if ("ending" in what) words.push(what.ending.status);
  if (what.cause === "fault" && "ending" in what) assertEquals(what.ending.offset, at);
  return words.join(" ");
}

/** Something to give to a client. */
interface Given {
  /** What the table is asked about; nothing where the link sees to it alone. */
  readonly input?: ClientInput;
  /** What a fault is called, what a server says in BYE, or why the client closes. */
  readonly status?: StatusName;
  /** What is written whatever the state is, before anything else. */
  readonly before?: readonly string[];
}

/** What each action does: which transition is told, and what is written. */
function effect(action: ClientAction, given: Given): { tells?: string; writes: string[] } {
  switch (action) {
    case "none":
    // Nothing is under way, so whatever comes for a transfer is thrown away.
    case "transfer":
      return { writes: [] };
    case "relay":
      return { tells: "relay", writes: [] };
    case "welcome":
      return { tells: "welcomed", writes: [] };
    case "askPassword":
      return { tells: "password-wanted", writes: [] };
    case "sendProof":
      return { writes: ["proof"] };
    case "granted":
    case "denied":
    case "done":
    case "refused":
    case "event":
    case "notice":
      return { tells: action, writes: [] };
    case "part":
      return { tells: "closing", writes: [] };
    case "answerBye":
      return { tells: "closing", writes: ["bye goodbye"] };
    case "bye":
      // What the caller does itself is not told to it.
      return {
        ...given.input !== "close" && { tells: "closing" },
        writes: [`bye ${endingOf(given)}`],
      };
    case "finish":
      return { tells: "closed", writes: [] };
  }
}

function endingOf({ input, status }: Given): StatusName {
  switch (input) {
    case "end":
      return "lost";
    case "stranger":
      return "bad-opening";
    case "other-version":
      return "bad-version";
    case "bad-challenge":
      return "bad-message";
    case "impostor":
      return "wrong-password";
    case "late":
    case "silent":
      return "silent";
    default:
      return status!;
  }
}

/** The rows that were tried. */
const tried = new Set<string>();

/** What the table says; what is not in it is a fault of the server. */
function expected(state: ClientState, given: Given): Outcome {
  const before = given.before ?? [];
  if (given.input === undefined) return { state, told: [], written: before };
  const row = CLIENT_TABLE[state][given.input];
  if (row === undefined) return expected(state, { input: "fault", status: "unexpected" });
  tried.add(`${state} ${given.input}`);
  const [action, to] = row;
  const { tells, writes } = effect(action, given);
  const words = [tells, state, to, given.input];
  if (tells === "closing") words.push(endingOf(given));
  if (tells === "closed") words.push("goodbye");
  return {
    state: to,
    told: tells === undefined ? [] : [words.join(" ")],
    written: [...before, ...writes],
  };
}

/** A frame that the client gets, and what it is in a state in which messages are read. */
interface Frame extends Given {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What it is in some states. */
  readonly special?: Partial<Record<ClientState, ClientInput>>;
}

const scram = (text: string) => ({ scram: text });
const WELCOME: Welcome = {
  version: 2,
  server: "x",
  limits: { frame: 1000, text: 1000, commands: 1 },
  heartbeat: 0,
  mechanisms: [],
  registration: "open",
  time: 0,
};
const challengeText = `r=${CLIENT_NONCE}x,s=AAAA,i=4096`;
const { code, text } = STATUS.expired;
const refused = { code, name: "expired", text };
const granted = { user: USER, scope: "user/ada", role: "member" } as const;

function message(
  what: Message,
  given: Omit<Frame, "name" | "bytes">,
  name: string = what.kind,
): Frame {
  return { name, bytes: encodeMessage(what), ...given };
}

const unexpected = { input: "fault", status: "unexpected" } as const;
const FRAMES: readonly Frame[] = [
  message({ kind: "welcome", id: 0, body: WELCOME }, { input: "welcome" }),
  message(
    { kind: "welcome", id: 0, body: { ...WELCOME, version: 3 } },
    { input: "other-version" },
    "welcome of another version",
  ),
  message({ kind: "challenge", id: 0, body: scram(challengeText) }, { input: "challenge" }),
  message(
    { kind: "challenge", id: 0, body: scram("r=x,s=AAAA,i=4096") },
    { input: "bad-challenge" },
    "challenge with another nonce",
  ),
  message({ kind: "granted", id: 0, body: granted }, {
    input: "granted",
    special: { proving: "impostor" },
  }),
  message(
    { kind: "granted", id: 0, body: { ...granted, scram: "v=AAAA" } },
    { input: "granted", special: { proving: "impostor" } },
    "granted with a wrong signature",
  ),
  message({ kind: "refused", id: 0, body: refused }, { input: "denied" }),
  message({ kind: "refused", id: 7, body: refused }, { input: "refused" }, "refused, a command"),
  message({ kind: "done", id: 7, body: {} }, { input: "done" }),
  message({
    kind: "event",
    id: 1,
    body: {
      kind: "thread.created",
      scope: "directory",
      seq: 1,
      at: 0,
      by: USER,
      thread: 1,
      title: "x",
    },
  }, { input: "event" }),
  {
    name: "event of a kind that is not known",
    bytes: encodeText(
      0x20,
      1,
      '{"kind":"thread.painted","scope":"thread/1","seq":1,"at":0,"by":""}',
    ),
    input: "event",
  },
  message({ kind: "notice", id: 0, body: { kind: "closing", text: "" } }, { input: "notice" }),
  ...TRANSFER_MESSAGES.map((given) => message(given, { input: "transfer" })),
  message({ kind: "relay", id: 7, body: { bytes: Uint8Array.of(1) } }, { input: "relay" }),
  message({ kind: "ping", id: 5, body: {} }, { before: ["pong 5"] }),
  message({ kind: "pong", id: 5, body: {} }, {}),
  message(
    { kind: "bye", id: 0, body: { code: STATUS.replaced.code, reason: "" } },
    { input: "bye", status: "replaced" },
  ),
  message(
    { kind: "bye", id: 0, body: { code: 9, reason: "" } },
    { input: "bye", status: "goodbye" },
    "bye with a code that is not known",
  ),
  // From the wrong side.
  message({ kind: "hello", id: 0, body: { version: 2, agent: "x", features: [] } }, unexpected),
  message({ kind: "login", id: 0, body: scram("n,,n=Ada,r=x") }, unexpected),
  message({ kind: "proof", id: 0, body: scram("c=biws,r=x,p=x") }, unexpected),
  message({ kind: "register", id: 0, body: registration("Boris") }, unexpected),
  message({ kind: "resume", id: 0, body: { token: "token" } }, unexpected),
  message({ kind: "command", id: 7, body: { op: "users" } }, unexpected),
  { name: "command that is no JSON", bytes: encodeText(0x10, 10, "users"), ...unexpected },
  // No messages at all.
  { name: "type to be skipped", bytes: encodeText(0x80, 1, "x") },
  {
    name: "type that is not known",
    bytes: encodeText(0x7f, 1, "x"),
    ...{ input: "fault", status: "unknown-type" },
  },
  {
    name: "welcome that is no JSON",
    bytes: encodeText(0x02, 0, "x"),
    ...{ input: "fault", status: "bad-message" },
  },
  {
    name: "the banner again",
    bytes: encoder.encode(BANNER),
    ...{ input: "fault", status: "too-large" },
  },
  {
    name: "a line",
    bytes: encoder.encode("HTTP/1.1 400 Bad Request\r\n"),
    ...{ input: "fault", status: "too-large" },
  },
];

/** What a client that awaits its first line makes of bytes. */
function asLine({ bytes }: Frame): Given {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return bytes.length < 1024 ? {} : { input: "fault", status: "bad-opening" };
  const line = new TextDecoder().decode(bytes.subarray(0, end + 1));
  return { input: line === BANNER ? "banner" : "stranger" };
}

/** What a frame is in a state. */
function inState(state: ClientState, { special, ...given }: Frame): Given {
  return { ...given, ...special?.[state] !== undefined && { input: special[state] } };
}

for (const state of STATES) {
  Deno.test(`every message in the state ${state}: what the table says, or the fault unexpected`, () => {
    for (const frame of FRAMES) {
      const pair = reach(state);
      if (state === "closed") {
        assertThrows(() => pair.client.receive(frame.bytes, 0), Error, "wantsRead");
        assertEquals(observe(pair), { state, told: [], written: [] });
        continue;
      }
      pair.client.receive(frame.bytes, 0);
      const waits = state === "hashing" || state === "closing";
      const given = state === "opening" ? asLine(frame) : waits ? {} : inState(state, frame);
      assertEquals(observe(pair), expected(state, given), frame.name);
    }
  });
}

Deno.test("a message that waited for the salted password is judged behind the proof", () => {
  for (const frame of FRAMES) {
    const pair = reach("hashing");
    pair.client.receive(frame.bytes, 0);
    assertEquals(observe(pair), expected("hashing", {}));
    pair.client.provideSaltedPassword(SALTED, 0);
    assertEquals(pair.client.state, "proving");
    const salted = expected("hashing", { input: "salted" });
    const { written, ...rest } = expected("proving", inState("proving", frame));
    assertEquals(
      observe(pair),
      { ...rest, written: [...salted.written, ...written] },
      frame.name,
    );
  }
});

Deno.test("a server that proves that it knew the password is told from an impostor", () => {
  const pair = new Pair();
  const { server, client } = pair;
  client.login(USER, 0);
  pair.toServer();
  server.provideVerifier(VERIFIER, 0);
  pair.toClient();
  client.provideSaltedPassword(SALTED, 0);
  pair.toServer();
  server.grant(GRANT, 0);
  client.receive(server.peekTransmit(), 0);
  assertEquals(observe(pair), expected("proving", { input: "proved" }));
});

Deno.test("what was asked for before WELCOME is under way when it comes", () => {
  const wishes: readonly [ClientInput, string, (pair: Pair) => void][] = [
    ["welcome-login", "login", ({ client }) => client.login(USER, 0)],
    ["welcome-grant", "register", ({ client }) => client.register(registration(USER), 0)],
    ["welcome-grant", "resume", ({ client }) => client.resume("token", 0)],
  ];
  for (const [input, kind, ask] of wishes) {
    for (const early of ["opening", "greeting"] as const) {
      const pair = reach(early);
      ask(pair);
      assertEquals(observe(pair), { state: early, told: [], written: [kind] });
      if (early === "opening") pair.toClient(BANNER.length);
      pair.client.receive(encodeMessage({ kind: "welcome", id: 0, body: WELCOME }), 0);
      assertEquals(observe(pair), expected("greeting", { input }), kind);
    }
  }
});

/** The table's other inputs, and how they come about. */
const OTHERS: readonly {
  name: string;
  input: ClientInput;
  status?: StatusName;
  options?: SceneOptions;
  /** The states in which it cannot come about: nothing happens. */
  not: readonly ClientState[];
  /** Of the two below, those that a state writes on the way. */
  before?: string[];
  give: (pair: Pair) => void;
}[] = [
  {
    name: "the end of the stream",
    input: "end",
    not: ["hashing", "closed"],
    give: ({ client }) => client.receiveEnd(0),
  },
  {
    name: "a break of the stream",
    input: "end",
    not: ["closed"],
    give: ({ client }) => client.receiveBreak(0),
  },
  {
    name: "three heartbeats of silence",
    input: "silent",
    options: { heartbeat: 1000 },
    // Until WELCOME has told the heartbeat, there is a limit of another kind.
    not: ["opening", "greeting", "closed"],
    before: ["ping", "ping"],
    give: ({ client }) => [1000, 2000, 3000].forEach((at) => client.handleTimeout(at)),
  },
  {
    name: "a WELCOME that does not come",
    input: "late",
    options: { openTimeout: 5000 },
    not: STATES.filter((state) => !["opening", "greeting", "closing"].includes(state)),
    give: ({ client }) => client.handleTimeout(5000),
  },
  {
    name: "close()",
    input: "close",
    status: "shutting-down",
    not: ["closing", "closed"],
    give: ({ client }) => client.close("shutting-down", 0),
  },
];

for (const { name, input, status, options, not, before = [], give } of OTHERS) {
  Deno.test(`${name} in every state`, () => {
    for (const state of STATES) {
      const pair = reach(state, options);
      give(pair);
      if (state === "closing" && !not.includes(state)) {
        // An ending that is under way is complete, whatever it was.
        assertEquals(observe(pair), expected(state, { input: "finished" }), state);
        continue;
      }
      const outcome = observe(pair);
      const given = not.includes(state)
        ? {}
        : { input, before, ...status !== undefined && { status } };
      const wanted = expected(state, given);
      if (input === "end" && wanted.state === "closing") {
        // There is nobody left to write to.
        const told = [...wanted.told, "closed closing closed finished lost"];
        assertEquals(outcome, { ...wanted, state: "closed", told }, state);
      } else assertEquals(outcome, wanted, state);
    }
  });
}

Deno.test("a BYE that has been answered is the end: nothing more is waited for", () => {
  const pair = reach("ready");
  const { code } = STATUS["shutting-down"];
  pair.client.receive(encodeMessage({ kind: "bye", id: 0, body: { code, reason: "" } }), 0);
  assertEquals(observe(pair), expected("ready", { input: "bye", status: "shutting-down" }));
  const told = ["closed closing closed finished shutting-down"];
  assertEquals(observe(pair), { state: "closed", told, written: [] });
});

Deno.test("the end of the stream waits for the salted password", () => {
  const pair = reach("hashing");
  pair.client.receiveEnd(0);
  assertEquals(observe(pair), expected("hashing", {}));
  pair.client.provideSaltedPassword(SALTED, 0);
  const told = ["closing proving closing end lost"];
  assertEquals(observe(pair), { state: "closing", told, written: ["proof"] });
});

const over: readonly ClientState[] = ["closing", "closed"];

/** Each method by which the outside acts: where it acts, where it comes too late, and elsewhere it throws. */
const METHODS: readonly {
  name: string;
  call: (pair: Pair) => void;
  acts: Partial<Record<ClientState, Given>>;
  ignored: readonly ClientState[];
}[] = [
  ...([
    ["login", ({ client }) => client.login(USER, 0)],
    ["register", ({ client }) => client.register(registration(USER), 0)],
    ["resume", ({ client }) => client.resume("token", 0)],
  ] satisfies [string, (pair: Pair) => void][]).map(([name, call]) => ({
    name,
    call,
    acts: {
      opening: { before: [name] },
      greeting: { before: [name] },
      unsigned: { input: name === "login" ? "login" : "ask", before: [name] } as const,
    },
    ignored: [],
  })),
  {
    name: "provideSaltedPassword",
    call: ({ client }) => client.provideSaltedPassword(SALTED, 0),
    acts: { hashing: { input: "salted" } },
    ignored: over,
  },
  {
    name: "command",
    call: ({ client }) => client.command(7, { op: "users" }),
    // Behind `resume`, which brings it to `granting` here.
    acts: { granting: { before: ["command 7"] }, ready: { before: ["command 7"] } },
    ignored: [],
  },
  {
    name: "close",
    call: ({ client }) => client.close("shutting-down", 0),
    acts: Object.fromEntries(
      STATES.filter((state) => !over.includes(state))
        .map((state) => [state, { input: "close", status: "shutting-down" }]),
    ),
    ignored: over,
  },
];

for (const { name, call, acts, ignored } of METHODS) {
  Deno.test(`${name}() in every state: it acts, comes too late, or throws and changes nothing`, () => {
    for (const state of STATES) {
      const pair = reach(state);
      const given = acts[state];
      if (name === "command") assertEquals(pair.client.acceptsCommands, given !== undefined);
      if (given === undefined && !ignored.includes(state)) {
        assertThrows(() => call(pair), Error, `in state ${state}`);
      } else call(pair);
      assertEquals(observe(pair), expected(state, given ?? {}), state);
    }
  });
}

Deno.test("one attempt at a time, also before WELCOME; a denied one makes room for the next", () => {
  for (const state of ["opening", "greeting", "unsigned"] as const) {
    const pair = reach(state);
    const { client } = pair;
    client.resume("token", 0);
    said(client, "client");
    assertThrows(() => client.login(USER, 0), Error, "one attempt at a time");
    assertThrows(() => client.resume("token", 0), Error, "one attempt at a time");
    assertEquals(observe(pair).written, []);
    if (state === "opening") pair.toClient(BANNER.length);
    if (state !== "unsigned") {
      client.receive(encodeMessage({ kind: "welcome", id: 0, body: WELCOME }), 0);
    }
    drain(client);
    assert(client.acceptsCommands);
    client.receive(encodeMessage({ kind: "refused", id: 0, body: refused }), 0);
    assertEquals(observe(pair), expected("granting", { input: "denied" }));
    assert(!client.acceptsCommands);
    assertThrows(() => client.command(1, { op: "users" }), Error, "sign in first");
    client.login(USER, 0);
    const next = expected("unsigned", { input: "login", before: ["login"] });
    assertEquals(observe(pair), next);
    // What was sent behind the token is refused now.
    client.receive(encodeMessage({ kind: "refused", id: 7, body: refused }), 0);
    assertEquals(observe(pair), expected("challenging", { input: "refused" }));
  }
});

Deno.test("another token may be tried while commands behind the first are still being refused", () => {
  const { client } = reach("unsigned");
  client.resume("old token", 0);
  client.command(7, { op: "users" });
  client.receive(encodeMessage({ kind: "refused", id: 0, body: refused }), 0);
  assertEquals(drain(client).map(({ kind }) => kind), ["denied"]);
  client.resume("token", 0);
  client.receive(encodeMessage({ kind: "refused", id: 7, body: refused }), 0);
  assertEquals(drain(client).map(({ kind }) => kind), ["refused"]);
  assertEquals(client.state, "granting");
});

Deno.test("commands may follow `resume` before WELCOME, and no other way of signing in", () => {
  for (const state of ["opening", "greeting"] as const) {
    const pair = reach(state);
    assert(!pair.client.acceptsCommands);
    pair.client.resume("token", 0);
    pair.client.command(7, { op: "users" });
    assertEquals(observe(pair).written, ["resume", "command 7"]);
    const other = reach(state);
    other.client.register(registration(USER), 0);
    assert(!other.client.acceptsCommands);
  }
});

Deno.test("what the caller gives wrongly throws, and changes nothing", () => {
  const hashing = reach("hashing");
  const short = new Uint8Array(3);
  assertThrows(() => hashing.client.provideSaltedPassword(short, 0), RangeError, "saltedPassword");
  assertEquals(observe(hashing), expected("hashing", {}));
  hashing.client.provideSaltedPassword(SALTED, 0);
  assertEquals(observe(hashing), expected("hashing", { input: "salted" }));

  const unsigned = reach("unsigned");
  assertThrows(() => unsigned.client.login("", 0), TypeError, "user");
  assertEquals(observe(unsigned), expected("unsigned", {}));

  const ready = reach("ready");
  for (const id of [0, -1, 1.5, 2 ** 32, NaN]) {
    assertThrows(() => ready.client.command(id, { op: "users" }), RangeError, "number");
  }
  assertEquals(observe(ready), expected("ready", {}));
});

Deno.test("every way of opening", () => {
  const openings: readonly [string, Given][] = [
    [BANNER, { input: "banner" }],
    ["DFP 2024 INTERACTION WITH FORUM BEGINS\n", { input: "banner" }],
    ["DFP 2024\r\n", { input: "stranger" }],
    ["\n", { input: "stranger" }],
    ["x".repeat(1023) + "\n", { input: "stranger" }],
    ["x".repeat(1024), { input: "fault", status: "bad-opening" }],
  ];
  for (const [line, given] of openings) {
    const pair = reach("opening");
    pair.client.receive(encoder.encode(line), 0);
    assertEquals(observe(pair), expected("opening", given), line);
  }
});

Deno.test("the tests above have tried every row of the table that can come about", () => {
  for (const kind of KINDS) assert(FRAMES.some(({ name }) => name === kind), kind);
  if (tried.size === 0) return;
  // A first line is never a message, nor is there a heartbeat before WELCOME; and while frames wait, nothing is
  // read that could be one or a fault.
  const impossible = [
    ...["opening bye", "opening silent", "greeting silent"],
    ...["hashing bye", "hashing fault"],
  ];
  const all = STATES.flatMap((state) =>
    Object.keys(CLIENT_TABLE[state]).map((input) => `${state} ${input}`)
  );
  assertEquals(all.filter((row) => !tried.has(row)).sort(), impossible.sort());
});
