/**
 * Text mode on the service, in virtual time: people with a terminal among clients of frames.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, fail } from "@std/assert";
import { decidePromotion } from "../protocol/forum/decide.ts";
import fc from "fast-check";
import { keepAdminVerifier } from "../server/admin.ts";
import {
  createSalter,
  SALTINGS_AT_ONCE,
  SALTINGS_PER_NETWORK,
  SALTINGS_WAITING,
} from "../server/salter.ts";
import { credentialOf } from "../protocol/text_mode/secrets.ts";
import type { TextModeOptions } from "../server/reception.ts";
import type { Session } from "../server/session.ts";
import { createVerifier } from "../protocol/verifier.ts";
import { runs } from "./runs.ts";
import { Caller, Scene, type SceneOptions } from "./service_scene.ts";
import { STATUS_LINE } from "./text_scene.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A password of so many characters is salted to so many; that of every Caller has one. */
const salt: TextModeOptions["salt"] = ({ password }) =>
  Promise.resolve(new Uint8Array(32).fill(password.length));
const PASSWORD = "x";
const WRONG = "wrong";

/** Somebody with a terminal. */
class Person {
  readonly #scene: Scene;
  readonly session: Session;
  /** All lines so far, without the banner. */
  readonly lines: string[] = [];
  #text = "";

  constructor(
    scene: Scene,
    { source = "127.0.0.1", exposed }: { source?: string; exposed?: boolean } = {},
  ) {
    this.#scene = scene;
    this.session = scene.service.open({
      source,
      now: scene.now,
      wake() {},
      ...exposed !== undefined && { exposed },
    });
  }

