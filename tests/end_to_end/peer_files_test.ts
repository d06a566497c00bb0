/**
 * Files straight from user to user in the terminal client, with real processes: two clients and the server between them,
 * killed, cut and cancelled at any moment.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { nodeEnv } from "../../transport/node_suite.ts";
import { bytesOf, sha256Of } from "./file_bytes.ts";
import type { ProgramProcess } from "./processes.ts";
import { startPerson } from "./pseudo_terminal.ts";
import type { PeerAddress } from "./raw_peer.ts";
import { type Ground, PASSWORD, scenario, sharedServer } from "./scenario.ts";

const shared = sharedServer();
const MIB = 1024 * 1024;

interface Call {
  readonly user: string;
  readonly lines?: readonly string[];
  readonly args?: readonly string[];
}

/** Starts a client with `--json`; through the server only, if nothing else is said. */
function start(ground: Ground, server: PeerAddress, call: Call): ProgramProcess {
  const { user, lines = [], args = ["--relay-only"] } = call;
  return ground.program({
    args: [
      ...["-A", "client/main.ts", "--user", user, "--json"],
      ...args.includes("--connect") ? [] : [server.hostname, String(server.port)],
      ...args,
      ...lines.flatMap((line) => ["-c", line]),
    ],
    env: { DFP_PASSWORD: PASSWORD },
  });
}

// deno-lint-ignore no-explicit-any -- JSON lines are read as a program would, by their fields
type Told = any;

/** Waits for a JSON line that fits. */
async function told(
  { output }: ProgramProcess,
  fits: (row: Told) => boolean,
): Promise<Told> {
  return JSON.parse(await output.until((line) => fits(JSON.parse(line))));
}

const accepted = (row: Told) => row.command === "/accept" && "ok" in row;
const sent = (row: Told) => row.command === "UPD" && "ok" in row;

/** A client that takes everything into a folder; ready when it says so. */
async function taker(ground: Ground, server: PeerAddress, call: Call & { folder: string }) {
  const { folder, args = ["--relay-only"], lines = [] } = call;
  const client = start(ground, server, {
    ...call,
    args: ["--stay", "--accept", folder, ...args],
    lines: ["ATU", ...lines],
  });
  await told(client, (row) => row.command === "ATU");
  return client;
}

async function account(ground: Ground, server: PeerAddress, user: string): Promise<void> {
  const { client } = await ground.member(server, { user, register: true });
  await client.close();
}

function writeFile(folder: string, name: string, bytes: Uint8Array): string {
  Deno.writeFileSync(`${folder}/${name}`, bytes);
  return `${folder}/${name}`;
}

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const hashIn = (path: string) => sha256Of(Deno.readFileSync(path));

/** Waits until some file in a folder is so large. */
async function grown(folder: string, size: number): Promise<void> {
  Deno.mkdirSync(folder, { recursive: true });
  const large = () =>
    namesIn(folder).some((name) => Deno.statSync(`${folder}/${name}`).size >= size);
  const watcher = Deno.watchFs(folder);
  try {
    if (large()) return;
    for await (const _ of watcher) if (large()) return;
  } finally {
    watcher.close();
  }
}

scenario(
  "files go from user to user whole, several at once, whatever they are called, while talk goes on",
  async (ground) => {
    const server = await shared();
    for (const user of ["Ann", "Ben"]) await account(ground, server, user);
    const folder = ground.folder();
    const target = `${folder}/of Ben`;
    const files = [
      { name: "holocron one.bin", as: "holocron one.bin", bytes: bytesOf(3 * MIB, 1) },
      { name: "-rf *.bin", as: "_rf _.bin", bytes: bytesOf(300_000, 2) },
      { name: ".bashrc", as: "_bashrc", bytes: bytesOf(0, 3) },
      { name: "con.txt", as: "_con.txt", bytes: bytesOf(1, 4) },
    ];
    const ben = await taker(ground, server, { user: "Ben", folder: target, lines: ["JIN lobby"] });
    const senders = files.map(({ name, bytes }) =>
      start(ground, server, {
        user: "Ann",
        lines: [`UPD @BEN ${writeFile(folder, name, bytes)}`],
      })
    );
    const ann = start(ground, server, {
      user: "Ann",
      lines: Array.from({ length: 20 }, (_, at) => `MSG lobby talk ${at}`),
    });
    assertEquals((await ann.exited).code, 0);
    await told(ben, (row) => row.event === "message.posted" && row.text === "talk 19");
    for (const [at, { name, as, bytes }] of files.entries()) {
      const sha256 = sha256Of(bytes);
      assertEquals((await senders[at].exited).code, 0, senders[at].errors.all.join("\n"));
      const { result } = await told(senders[at], sent);
      assertEquals(result, { user: "Ben", name, size: bytes.length, sha256, via: "relayed" });
      const kept = await told(ben, (row) => accepted(row) && row.result.name === name);
      const path = `${target}/${as}`;
      assertEquals(kept.result, {
        by: "Ann",
        name,
        path,
        size: bytes.length,
        sha256,
        via: "relayed",
      });
      assertEquals(hashIn(path), sha256);
    }
    assertEquals(namesIn(target), files.map(({ as }) => as).sort(), "no part stays");
    const offer = await told(ben, (row) => row.event === "offer");
    assertEquals(offer.offer.by, "Ann");
  },
);

