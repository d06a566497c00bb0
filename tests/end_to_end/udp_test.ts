/**
 * Sessions over UDP, with real processes: talk, files, the server's key, its end and its return, and what hostile
 * and lossy networks do.
 *
 * @module
 */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { type ClientEvent, dialUdp, type ForumClient } from "../../client/mod.ts";
import { openUdpRelay } from "../datagram/udp_relay.ts";
import { create, readAll } from "./asking.ts";
import { bytesOf, sha256Of } from "./file_bytes.ts";
import { ADMIN_PASSWORD, type ProgramProcess } from "./processes.ts";
import { type Ground, type Member, PASSWORD, refusal, scenario, sharedServer } from "./scenario.ts";

const shared = sharedServer({ udp: true });
/** Posts of one person that are under way at a time. */
const AT_A_TIME = 4;

interface Call {
  readonly user: string;
  readonly lines: readonly string[];
  readonly known: string;
  readonly args?: readonly string[];
}

function start(ground: Ground, port: number, call: Call): ProgramProcess {
  const { user, lines, known, args = [] } = call;
  return ground.program({
    args: [
      ...["-A", "client/main.ts", "--connect", `udp://127.0.0.1:${port}`, "--user", user],
      ...["--known-servers", known, ...args],
      ...lines.flatMap((line) => ["-c", line]),
    ],
    env: { DFP_PASSWORD: PASSWORD },
  });
}

async function run(ground: Ground, port: number, call: Call) {
  const client = start(ground, port, call);
  const { code } = await client.exited;
  return { code, output: client.output.all, errors: client.errors.all.join("\n") };
}

function join(ground: Ground, port: number, user: string): Promise<Member> {
  const dial = dialUdp({ hostname: "127.0.0.1", port });
  return ground.member({ hostname: "127.0.0.1", port }, { user, register: true, dial });
}

async function texts(client: ForumClient, thread: number): Promise<string[]> {
  return (await readAll(client, thread)).map(({ text }) => text);
}

/** The text of a post that a client has heard of. */
function postOf(what: ClientEvent): string | undefined {
  return what.type === "event" && what.event.kind === "message.posted"
    ? what.event.text
    : undefined;
}

scenario(
  "two terminal clients talk over UDP; a server is new to each only once",
  async (ground) => {
    const server = await shared();
    const known = `${ground.folder()}/config/known_servers`;
    const first = await run(ground, server.udpPort, {
      user: "Ann",
      known,
      args: ["--register"],
      lines: ["CRT Datagrams", "MSG Datagrams by a datagram"],
    });
    assertEquals(first.code, 0, first.errors);
    assertMatch(first.errors, /met for the first time/);
    assert(first.errors.includes(server.udpKey), "the key is shown, to be compared");
    assertEquals(
      Deno.readTextFileSync(known),
      `127.0.0.1:${server.udpPort} ${server.udpKey}\n`,
    );
    const stays = start(ground, server.udpPort, {
      user: "Ben",
      known,
      args: ["--register", "--json", "--stay"],
      lines: ["JIN Datagrams"],
    });
    await stays.output.until((line) => line.includes('"command":"JIN","ok":true'));
    const second = await run(ground, server.udpPort, {
      user: "Ann",
      known,
      lines: ["MSG Datagrams live"],
    });
    assertEquals([second.code, second.errors], [0, ""]);
    await stays.output.until((line) => line.includes('"text":"live"'));
    stays.signal("SIGTERM");
    assertEquals((await stays.exited).code, 0);
  },
);

