import { assert, assertEquals, assertThrows } from "@std/assert";
import { KINDS } from "../protocol/catalogue.ts";
import type { Ending } from "../protocol/connection.ts";
import { encodeFrame } from "../protocol/frame.ts";
import { encodeMessage, encodeText, type Message, PREFACE } from "../protocol/message.ts";
import type { ServerTransition } from "../protocol/server_connection.ts";
import {
  SERVER_TABLE,
  type ServerAction,
  type ServerInput,
  type ServerState,
} from "../protocol/server_table.ts";
import { refuse, STATUS, type StatusName } from "../protocol/status.ts";
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
const STATES = Object.keys(SERVER_TABLE) as ServerState[];
/** States in which there is nothing more to hear or to say. */
const OVER: readonly ServerState[] = ["handed-over", "closed"];
const GRANT = { user: USER, role: "member", token: "token" } as const;

/** Brings a new server into a state by talking to a real client; nothing that happened on the way is left over. */
function reach(state: ServerState, options: SceneOptions = {}): Pair {
  if (state === "handed-over") return reachHandover(options);
  const pair = new Pair(options);
  const { server, client } = pair;
  const steps: Record<Exclude<ServerState, "handed-over">, () => void> = {
    opening: () => {},
    greeting: () => pair.toServer(PREFACE.length),
    unsigned: () => pair.toServer(),
    verifying: () => {
      client.login(USER, 0);
      pair.toServer();
    },
    challenged: () => server.provideVerifier(VERIFIER, 0),
    granting: () => {
      pair.toClient();
      client.provideSaltedPassword(SALTED, 0);
      pair.toServer();
    },
    ready: () => server.grant(GRANT, 0),
    closing: () => server.close("shutting-down", 0),
    closed: () => {
      said(server, "server");
      server.receiveEnd(0);
      drain(server);
    },
  };
  for (const step of STATES) {
    if (step === "handed-over") continue;
    steps[step]();
    assertEquals(server.state, step, "the exchange goes another way");
    if (step === state) break;
  }
  said(server, "server");
  return pair;
}

/** Only a stream that begins otherwise is handed over. */
function reachHandover(options: SceneOptions): Pair {
  const pair = new Pair({ ...options, text: true });
  pair.server.receive(encoder.encode("LST\n"), 0);
  drain(pair.server);
  assertEquals(pair.server.state, "handed-over");
  return pair;
}

/** What has come out of a server. */
interface Outcome {
  readonly state: ServerState;
  /** What was told: kind, states, cause, and the status of an ending. */
  readonly told: string[];
  readonly written: string[];
}

function observe({ server, arrived }: Pair): Outcome {
  const told = drain(server).map((what) => tell(what, arrived.server));
  return { state: server.state, told, written: said(server, "server") };
}

/** In words; a fault must name the first byte of what was given last. */
function tell(what: ServerTransition, at: number): string {
  const words: string[] = [what.kind, what.from, what.to, what.cause];
  if ("ending" in what) words.push(what.ending.status);
  if (what.cause === "fault" && "ending" in what) assertEquals(what.ending.offset, at);
  return words.join(" ");
}

/** Something to give to a server. */
interface Given {
  /** What the table is asked about; nothing where the link sees to it alone. */
  readonly input?: ServerInput;
  /** The number of the command. */
  readonly id?: number;
  /** What a fault is called, or a refusal, or why the server closes. */
  readonly status?: StatusName;
  /** What is written whatever the state is, before anything else. */
  readonly before?: string[];
}

