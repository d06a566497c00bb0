import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { decodeBase64 } from "../protocol/base64.ts";
import type { Command } from "../protocol/forum/command.ts";
import { LINGER } from "../protocol/link.ts";
import { STATUS } from "../protocol/status.ts";
import { isLoopback, networkOf } from "../server/address.ts";
import { CONFIG_DEFAULTS, readCommandLine } from "../server/config.ts";
import { createDoor } from "../server/door.ts";
import { FEED_BYTES } from "../server/feed.ts";
import {
  COMMANDS_SHARE,
  CONNECTIONS_PER_ADDRESS,
  LIMIT_DEFAULTS,
  type OperationLimits,
  TURNED_AWAY_MAX,
  UNSIGNED_GRACE,
} from "../server/limits.ts";
import { createRates } from "../server/rates.ts";
import type { ServiceSession } from "../server/session.ts";
import { lockoutId } from "../server/sign_in.ts";
import { runs } from "./runs.ts";
import { Caller, type Scene, withScene } from "./service_scene.ts";

/** Plays with some limits, all else being as it is by default. */
function limited(limits: Partial<OperationLimits>, play: (scene: Scene) => void): void {
  withScene(play, { limits });
}

function users(count: number): Command[] {
  return Array.from({ length: count }, (): Command => ({ op: "users" }));
}

let keys = 0;

function post(key = `limit ${++keys}`): Command {
  return { op: "post", thread: 1, text: "hello", key };
}

/** Says these under numbers of their own and gives what becomes of them. */
function outcomes(caller: Caller, ...commands: Command[]): (string | undefined)[] {
  const ids = commands.map((command) => {
    caller.client.command(++keys, command);
    return keys;
  });
  caller.talk();
  const answers = caller.answers();
  return ids.map((id) => answers.get(id));
}

Deno.test("one connection too many is told why, takes no place, and is closed soon", () => {
  limited({ connections: 2 }, (scene) => {
    const [first, second, third] = [1, 2, 3].map(() => new Caller(scene));
    for (const caller of [first, second, third]) caller.talk();
    assertEquals(first.ending(), undefined);
    assertEquals(third.ending(), "too-many-connections");
    assertEquals(scene.service.connections, 2);
    third.session.receiveEnd(scene.now);
    assert(third.session.over, "it has nothing to wait for");
    const mute = new Caller(scene);
    mute.read();
    assert(!mute.session.over, "it is given the time to read");
    scene.now += LINGER;
    scene.service.handleTimeouts(scene.now);
    assert(mute.session.over, "but not more");
    second.session.receiveBreak(scene.now);
    const next = new Caller(scene);
    next.register("Ada");
    assertEquals(outcomes(next, { op: "users" }), ["done"]);
    assertEquals(scene.service.counts["too-many-connections"], 2);
  });
});

Deno.test("a crowd at a full door costs no more than those who are told why", () => {
  limited({ connections: 1 }, (scene) => {
    new Caller(scene);
    const crowd = Array.from({ length: TURNED_AWAY_MAX + 10 }, () => new Caller(scene));
    assertEquals(crowd.filter(({ session }) => session.over).length, 10);
    assertEquals(crowd.at(-1)!.session.peekTransmit().length, 0);
    assertEquals(scene.service.counts["turned-away"], 10);
    scene.now += LINGER;
    scene.service.handleTimeouts(scene.now);
    assert(crowd.every(({ session }) => session.over));
    assertEquals(scene.service.connections, 1);
    const later = new Caller(scene);
    later.talk();
    assertEquals(later.ending(), "too-many-connections");
  });
});

Deno.test("0 connections is no limit, and neither is 0 of anything else", () => {
  const limits = { connections: 0, connectionsPerAddress: 0, unsigned: 0, commandsInAll: 0 };
  const none = { perSecond: 0, burst: 0 };
  limited({ ...limits, changes: none, signIns: none, signInsPerAddress: none }, (scene) => {
    const callers = Array.from({ length: 1500 }, () => new Caller(scene, "192.0.2.1"));
    assertEquals(scene.service.connections, callers.length);
    const ada = callers[0];
    ada.register("Ada");
    const answers = outcomes(ada, ...Array.from({ length: 1200 }, () => post()));
    assertEquals(new Set(answers), new Set(["done"]));
  });
});

