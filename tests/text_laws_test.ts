/**
 * The laws of DESIGN §11 for a server's end that may turn into text mode: whatever comes, however it is cut.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HELD_BYTES_MAX, TRANSMIT_HIGH_WATER } from "../protocol/link.ts";
import { encodeMessage } from "../protocol/message.ts";
import type { ServerConnection, ServerTransition } from "../protocol/server_connection.ts";
import { refuse } from "../protocol/status.ts";
import {
  createTextConnection,
  type TextConnection,
  type TextTransition,
} from "../protocol/text_mode/text_connection.ts";
import { SALTED, serverEnd, take, USER, VERIFIER, WRONGLY_SALTED } from "./connection_scene.ts";
import { anyPlaces, byteByByte, cutAt } from "./cuts.ts";
import { createNumbers, mutate, type Numbers } from "./garbage.ts";
import { runs } from "./runs.ts";
import { REPLIES } from "./text_scene.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** How long things may take there. */
interface Times {
  readonly idleTimeout?: number;
  readonly signInTimeout?: number;
}

type Transition = ServerTransition | TextTransition;

const ROW = {
  thread: 1,
  title: "lobby",
  owner: "",
  private: false,
  direct: false,
  at: 0,
  lastAt: 0,
  messages: 1,
  head: 2,
  read: 2,
  unread: 0,
  mentions: 0,
};
const MESSAGE = { seq: 2, number: 1, by: "Bob", at: 0, text: "one\nDFP 2020 two \x1b[2J" };
const FORUM: Readonly<Record<string, object>> = {
  ...REPLIES,
  find: { thread: ROW },
  read: { thread: ROW, messages: [MESSAGE], files: [], more: false },
  threads: { threads: [ROW], more: false },
  since: { messages: [{ ...MESSAGE, thread: 1, title: "lobby" }], more: false },
};
const LIVE = encodeMessage({
  kind: "event",
  id: 1,
  body: { kind: "message.posted", scope: "thread/1", ...MESSAGE },
});

/** Who stands behind a connection, frames or text, and answers by what was asked alone. */
class Host {
  connection: ServerConnection | TextConnection;
  readonly #times: Times;
  readonly #acts: ((now: number) => void)[] = [];

  constructor(times: Times = {}) {
    this.#times = times;
    this.connection = serverEnd({ text: true, ...times });
  }

  next(): Transition | undefined {
    const what = this.connection.next();
    if (what?.kind === "handed-over") {
      this.connection = createTextConnection({
        stream: what.stream,
        secure: true,
        random: (out) => out.fill(6),
        time: 0,
        idleTimeout: 0,
        signInTimeout: 1e12,
        ...this.#times,
      });
      return this.next();
    }
    const act = what && this.#answerTo(what);
    if (act !== undefined) this.#acts.push(act);
    return what;
  }

  /** Gives the first answer that was put off; false if there is none. */
  act(now: number): boolean {
    const act = this.#acts.shift();
    act?.(now);
    return act !== undefined;
  }

  #answerTo(what: Transition): ((now: number) => void) | undefined {
    const { connection } = this;
    switch (what.kind) {
      case "verifier-wanted":
        return (now) => {
          const refusal = what.user.length % 5 === 0 ? refuse("locked-out") : undefined;
          if (connection.mode === "text") {
            const verifier = what.user === USER ? VERIFIER : undefined;
            connection.provideVerifier(verifier, now, refusal);
          } else if (refusal !== undefined) connection.deny(refusal, now);
          else connection.provideVerifier(VERIFIER, now);
        };
      case "salting-wanted":
        return (now) => {
          const { password } = what.salting;
          if (connection.mode !== "text") return;
          if (password === "busy") connection.deny(refuse("sign-in-rate"), now);
          else {connection.provideSaltedPassword(
              password === "right" ? SALTED : WRONGLY_SALTED,
              now,
            );}
        };
      case "proved":
        return (now) => connection.grant({ user: what.user, role: "member" }, now);
      case "register-wanted":
        return (now) => connection.grant({ user: what.registration.user, role: "member" }, now);
      case "disproved":
        return (now) => connection.deny(refuse("wrong-password"), now);
      case "resume-wanted":
        return (now) => connection.deny(refuse("expired"), now);
      case "command": {
        const { id, command: { op } } = what;
        if (id % 7 === 0) return () => connection.refuse(id, refuse("rate", "Slow \x1bdown."));
        return () => {
          connection.done(id, JSON.stringify(FORUM[op] ?? {}));
          if (op === "post") connection.sendEvents(LIVE);
          connection.send({ kind: "notice", id: 0, body: { kind: "closing", text: "Soon\n." } });
        };
      }
      default:
        return undefined;
    }
  }
}