  /** Types lines, and gives what is said then. */
  async type(...lines: string[]): Promise<string[]> {
    for (const line of lines) {
      if (!this.session.wantsRead) break;
      this.session.receive(encoder.encode(`${line}\n`), this.#scene.now);
    }
    return await this.hear();
  }

  /** Lets everybody do what they have to, and gives what was said. */
  async hear(): Promise<string[]> {
    const before = this.lines.length;
    // Salting is done behind a few promises.
    for (let quiet = 0; quiet < 20; quiet++) {
      this.#scene.settle();
      await undefined;
      if (this.read()) quiet = 0;
    }
    return this.lines.slice(before);
  }

  /** Takes what can be read; false if there is nothing. */
  read(): boolean {
    let some = false;
    for (let bytes = this.session.peekTransmit(); bytes.length > 0;) {
      some = true;
      this.#text += decoder.decode(bytes);
      this.session.consumeTransmit(bytes.length);
      bytes = this.session.peekTransmit();
    }
    const parts = this.#text.split("\r\n");
    this.#text = parts.pop()!;
    this.lines.push(...parts.filter((line) => line !== "DFP 2024 INTERACTION WITH FORUM BEGINS"));
    return some;
  }

  async signIn(user: string, password = PASSWORD): Promise<this> {
    const said = await this.type(user, password);
    assertMatch(said.at(-1) ?? "", /You are signed in/, said.join("\n"));
    return this;
  }

  async register(user: string, password = PASSWORD): Promise<this> {
    const said = await this.type(user, password, password);
    assertMatch(said.at(-1) ?? "", /You are signed in/, said.join("\n"));
    return this;
  }
}

/** The codes of the status lines. */
function codes(lines: readonly string[]): number[] {
  return lines.flatMap((line) =>
    STATUS_LINE.test(line) ? [Number(STATUS_LINE.exec(line)![1])] : []
  );
}

/** Plays on a scene with text mode, and closes it. */
function play(
  name: string,
  test: (scene: Scene) => Promise<void>,
  options: SceneOptions = {},
): void {
  Deno.test(name, async () => {
    const scene = new Scene({ text: { idleTimeout: 0, zone: "UTC", salt }, ...options });
    try {
      await test(scene);
    } finally {
      scene.close();
    }
  });
}

play(
  "an account that was made by typing is the same to a client of frames, and the other way round",
  async (scene) => {
    const ada = await new Person(scene).register("Ada");
    assertMatch(ada.lines.join("\n"), /no account Ada yet[^]*same password again[^]*Welcome Ada!/);
    new Caller(scene).login("Ada");
    new Caller(scene).register("Bob");
    await new Person(scene).signIn("bob");
    const did = scene.activities.map(({ did, user, about }) => `${user} ${did} ${about?.by ?? ""}`);
    assertEquals(did, ["Ada register text", "Ada sign-in ", "Bob register ", "Bob sign-in text"]);
  },
);

play("wrong passwords lock out as they do for clients, and tell no more", async (scene) => {
  new Caller(scene).register("Ada");
  const guesser = new Person(scene);
  assertEquals(codes(await guesser.type("Ada", WRONG)), [132, 1402]);
  assertEquals(codes(await guesser.type("Ada", "!")), [132, 2020], "one wrong one is forgiven");
  const other = new Person(scene);
  for (let attempt = 0; attempt < 3; attempt++) {
    assertEquals(codes(await other.type("ADA", WRONG)), [132, 1402]);
  }
  const [asked, refused] = await other.type("Ada", PASSWORD);
  assertMatch(asked, /^DFP 132 processing Type the password of Ada/);
  assertMatch(refused, /^DFP 1423 locked-out .*Try again in 10 s\. Type your/);
  const elsewhere = new Person(scene, { source: "192.0.2.1", exposed: false });
  await elsewhere.signIn("Ada");
  scene.now += 10_000;
  await other.signIn("Ada");
  const did = scene.activities.filter(({ did }) => did === "wrong-password");
  assertEquals(did.length, 4);
});

play(
  "many guesses at once from terminals get no more answers than one after the other",
  async (scene) => {
    new Caller(scene).register("Ada");
    const guessers = Array.from({ length: 6 }, () => new Person(scene));
    for (const { session } of guessers) session.receive(encoder.encode(`Ada\n${WRONG}\n`), 0);
    const said = await Promise.all(guessers.map((guesser) => guesser.hear()));
    assertEquals(said.flatMap(codes).filter((code) => code === 1402).length, 3);
    assertEquals(said.flatMap(codes).filter((code) => code === 1423).length, 3);
  },
);

play("sign-ins from terminals count with all others", async (scene) => {
  const one = new Person(scene);
  assertEquals(codes(await one.type("Ada")), [132]);
  const two = new Person(scene);
  assertEquals(codes(await two.type("Ada", PASSWORD, PASSWORD)), [132, 132, 1431]);
  assertEquals(scene.service.counts["sign-in-rate"], 1);
}, { limits: { signIns: { perSecond: 1, burst: 1 } } });

play("the password behind a name that is refused is taken for no name", async (scene) => {
  new Caller(scene).register("Ada");
  scene.now += 1000;
  await new Person(scene).type("Someone");
  const script = await new Person(scene).type("Ada", "Secret1", "LST");
  assertEquals(codes(script), [132, 1431, 1401]);
  assert(!JSON.stringify([script, scene.activities]).includes("Secret1"));
}, { limits: { signIns: { perSecond: 1, burst: 1 } } });

play("a name that nobody has may be a password, and is not logged", async (scene) => {
  const caller = new Caller(scene);
  await new Person(scene).type("Secret1", WRONG);
  caller.guess("Secret2");
  const told = scene.activities.map(({ did, about }) => [did, about]);
  assertEquals(told, Array(2).fill(["wrong-password", { unknown: true }]));
}, { registration: "closed" });

play("a password that would take the server long is not checked at a terminal", async (scene) => {
  const caller = new Caller(scene);
  const slow = createVerifier(new Uint8Array(32).fill(1), new Uint8Array(16), 10_000_000);
  caller.client.register({ user: "Slow", ...credentialOf(slow) }, scene.now);
  caller.talk();
  assertEquals(caller.denials(), []);
  const said = await new Person(scene).type("Slow", PASSWORD);
  assertEquals(codes(said), [132, 1403]);
  assertMatch(said.at(-1)!, /takes too long/);
}, { text: { idleTimeout: 0, zone: "UTC", salt: () => fail("it is salted") } });

play("passwords that are typed later count as sign-ins too", async (scene) => {
  const ada = await new Person(scene, { source: "192.0.2.1", exposed: false }).register("Ada");
  const typed = ["/password", "brand new", "brand new"];
  assertEquals(codes(await ada.type(...typed)), [132, 132, 1431]);
  keepAdminVerifier(scene.log, createVerifier(new Uint8Array(32), new Uint8Array(16), 4096));
  assertEquals(codes(await ada.type("SHT", "a guess")), [132, 1431]);
  assertEquals(scene.service.counts["sign-in-rate"], 2);
}, { limits: { signIns: { perSecond: 0.001, burst: 2 } } });

Deno.test("one network has only so many passwords salted or waiting, and others come through", async () => {
  const salts: (() => void)[] = [];
  const salter = createSalter(() =>
    new Promise((resolve) => salts.push(() => resolve(new Uint8Array(32))))
  );
  const ask = (whose: string | undefined, wanted = true) => {
    const salting = { password: "x", salt: new Uint8Array(16), iterations: 1 };
    return salter.salt({ salting, whose, wanted: () => wanted, done() {} });
  };
  const many = Array.from({ length: 20 }, (_, at) => ask("192.0.2.1", at % 2 === 0));
  assertEquals(many.filter((taken) => taken).length, SALTINGS_PER_NETWORK);
  assert(ask("192.0.2.2") && ask(undefined));
  while (salts.length > 0) {
    salts.shift()!();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  // Those that were done, and those that nobody wanted any more, leave room.
  const again = Array.from({ length: 20 }, () => ask("192.0.2.1"));
  assertEquals(again.filter((taken) => taken).length, SALTINGS_PER_NETWORK);
  while (salts.length > 0) {
    salts.shift()!();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
});

play(
  "where no accounts are made, a name that nobody has is asked for its password like any other",
  async (scene) => {
    const said = await new Person(scene).type("Nobody", WRONG);
    assertMatch(said.join("\n"), /password of Nobody[^]*DFP 1402 wrong-password/);
  },
  { registration: "closed" },
);

play("one session an account holds for terminals too", async (scene) => {
  new Caller(scene).register("Ada");
  assertEquals(codes(await new Person(scene).type("Ada", PASSWORD)), [132, 1411]);
}, { singleSession: true });

play(
  "signing in at a terminal leaves no token, and takes no place of those of other devices",
  async (scene) => {
    const token = new Caller(scene).register("Ada");
    for (let times = 0; times < 5; times++) {
      const person = await new Person(scene).signIn("Ada");
      await person.type("XIT");
    }
    const back = new Caller(scene);
    back.client.resume(token, scene.now);
    back.talk();
    assert(back.heard.some(({ kind }) => kind === "granted"));
  },
  { limits: { tokens: 2 } },
);

play(
  "a new password typed at a terminal ends the other sessions, and not its own",
  async (scene) => {
    const device = new Caller(scene);
    const token = device.register("Ada");
    const person = await new Person(scene).signIn("Ada");
    const other = await new Person(scene).signIn("Ada");
    assertEquals(codes(await person.type("/password", "brand new", "brand new")), [132, 132, 2020]);
    assertEquals(codes(await other.hear()), [1511]);
    device.talk();
    assertEquals(device.ending(), "replaced");
    const back = new Caller(scene);
    back.client.resume(token, scene.now);
    back.talk();
    assertEquals(back.denials().map(({ name }) => name), ["expired"]);
    assertEquals(codes(await person.type("ATU")), [2020]);
    await new Person(scene).signIn("Ada", "brand new");
  },
);

play(
  "a conversation that nobody has begun is asked for once, and one that is there is found",
  async (scene) => {
    const ada = await new Person(scene).register("Ada");
    await new Person(scene).register("Bob");
    for (let n = 0; n < 20; n++) new Caller(scene).register(`Other${n}`);
    const before = scene.service.units;
    assertEquals(codes(await ada.type("RDT @nobody")), [1404]);
    assertEquals(scene.service.units - before, 1, "one question, however many threads there are");
    const cid = await new Person(scene).register("Cid");
    await ada.type("PRV @Bob psst");
    assertMatch((await ada.type("RDT @BOB")).join("\n"), /psst/);
    const later = await new Person(scene).signIn("Ada");
    assertMatch((await later.type("RDT @Bob")).join("\n"), /psst/);
    assertEquals(codes(await cid.type("RDT @Bob", "RDT @Ada")), [1404, 1404]);
  },
);

play("off this machine a password is only taken where nobody can read along", async (scene) => {
  const open = new Person(scene, { source: "192.0.2.1" });
  assertMatch((await open.type("Ada", "secret")).join("\n"), /^DFP 1403 not-allowed [^\n]*$/);
  const elsewhere = { source: "192.0.2.1", exposed: false };
  assertEquals(codes(await new Person(scene, elsewhere).type("Ada")), [132]);
  assertEquals(codes(await new Person(scene, { source: "::1" }).type("Ada")), [132]);
  assertEquals(codes(await new Person(scene, { exposed: true }).type("Ada")), [1403]);
});

play("people at terminals and clients of frames talk together, live", async (scene) => {
  const ada = await new Person(scene).register("Ada");
  const bob = await new Person(scene).register("Bob");
  const cid = new Caller(scene);
  cid.register("Cid");
  await ada.type('CRT "The Force"');
  for (const person of [ada, bob]) {
    assertEquals(codes(await person.type('JIN "the force"')), [2020]);
  }
  cid.say({ op: "follow", scope: "thread/2" });
  cid.talk();
  scene.now = Date.UTC(2021, 1, 23, 15, 0, 1);
  await ada.type("Do or do not.");
  assertEquals(await bob.hear(), ['* ["The Force"] 1 Ada (23 Feb 2021 15:00:01): Do or do not.']);
  cid.client.command(7, { op: "post", thread: 2, text: "There is\nno try.", key: "k" });
  cid.talk();
  assertEquals(await bob.hear(), [
    '* ["The Force"] 2 Cid (23 Feb 2021 15:00:01): There is',
    "  no try.",
  ]);
  assert(cid.heard.some((what) => what.kind === "event" && what.event.seq === 2), "Cid hears Ada");
  assertEquals(codes(await bob.type("LVE", "no longer joined")), [2020, 1024]);
  await ada.type("DLT #2 1");
  assertEquals(await bob.hear(), []);
});

play("numbers mean what was shown, whatever others delete meanwhile", async (scene) => {
  const ada = await new Person(scene).register("Ada");
  const bob = await new Person(scene).register("Bob");
  await ada.type("MSG lobby first", "MSG lobby second", "MSG lobby third");
  await bob.type("MSG lobby Bob's", "RDT lobby");
  await ada.type("DLT lobby 1");
  assertEquals(codes(await bob.type("EDT lobby 4 mine, edited")), [2020]);
  const said = await bob.type("RDT lobby");
  assertMatch(
    said.join("\n"),
    /\n1 Ada [^\n]*second\n2 Ada [^\n]*third\n3 Bob [^\n]*mine, edited\n/,
  );
  assertEquals(codes(await bob.type("EDT lobby 1 not mine")), [1412]);
});

play(
  "a private message comes to who is there, from its first word on, and to nobody else",
  async (scene) => {
    const [ada, bob, eve] = [new Person(scene), new Person(scene), new Person(scene)];
    await ada.register("Ada");
    await bob.register("Bob");
    await eve.register("Eve");
    await ada.type("PRV @Bob psst");
    assertMatch((await bob.hear()).join("\n"), /^\* \[@Ada\] 1 Ada \([^)]*\): psst$/);
    await bob.type("PRV @Ada what?");
    assertMatch((await ada.hear()).join("\n"), /^\* \[@Bob\] 2 Bob \([^)]*\): what\?$/);
    assertEquals(await eve.hear(), []);
    const later = await new Person(scene).signIn("Bob");
    await ada.type("MSG @Bob and again");
    assertMatch((await later.hear()).join("\n"), /^\* \[@Ada\] 3 Ada .*: and again$/);
  },
);

play(
  "a removed thread is told to who has joined it, and its title is free again",
  async (scene) => {
    const ada = await new Person(scene).register("Ada");
    const bob = await new Person(scene).register("Bob");
    await ada.type("CRT Tea");
    await bob.type("JIN Tea");
    await ada.type("RMV Tea");
    assertEquals(await bob.hear(), ["* [Tea] Ada has removed the thread"]);
    await ada.type("CRT Tea", "MSG Tea anew");
    assertMatch((await bob.type("RDT Tea")).join("\n"), /^#3 "Tea"[^]*anew/);
  },
);

play("a person who reads late misses nothing of a joined thread", async (scene) => {
  const ada = new Caller(scene);
  ada.register("Ada");
  const bob = await new Person(scene).register("Bob");
  await bob.type("JIN lobby");
  const text = "x".repeat(20_000);
  for (let n = 1; n <= 300; n++) {
    ada.client.command(n, { op: "post", thread: 1, text: `${n} ${text}`, key: `k${n}` });
    ada.talk();
  }
  assert(scene.service.feedBytes < 5_000_000);
  const heard = (await bob.hear()).map((line) => Number(/: (\d+) x/.exec(line)?.[1]));
  assertEquals(heard, Array.from({ length: 300 }, (_, at) => at + 1));
}, { limits: { changes: { perSecond: 0, burst: 1 } } });

play("what was shown live counts as read, once its reader has typed something", async (scene) => {
  const ada = await new Person(scene).register("Ada");
  const bob = await new Person(scene).register("Bob");
  await ada.type("JIN lobby");
  await bob.type("MSG lobby one", "MSG lobby two");
  await ada.hear();
  assertMatch(
    (await new Person(scene).signIn("Ada")).lines.join("\n"),
    /Unread messages in 1 thread/,
  );
  assertMatch((await ada.type("LST")).join("\n"), /^#1 "lobby", 2 messages\n/);
  assert(!(await new Person(scene).signIn("Ada")).lines.join("\n").includes("Unread"));
}, {});

play("idle sessions at terminals are told, and those that read along as well", async (scene) => {
  const ada = await new Person(scene).register("Ada");
  await ada.type("JIN lobby");
  scene.now += 599_000;
  scene.service.handleTimeouts(scene.now);
  assertEquals(await ada.hear(), []);
  scene.now += 1000;
  scene.service.handleTimeouts(scene.now);
  const said = await ada.hear();
  assertEquals([said.length, codes(said)], [1, [1508]]);
  scene.now += 1000;
  scene.service.handleTimeouts(scene.now);
  assert(ada.session.over);
  assertEquals(scene.service.connections, 0);
}, { text: { idleTimeout: 600_000, zone: "UTC", salt } });

Deno.test("SHT asks for the admin password on the next line; who is there is told before the end", async () => {
  let shut = 0;
  const scene = new Scene({
    text: { idleTimeout: 0, zone: "UTC", salt },
    onShutdown: () => {
      shut++;
      scene.service.close("shutting-down", scene.now);
    },
  });
  const keeper = "k".repeat(9);
  keepAdminVerifier(
    scene.log,
    createVerifier(new Uint8Array(32).fill(keeper.length), new Uint8Array(16), 4096),
  );
  const ada = await new Person(scene).register("Ada");
  const bob = await new Person(scene).register("Bob");
  assertEquals(codes(await ada.type("SHT", "guess")), [132, 1402]);
  assertEquals(codes(await ada.type("SHT", "")), [132, 1400]);
  for (let times = 0; times < 2; times++) await ada.type("SHT", "guess");
  assertEquals(codes(await ada.type("SHT", keeper)), [132, 1423]);
  assertEquals(
    codes(await bob.type("SHT", keeper)),
    [132, 1423],
    "it counts for the whole machine",
  );
  scene.now += 10_000;
  const said = await ada.type("SHT", keeper);
  assertEquals([codes(said), shut], [[132, 2020, 1503], 1]);
  assertMatch(
    said.join("\n"),
    /The server is shutting down\.\nDFP 2020[^]*\* The server is closing/,
  );
  assertEquals(codes(await bob.hear()), [1503]);
  scene.log.close();
});

Deno.test("/admin makes an admin of who knows the password, in the log of who did what as well", async () => {
  const scene = new Scene({ text: { idleTimeout: 0, zone: "UTC", salt } });
  keepAdminVerifier(
    scene.log,
    createVerifier(new Uint8Array(32).fill(7), new Uint8Array(16), 4096),
  );
  const ada = await new Person(scene).register("Ada");
  new Caller(scene).register("Bob");
  assertEquals(codes(await ada.type("/role @Bob moderator")), [1403]);
  assertEquals(codes(await ada.type("/admin", "seven77")), [132, 2020]);
  assertEquals(codes(await ada.type("/role @Bob moderator", "/ban @Bob enough")), [2020, 2020]);
  scene.close();
});

play("a banned person at a terminal is told so and put out", async (scene) => {
  const bob = await new Person(scene).register("Bob");
  const ann = new Caller(scene);
  ann.register("Ann");
  scene.log.transact((tx) => tx.append(decidePromotion(tx.view, "ann", 0)), () => {});
  ann.say({ op: "ban", user: "Bob", on: true, key: "k" });
  ann.talk();
  assertEquals(codes(await bob.hear()), [1451]);
  assertEquals(codes(await new Person(scene).type("Bob", PASSWORD)), [132, 1451]);
});

play(
  "who is left alone with the first line is told as before where text mode is off",
  async (scene) => {
    const person = new Person(scene);
    assertMatch((await person.type("Ada")).join("\n"), /^DFP 1460 /);
  },
  { text: undefined },
);

play("somebody who goes while their password is salted leaves nothing behind", async (scene) => {
  const person = new Person(scene);
  person.session.receive(encoder.encode("Ada\nx\nx\n"), 0);
  person.session.receiveBreak(0);
  await person.hear();
  assert(person.session.over);
  assertEquals(scene.service.connections, 0);
  assertEquals(scene.log.view.user("ada"), undefined);
});

Deno.test("few passwords are salted at once, some wait, and more are refused; nobody waits for who has gone", async () => {
  const begun: string[] = [];
  const finish: (() => void)[] = [];
  const salter = createSalter(({ password }) => {
    begun.push(password);
    return new Promise((resolve) => finish.push(() => resolve(new Uint8Array(32))));
  });
  const done: (Uint8Array | undefined)[] = [];
  const gone = new Set<number>();
  const ask = (n: number) =>
    salter.salt({
      salting: { password: String(n), salt: new Uint8Array(16), iterations: 1 },
      wanted: () => !gone.has(n),
      done: (salted) => done.push(salted),
    });
  const most = SALTINGS_AT_ONCE + SALTINGS_WAITING;
  for (let n = 0; n < most; n++) assert(ask(n));
  assertEquals([ask(most), begun.length], [false, SALTINGS_AT_ONCE]);
  for (let n = SALTINGS_AT_ONCE; n < most - 1; n++) gone.add(n);
  for (const end of finish.splice(0)) end();
  for (let turn = 0; turn < 10; turn++) await undefined;
  assertEquals(done.length, SALTINGS_AT_ONCE);
  assertEquals(begun.slice(SALTINGS_AT_ONCE), [String(most - 1)]);
  finish.splice(0).forEach((end) => end());
});

play("a password that cannot be salted is the server's fault, and told", async (scene) => {
  assertEquals(codes(await new Person(scene).type("Ada", "x", "x")), [132, 132, 1500]);
}, { text: { idleTimeout: 0, zone: "UTC", salt: () => Promise.reject(new Error("no")) } });

play(
  "a write that is under way while the stream is handed over counts for what it wrote",
  async (scene) => {
    const { session } = new Person(scene);
    const banner = session.peekTransmit();
    session.receive(encoder.encode("\n"), 0);
    session.consumeTransmit(10);
    session.consumeTransmit(banner.length - 10);
    assertMatch(decoder.decode(session.peekTransmit()), /^This is a forum/);
    await undefined;
  },
);

play("what happens elsewhere without a word keeps nothing from what is said", async (scene) => {
  const ada = new Caller(scene);
  ada.register("Ada");
  const bob = await new Person(scene).register("Bob");
  await bob.type("JIN lobby");
  const many = 8000;
  for (let n = 1; n <= many; n++) {
    ada.client.command(n, { op: "create", title: `${n} ${"x".repeat(100)}`, key: `c${n}` });
    if (n % 100 === 0) ada.talk();
  }
  ada.client.command(many + 1, { op: "post", thread: 1, text: "at last", key: "p" });
  ada.talk();
  assertMatch((await bob.hear()).join("\n"), /^\* \[lobby\] 1 Ada .*: at last$/);
}, { limits: { changes: { perSecond: 0, burst: 1 } } });

play("a conversation is told however many threads there are", async (scene) => {
  const ada = await new Person(scene).register("Ada");
  const bob = await new Person(scene).register("Bob");
  await ada.type("PRV @Bob one");
  await bob.hear();
  const cid = new Caller(scene);
  cid.register("Cid");
  for (let n = 1; n <= 1500; n++) {
    cid.client.command(n, { op: "create", title: `thread ${n}`, key: `c${n}` });
    if (n % 100 === 0) cid.talk();
  }
  await bob.hear();
  await ada.type("PRV @Bob two");
  assertMatch((await bob.hear()).join("\n"), /^\* \[[^\]]+\] 2 Ada .*: two$/);
}, { limits: { changes: { perSecond: 0, burst: 1 } } });

Deno.test("every line that was typed gets one final status line, however they come together", async () => {
  const pool = [
    ...[
      "LST",
      "CRT a",
      "CRT a",
      "MSG lobby hi",
      "MSG nowhere",
      "RDT lobby",
      "RDT lobby 2",
      "RDT b",
    ],
    ...["EDT lobby 1 new", "DLT lobby 1", "JIN lobby", "hello", "LVE", "ATU", "SRC hi", "RDM 1h"],
    ...[
      "RDM soon",
      "PRV @Ann psst",
      "PRV @Nobody x",
      "/react lobby 1 :+1:",
      "RMV a",
      "HLP",
      "HLP x",
    ],
    ...["UPD a b", "frob", "/private p @Ann", "/invite p @Bob", "/mark lobby", "/role @Ann admin"],
    ...["\x1b[A", "MSG lobby \x07", "EDT", 'CRT "open', "DLT lobby 9999999999"],
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...pool), { maxLength: 40 }), async (lines) => {
      const scene = new Scene({ text: { idleTimeout: 0, zone: "UTC", salt } });
      try {
        new Caller(scene).register("Ann");
        const bob = await new Person(scene).register("Bob");
        const cid = await new Person(scene).register("Cid");
        await cid.type("JIN lobby");
        const said = await bob.type(...lines, "/unban @Bob");
        const finals = codes(said).filter((code) => code !== 132);
        assertEquals(finals.length, lines.length + 1, said.join("\n"));
        // What comes last is the status of the last line, beside news.
        const last = said.findLast((line) => !/^(?:\*| {2})/.test(line)) ?? "";
        assertMatch(last, /^DFP 1403 not-allowed /);
        for (const line of said) assert(!/^DFP \d/.test(line) || /^DFP \d+ [a-z-]+ \S/.test(line));
      } finally {
        scene.close();
      }
    }),
    { numRuns: runs(30) },
  );
});