Deno.test("one address has so many connections, this machine as many as it likes unless told otherwise", () => {
  const enter = (limits: Partial<OperationLimits>, count: number, source: string) => {
    const door = createDoor({ ...LIMIT_DEFAULTS, unsigned: 0, ...limits }, () => {});
    return Array.from({ length: count }, () => door.enter({ source }, 0));
  };
  const most = CONNECTIONS_PER_ADDRESS;
  for (const source of ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]) {
    const outcomes = enter({}, most + 1, source);
    assertEquals(outcomes.indexOf("too-many-from-address"), most, source);
  }
  for (const source of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
    assertEquals(new Set(enter({}, most + 1, source)), new Set([undefined]), source);
    const told = enter({ connectionsPerAddress: 2 }, 3, source);
    assertEquals(told, [undefined, undefined, "too-many-from-address"], source);
  }
});

Deno.test("addresses do not take each other's places, and a place that was left is free", () => {
  limited({ connectionsPerAddress: 1 }, (scene) => {
    const ann = new Caller(scene, "192.0.2.1");
    const ben = new Caller(scene, "192.0.2.2");
    const also = new Caller(scene, "192.0.2.1");
    for (const caller of [ann, ben, also]) caller.talk();
    assertEquals(
      [ann, ben, also].map((caller) => caller.ending()),
      [undefined, undefined, "too-many-from-address"],
    );
    ann.session.receiveBreak(scene.now);
    const again = new Caller(scene, "192.0.2.1");
    again.talk();
    assertEquals(again.ending(), undefined);
  });
});

Deno.test("whatever comes and goes, the door's count is what is inside", () => {
  const sources = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "127.0.0.1"];
  const anySteps = fc.array(fc.record({
    source: fc.constantFrom(...sources),
    leaves: fc.boolean(),
    signs: fc.boolean(),
    which: fc.nat(),
    later: fc.nat(UNSIGNED_GRACE),
  }));
  const limits = { ...LIMIT_DEFAULTS, connections: 8, connectionsPerAddress: 3, unsigned: 4 };
  fc.assert(
    fc.property(anySteps, (steps) => {
      const inside: { source: string; signed: boolean; since: number }[] = [];
      const evicted = new Set<object>();
      const door = createDoor<(typeof inside)[number]>(limits, (guest) => evicted.add(guest));
      let now = 0;
      for (const { source, leaves, signs, which, later } of steps) {
        now += later;
        const guest = inside[which % Math.max(1, inside.length)];
        if (leaves && guest !== undefined) {
          inside.splice(inside.indexOf(guest), 1);
          door.leave(guest);
        } else if (signs && guest !== undefined && !evicted.has(guest)) {
          guest.signed = true;
          door.signedIn(guest);
        }
        const unsigned = inside.filter((one) => !one.signed && !evicted.has(one));
        const here = inside.filter((one) => networkOf(one.source) === networkOf(source));
        const expected = inside.length >= limits.connections
          ? "too-many-connections"
          : here.length >= limits.connectionsPerAddress
          ? "too-many-from-address"
          : unsigned.length >= limits.unsigned && now - unsigned[0].since < UNSIGNED_GRACE
          ? "too-many-unsigned"
          : undefined;
        const comes = { source, signed: false, since: now };
        assertEquals(door.enter(comes, now), expected);
        if (expected !== undefined) continue;
        if (unsigned.length >= limits.unsigned) assert(evicted.has(unsigned[0]));
        inside.push(comes);
      }
    }),
    { numRuns: runs() },
  );
});