for (const [who, signal] of [["sender", "SIGKILL"], ["receiver", "SIGKILL"]] as const) {
  scenario(
    `the ${who} is killed in the middle, and the file goes on where it was`,
    async (ground) => {
      const server = await shared();
      const [ann, ben] = [`Ann ${who}`, `Ben ${who}`].map((name) => name.replace(" ", "-"));
      for (const user of [ann, ben]) await account(ground, server, user);
      const folder = ground.folder();
      const target = `${folder}/taken`;
      const bytes = bytesOf(60 * MIB, 5);
      const path = writeFile(folder, "large.bin", bytes);
      const send = () => start(ground, server, { user: ann, lines: [`UPD @${ben} ${path}`] });
      const take = () => taker(ground, server, { user: ben, folder: target });
      let receiver = await take();
      let sender = send();
      const killed = who === "sender" ? sender : receiver;
      await grown(target, 10 * MIB);
      killed.signal(signal);
      await killed.exited;
      const [part] = namesIn(target);
      assertMatch(part, /^\.[0-9a-f]{16}\.part$/);
      const had = Deno.statSync(`${target}/${part}`).size;
      assert(had < bytes.length, "it was killed too late");
      if (who === "sender") sender = send();
      else receiver = await take();
      const first = await told(
        receiver,
        (row) =>
          row.event === "progress" && row.command === "/accept" &&
          (who === "receiver" || row.bytes >= had),
      );
      assert(first.bytes >= had, `it went on at ${first.bytes}, and ${had} were there`);
      assertEquals((await sender.exited).code, 0, sender.errors.all.join("\n"));
      assertEquals((await told(sender, sent)).result.sha256, sha256Of(bytes));
      await told(receiver, (row) => accepted(row) && row.ok);
      assertEquals([namesIn(target), hashIn(`${target}/large.bin`)], [
        ["large.bin"],
        sha256Of(bytes),
      ]);
    },
  );
}

scenario(
  "the server is killed in the middle, and the file goes on when it is back",
  async (ground) => {
    const server = await ground.server();
    for (const user of ["Ann", "Ben"]) await account(ground, server, user);
    const folder = ground.folder();
    const target = `${folder}/taken`;
    const bytes = bytesOf(60 * MIB, 6);
    const ben = await taker(ground, server, { user: "Ben", folder: target });
    const ann = start(ground, server, {
      user: "Ann",
      lines: [`UPD @Ben ${writeFile(folder, "large.bin", bytes)}`],
    });
    await grown(target, 10 * MIB);
    await server.kill("SIGKILL");
    await server.start();
    assertEquals((await ann.exited).code, 0, ann.output.all.join("\n"));
    await told(ben, (row) => accepted(row) && row.ok);
    assertEquals([namesIn(target), hashIn(`${target}/large.bin`)], [
      ["large.bin"],
      sha256Of(bytes),
    ]);
  },
);