/** Lines of people, most of which belong where they stand. */
const POOL = [
  ...["", " ", "Ada", "Ada", "right", "right", "Boris", "Boris", "wrong", "busy", "@LST"],
  ...["HELP", "?", "LST", "RDT lobby", "JIN lobby", "hello there", "MSG lobby hi", "EDT #1 1 new"],
  ...["DLT lobby 1", "SHT", "/password", "ATU", "SRC one", "RDM 1h", "LVE", "PRV @Bob psst"],
  ...["UPD a b", "frobnicate", "RMV lobby", "/react #1 1 :+1:", "HLP EDT", "\x1b[A", "é", "XIT"],
];
const ENDS = ["\n", "\n", "\r\n", "\r", "\r\0"];

/** What somebody types, as bytes. */
const typed: fc.Arbitrary<Uint8Array> = fc.array(
  fc.tuple(fc.constantFrom(...POOL), fc.constantFrom(...ENDS)),
  { maxLength: 25 },
).map((lines) => encoder.encode(lines.map((parts) => parts.join("")).join("")));

const SIGN_IN = encoder.encode("Ada\nright\n");
const signedIn: fc.Arbitrary<Uint8Array> = typed.map((rest) => Uint8Array.of(...SIGN_IN, ...rest));

const bytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  typed,
  signedIn,
  fc.tuple(signedIn, fc.integer()).map(([bytes, seed]) => mutate(bytes, createNumbers(seed))),
  fc.uint8Array({ maxLength: 100 }),
);

/** Everything that a host is told and that is written, when it is given these chunks. */
function listen(chunks: readonly Uint8Array[], lazy: boolean): { told: string[]; text: string } {
  const host = new Host();
  const told: string[] = [];
  const written: number[] = [];
  const look = () => {
    do {
      for (let what = host.next(); what !== undefined; what = host.next()) {
        told.push(JSON.stringify(what));
        while (host.act(0));
        written.push(...take(host.connection));
      }
      written.push(...take(host.connection));
    } while (host.act(0));
  };
  look();
  for (const chunk of chunks) {
    if (!host.connection.wantsRead) look();
    if (host.connection.state === "closed") break;
    const given = chunk.slice();
    // Who lets others end a stream may still get what comes then.
    if (!host.connection.wantsRead) break;
    host.connection.receive(given, 0);
    given.fill(0xa5);
    if (!lazy) look();
  }
  host.connection.receiveEnd(0);
  look();
  assertEquals(host.connection.state, "closed");
  return { told, text: decoder.decode(Uint8Array.from(written)) };
}

Deno.test("law 1: what is told and said in text mode does not depend on the cuts", () => {
  const met = { ready: 0, text: 0 };
  fc.assert(
    fc.property(bytes, anyPlaces, fc.boolean(), (bytes, places, lazy) => {
      const whole = listen([bytes], false);
      assertEquals(listen(cutAt(bytes, places), lazy), whole, "cuts");
      assertEquals(listen(byteByByte(bytes), false), whole, "bytes");
      if (whole.told.some((what) => what.includes('"from":"ready"'))) met.ready++;
      if (whole.text.includes("text mode")) met.text++;
    }),
    { numRuns: runs(200) },
  );
  assert(met.ready > 0 && met.text > 0, JSON.stringify(met));
});

