import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import net from "node:net";
import { Readable, Writable } from "node:stream";
import type { Dial } from "../../client/mod.ts";
import { saltPassword } from "../../client/password.ts";
import type { Notice } from "../../protocol/body.ts";
import { createScramClient } from "../../protocol/scram_client.ts";
import { STATUS } from "../../protocol/status.ts";
import { ADMIN_PASSWORD, type ServerProcess } from "./processes.ts";
import { isGranted, type RawPeer } from "./raw_peer.ts";
import { type Heard, PASSWORD, refusal, scenario, sharedServer } from "./scenario.ts";

const shared = sharedServer({ args: ["--max-attempts", "1000"] });
const WRONG = "not this one";

async function challengeOf(peer: RawPeer, user: string) {
  const scram = createScramClient({ user, nonce: "abcdefghijkl" });
  await peer.send({ kind: "login", id: 0, body: { scram: scram.first() } });
  const challenge = scram.readServerFirst((await peer.expect("challenge")).body.scram);
  if ("fault" in challenge) throw new Error(challenge.text);
  return challenge;
}

function notice(heard: Heard, fits: (notice: Notice) => boolean): Promise<unknown> {
  return heard.until((what) => what.type === "notice" && fits(what.notice));
}

scenario("a wrong password does not let a second login in", async (ground) => {
  const server = await shared();
  await ground.signedPeer(server, "Obi-Wan");
  const thief = await ground.peer(server);
  await thief.greet();
  for (let attempt = 1; attempt <= 2; attempt++) {
    const outcome = await thief.login("Obi-Wan", WRONG);
    assertEquals(isGranted(outcome) || outcome.name, "wrong-password");
    await thief.command(attempt, { op: "threads" });
    const reply = await thief.reply(attempt);
    assertEquals(reply.kind === "refused" && reply.body.name, "not-signed-in");
  }
  assert(isGranted(await thief.login("Obi-Wan", PASSWORD)), "the right one still lets in");
});

scenario("an unknown user gets the answer of a wrong password, to the byte", async (ground) => {
  const server = await shared();
  await ground.signedPeer(server, "Mace");
  const peer = await ground.peer(server);
  await peer.greet();
  const known = await challengeOf(peer, "Mace");
  await peer.send({ kind: "proof", id: 0, body: { scram: "nonsense" } });
  const refusedKnown = (await peer.expect("refused")).body;
  const unknown = await challengeOf(peer, "Nobody");
  await peer.send({ kind: "proof", id: 0, body: { scram: "nonsense" } });
  assertEquals((await peer.expect("refused")).body, refusedKnown);
  assertEquals(unknown.iterations, known.iterations);
  assertEquals(unknown.salt.length, known.salt.length);
  const again = await ground.peer(server);
  await again.greet();
  assertEquals((await challengeOf(again, "nobody")).salt, unknown.salt, "the salt is stable");
  const other = await ground.peer(server);
  await other.greet();
  assertNotEquals((await challengeOf(other, "Noone")).salt, unknown.salt, "and everybody's own");
  assertEquals(await peer.login("Nobody", PASSWORD), await peer.login("Mace", WRONG));
});

/** A dial from another address of this machine: the whole of 127.0.0.0/8 is its own. */
function dialFrom(localAddress: string, { hostname, port }: ServerProcess): Dial {
  return async () => {
    const socket = net.connect({ host: hostname, port, localAddress, noDelay: true });
    const connected = Promise.withResolvers<void>();
    socket.once("connect", connected.resolve).once("error", connected.reject);
    await connected.promise;
    const reader = Readable.toWeb(socket).getReader();
    const writer = Writable.toWeb(socket).getWriter();
    let rest = new Uint8Array(0);
    return {
      async read(into) {
        if (rest.length === 0) {
          const { value, done } = await reader.read();
          if (done) return null;
          rest = new Uint8Array(value);
        }
        const count = Math.min(rest.length, into.length);
        into.set(rest.subarray(0, count));
        rest = rest.subarray(count);
        return count;
      },
      async write(bytes) {
        await writer.write(bytes.slice());
        return bytes.length;
      },
      close: () => void socket.destroy(),
    };
  };
}