scenario("a person is asked, and accepts, declines, or says always", async (ground) => {
  const server = await shared();
  for (const user of ["Cid", "Dan"]) await account(ground, server, user);
  const folder = ground.folder();
  const target = ground.folder();
  const args = ["--user", "Dan", "--relay-only", "--downloads", target];
  const dan = await startPerson(ground, server, args, { DFP_PASSWORD: PASSWORD });
  if (dan === undefined) return;
  await dan.shown(/HLP lists the commands/);
  const send = (name: string) =>
    start(ground, server, {
      user: "Cid",
      lines: [`/send @dan ${writeFile(folder, name, bytesOf(1000, name.length))}`],
    });

  const declined = send("one.bin");
  await dan.shown(/Cid offers you one\.bin \(1000 bytes\): \/accept, \/decline, or \/always @Cid/);
  await dan.write("/decline\r");
  assertEquals((await declined.exited).code, 1);
  const refusal = await told(declined, sent);
  assertEquals([refusal.ok, refusal.code, refusal.name], [false, 1473, "declined"]);
  await dan.shown(/one\.bin from Cid declined/);

  const taken = send("two.bin");
  await dan.shown(/Cid offers you two\.bin/);
  await dan.write("/offers\r/accept two.bin\r");
  await dan.shown(/1 two\.bin \(1000 bytes, application\/octet-stream\) from Cid/);
  assertEquals((await taken.exited).code, 0);
  await dan.shown(
    /two\.bin from Cid saved as .*two\.bin \(1000 bytes, sha256 [0-9a-f]{16}…, relayed\)/,
  );

  await dan.write("/always @cid\r");
  await dan.shown(/What cid sends is taken from now on/);
  assertEquals((await send("three.bin").exited).code, 0);
  await dan.shown(/three\.bin from Cid saved as/);
  assertEquals(namesIn(target), ["three.bin", "two.bin"]);
  await dan.write("/accept\r");
  await dan.shown(/Nobody offers you a file/);
});

scenario("what was said by /always lasts until /ask", async (ground) => {
  const server = await shared();
  for (const user of ["Kay", "Lea"]) await account(ground, server, user);
  const folder = ground.folder();
  const target = ground.folder();
  const path = writeFile(folder, "gift.bin", bytesOf(1000, 1));
  const lea = (...lines: string[]) => {
    const args = ["--relay-only", "--stay", "--downloads", target];
    return start(ground, server, { user: "Lea", args, lines });
  };
  const send = () => start(ground, server, { user: "Kay", lines: [`UPD @Lea ${path}`] });
  const leave = async (client: ProgramProcess) => {
    client.signal("SIGTERM");
    await client.exited;
  };

  const first = lea("/always @kay");
  assertEquals((await told(first, ({ command }) => command === "/always")).ok, true);
  await leave(first);
  const second = lea("ATU");
  await told(second, ({ command }) => command === "ATU");
  assertEquals((await send().exited).code, 0);
  assertEquals((await told(second, accepted)).ok, true);
  await leave(second);
  const third = lea("/ask @Kay");
  const { result } = await told(third, ({ command }) => command === "/ask");
  assertEquals(result, { user: "Kay", changed: true });
  await leave(third);
  const fourth = lea("/ask @Kay");
  const again = await told(fourth, ({ command }) => command === "/ask");
  assertEquals(again.result, { user: "Kay", changed: false });
  send();
  await told(fourth, ({ event }) => event === "offer");
  assertEquals(fourth.output.all.filter((line) => line.includes("/accept")), []);
  assertEquals(namesIn(target), ["gift.bin"]);
});

scenario(
  "what is cancelled by either side ends on both, and goes on when it is sent again",
  async (ground) => {
    const server = await shared();
    for (const user of ["Eve", "Fay"]) await account(ground, server, user);
    const folder = ground.folder();
    const target = `${folder}/taken`;
    const bytes = bytesOf(60 * MIB, 8);
    const path = writeFile(folder, "large.bin", bytes);
    const send = () => start(ground, server, { user: "Eve", lines: [`UPD @Fay ${path}`] });
    const first = await taker(ground, server, { user: "Fay", folder: target });
    const sender = send();
    await grown(target, 5 * MIB);
    sender.signal("SIGINT");
    assertEquals((await sender.exited).code, 1);
    assertEquals((await told(sender, sent)).name, "cancelled");
    assertEquals((await told(first, accepted)).name, "cancelled");

    const again = send();
    await grown(target, 15 * MIB);
    first.signal("SIGINT");
    await first.exited;
    // Who leaves has cancelled it: nobody waits for its return.
    assertEquals((await again.exited).code, 1);
    assertEquals((await told(again, sent)).name, "cancelled");

    const last = await taker(ground, server, { user: "Fay", folder: target });
    const had = Deno.statSync(`${target}/${namesIn(target)[0]}`).size;
    const done = send();
    assertEquals((await done.exited).code, 0);
    const progress = await told(last, ({ event }) => event === "progress");
    assert(progress.bytes >= had, `it went on at ${progress.bytes}, and ${had} were there`);
    assertEquals(hashIn(`${target}/large.bin`), sha256Of(bytes));
  },
);