Deno.test("whatever is typed and posted, what is said are whole lines that a terminal shows and does not obey", () => {
  // deno-lint-ignore no-control-regex -- the control characters are what it looks for
  const obeyed = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;
  fc.assert(
    fc.property(bytes, (bytes) => {
      const { text, told } = listen([bytes], false);
      if (!text.includes("text mode")) return;
      assert(!obeyed.test(text), JSON.stringify(text));
      assert(text.endsWith("\r\n") && !/[^\r]\n/.test(text), JSON.stringify(text));
      // Nothing that people have written passes for a status.
      for (const line of text.split("\r\n")) assert(!/^DFP 2020 two/.test(line));
      const run = told.filter((what) => what.includes('"kind":"command"')).length;
      assert(run === 0 || /^DFP \d+ [a-z-]+ \S/m.test(text));
    }),
    { numRuns: runs(200) },
  );
});

const MANNERS = ["eager", "lazy", "slow to answer", "slow to write"] as const;
/** What may wait to be written: what stops the work, and what one more line or run of events says. */
const PENDING_MAX = TRANSMIT_HIGH_WATER + 16 * 1024;

function survive(manner: typeof MANNERS[number], by: Numbers): boolean {
  const host = new Host();
  const lines = Array.from({ length: by.below(30) }, () => by.pick(POOL) + by.pick(ENDS)).join("");
  const start = by.below(3) === 0 ? "" : "Ada\nright\n";
  const plain = encoder.encode(start + lines);
  const bytes = by.below(4) === 0 ? plain : mutate(plain, by);
  let closed = 0;
  let ready = false;
  let pulls = 0;
  const answers = () => {
    if (manner === "slow to answer" && by.below(5) > 0) return;
    while (host.act(0));
  };
  const look = () => {
    for (let what = host.next(); what !== undefined; what = host.next()) {
      assert(++pulls <= bytes.length * 4 + 100, "next() does not end");
      assertEquals(closed, 0, "something comes after `closed`");
      if (what.kind === "closed") closed++;
      if (what.to === "ready") ready = true;
      answers();
    }
    answers();
  };
  look();
  for (let at = 0; at < bytes.length;) {
    const { connection } = host;
    if (!connection.wantsRead) {
      while (host.act(0));
      host.connection.consumeTransmit(host.connection.pendingTransmit);
      look();
      if (!host.connection.wantsRead) break;
    }
    const end = Math.min(bytes.length, at + 1 + by.below(by.pick([3, 100, 1000])));
    host.connection.receive(bytes.subarray(at, end), 0);
    at = end;
    if (manner !== "lazy" || by.below(20) === 0) look();
    if (manner !== "slow to write" || by.below(30) === 0) {
      host.connection.consumeTransmit(by.below(2) * host.connection.pendingTransmit);
    }
    assert(host.connection.pendingTransmit <= PENDING_MAX, "too much waits to be written");
  }
  host.connection.receiveEnd(0);
  for (let rounds = 0; rounds < 400 && closed === 0; rounds++) {
    while (host.act(0));
    host.connection.consumeTransmit(host.connection.pendingTransmit);
    look();
  }
  const { state, wantsRead } = host.connection;
  assertEquals([closed, state, wantsRead], [1, "closed", false]);
  return ready;
}

Deno.test("law 3: whatever is typed, text mode says something or ends: no throw, no hang, no memory beyond the limit", () => {
  let ready = 0;
  fc.assert(
    fc.property(fc.constantFrom(...MANNERS), fc.integer(), (manner, seed) => {
      if (survive(manner, createNumbers(seed))) ready++;
    }),
    { numRuns: runs(20) * 5 },
  );
  assert(ready > 0);
});

Deno.test("law 8: a person who types ahead and does not read costs no more than a little", () => {
  const host = new Host();
  const look = () => {
    for (let what = host.next(); what !== undefined; what = host.next()) while (host.act(0));
    while (host.act(0));
  };
  const chunk = encoder.encode("HLP\n".repeat(1000));
  host.connection.receive(encoder.encode("Ada\nright\n"), 0);
  look();
  look();
  let taken = 0;
  for (; host.connection.wantsRead; taken += chunk.length) {
    host.connection.receive(chunk, 0);
    look();
    assert(taken < 10_000_000, "it reads on for ever");
  }
  assert(host.connection.pendingTransmit <= PENDING_MAX, `${host.connection.pendingTransmit}`);
  assert(taken <= HELD_BYTES_MAX + 3 * chunk.length + PENDING_MAX, `${taken}`);
});