scenario(
  "a lock-out is by user and source, not by connection, and survives kill -9",
  async (ground) => {
    const server = await ground.server({ args: ["--max-attempts", "3", "--lockout", "900"] });
    const { token } = await ground.signedPeer(server, "Leia");
    await ground.signedPeer(server, "Han");
    const attempt = async (user: string, password: string) => {
      const peer = await ground.peer(server);
      await peer.greet();
      const outcome = await peer.login(user, password);
      peer.close();
      return isGranted(outcome) ? "granted" : outcome.name;
    };
    for (let count = 1; count <= 3; count++) {
      assertEquals(await attempt("Leia", WRONG), "wrong-password");
    }
    assertEquals(await attempt("Leia", PASSWORD), "locked-out", "a new connection is no way round");
    assertEquals(await attempt("LEIA", PASSWORD), "locked-out", "nor is another case");
    assertEquals(await attempt("Han", PASSWORD), "granted", "another user is not locked out");
    await server.kill("SIGKILL");
    await server.start();
    assertEquals(await attempt("Leia", PASSWORD), "locked-out", "a restart forgets nothing");

    const elsewhere = await ground.member(server, {
      user: "Leia",
      dial: dialFrom("127.0.0.2", server),
    });
    assertEquals(elsewhere.client.user, "Leia", "another source is not locked out");
    const holder = await ground.peer(server);
    await holder.greet();
    assert(isGranted(await holder.resume(token)), "who holds a token is not locked out");
    assertEquals(await attempt("Leia", PASSWORD), "locked-out", "neither has lifted the lock");
  },
);

scenario("a lock-out says for how long, and counts unknown users alike", async (ground) => {
  const server = await ground.server({ args: ["--max-attempts", "2", "--lockout", "600"] });
  await ground.signedPeer(server, "Lando");
  const outcomes = [];
  for (const user of ["Lando", "Nobody"]) {
    const peer = await ground.peer(server);
    await peer.greet();
    for (let count = 1; count <= 2; count++) await peer.login(user, WRONG);
    const outcome = await peer.login(user, WRONG);
    assert(!isGranted(outcome));
    const wait = outcome.detail?.wait ?? 0;
    assert(wait > 0 && wait <= 600_000, `${wait}`);
    outcomes.push(outcome.name);
  }
  assertEquals(outcomes, ["locked-out", "locked-out"]);
});

scenario(
  "with --single-session the second login is refused until the first left",
  async (ground) => {
    const server = await ground.server({ args: ["--single-session"] });
    const { peer: first } = await ground.signedPeer(server, "Jango");
    const second = await ground.peer(server);
    await second.greet();
    const outcome = await second.login("Jango", PASSWORD);
    assertEquals(isGranted(outcome) || outcome.name, "already-logged-in");
    await first.send({ kind: "bye", id: 0, body: { code: STATUS.goodbye.code, reason: "" } });
    await first.expect("bye");
    assert(isGranted(await second.login("Jango", PASSWORD)));
  },
);

scenario(
  "with --single-session two logins at the same moment do not both get in",
  async (ground) => {
    const server = await ground.server({ args: ["--single-session"] });
    const { peer: first } = await ground.signedPeer(server, "Boba");
    await first.send({ kind: "bye", id: 0, body: { code: STATUS.goodbye.code, reason: "" } });
    await first.expect("bye");
    const peers = [];
    for (let count = 0; count < 6; count++) {
      const peer = await ground.peer(server);
      await peer.greet();
      peers.push(peer);
    }
    const outcomes = await Promise.all(peers.map((peer) => peer.login("Boba", PASSWORD)));
    const names = outcomes.map((outcome) => isGranted(outcome) ? "granted" : outcome.name).sort();
    assertEquals(names, [...Array(5).fill("already-logged-in"), "granted"]);
  },
);

