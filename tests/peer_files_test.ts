/**
 * Files straight between the users of a server in the same process, through the server: offers and their answers,
 * links that break on either side, cancelling, and the bounds.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { createKeyPair } from "../protocol/datagram/suite.ts";
import { nodeEnv } from "../transport/node_suite.ts";
import {
  type ClientEvent,
  connectForum,
  type Dial,
  dialTcp,
  type FileSource,
  type ForumClient,
  ForumError,
  type KnownPeers,
  type OpenPeerPort,
  type PeerIncoming,
  type PeerOffer,
  type PeerOptions,
  peerPorts,
  type SendOptions,
  type Via,
} from "../client/mod.ts";
import { CONFIG_DEFAULTS, startServer } from "../server/mod.ts";
import { createHappenings, type Happenings } from "./end_to_end/record.ts";

interface Member {
  readonly client: ForumClient;
  readonly heard: Happenings<ClientEvent>;
  /** Waits for the next offer that fits. */
  offer(fits?: (offer: PeerOffer) => boolean): Promise<PeerOffer>;
  /** Breaks its connection to the server. */
  cut(): void;
  readonly sent: () => number;
}

interface Forum {
  join(user: string, options?: Partial<PeerOptions> & { again?: boolean }): Promise<Member>;
}

const PASSWORD = "a password";

/** Waits at most so long for what should come at once. */
async function withForum(test: (forum: Forum) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "dfp-peers-" });
  const server = await startServer(
    { ...CONFIG_DEFAULTS, port: 0, data },
    { adminPassword: "size matters not", write: () => Promise.resolve() },
  );
  const port = Number(server.addresses[0].split(":").at(-1));
  const clients: ForumClient[] = [];
  try {
    await test({
      async join(user, { again = false, ...options } = {}) {
        let close = () => {};
        let sent = 0;
        const dial: Dial = async () => {
          const stream = await dialTcp({ hostname: "127.0.0.1", port })();
          close = () => stream.close();
          return {
            read: (into) => stream.read(into),
            write: async (bytes) => {
              const count = await stream.write(bytes);
              sent += count;
              return count;
            },
            close,
          };
        };
        const client = await connectForum({
          dial,
          user,
          password: PASSWORD,
          register: !again,
          peers: { env: nodeEnv, ...options },
        });
        clients.push(client);
        const heard = createHappenings<ClientEvent>(`${user}'s session`);
        const events = client.events();
        void (async () => {
          for await (const event of events) heard.add(event);
          heard.end();
        })();
        const ready = client.command({ op: "users" });
        await ready;
        return {
          client,
          heard,
          async offer(fits = () => true) {
            const found = await heard.until((what) => what.type === "offer" && fits(what.offer));
            return (found as ClientEvent & { type: "offer" }).offer;
          },
          cut: () => close(),
          sent: () => sent,
        };
      },
    });
  } finally {
    for (const client of clients) await client.close();
    await server.shutdown();
    await Deno.remove(data, { recursive: true });
  }
}