scenario(
  "who is not on, or takes nothing, cannot be sent a file, and the text says so",
  async (ground) => {
    const server = await shared();
    for (const user of ["Gus", "Hal"]) await account(ground, server, user);
    const path = writeFile(ground.folder(), "a.bin", bytesOf(10, 1));
    const gus = start(ground, server, {
      user: "Gus",
      lines: [`UPD @Hal ${path}`, `UPD @Nobody ${path}`, "UPD @Hal nowhere.bin"],
    });
    assertEquals((await gus.exited).code, 1);
    const rows = gus.output.all.map((line) => JSON.parse(line)).filter((row) => "ok" in row);
    assertEquals(rows.map(({ name }) => name), ["away", "unknown-user", "no-file"]);
    assertMatch(rows[0].text, /not on, or their client takes no files/);
  },
);

for (const udp of [[], ["--udp-port", "0"]]) {
  const where = udp.length === 0 ? "over TCP" : "that has a UDP port, over it";
  scenario(
    `a large file goes straight from machine to machine, beside a server ${where}`,
    async (ground) => {
      const server = await ground.server({ args: udp });
      for (const user of ["Ann", "Ben"]) await account(ground, server, user);
      const folder = ground.folder();
      const target = `${folder}/taken`;
      const bytes = bytesOf(100 * MIB, 9);
      const url = server.output.all.find((line) => line.startsWith("listening udp://"))
        ?.split(" ")[1] ?? `tcp://${server.hostname}:${server.port}`;
      const known = (user: string) =>
        udp.length === 0 ? [] : ["--known-servers", `${folder}/${user}`];
      const args = ["--connect", url];
      const ben = await taker(ground, server, {
        user: "Ben",
        folder: target,
        args: [...args, ...known("Ben")],
      });
      const ann = start(ground, server, {
        user: "Ann",
        args: [...args, ...known("Ann")],
        lines: [`UPD @Ben ${writeFile(folder, "large.bin", bytes)}`],
      });
      assertEquals((await ann.exited).code, 0, ann.errors.all.join("\n"));
      const { result } = await told(ann, sent);
      assertEquals([result.via, result.sha256], ["direct", sha256Of(bytes)]);
      const taken = await told(ben, accepted);
      assertEquals([taken.result.via, hashIn(taken.result.path)], ["direct", result.sha256]);
      const ways = ann.output.all.map((line) => JSON.parse(line)).filter(({ via }) => via);
      assertEquals(new Set(ways.map(({ via }) => via)).has("direct"), true);
    },
  );
}

scenario(
  "a dozen files are offered at once, and all are taken, so many at a time as there is room for",
  async (ground) => {
    const server = await ground.server();
    for (const user of ["Ivy", "Jon"]) await account(ground, server, user);
    const folder = ground.folder();
    const target = ground.folder();
    const names = Array.from({ length: 12 }, (_, at) => `${at}.bin`).sort();
    for (const [at, name] of names.entries()) writeFile(folder, name, bytesOf(200_000, at));
    const jon = await taker(ground, server, { user: "Jon", folder: target });
    const { client: ivy } = await ground.member(server, {
      user: "Ivy",
      peers: { env: nodeEnv },
    });
    await Promise.all(
      names.map((name) =>
        ivy.peers!.send({
          user: "Jon",
          name,
          content: new Blob([Deno.readFileSync(`${folder}/${name}`)]),
        })
      ),
    );
    for (const name of names) await told(jon, (row) => accepted(row) && row.result.name === name);
    assertEquals(namesIn(target), names);
    for (const name of names) {
      assertEquals(hashIn(`${target}/${name}`), hashIn(`${folder}/${name}`));
    }

    const again = start(ground, server, { user: "Ivy", lines: [`UPD @Jon ${folder}/*.bin`] });
    assertEquals((await again.exited).code, 0);
    assertEquals((await told(again, sent)).result.files.length, 12);
    assertEquals(namesIn(target), names, "what is there already is not kept twice");
    // The server tells who offered what, if not at once.
    const offers = () => server.output.all.filter((line) => / offer .*file=/.test(line)).length;
    await server.output.until(() => offers() === 24);
  },
);