scenario("with --single-session a token does not bring a second session either", async (ground) => {
  const server = await ground.server({ args: ["--single-session"] });
  const { peer: first, token } = await ground.signedPeer(server, "Zam");
  await first.send({ kind: "bye", id: 0, body: { code: STATUS.goodbye.code, reason: "" } });
  await first.expect("bye");
  const second = await ground.peer(server);
  await second.greet();
  const granted = await second.login("Zam", PASSWORD);
  assert(isGranted(granted));
  const third = await ground.peer(server);
  await third.greet();
  const outcome = await third.resume(token);
  assertEquals(isGranted(outcome) || outcome.name, "already-logged-in");
  assert(isGranted(await third.resume(granted.token!)), "its own place it takes over");
  assertEquals((await second.expect("bye")).body.code, STATUS.replaced.code);
});

scenario(
  "without it one account signs in from several places, and counts as one",
  async (ground) => {
    const server = await shared();
    const watcher = await ground.member(server, { user: "Watcher", register: true });
    await watcher.client.command({ op: "watch", on: true });
    const first = await ground.member(server, { user: "Padme", register: true });
    const second = await ground.member(server, { user: "Padme" });
    const { users } = await watcher.client.command<"users">({ op: "users" });
    assertEquals(users.find(({ user }) => user === "Padme")?.sessions, 2);
    await first.client.close();
    await second.client.close();
    await notice(
      watcher.heard,
      (told) => told.kind === "presence" && told.user === "Padme" && !told.on,
    );
    const told = watcher.heard.all.flatMap((what) =>
      what.type === "notice" && what.notice.kind === "presence" && what.notice.user === "Padme"
        ? [what.notice.on]
        : []
    );
    assertEquals(told, [true, false], "one joins and leaves once, however many devices");
  },
);

scenario("presence tells the others who joins and who leaves", async (ground) => {
  const server = await shared();
  const watcher = await ground.member(server, { user: "Yoda", register: true });
  await watcher.client.command({ op: "watch", on: true });
  const guest = await ground.member(server, { user: "Dooku", register: true });
  await notice(
    watcher.heard,
    (told) => told.kind === "presence" && told.user === "Dooku" && told.on,
  );
  const there = await watcher.client.command<"users">({ op: "users" });
  assert(there.users.some(({ user }) => user === "Dooku"));
  await guest.client.close();
  await notice(
    watcher.heard,
    (told) => told.kind === "presence" && told.user === "Dooku" && !told.on,
  );
  const gone = await watcher.client.command<"users">({ op: "users" });
  assert(!gone.users.some(({ user }) => user === "Dooku"));
});

scenario("of many who register one name at once exactly one gets it", async (ground) => {
  const server = await shared();
  const peers = await Promise.all(Array.from({ length: 6 }, () => ground.peer(server)));
  for (const peer of peers) await peer.greet();
  const names = ["Rey", "REY", "rey", "Rey", "reY", "rEy"];
  const outcomes = await Promise.all(peers.map((peer, at) => peer.register(names[at], PASSWORD)));
  assertEquals(outcomes.filter(isGranted).length, 1);
  for (const outcome of outcomes) {
    if (!isGranted(outcome)) assertEquals(outcome.name, "user-exists");
  }
});

scenario("a name that could be a path or hides something makes no account", async (ground) => {
  const server = await shared();
  const peer = await ground.peer(server);
  await peer.greet();
  for (
    const name of ["../x", "", " ", "a b", "a/b", "a\\b", ".", "x\u202ey", "x\u0000", "-x", "#1"]
  ) {
    const outcome = await peer.register(name, PASSWORD);
    assertEquals(isGranted(outcome) || outcome.name, "bad-name", JSON.stringify(name));
  }
});

scenario("--registration closed makes no accounts", async (ground) => {
  const folder = ground.folder();
  Deno.writeTextFileSync(`${folder}/users`, `Finn ${PASSWORD}\n`);
  const server = await ground.server({
    args: ["--registration", "closed", "--credentials", `${folder}/users`],
    readable: [folder],
  });
  const peer = await ground.peer(server);
  assertEquals((await peer.greet()).registration, "closed");
  const outcome = await peer.register("Poe", PASSWORD);
  assertEquals(isGranted(outcome) || outcome.name, "registration-closed");
  const again = await peer.login("Poe", PASSWORD);
  assertEquals(isGranted(again) || again.name, "wrong-password");
  assert(isGranted(await peer.login("Finn", PASSWORD)), "who has an account comes in");
});