Deno.test("an IPv6 network of 64 bits is one address, however it is written", () => {
  assertEquals(networkOf("2001:db8::"), networkOf("2001:0DB8:0:0:ffff:1:2:3"));
  assertEquals(networkOf("2001:db8::1"), networkOf("2001:db8:0:0::2"));
  assertEquals(networkOf("fe80::1%eth0"), networkOf("fe80::2%eth1"));
  assertEquals(networkOf("::1"), networkOf("0:0:0:0:0:0:0:1"));
  assertEquals(networkOf("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(networkOf("192.0.2.1"), "192.0.2.1");
  const different = ["2001:db8::1", "2001:db8:0:1::1", "2001:db9::1", "192.0.2.1", "::1"];
  assertEquals(new Set(different.map(networkOf)).size, different.length);
  assertEquals(["127.0.0.1", "::1"].map(isLoopback), [true, true]);
  assertEquals(["12.7.0.0", "::2", "1::1", "192.0.2.127"].map(isLoopback), Array(4).fill(false));
});

Deno.test("whoever does not sign in makes room, but is given the time to", () => {
  limited({ unsigned: 2 }, (scene) => {
    const [oldest, second] = [new Caller(scene), new Caller(scene)];
    scene.now += UNSIGNED_GRACE - 1;
    const early = new Caller(scene);
    early.talk();
    assertEquals(early.ending(), "too-many-unsigned");
    scene.now += 1;
    const late = new Caller(scene);
    late.register("Late");
    oldest.talk();
    second.talk();
    assertEquals(oldest.ending(), "too-many-unsigned");
    assertEquals(second.ending(), undefined);
    assertEquals(scene.service.counts["too-many-unsigned"], 2);
    // Somebody who has signed in takes no such place: one is free now.
    const more = new Caller(scene);
    more.register("More");
    assertEquals(outcomes(late, { op: "users" }), ["done"]);
  });
});

Deno.test("a client that sends more commands than may be under way waits, and loses none", () => {
  limited({ commands: 4 }, (scene) => {
    const ada = new Caller(scene);
    ada.register("Ada");
    const session = ada.session as ServiceSession;
    for (let id = 1; id <= 300; id++) ada.client.command(id, { op: "users" });
    let most = 0;
    for (let turns = 0; ada.answers().size < 300; turns++) {
      assertLessOrEqual(turns, 300, "it goes on");
      ada.send();
      most = Math.max(most, session.jobs.length);
      scene.settle();
      ada.read();
    }
    assertEquals(most, 4);
    assertEquals(new Set(ada.answers().values()), new Set(["done"]));
    assertEquals([...ada.answers().keys()], Array.from({ length: 300 }, (_, at) => at + 1));
    assertGreater(scene.service.counts.held, 0);
  });
});

Deno.test("below the announced number nobody is held", () => {
  limited({ commands: 4 }, (scene) => {
    const ada = new Caller(scene);
    ada.register("Ada");
    assertEquals(outcomes(ada, ...users(3)), ["done", "done", "done"]);
    assertEquals(scene.service.counts.held, 0);
  });
});

Deno.test("when too much is under way in all, whoever asks for much is told busy, nobody else", () => {
  const inAll = COMMANDS_SHARE + 4;
  limited({ commandsInAll: inAll }, (scene) => {
    const [ada, bob] = [new Caller(scene), new Caller(scene)];
    ada.register("Ada");
    bob.register("Bob");
    ada.say(...users(100));
    ada.send();
    bob.say(...users(COMMANDS_SHARE + 1));
    bob.send();
    scene.settle();
    ada.read();
    bob.read();
    const hers = [...ada.answers().values()];
    assertEquals(hers.filter((answer) => answer === "done").length, inAll);
    assertEquals(hers.filter((answer) => answer === "busy").length, 100 - inAll);
    const his = [...bob.answers().values()];
    assertEquals(his.filter((answer) => answer === "done").length, COMMANDS_SHARE);
    assertEquals(scene.service.counts.busy, 100 - inAll + 1);
    assertEquals(outcomes(ada, ...users(inAll)), Array(inAll).fill("done"), "it is over");
  });
});

Deno.test("commands of those who have gone do not count as under way", () => {
  limited({ commandsInAll: COMMANDS_SHARE }, (scene) => {
    for (let round = 0; round < 5; round++) {
      const gone = new Caller(scene);
      gone.register(`Gone${round}`);
      gone.say(...users(COMMANDS_SHARE));
      gone.send();
      gone.session.receiveBreak(scene.now);
    }
    const ada = new Caller(scene);
    ada.register("Ada");
    assertEquals(outcomes(ada, ...users(COMMANDS_SHARE)), Array(COMMANDS_SHARE).fill("done"));
    assertEquals(scene.service.counts.busy, 0);
  });
});

Deno.test("one user changes so much at once and so much a second, on all connections together", () => {
  limited({ changes: { perSecond: 2, burst: 3 } }, (scene) => {
    const ada = new Caller(scene);
    const token = ada.register("Ada");
    assertEquals(
      outcomes(ada, post(), post(), post(), post(), { op: "users" }),
      ["done", "done", "done", "rate", "done"],
    );
    const refused = ada.heard.find((what) => what.kind === "refused");
    assert(refused?.kind === "refused");
    assertEquals(refused.refused.code, STATUS.rate.code);
    assertEquals(refused.refused.detail, { wait: 500 });
    // Leaving and coming back brings nothing.
    ada.session.receiveBreak(scene.now);
    const back = new Caller(scene);
    back.client.resume(token, scene.now);
    assertEquals(outcomes(back, post()), ["rate"]);
    const bob = new Caller(scene);
    bob.register("Bob");
    assertEquals(outcomes(bob, post()), ["done"], "another user has nothing to do with it");
    scene.now += 499;
    assertEquals(outcomes(back, post()), ["rate"]);
    scene.now += 1;
    assertEquals(outcomes(back, post(), post()), ["done", "rate"]);
    scene.service.handleTimeouts(scene.now += 20_000);
    assertEquals(outcomes(back, post(), post(), post(), post()).at(-1), "rate", "a burst again");
    assertEquals(scene.service.counts.rate, 5);
  });
});

Deno.test("law 6: what was done already is answered again, however much was sent since", () => {
  limited({ changes: { perSecond: 1, burst: 1 } }, (scene) => {
    const ada = new Caller(scene);
    ada.register("Ada");
    assertEquals(outcomes(ada, post("once"), post("twice"), post("once")), [
      "done",
      "rate",
      "done",
    ]);
    scene.now += 1000;
    assertEquals(outcomes(ada, post("twice")), ["done"], "a refused key can be used again");
    assertEquals(scene.log.view.thread(1)!.posts, 2);
  });
});

Deno.test("a flood fills no log: it is told once, with how often each limit was reached", () => {
  limited({ changes: { perSecond: 1, burst: 5 } }, (scene) => {
    const ada = new Caller(scene);
    ada.register("Ada");
    const told = () => scene.activities.filter(({ did }) => did === "limits");
    scene.service.handleTimeouts(scene.now);
    outcomes(ada, ...Array.from({ length: 55 }, () => post()));
    assertEquals(scene.activities.filter(({ did }) => did === "post").length, 5);
    scene.service.handleTimeouts(scene.now += 9_999);
    assertEquals(told(), []);
    scene.service.handleTimeouts(scene.now += 1);
    assertEquals(told().map(({ about }) => about), [{ rate: 50 }]);
    scene.service.handleTimeouts(scene.now += 10_000);
    assertEquals(told().length, 1, "nothing is new");
    outcomes(ada, ...Array.from({ length: 7 }, () => post()));
    scene.service.close("shutting-down", scene.now);
    scene.settle();
    assertEquals(told().map(({ about }) => about), [{ rate: 50 }, { rate: 2 }]);
    assertEquals(scene.service.counts.rate, 52);
  });
});

Deno.test("sign-ins and registrations have a rate in all, and resuming has none", () => {
  limited({ signIns: { perSecond: 4, burst: 2 } }, (scene) => {
    const ada = new Caller(scene);
    const token = ada.register("Ada");
    const guesser = new Caller(scene);
    guesser.guess("Ada");
    assertEquals(guesser.denials().map(({ name }) => name), ["wrong-password"]);
    guesser.guess("Ada");
    assertEquals(guesser.denials()[1].name, "sign-in-rate");
    assertEquals(guesser.denials()[1].detail, { wait: 250 });
    const bob = new Caller(scene);
    bob.ask("Bob");
    assertEquals(bob.denials().map(({ name }) => name), ["sign-in-rate"]);
    for (let round = 0; round < 10; round++) {
      const back = new Caller(scene);
      back.client.resume(token, scene.now);
      assertEquals(outcomes(back, { op: "users" }), ["done"]);
    }
    scene.now += 250;
    bob.register("Bob");
    assertEquals(scene.service.counts["sign-in-rate"], 2);
  });
});

Deno.test("an address that signs in too often is refused, and takes nothing from the others", () => {
  const limits = { ...LIMIT_DEFAULTS, signInsPerAddress: { perSecond: 1, burst: 2 } };
  const door = createDoor({ ...limits, signIns: { perSecond: 1, burst: 4 } }, () => {});
  const outcomes = (source: string, count: number, now: number) =>
    Array.from({ length: count }, () => door.signIn(source, now)?.detail?.wait);
  assertEquals(outcomes("192.0.2.1", 5, 0), [undefined, undefined, 1000, 1000, 1000]);
  assertEquals(outcomes("192.0.2.2", 2, 0), [undefined, undefined], "those were not taken");
  assertEquals(outcomes("192.0.2.3", 1, 0), [1000], "in all it was enough");
  door.tidy(10_000);
  assertEquals(outcomes("127.0.0.1", 3, 10_000), [undefined, undefined, 1000], "it was given");
  const usual = createDoor({ ...LIMIT_DEFAULTS, signIns: { perSecond: 0, burst: 0 } }, () => {});
  for (let i = 0; i < 2000; i++) assertEquals(usual.signIn("127.0.0.1", 0), undefined);
  for (let i = 0; i < 600; i++) assertEquals(usual.signIn("192.0.2.1", 0), undefined);
  assertEquals(usual.signIn("192.0.2.1", 0)?.status, "sign-in-rate");
});

Deno.test("rates by key forget whoever would be let through anyway, and nobody else", () => {
  const rates = createRates({ perSecond: 10, burst: 5 });
  for (let i = 0; i < 100; i++) rates.take(`key ${i}`, 0);
  for (let i = 0; i < 4; i++) rates.take("key 7", 0);
  rates.tidy(99);
  assertEquals(rates.size, 100);
  rates.tidy(100);
  assertEquals(rates.size, 1);
  assertEquals([rates.take("key 7", 100), rates.take("key 7", 100)], [0, 100]);
  rates.tidy(600);
  assertEquals(rates.size, 0);
});

Deno.test("by default 500 sign-ins at once all get in, also from one address elsewhere", () => {
  const door = createDoor(LIMIT_DEFAULTS, () => {});
  for (let i = 0; i < 500; i++) assertEquals(door.signIn("192.0.2.1", 0), undefined);
  const guests = Array.from({ length: 500 }, () => ({ source: "127.0.0.1" }));
  for (const guest of guests) assertEquals(door.enter(guest, 0), undefined);
});

Deno.test("a user has so many tokens; the one used longest ago goes first, sessions stay", () => {
  limited({ tokens: 2 }, (scene) => {
    const ada = new Caller(scene);
    const tokens = [ada.register("Ada")];
    new Caller(scene).register("Bob");
    for (let i = 0; i < 2; i++) {
      scene.now += 1000;
      tokens.push(new Caller(scene).login("Ada"));
    }
    assertEquals(outcomes(ada, { op: "users" }), ["done"]);
    const resumed = tokens.map((token) => {
      const caller = new Caller(scene);
      caller.client.resume(token, scene.now);
      caller.talk();
      return caller.denials()[0]?.name ?? "granted";
    });
    assertEquals(resumed, ["expired", "granted", "granted"]);
    assertEquals(scene.service.counts.tokens, 1);
  });
});

Deno.test("names that nobody has cannot fill the disk with lock-outs, nor free a locked name", () => {
  limited({ lockouts: 20 }, (scene) => {
    const caller = new Caller(scene);
    for (let i = 0; i < 3; i++) caller.guess("Victim");
    caller.guess("Victim");
    assertEquals(caller.denials().at(-1)!.name, "locked-out");
    for (let i = 0; i < 100; i++) caller.guess(`Nobody${i}`);
    const secret = decodeBase64(scene.log.setting("fake-salt-secret")!)!;
    const kept = Array.from(
      { length: 100 },
      (_, i) => scene.log.lockout(lockoutId(secret, `nobody${i}`, "here")),
    );
    assertEquals(scene.log.lockout("nobody99 here"), undefined, "no name stands there");
    const count = kept.filter((record) => record !== undefined).length;
    assertLessOrEqual(count + 1, 20);
    assertGreater(count, 10);
    assert(kept.at(-1) !== undefined, "the last is there");
    caller.guess("Victim");
    assertEquals(caller.denials().at(-1)!.name, "locked-out");
    assertEquals(scene.service.counts.lockouts, 100 - count);
  });
});

Deno.test("a reader that is too slow for the feed is counted, and gets everything from the log", () => {
  withScene((scene) => {
    const [reader, writer] = [new Caller(scene), new Caller(scene)];
    reader.register("Reader");
    writer.register("Writer");
    assertEquals(outcomes(reader, { op: "follow", scope: "thread/1" }), ["done"]);
    const text = "x".repeat(60_000);
    const count = Math.ceil(FEED_BYTES / text.length) + 5;
    const posts = Array.from({ length: count }, (_, at): Command => ({
      op: "post",
      thread: 1,
      text,
      key: `slow ${at}`,
    }));
    assertEquals(new Set(outcomes(writer, ...posts)), new Set(["done"]));
    assertEquals(scene.service.counts.behind, 0);
    reader.read();
    assertEquals(scene.service.counts.behind, 1);
    assertEquals(reader.heard.filter(({ kind }) => kind === "event").length, count);
    outcomes(writer, post());
    reader.read();
    assertEquals(scene.service.counts.behind, 1, "it keeps up now");
  });
});

Deno.test("the command line sets each limit, and says what is wrong with one", () => {
  const limitsOf = (...args: string[]) => {
    const invocation = readCommandLine(args);
    return invocation.run === "serve" ? invocation.config.limits : invocation;
  };
  assertEquals(limitsOf(), LIMIT_DEFAULTS);
  assertEquals(CONFIG_DEFAULTS.limits, LIMIT_DEFAULTS);
  assertEquals(
    limitsOf(
      ..."--max-connections 1 --max-connections-per-address 2 --max-unsigned 3 --max-commands 4"
        .split(" "),
      ..."--max-commands-in-all 5 --post-rate 6/7 --sign-in-rate 8 --sign-in-rate-per-address 0"
        .split(" "),
      ..."--max-tokens 9 --max-lockouts 10".split(" "),
    ),
    {
      connections: 1,
      connectionsPerAddress: 2,
      unsigned: 3,
      commands: 4,
      commandsInAll: 5,
      changes: { perSecond: 6, burst: 7 },
      signIns: { perSecond: 8, burst: 80 },
      signInsPerAddress: { perSecond: 0, burst: 0 },
      tokens: 9,
      lockouts: 10,
    },
  );
  const wrong = [
    ["--max-connections", "-1"],
    ["--max-commands", "0"],
    ["--max-tokens", "0"],
    ["--post-rate", "1.5"],
    ["--post-rate", "5/0"],
    ["--post-rate", "5/"],
    ["--sign-in-rate", "1/2/3"],
    ["--max-unsigned", ""],
  ];
  for (const [option, value] of wrong) {
    const invocation = readCommandLine([`${option}=${value}`]);
    assert(invocation.run === "complain", `${option} ${value}`);
    assert(invocation.complaint.includes(option.slice(2)), invocation.complaint);
  }
});