scenario(
  "a server that shows another key is refused, and it is said what to do",
  async (ground) => {
    const known = `${ground.folder()}/known_servers`;
    const first = await ground.server({ udp: true });
    const call = { user: "Ann", known, args: ["--register"], lines: ["LST"] };
    assertEquals((await run(ground, first.udpPort, call)).code, 0);
    const before = Deno.readTextFileSync(known);
    await first.kill();
    Deno.removeSync(`${first.data}/udp.key`);
    await first.start();
    const refused = await run(ground, first.udpPort, { user: "Ann", known, lines: ["LST"] });
    assertEquals(refused.code, 3);
    assertEquals(refused.output, []);
    assert(refused.errors.includes(first.udpKey), "what it shows");
    assert(refused.errors.includes(before.split(" ")[1].trim()), "what it is known by");
    assertMatch(refused.errors, /take the line of 127\.0\.0\.1:\d+ out of .*known_servers/);
    assert(!first.output.all.some((line) => line.includes("sign-in")), "nothing was tried there");
    assertEquals(Deno.readTextFileSync(known), before);
    Deno.writeTextFileSync(known, "# taken out\n");
    assertEquals(
      (await run(ground, first.udpPort, { user: "Ann", known, lines: ["LST"] })).code,
      0,
    );
  },
);

scenario(
  "a key that changes while a client is away ends its session, and says why",
  async (ground) => {
    const server = await ground.server({ udp: true });
    const { client, heard } = await join(ground, server.udpPort, "Ann");
    await server.kill("SIGKILL");
    Deno.removeSync(`${server.data}/udp.key`);
    await server.start();
    const end = await heard.until(({ type }) => type === "closed");
    assert(end.type === "closed");
    assertMatch(end.text, /shows the key .* but is known by/);
    assertEquals(client.state, "closed");
    assert(!server.output.all.some((line) => line.includes("resume")), "no token went there");
  },
);

scenario("a file goes up and comes down over UDP, the same to its SHA-256", async (ground) => {
  const server = await shared();
  const { client } = await join(ground, server.udpPort, "Sender");
  const { thread } = await create(client, "Files over UDP");
  const bytes = bytesOf(10_000_000, 7);
  const kept = await client.upload({ thread, name: "ten.bin", content: new Blob([bytes]) });
  assertEquals(kept.sha256, sha256Of(bytes));
  const { client: other } = await join(ground, server.udpPort, "Receiver");
  const file = await other.download({ thread, file: kept.file });
  const came = new Uint8Array(await new Response(file.stream).arrayBuffer());
  assertEquals(sha256Of(came), sha256Of(bytes));
});

scenario("SIGTERM over UDP tells everybody, says BYE, and ends with status 0", async (ground) => {
  const server = await ground.server({ udp: true });
  const dial = dialUdp({ hostname: "127.0.0.1", port: server.udpPort });
  const member = await ground.member(server, {
    user: "Ann",
    register: true,
    dial,
    reconnect: false,
  });
  const began = performance.now();
  const exited = server.kill("SIGTERM");
  const end = await member.heard.until(({ type }) => type === "closed");
  assertEquals(end.type === "closed" && end.name, "shutting-down");
  assert(
    member.heard.all.some((what) => what.type === "notice" && what.notice.kind === "closing"),
  );
  const { code, signal } = await exited;
  assertEquals([code, signal], [0, null]);
  assertEquals(server.process.errors.all, []);
  assertLess(performance.now() - began, 10_000);
});

scenario(
  "SIGTERM is heard of through a network that loses every fifth datagram",
  async (ground) => {
    const server = await ground.server({ udp: true });
    const relay = openUdpRelay(server.udpPort, { seed: 9, loss: 0.2, delay: 5 });
    ground.ending(() => relay.close());
    const dial = dialUdp({ hostname: "127.0.0.1", port: relay.port });
    const members = await Promise.all(
      ["Ann", "Ben", "Cid", "Dan"].map((user) =>
        ground.member(server, { user, register: true, dial, reconnect: false })
      ),
    );
    const exited = server.kill("SIGTERM");
    for (const { heard } of members) {
      const end = await heard.until(({ type }) => type === "closed");
      assertEquals(end.type === "closed" && end.name, "shutting-down");
    }
    assertEquals((await exited).code, 0);
  },
);