scenario("a token signs in again, and its old connection is told and ended", async (ground) => {
  const server = await shared();
  const { peer: old, token } = await ground.signedPeer(server, "Cassian");
  const fresh = await ground.peer(server);
  await fresh.greet();
  assert(isGranted(await fresh.resume(token)));
  assertEquals((await old.expect("bye")).body.code, STATUS.replaced.code);
  await fresh.command(1, { op: "users" });
  assertEquals((await fresh.reply(1)).kind, "done");
});

scenario("logging out everywhere ends the other sessions and their tokens", async (ground) => {
  const server = await shared();
  const { peer: other, token } = await ground.signedPeer(server, "Jyn");
  const peer = await ground.peer(server);
  await peer.greet();
  assert(isGranted(await peer.login("Jyn", PASSWORD)));
  await peer.command(1, { op: "logout", everywhere: true });
  assertEquals((await peer.reply(1)).kind, "done");
  assertEquals((await other.expect("bye")).body.code, STATUS.replaced.code);
  const back = await ground.peer(server);
  await back.greet();
  const outcome = await back.resume(token);
  assertEquals(isGranted(outcome) || outcome.name, "expired");
});

scenario(
  "changing the password ends the other sessions, their tokens and the old password",
  async (ground) => {
    const server = await shared();
    const { peer: other, token } = await ground.signedPeer(server, "Bodhi");
    const { client } = await ground.member(server, { user: "Bodhi" });
    await client.changePassword("rogue one");
    assertEquals((await other.expect("bye")).body.code, STATUS.replaced.code);
    const peer = await ground.peer(server);
    await peer.greet();
    const resumed = await peer.resume(token);
    assertEquals(isGranted(resumed) || resumed.name, "expired");
    const old = await peer.login("Bodhi", PASSWORD);
    assertEquals(isGranted(old) || old.name, "wrong-password");
    assert(isGranted(await peer.login("Bodhi", "rogue one")));
    const { users } = await client.command<"users">({ op: "users" });
    assertEquals(users.find(({ user }) => user === "Bodhi")?.sessions, 2, "the changer stays");
  },
);

scenario(
  "a proof of the old password that comes after the change lets nobody in",
  async (ground) => {
    const server = await shared();
    const thief = await ground.peer(server);
    await thief.greet();
    const { client } = await ground.member(server, { user: "Chirrut", register: true });
    const scram = createScramClient({ user: "Chirrut", nonce: "abcdefghijkl" });
    await thief.send({ kind: "login", id: 0, body: { scram: scram.first() } });
    const challenge = scram.readServerFirst((await thief.expect("challenge")).body.scram);
    if ("fault" in challenge) throw new Error(challenge.text);
    const salted = await saltPassword(PASSWORD, challenge.salt, challenge.iterations);
    await client.changePassword("the force is with me");
    await thief.send({ kind: "proof", id: 0, body: { scram: scram.final(salted) } });
    assertEquals((await thief.expect("refused")).body.name, "wrong-password");
  },
);

scenario("the admin password gives the admin's role, a wrong one does not", async (ground) => {
  const server = await shared();
  const { client, event } = await ground.member(server, { user: "Mon", register: true });
  const other = await ground.member(server, { user: "Saw", register: true });
  await client.follow("accounts");
  assertEquals(await refusal(client.promote(WRONG)), "wrong-password");
  assertEquals(
    await refusal(client.command({ op: "role", user: "Saw", role: "moderator" })),
    "not-allowed",
  );
  await client.promote(ADMIN_PASSWORD);
  await client.command({ op: "role", user: "Saw", role: "moderator", why: "trusted" });
  const given = await event((what) => what.kind === "user.role" && what.user === "Saw");
  assertEquals(given.by, "Mon");
  assertEquals(
    await refusal(other.client.command({ op: "role", user: "Mon", role: "member" })),
    "not-allowed",
  );
});