/** What each action does: which transition is told, and what is written. */
function effect(action: ServerAction, given: Given): { tells?: string; writes: string[] } {
  const { input, id, status } = given;
  switch (action) {
    case "none":
    case "begin":
    // Nothing is under way, so whatever comes for a transfer is thrown away.
    case "transfer":
      return { writes: [] };
    case "relay":
      return { tells: "relay", writes: [] };
    case "handOver":
      return { tells: "handed-over", writes: [] };
    case "turnAway":
      return { tells: "closing", writes: [input === "late" ? "DFP 1510" : "DFP 1460"] };
    case "welcome":
      return { tells: "greeted", writes: ["welcome"] };
    case "askVerifier":
      return { tells: "verifier-wanted", writes: [] };
    case "challenge":
      return { writes: ["challenge"] };
    case "askGrant": {
      const tells = input === "register"
        ? "register-wanted"
        : input === "resume"
        ? "resume-wanted"
        : "proved";
      return { tells, writes: [] };
    }
    case "askDenial":
      return { tells: "disproved", writes: [] };
    case "grant":
      return { writes: ["granted"] };
    case "denyLogin":
      return { writes: ["refused 0 bad-message"] };
    case "deny":
      return { writes: [`refused 0 ${status}`] };
    case "command":
      return { tells: "command", writes: [] };
    case "refuseUnsigned":
      return { writes: [`refused ${id} not-signed-in`] };
    case "refuseBad":
      return { writes: [`refused ${id} ${status}`] };
    case "answerBye":
      return { tells: "closing", writes: ["bye goodbye"] };
    case "part":
      return { tells: "closing", writes: [] };
    case "refuseVersion":
      return { tells: "closing", writes: ["bye bad-version"] };
    case "fault":
    case "bye":
      // What the caller does itself is not told to it.
      return { ...input !== "close" && { tells: "closing" }, writes: [`bye ${endingOf(given)}`] };
    case "finish":
      return { tells: "closed", writes: [] };
  }
}

function endingOf({ input, status }: Given): Ending["status"] {
  switch (input) {
    case "bye":
      return "goodbye";
    case "end":
      return "lost";
    case "stranger":
      return "bad-opening";
    case "other-version":
      return "bad-version";
    case "late":
      return "sign-in-timeout";
    case "silent":
    case "idle":
      return input;
    default:
      return status!;
  }
}

/** The rows that were tried. */
const tried = new Set<string>();

/** What the table says; what is not in it is a fault of the peer. */
function expected(state: ServerState, given: Given): Outcome {
  const before = given.before ?? [];
  if (given.input === undefined) return { state, told: [], written: before };
  const row = SERVER_TABLE[state][given.input];
  if (row === undefined) return expected(state, { input: "fault", status: "unexpected" });
  tried.add(`${state} ${given.input}`);
  const [action, to] = row;
  const { tells, writes } = effect(action, given);
  const words = [tells, state, to, given.input];
  if (tells === "closing") words.push(endingOf(given));
  if (tells === "closed") words.push("shutting-down");
  return {
    state: to,
    told: tells === undefined ? [] : [words.join(" ")],
    written: [...before, ...writes],
  };
}