function bytesOf(count: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count);
  let state = seed;
  for (let at = 0; at < count; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

const sha256Of = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const contentOf = (bytes: Uint8Array): FileSource => ({
  size: bytes.length,
  read(offset, into) {
    const part = bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  },
});

async function all(file: PeerIncoming, seen: (bytes: number) => void = () => {}) {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of file.stream) {
    parts.push(part);
    size += part.length;
    seen(size);
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

const nameOf = async (asked: Promise<unknown>) =>
  (await assertRejects(() => asked, ForumError)).name;

for (const size of [0, 1, 100_000, 5_000_000]) {
  Deno.test(`a file of ${size} bytes goes from user to user, and both know that it is whole`, async () => {
    await withForum(async ({ join }) => {
      const [yoda, ben] = [await join("Yoda"), await join("Ben")];
      const bytes = bytesOf(size, 7);
      const sha256 = sha256Of(bytes);
      const progress: number[] = [];
      const sending = yoda.client.peers!.send({
        user: "BEN",
        name: "holocron.bin",
        content: contentOf(bytes),
        onProgress: (bytes) => void progress.push(bytes),
      });
      const offer = await ben.offer();
      assertEquals([offer.by, offer.name, offer.size, offer.sha256, offer.again], [
        "Yoda",
        "holocron.bin",
        size,
        sha256,
        false,
      ]);
      assertEquals(ben.client.peers!.offers.length, 1);
      const taken: number[] = [];
      const file = await ben.client.peers!.accept(offer.offer, {
        onProgress: (bytes) => void taken.push(bytes),
      });
      assertEquals(await all(file), bytes);
      let told = false;
      void sending.then(() => told = true);
      assertEquals(told, false, "who sends does not know it before it is stored");
      assertEquals(await file.keep(), "relayed");
      assertEquals(await sending, {
        user: "Ben",
        name: "holocron.bin",
        size,
        sha256,
        via: "relayed",
      });
      assertEquals([progress.at(-1), taken.at(-1)], [size, size]);
      assertEquals(ben.client.peers!.offers, []);
    });
  });
}

Deno.test("what is declined, withdrawn or offered to nobody ends with a status that says so", async () => {
  await withForum(async ({ join }) => {
    const [yoda, ben] = [await join("Yoda"), await join("Ben")];
    const bytes = bytesOf(1000, 1);
    const send = (more: Partial<SendOptions> = {}) =>
      yoda.client.peers!.send({
        user: "Ben",
        name: "a.bin",
        content: contentOf(bytes),
        ...more,
      });
    const declined = send();
    ben.client.peers!.decline((await ben.offer()).offer);
    assertEquals(await nameOf(declined), "declined");

    const abort = new AbortController();
    const withdrawn = send({ name: "b.bin", signal: abort.signal });
    const { offer } = await ben.offer(({ name }) => name === "b.bin");
    abort.abort(new TypeError("no more"));
    await assertRejects(() => withdrawn, TypeError, "no more");
    const ended = await ben.heard.until(({ type }) => type === "offer-ended");
    assert(ended.type === "offer-ended" && ended.offer.offer === offer);
    assertEquals(ended.name, "cancelled");
    assertEquals(await nameOf(ben.client.peers!.accept(offer)), "no-offer");

    assertEquals(await nameOf(send({ user: "Nobody" })), "unknown-user");
    assertEquals(await nameOf(send({ user: "yoda" })), "bad-field");
    assertEquals(await nameOf(send({ name: " " })), "bad-name");
    const leia = await join("Leia", { offers: false });
    assertEquals(await nameOf(send({ user: "Leia" })), "away");
    await leia.client.close();
    assertEquals(await nameOf(send({ user: "Leia" })), "away");
  });
});

for (const who of ["sender", "receiver"] as const) {
  Deno.test(`the ${who} cancels in the middle, and the other one is told`, async () => {
    await withForum(async ({ join }) => {
      const [yoda, ben] = [await join("Yoda"), await join("Ben")];
      const abort = new AbortController();
      const { signal } = abort;
      const sending = yoda.client.peers!.send({
        user: "Ben",
        name: "a.bin",
        content: contentOf(bytesOf(20_000_000, 1)),
        ...who === "sender" && { signal },
      });
      const rejected = sending.catch((error) => error);
      const { offer } = await ben.offer();
      const file = await ben.client.peers!.accept(offer, { ...who === "receiver" && { signal } });
      const error = await all(file, () => abort.abort(new TypeError("enough")))
        .catch((error) => error);
      const [own, other] = who === "sender" ? [await rejected, error] : [error, await rejected];
      assert(own instanceof TypeError && own.message === "enough");
      assert(other instanceof ForumError && other.name === "cancelled", String(other));
    });
  });

  Deno.test(`the ${who}'s connection to the server breaks again and again, and the file is whole`, async () => {
    await withForum(async ({ join }) => {
      const [yoda, ben] = [await join("Yoda"), await join("Ben")];
      const cut = () => (who === "sender" ? yoda : ben).cut();
      const bytes = bytesOf(12_000_000, 5);
      const sending = yoda.client.peers!.send({
        user: "Ben",
        name: "a.bin",
        content: contentOf(bytes),
      });
      const parts: Uint8Array[] = [];
      let size = 0;
      let cuts = 0;
      const { offer } = await ben.offer();
      const file = await ben.client.peers!.accept(offer);
      for await (const part of file.stream) {
        parts.push(part);
        size += part.length;
        if (size <= (cuts + 1) * 3_000_000 || cuts === 3) continue;
        cuts++;
        cut();
      }
      await file.keep();
      assertEquals([cuts, (await sending).sha256], [3, sha256Of(bytes)]);
      assertEquals(
        sha256Of(new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())),
        sha256Of(bytes),
      );
      assert(yoda.sent() < 2 * bytes.length, `${yoda.sent()} bytes for ${bytes.length}`);
    });
  });
}

Deno.test("who cancels and leaves at once has told the other side, which does not wait for a return", async () => {
  await withForum(async ({ join }) => {
    const [yoda, ben] = [await join("Yoda"), await join("Ben")];
    const controller = new AbortController();
    const sending = yoda.client.peers!.send({
      user: "Ben",
      name: "a.bin",
      content: contentOf(bytesOf(20_000_000, 5)),
      signal: controller.signal,
    });
    const file = await ben.client.peers!.accept((await ben.offer()).offer);
    const ended = nameOf(all(file, () => controller.abort(new Error("enough"))));
    await assertRejects(() => sending, Error, "enough");
    await yoda.client.close();
    assertEquals(await ended, "cancelled");
  });
});

Deno.test("several files go at once, both ways, while talk goes on", async () => {
  await withForum(async ({ join }) => {
    const [yoda, ben] = [await join("Yoda"), await join("Ben")];
    await ben.client.follow("thread/1");
    const bytes = [1, 2, 3, 4].map((seed) => bytesOf(4_000_000, seed));
    const sending = bytes.map((content, at) =>
      (at % 2 === 0 ? yoda : ben).client.peers!.send({
        user: at % 2 === 0 ? "Ben" : "Yoda",
        name: `${at}.bin`,
        content: contentOf(content),
      })
    );
    const taking = bytes.map(async (content, at) => {
      const taker = at % 2 === 0 ? ben : yoda;
      const { offer } = await taker.offer(({ name }) => name === `${at}.bin`);
      const file = await taker.client.peers!.accept(offer);
      assertEquals(sha256Of(await all(file)), sha256Of(content));
      await file.keep();
    });
    let over = false;
    const files = Promise.all([...taking, ...sending]).then(() => over = true);
    let posts = 0;
    let slowest = 0;
    while (!over) {
      const began = performance.now();
      const text = `post ${posts++}`;
      await yoda.client.command({ op: "post", thread: 1, text });
      await ben.heard.until((what) =>
        what.type === "event" && what.event.kind === "message.posted" && what.event.text === text
      );
      slowest = Math.max(slowest, performance.now() - began);
    }
    await files;
    assert(posts > 3, `${posts} posts`);
    assert(slowest < 3000, `a post took ${slowest} ms`);
  });
});

Deno.test("several of a user's clients are offered a file, and one of them takes it", async () => {
  await withForum(async ({ join }) => {
    const yoda = await join("Yoda");
    const ben = [await join("Ben"), await join("Ben", { again: true })];
    const sending = yoda.client.peers!.send({
      user: "Ben",
      name: "a.bin",
      content: contentOf(bytesOf(1000, 1)),
    });
    const offers = await Promise.all(ben.map((member) => member.offer()));
    const file = await ben[0].client.peers!.accept(offers[0].offer);
    const ended = await ben[1].heard.until(({ type }) => type === "offer-ended");
    assert(ended.type === "offer-ended" && ended.name === "replaced");
    assertEquals(await nameOf(ben[1].client.peers!.accept(offers[1].offer)), "no-offer");
    await all(file);
    await file.keep();
    await sending;
  });
});

Deno.test("an offer that was accepted is open again when its taker is gone, and goes on with another one", async () => {
  await withForum(async ({ join }) => {
    const yoda = await join("Yoda");
    const first = await join("Ben");
    const bytes = bytesOf(8_000_000, 9);
    const sending = yoda.client.peers!.send({
      user: "Ben",
      name: "a.bin",
      content: contentOf(bytes),
    });
    const { offer } = await first.offer();
    const begun = await first.client.peers!.accept(offer);
    const parts: Uint8Array[] = [];
    const reader = begun.stream.getReader();
    while (parts.length < 20) parts.push((await reader.read()).value!);
    await first.client.close();
    const second = await join("Ben", { again: true });
    const again = await second.offer(({ sha256 }) => sha256 === sha256Of(bytes));
    const have = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
    const file = await second.client.peers!.accept(again.offer, { have: contentOf(have) });
    assertEquals(file.offset, have.length);
    assertEquals(await all(file), bytes.slice(have.length));
    await file.keep();
    await sending;
  });
});

const straight = peerPorts("127.0.0.1");

/** Ports whose datagrams can be lost, all of them. */
function breakable(): { openPort: OpenPeerPort; lose(all: boolean): void; opened: () => number } {
  let losing = false;
  let opened = 0;
  return {
    lose: (all) => void (losing = all),
    opened: () => opened,
    async openPort({ receive, udp }) {
      opened++;
      const port = await straight({
        udp,
        receive: (path, datagram) => {
          if (!losing) receive(path, datagram);
        },
      });
      return {
        own: port.own,
        seen: port.seen,
        send: (path, bytes, segment) =>
          losing ? Promise.resolve() : port.send(path, bytes, segment),
        close: () => port.close(),
      };
    },
  };
}

Deno.test("a file goes straight as soon as there is a path, and both sides say so", async () => {
  await withForum(async ({ join }) => {
    const openPort = straight;
    const [yoda, ben] = [await join("Yoda", { openPort }), await join("Ben", { openPort })];
    const bytes = bytesOf(60_000_000, 3);
    const told = { yoda: [] as Via[], ben: [] as Via[] };
    const sending = yoda.client.peers!.send({
      user: "Ben",
      name: "a.bin",
      content: contentOf(bytes),
      onVia: (via) => void told.yoda.push(via),
    });
    const { offer } = await ben.offer();
    const file = await ben.client.peers!.accept(offer, { onVia: (via) => void told.ben.push(via) });
    const hash = createHash("sha256");
    for await (const part of file.stream) hash.update(part);
    assertEquals(hash.digest("hex"), sha256Of(bytes));
    assertEquals(await file.keep(), "direct");
    assertEquals((await sending).via, "direct");
    assertEquals(told, { yoda: ["relayed", "direct"], ben: ["relayed", "direct"] });
    assert(yoda.sent() < bytes.length / 2, `${yoda.sent()} bytes went through the server`);
  });
});

Deno.test("who hides their addresses tells none, and gets none", async () => {
  await withForum(async ({ join }) => {
    const ports = breakable();
    const yoda = await join("Yoda", { openPort: ports.openPort });
    const ben = await join("Ben");
    const bytes = bytesOf(20_000_000, 3);
    const sending = yoda.client.peers!.send({
      user: "Ben",
      name: "a.bin",
      content: contentOf(bytes),
    });
    const file = await ben.client.peers!.accept((await ben.offer()).offer);
    assertEquals(sha256Of(await all(file)), sha256Of(bytes));
    assertEquals(await file.keep(), "relayed");
    assertEquals((await sending).via, "relayed");
    assertEquals(ports.opened(), 1, "there was nobody to look for");
  });
});

Deno.test("a path that dies is left for the server's, without a gap, and found again", async () => {
  await withForum(async ({ join }) => {
    const ports = breakable();
    const [yoda, ben] = [await join("Yoda", ports), await join("Ben", { openPort: straight })];
    const bytes = bytesOf(150_000_000, 3);
    const told: Via[] = [];
    const sending = yoda.client.peers!.send({
      user: "Ben",
      name: "a.bin",
      content: contentOf(bytes),
      onVia(via) {
        told.push(via);
        if (via === "relayed" && told.length > 1) ports.lose(false);
      },
    });
    const file = await ben.client.peers!.accept((await ben.offer()).offer);
    const hash = createHash("sha256");
    let losses = 0;
    let since = 0;
    for await (const part of file.stream) {
      hash.update(part);
      since += part.length;
      // Slowly enough for all of it to happen before the end.
      if (since > 200_000) {
        since = 0;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      if (told.length === 2 && losses === 0) {
        losses++;
        ports.lose(true);
      }
    }
    assertEquals(hash.digest("hex"), sha256Of(bytes));
    await file.keep();
    await sending;
    assertEquals(told, ["relayed", "direct", "relayed", "direct"]);
    assertEquals(yoda.heard.all.filter(({ type }) => type === "offline"), []);
  });
});

Deno.test("who is met again with another key is told of, and who has the same is not", async () => {
  await withForum(async ({ join }) => {
    const met = new Map<string, Uint8Array[]>();
    const knownPeers: KnownPeers = {
      find: (user) => Promise.resolve(met.get(user) ?? []),
      remember: (user, key) => Promise.resolve(void met.set(user, [...met.get(user) ?? [], key])),
    };
    const yoda = await join("Yoda", { knownPeers });
    const keys = [createKeyPair(nodeEnv), createKeyPair(nodeEnv)];
    const strange = () => yoda.heard.all.filter(({ type }) => type === "peer-key").length;
    for (const [at, [key, times]] of ([[0, 0], [0, 0], [1, 1], [0, 1]] as const).entries()) {
      const ben = await join("Ben", { again: at > 0, keys: keys[key] });
      const sending = yoda.client.peers!.send({
        user: "Ben",
        name: `${at}.bin`,
        content: contentOf(bytesOf(10, at)),
      });
      const file = await ben.client.peers!.accept((await ben.offer()).offer);
      await all(file);
      await file.keep();
      await sending;
      await ben.client.close();
      assertEquals(strange(), times);
    }
    assertEquals(met.get("Ben"), keys.map((pair) => pair.public));
  });
});