scenario(
  "2,000 posts of 5 people over UDP with 10 % loss: none lost, none doubled, in order",
  async (ground) => {
    const server = await ground.server({ udp: true });
    const relay = openUdpRelay(server.udpPort, { seed: 5, loss: 0.1, delay: 5, jitter: 3 });
    ground.ending(() => relay.close());
    const people = 5;
    const posts = 400;
    const members: Member[] = [];
    for (let at = 0; at < people; at++) members.push(await join(ground, relay.port, `P${at}`));
    const { thread } = await create(members[0].client, "Lossy");
    for (const { client } of members) await client.follow(`thread/${thread}`, 0);
    await Promise.all(members.map(async ({ client }, who) => {
      // A few under way at a time: their order must stay, too.
      for (let at = 0; at < posts; at += AT_A_TIME) {
        const few = Array.from({ length: AT_A_TIME }, (_, more) => `P${who} ${at + more}`);
        await Promise.all(few.map((text) => client.command({ op: "post", thread, text })));
      }
    }));
    const all = await texts(members[0].client, thread);
    assertEquals(all.length, people * posts);
    for (let who = 0; who < people; who++) {
      const own = all.filter((text) => text.startsWith(`P${who} `));
      assertEquals(own, Array.from({ length: posts }, (_, at) => `P${who} ${at}`));
    }
    for (const { heard } of members) {
      let left = people * posts;
      await heard.until((what) => postOf(what) !== undefined && --left === 0);
      const seen = heard.all.map(postOf).filter((text) => text !== undefined);
      assertEquals(seen, all, "everybody has seen the same, live");
    }
    const { up, down } = relay.counts;
    assert(up.lost > 100 && down.lost > 100, `${up.lost} and ${down.lost} datagrams were lost`);
  },
);

scenario(
  "a server that is killed and starts again is noticed soon, and nothing is lost or doubled",
  async (ground) => {
    const server = await ground.server({ udp: true });
    const busy = await join(ground, server.udpPort, "Busy");
    const quiet = await join(ground, server.udpPort, "Quiet");
    const { thread } = await create(busy.client, "Killed");
    await quiet.client.follow(`thread/${thread}`, 0);
    await busy.client.command({ op: "post", thread, text: "before" });
    await quiet.event((event) => event.kind === "message.posted" && event.text === "before");
    await server.kill("SIGKILL");
    const during = busy.client.command({ op: "post", thread, text: "while it is away" });
    await server.start();
    const began = performance.now();
    await during;
    await quiet.event((event) =>
      event.kind === "message.posted" && event.text === "while it is away"
    );
    // The quiet one finds out with its next sign of life.
    assertLess(performance.now() - began, 15_000);
    await busy.client.command({ op: "post", thread, text: "after" });
    await quiet.event((event) => event.kind === "message.posted" && event.text === "after");
    const expected = ["before", "while it is away", "after"];
    assertEquals(await texts(quiet.client, thread), expected);
    assertEquals(quiet.heard.all.map(postOf).filter((text) => text !== undefined), expected);
    for (const user of ["Busy", "Quiet"]) {
      await server.output.until((line) => line.includes(`${user} 127.0.0.1 resume`));
    }
  },
);

scenario(
  "a client whose address changes goes on as if nothing had happened, files too",
  async (ground) => {
    const server = await shared();
    const relay = openUdpRelay(server.udpPort, { delay: 2, rate: 2000, queue: 100_000 });
    ground.ending(() => relay.close());
    const { client, heard } = await join(ground, relay.port, "Roaming");
    const { thread } = await create(client, "On the road");
    const bytes = bytesOf(5_000_000, 11);
    let rebound = 0;
    const kept = await client.upload({
      thread,
      name: "five.bin",
      content: new Blob([bytes]),
      onProgress(stored) {
        if (stored < 1_000_000 * (rebound + 1)) return;
        rebound++;
        relay.rebind();
      },
    });
    assertEquals(kept.sha256, sha256Of(bytes));
    assert(rebound >= 2, `it was ${rebound} times elsewhere`);
    await client.command({ op: "post", thread, text: "arrived" });
    assertEquals(heard.all.filter(({ type }) => type === "offline"), []);
  },
);

scenario("SHT over UDP needs the admin password, and shuts the server down", async (ground) => {
  const server = await ground.server({ udp: true });
  const { client } = await join(ground, server.udpPort, "Ann");
  assertEquals(await refusal(client.shutdown("not the password")), "wrong-password");
  await client.shutdown(ADMIN_PASSWORD);
  assertEquals((await server.process.exited).code, 0);
});