/** A frame that the server gets, and what it is in a state in which messages are read. */
interface Frame extends Given {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const scram = (text: string) => ({ scram: text });
const firstMessage = `n,,n=${USER},r=${CLIENT_NONCE}`;
const refusal = { code: STATUS.expired.code, name: "expired", text: "" };

function message(kindly: Message, given: Given, name: string = kindly.kind): Frame {
  return { name, bytes: encodeMessage(kindly), ...given };
}

const unexpected = { input: "fault", status: "unexpected" } as const;
const FRAMES: readonly Frame[] = [
  message({ kind: "hello", id: 0, body: { version: 2, agent: "x", features: [] } }, {
    input: "hello",
  }),
  message(
    { kind: "hello", id: 0, body: { version: 3, agent: "x", features: [] } },
    { input: "other-version" },
    "hello of another version",
  ),
  message({ kind: "login", id: 0, body: scram(firstMessage) }, { input: "login" }),
  message({ kind: "login", id: 0, body: scram("Ada") }, { input: "bad-login" }, "bad login"),
  message({ kind: "proof", id: 0, body: scram("c=biws,r=x,p=x") }, { input: "wrong-proof" }),
  message({ kind: "register", id: 0, body: registration("Boris") }, { input: "register" }),
  message({ kind: "resume", id: 0, body: { token: "token" } }, { input: "resume" }),
  message({ kind: "command", id: 7, body: { op: "users" } }, { input: "command", id: 7 }),
  {
    name: "command without fields",
    bytes: encodeText(0x10, 8, '{"op":"post"}'),
    ...{ input: "bad-command", id: 8, status: "bad-field" },
  },
  {
    name: "command that is not known",
    bytes: encodeText(0x10, 9, '{"op":"dance"}'),
    ...{ input: "bad-command", id: 9, status: "invalid-command" },
  },
  {
    name: "command that is no JSON",
    bytes: encodeText(0x10, 10, "users"),
    ...{ input: "bad-command", id: 10, status: "bad-message" },
  },
  ...TRANSFER_MESSAGES.map((given) => message(given, { input: "transfer" })),
  message({ kind: "relay", id: 7, body: { bytes: Uint8Array.of(1) } }, { input: "relay" }),
  message({ kind: "ping", id: 5, body: {} }, { before: ["pong 5"] }),
  message({ kind: "pong", id: 5, body: {} }, {}),
  message({ kind: "bye", id: 0, body: { code: 2025, reason: "" } }, { input: "bye" }),
  // From the wrong side.
  message({
    kind: "welcome",
    id: 0,
    body: {
      version: 2,
      server: "x",
      limits: { frame: 1, text: 1, commands: 1 },
      heartbeat: 0,
      mechanisms: [],
      registration: "open",
      time: 0,
    },
  }, unexpected),
  message({ kind: "challenge", id: 0, body: scram("r=x,s=AAAA,i=4096") }, unexpected),
  message(
    { kind: "granted", id: 0, body: { user: USER, scope: "user/ada", role: "admin" } },
    unexpected,
  ),
  message({ kind: "done", id: 7, body: {} }, unexpected),
  message({ kind: "refused", id: 7, body: refusal }, unexpected),
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
  }, unexpected),
  message({ kind: "notice", id: 0, body: { kind: "closing", text: "" } }, unexpected),
  // No messages at all.
  { name: "type to be skipped", bytes: encodeText(0x80, 1, "x") },
  {
    name: "type that is not known",
    bytes: encodeText(0x7f, 1, "x"),
    ...{ input: "fault", status: "unknown-type" },
  },
  {
    name: "hello that is no JSON",
    bytes: encodeText(0x01, 0, "x"),
    ...{ input: "fault", status: "bad-message" },
  },
  {
    name: "the preface again",
    bytes: encoder.encode(PREFACE + PREFACE),
    ...{ input: "fault", status: "too-large" },
  },
  {
    name: "a line",
    bytes: encoder.encode("GET / HTTP/1.1\r\n"),
    ...{ input: "fault", status: "too-large" },
  },
];

/** What a server that awaits its first line makes of bytes. */
function asLine({ bytes }: Frame): Given {
  const end = bytes.indexOf(0x0a);
  if (end >= 0) {
    const line = new TextDecoder().decode(bytes.subarray(0, end + 1));
    return { input: line === PREFACE ? "preface" : "stranger" };
  }
  return bytes.length < 1024 ? {} : { input: "fault", status: "bad-opening" };
}

/** Where frames wait: the answers that end it, and the state after each. */
const ANSWERS: Partial<
  Record<ServerState, { to: ServerState; give: (pair: Pair) => void; input: ServerInput }[]>
> = {
  verifying: [
    {
      to: "challenged",
      input: "verifier",
      give: ({ server }) => server.provideVerifier(VERIFIER, 0),
    },
    { to: "unsigned", input: "deny", give: ({ server }) => server.deny(refuse("banned"), 0) },
  ],
  granting: [
    { to: "ready", input: "grant", give: ({ server }) => server.grant(GRANT, 0) },
    { to: "unsigned", input: "deny", give: ({ server }) => server.deny(refuse("banned"), 0) },
  ],
};

for (const state of STATES) {
  Deno.test(`every message in the state ${state}: what the table says, or the fault unexpected`, () => {
    for (const frame of FRAMES) {
      const pair = reach(state);
      if (OVER.includes(state)) {
        assertThrows(() => pair.server.receive(frame.bytes, 0), Error, "wantsRead");
        assertEquals(observe(pair), { state, told: [], written: [] });
        continue;
      }
      pair.server.receive(frame.bytes, 0);
      const waits = ANSWERS[state] !== undefined || state === "closing";
      const given = state === "opening" ? asLine(frame) : waits ? {} : frame;
      // The rest of two lines is a frame that has not come whole.
      assertEquals(observe(pair), expected(state, given), frame.name);
    }
  });
}