scenario("wrong admin passwords lock out, and the right one then does not help", async (ground) => {
  const server = await ground.server({ args: ["--max-attempts", "2", "--lockout", "600"] });
  const { client } = await ground.member(server, { user: "Krennic", register: true });
  assertEquals(await refusal(client.shutdown(WRONG)), "wrong-password");
  assertEquals(await refusal(client.promote(WRONG)), "wrong-password");
  assertEquals(await refusal(client.shutdown(ADMIN_PASSWORD)), "locked-out");
});

scenario(
  "a ban ends the sessions, and neither password nor token comes in again",
  async (ground) => {
    const server = await shared();
    const admin = await ground.member(server, { user: "Tarkin", register: true });
    await admin.client.promote(ADMIN_PASSWORD);
    const { peer, token } = await ground.signedPeer(server, "Greedo");
    await admin.client.command({ op: "ban", user: "Greedo", on: true, why: "shot first" });
    assertEquals((await peer.expect("bye")).body.code, STATUS.banned.code);
    const back = await ground.peer(server);
    await back.greet();
    for (const outcome of [await back.login("Greedo", PASSWORD), await back.resume(token)]) {
      assertEquals(isGranted(outcome) || outcome.name, "banned");
    }
    await admin.client.command({ op: "ban", user: "Greedo", on: false });
    assert(isGranted(await back.login("Greedo", PASSWORD)));
  },
);

scenario("what is sent right behind a token is answered in the same breath", async (ground) => {
  const server = await shared();
  const { peer: first, token } = await ground.signedPeer(server, "Ahsoka");
  first.close();
  const peer = await ground.peer(server);
  await peer.greet();
  await peer.send(
    { kind: "resume", id: 0, body: { token } },
    { kind: "command", id: 1, body: { op: "follow", scope: "directory" } },
    { kind: "command", id: 2, body: { op: "users" } },
  );
  await peer.expect("granted");
  assertEquals((await peer.reply(1)).kind, "done");
  assertEquals((await peer.reply(2)).kind, "done");
});

scenario(
  "commands before signing in are refused one by one, and signing in still works",
  async (ground) => {
    const server = await shared();
    const peer = await ground.peer(server);
    await peer.greet();
    await peer.send(
      { kind: "command", id: 1, body: { op: "threads" } },
      { kind: "command", id: 2, body: { op: "post", key: "k", thread: 1, text: "unsigned" } },
    );
    for (const id of [1, 2]) {
      const reply = await peer.reply(id);
      assertEquals(reply.kind === "refused" && reply.body.name, "not-signed-in");
    }
    assert(isGranted(await peer.register("Sabine", PASSWORD)));
  },
);

scenario("the log says who did what from where, and no password and no text", async (ground) => {
  const server = await ground.server();
  const { client } = await ground.member(server, { user: "Ezra", register: true });
  const { thread } = await client.command<"create">({ op: "create", title: "Lothal" });
  await client.command({ op: "post", thread, text: "a secret of the temple" });
  const peer = await ground.peer(server);
  await peer.greet();
  await peer.login("Ezra", WRONG);
  await client.close();
  await server.output.until((line) => / Ezra 127\.0\.0\.1 leave /.test(line));
  const log = server.output.all.join("\n");
  const moment = String.raw`\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d`;
  assertMatch(log, new RegExp(`^${moment} Ezra 127\\.0\\.0\\.1 register$`, "m"));
  assertMatch(log, new RegExp(`^${moment} Ezra 127\\.0\\.0\\.1 create title="Lothal"$`, "m"));
  assertMatch(log, new RegExp(`^${moment} Ezra 127\\.0\\.0\\.1 post thread=${thread}$`, "m"));
  assertMatch(log, new RegExp(`^${moment} - 127\\.0\\.0\\.1 wrong-password user="Ezra"$`, "m"));
  for (const secret of [PASSWORD, WRONG, ADMIN_PASSWORD, "temple"]) assert(!log.includes(secret));
});