/** Something that can happen to a connection. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("receive" as const), n: fc.nat(60) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constantFrom("next", "look", "answer"), n: fc.constant(0) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("due" as const), n: fc.constant(0) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("time" as const),
      n: fc.integer({ min: -500, max: 2500 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("write" as const), n: fc.nat(3000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("end", "break", "close"), n: fc.constant(0) }),
  },
);

Deno.test("law 4: `closed` comes exactly once and last, and time always makes progress", () => {
  const counts = new Map<string, number>();
  const times = fc.record({
    idleTimeout: fc.constantFrom(0, 300, 2000),
    signInTimeout: fc.constantFrom(100, 3000, 1e12),
  });
  fc.assert(
    fc.property(
      signedIn,
      times,
      fc.boolean(),
      fc.array(step, { maxLength: 80, size: "max" }),
      (bytes, times, begun, steps) => {
        const host = new Host(times);
        const kinds: string[] = [];
        let [at, now, ended] = [0, 0, false];
        const next = () => {
          const what = host.next();
          if (what === undefined) return false;
          assert(!kinds.includes("closed"), `${what.kind} comes after \`closed\``);
          assert(
            what.kind === "closed" || !kinds.includes("closing"),
            `${what.kind} after closing`,
          );
          assertEquals(what.to, host.connection.state);
          kinds.push(what.kind);
          counts.set(what.kind, (counts.get(what.kind) ?? 0) + 1);
          return true;
        };
        const due = () => {
          const { connection } = host;
          const time = connection.timeout();
          if (time === undefined) return;
          now = Math.max(now, time);
          const { pendingTransmit } = connection;
          connection.handleTimeout(time);
          const then = connection.timeout();
          if (
            connection.pendingTransmit > pendingTransmit || then === undefined || then > time
          ) return;
          assert(next(), `nothing happens at ${time}`);
        };
        if (begun) {
          // Somebody has signed in already: what comes by chance gets there seldom.
          host.connection.receive(bytes.subarray(0, SIGN_IN.length), now);
          at = SIGN_IN.length;
          do while (next()); while (host.act(now));
          assertEquals(host.connection.state, "ready");
        }
        for (const { do: what, n } of steps) {
          const { connection } = host;
          if (what === "receive") {
            const end = Math.min(bytes.length, at + n);
            if (!connection.wantsRead || ended || end === at) continue;
            connection.receive(bytes.subarray(at, end), now);
            at = end;
          } else if (what === "next") next();
          else if (what === "look") { while (next()); }
          else if (what === "answer") host.act(now);
          else if (what === "due") due();
          else if (what === "time") connection.handleTimeout(now += n);
          else if (what === "write") {
            connection.consumeTransmit(
              Math.min(n, connection.pendingTransmit),
            );
          } else if (what === "close") connection.close("replaced", now);
          else {
            ended = true;
            if (what === "end") connection.receiveEnd(now);
            else connection.receiveBreak(now);
          }
        }
        while (next());
        host.connection.close("goodbye", now);
        for (let rounds = 0; host.connection.timeout() !== undefined; rounds++) {
          assert(rounds < 5, "the ending does not come");
          due();
          while (next());
        }
        host.connection.consumeTransmit(host.connection.pendingTransmit);
        while (next());
        while (host.act(now));
        assertEquals(host.next(), undefined);
        assertEquals(kinds.filter((kind) => kind === "closed").length, 1);
        assertEquals(kinds.at(-1), "closed");
        const { wantsRead, pendingTransmit } = host.connection;
        assertEquals([host.connection.timeout(), wantsRead, pendingTransmit], [
          undefined,
          false,
          0,
        ]);
      },
    ),
    { numRuns: runs(300) },
  );
  for (const kind of ["command", "closing", "salting-wanted"]) {
    assert((counts.get(kind) ?? 0) > 0, `no run has met ${kind}`);
  }
});