for (const state of ["verifying", "granting"] as const) {
  for (const { to, give, input } of ANSWERS[state]!) {
    Deno.test(`a message that waited in the state ${state} is judged in the state ${to}`, () => {
      for (const frame of FRAMES) {
        const pair = reach(state);
        pair.server.receive(frame.bytes, 0);
        assertEquals(observe(pair), expected(state, {}));
        give(pair);
        // An answer acts at once.
        assertEquals(pair.server.state, to);
        const answer = expected(state, { input, status: "banned" });
        const { written, ...rest } = expected(to, frame);
        const outcome = { ...rest, written: [...answer.written, ...written] };
        assertEquals(observe(pair), outcome, frame.name);
      }
    });
  }
}

Deno.test("a right proof is told from a wrong one", () => {
  const pair = new Pair();
  const { server, client } = pair;
  client.login(USER, 0);
  pair.toServer();
  server.provideVerifier(VERIFIER, 0);
  pair.toClient();
  client.provideSaltedPassword(SALTED, 0);
  server.receive(client.peekTransmit(), 0);
  assertEquals(observe(pair), expected("challenged", { input: "right-proof" }));
});

/** The table's other inputs, and how they come about. */
const OTHERS: readonly {
  name: string;
  input: ServerInput;
  status?: StatusName;
  options?: SceneOptions;
  /** The states in which it cannot come about: nothing happens. */
  not?: readonly ServerState[];
  before?: string[];
  give: (pair: Pair) => void;
}[] = [
  {
    name: "the end of the stream",
    input: "end",
    not: ["verifying", "granting", ...OVER],
    give: ({ server }) => server.receiveEnd(0),
  },
  {
    name: "a break of the stream",
    input: "end",
    not: OVER,
    give: ({ server }) => server.receiveBreak(0),
  },
  {
    name: "three heartbeats of silence",
    input: "silent",
    options: { heartbeat: 1000 },
    not: OVER,
    before: ["ping", "ping"],
    give: ({ server }) => [1000, 2000, 3000].forEach((at) => server.handleTimeout(at)),
  },
  {
    name: "too slow a sign-in",
    input: "late",
    options: { signInTimeout: 5000 },
    not: ["ready", ...OVER],
    give: ({ server }) => server.handleTimeout(5000),
  },
  {
    name: "idleness",
    input: "idle",
    options: { idleTimeout: 5000 },
    not: STATES.filter((state) => state !== "ready" && state !== "closing"),
    give: ({ server }) => server.handleTimeout(5000),
  },
  {
    name: "close()",
    input: "close",
    status: "replaced",
    not: ["closing", ...OVER],
    give: ({ server }) => server.close("replaced", 0),
  },
];

for (const { name, input, status, options, not = [], before = [], give } of OTHERS) {
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
  const bye = encodeMessage({ kind: "bye", id: 0, body: { code: 2025, reason: "" } });
  pair.server.receive(bye, 0);
  assertEquals(observe(pair), expected("ready", { input: "bye" }));
  const told = ["closed closing closed finished goodbye"];
  assertEquals(observe(pair), { state: "closed", told, written: [] });
});

Deno.test("the end of the stream waits for an answer, and for the replies that are owed", () => {
  for (const state of ["verifying", "granting"] as const) {
    for (const { to, give, input } of ANSWERS[state]!) {
      const pair = reach(state);
      pair.server.receiveEnd(0);
      assertEquals(observe(pair), expected(state, {}));
      give(pair);
      const { written } = expected(state, { input, status: "banned" });
      const told = [`closing ${to} closing end lost`];
      assertEquals(observe(pair), { state: "closing", told, written });
    }
  }
  const pair = reach("ready");
  const { server } = pair;
  for (const id of [1, 2]) {
    server.receive(encodeMessage({ kind: "command", id, body: { op: "users" } }), 0);
  }
  server.receiveEnd(0);
  assertEquals(observe(pair).told.length, 2);
  server.done(2, "{}");
  assertEquals(observe(pair), { state: "ready", told: [], written: ["done 2"] });
  server.refuse(1, refuse("no-thread"));
  const told = ["closing ready closing end lost"];
  assertEquals(observe(pair), { state: "closing", told, written: ["refused 1 no-thread"] });
});

Deno.test("a sign-in that is late is ended, even if it is granted before anybody looks", () => {
  const pair = reach("granting", { signInTimeout: 5000 });
  pair.server.handleTimeout(5000);
  pair.server.grant(GRANT, 5000);
  const { written, ...rest } = expected("ready", { input: "late" });
  assertEquals(observe(pair), { ...rest, written: ["granted", ...written] });
});

Deno.test("a session is idle from its last command on, and not while one is under way", () => {
  const pair = reach("ready", { idleTimeout: 5000 });
  const { server } = pair;
  const users = (id: number) => encodeMessage({ kind: "command", id, body: { op: "users" } });
  server.receive(users(1), 4000);
  assertEquals([observe(pair).told.length, server.timeout()], [1, undefined]);
  server.handleTimeout(20_000);
  server.done(1, "{}");
  assertEquals(observe(pair), { state: "ready", told: [], written: ["done 1"] });
  assertEquals(server.timeout(), 9000);
  server.handleTimeout(server.timeout()!);
  assertEquals(observe(pair), expected("ready", { input: "idle" }));
});

/** Each method with which the outside answers: where it acts, where it comes too late, and elsewhere it throws. */
const METHODS: readonly {
  name: string;
  call: (pair: Pair) => void;
  acts: Partial<Record<ServerState, Given>>;
  ignored: readonly ServerState[];
}[] = [
  {
    name: "provideVerifier",
    call: ({ server }) => server.provideVerifier(VERIFIER, 0),
    acts: { verifying: { input: "verifier" } },
    ignored: ["closing", ...OVER],
  },
  {
    name: "grant",
    call: ({ server }) => server.grant(GRANT, 0),
    acts: { granting: { input: "grant" } },
    ignored: ["closing", ...OVER],
  },
  {
    name: "deny",
    call: ({ server }) => server.deny(refuse("banned"), 0),
    acts: {
      verifying: { input: "deny", status: "banned" },
      granting: { input: "deny", status: "banned" },
    },
    ignored: ["closing", ...OVER],
  },
  ...([
    [
      "send",
      "notice",
      ({ server }) => server.send({ kind: "notice", id: 0, body: { kind: "closing", text: "" } }),
    ],
    [
      "sendEvents",
      "pong 3",
      ({ server }) => server.sendEvents(encodeFrame(0x41, 3, new Uint8Array(0))),
    ],
    ["done", "done 7", ({ server }) => server.done(7, "{}")],
    ["refuse", "refused 7 no-thread", ({ server }) => server.refuse(7, refuse("no-thread"))],
  ] satisfies [string, string, (pair: Pair) => void][]).map(([name, written, call]) => ({
    name,
    call,
    acts: { ready: { before: [written] } },
    ignored: STATES.filter((state) => state !== "ready"),
  })),
  {
    name: "close",
    call: ({ server }) => server.close("replaced", 0),
    acts: Object.fromEntries(
      STATES.filter((state) => state !== "closing" && !OVER.includes(state))
        .map((state) => [state, { input: "close", status: "replaced" }]),
    ),
    ignored: ["closing", ...OVER],
  },
];

for (const { name, call, acts, ignored } of METHODS) {
  Deno.test(`${name}() in every state: it acts, comes too late, or throws and changes nothing`, () => {
    for (const state of STATES) {
      const pair = reach(state);
      if (state === "ready") {
        const ask = encodeMessage({ kind: "command", id: 7, body: { op: "users" } });
        pair.server.receive(ask, 0);
        assertEquals(observe(pair).told, ["command ready ready command"]);
      }
      const given = acts[state];
      if (given === undefined && !ignored.includes(state)) {
        assertThrows(() => call(pair), Error, `in state ${state}`);
      } else call(pair);
      assertEquals(observe(pair), expected(state, given ?? {}), state);
    }
  });
}

Deno.test("what the caller answers wrongly throws, and changes nothing", () => {
  const pair = reach("verifying");
  const short = { ...VERIFIER, storedKey: new Uint8Array(3) };
  assertThrows(() => pair.server.provideVerifier(short, 0), RangeError, "storedKey");
  assertEquals(observe(pair), expected("verifying", {}));
  pair.server.provideVerifier(VERIFIER, 0);
  assertEquals(observe(pair), expected("verifying", { input: "verifier" }));

  const ready = reach("ready");
  assertThrows(() => ready.server.done(1, "{}"), Error, "no command");
  assertThrows(() => ready.server.refuse(1, refuse("no-thread")), Error, "no command");
  assertEquals(observe(ready), expected("ready", {}));
});

Deno.test("every way of opening", () => {
  const openings: readonly [string, Given][] = [
    [PREFACE, { input: "preface" }],
    ["DFP/2\n", { input: "preface" }],
    ["DFP/1\r\n", { input: "stranger" }],
    ["\n", { input: "stranger" }],
    ["x".repeat(1023) + "\n", { input: "stranger" }],
    ["x".repeat(1024), { input: "fault", status: "bad-opening" }],
  ];
  for (const [line, given] of openings) {
    const pair = reach("opening");
    pair.server.receive(encoder.encode(line), 0);
    assertEquals(observe(pair), expected("opening", given), line);
  }
});

Deno.test("where text mode is on, whatever cannot become the preface is handed over as it came", () => {
  const handed = ["DFP/1", "\n", "\r", "d", "DFP/2 ", "DFP/2\rx", "\xff\xfb", "x".repeat(5000)];
  for (const line of handed) {
    const bytes = Uint8Array.from(line, (letter) => letter.charCodeAt(0));
    for (let cut = 0; cut <= Math.min(bytes.length, 8); cut++) {
      const { server } = new Pair({ text: true });
      const banner = server.peekTransmit().slice();
      const told: ServerTransition[] = [];
      for (const chunk of [bytes.slice(0, cut), bytes.slice(cut)]) {
        // The connection that goes on with the stream gets what comes later.
        if (server.state === "handed-over") break;
        server.receive(chunk, 3);
        told.push(...drain<ServerTransition>(server));
      }
      assertEquals(told.map(({ kind, cause }) => [kind, cause]), [["handed-over", "other"]], line);
      const [what] = told;
      assert(what.kind === "handed-over");
      const { received, transmit, now, ended, severed } = what.stream;
      assertEquals(received.view(0, received.length), bytes.slice(0, received.length));
      assertEquals(transmit.peek(), banner);
      assertEquals([now, ended, severed], [3, false, false]);
      assertEquals([server.pendingTransmit, server.wantsRead, server.timeout()], [
        0,
        false,
        undefined,
      ]);
      tried.add("opening other");
    }
  }
  for (const preface of [PREFACE, "DFP/2\n"]) {
    const pair = new Pair({ text: true });
    said(pair.server, "server");
    pair.server.receive(encoder.encode(preface), 0);
    assertEquals(observe(pair), { state: "greeting", told: [], written: [] }, preface);
  }
});

Deno.test("where text mode is on, nobody is asked for a sign of life before the preface", () => {
  const pair = new Pair({ text: true, heartbeat: 1000, signInTimeout: 60_000 });
  const { server } = pair;
  said(server, "server");
  assertEquals(server.timeout(), 60_000);
  server.receive(encoder.encode(PREFACE), 20_000);
  drain(server);
  assertEquals(server.timeout(), 21_000);
  server.handleTimeout(21_000);
  assertEquals(observe(pair).written, ["ping"]);
});

Deno.test("the tests above have tried every row of the table that can come about", () => {
  for (const kind of KINDS) assert(FRAMES.some(({ name }) => name === kind), kind);
  // A first line is never a message; and where frames wait, nothing is read that could be one or a fault.
  const impossible = [
    "opening bye",
    ...["verifying", "granting"].flatMap((state) => [`${state} bye`, `${state} fault`]),
  ];
  const all = STATES.flatMap((state) =>
    Object.keys(SERVER_TABLE[state]).map((input) => `${state} ${input}`)
  );
  if (tried.size === 0) return;
  assertEquals(all.filter((row) => !tried.has(row)).sort(), impossible.sort());
});
