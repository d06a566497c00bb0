/**
 * Files of ForumClient against a server in the same process: links that break after so many bytes, signals at any moment,
 * turns that are waited for, and callers that make mistakes.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import {
  connectForum,
  type Dial,
  dialTcp,
  type ForumClient,
  type IncomingFile,
} from "../client/mod.ts";
import type { OperationLimits } from "../server/limits.ts";
import {
  CONFIG_DEFAULTS,
  type FileLimits,
  type RunningServer,
  startServer,
} from "../server/mod.ts";
import { createNumbers } from "./garbage.ts";

interface Forum {
  readonly server: RunningServer;
  readonly dial: Dial;
  /** A new account. */
  join(user: string, dial?: Dial): Promise<ForumClient>;
  /** The same account once more. */
  again(user: string, dial?: Dial): Promise<ForumClient>;
}

const PASSWORD = "a password";

async function withForum(
  test: (forum: Forum) => Promise<void>,
  { files = {}, limits = {} }: {
    files?: Partial<FileLimits>;
    limits?: Partial<OperationLimits>;
  } = {},
): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "dfp-client-files-" });
  const server = await startServer({
    ...CONFIG_DEFAULTS,
    port: 0,
    data,
    limits: { ...CONFIG_DEFAULTS.limits, ...limits },
    fileLimits: { ...CONFIG_DEFAULTS.fileLimits, ...files },
  }, { adminPassword: "size matters not", write: () => Promise.resolve() });
  const port = Number(server.addresses[0].split(":").at(-1));
  const dial = dialTcp({ hostname: "127.0.0.1", port });
  const clients: ForumClient[] = [];
  const connect = (register: boolean) => async (user: string, other = dial) => {
    const client = await connectForum({ dial: other, user, password: PASSWORD, register });
    clients.push(client);
    return client;
  };
  try {
    await test({ server, dial, join: connect(true), again: connect(false) });
  } finally {
    for (const client of clients) await client.close();
    await server.shutdown();
    await Deno.remove(data, { recursive: true });
  }
}

/** A dial whose streams break when so many bytes have passed, one after the other; those behind do not. */
function breaking(dial: Dial, after: readonly number[]): Dial {
  const left = [...after];
  return async () => {
    const stream = await dial();
    let rest = left.shift() ?? Infinity;
    const pass = <T extends number | null>(count: T): T => {
      rest -= count ?? 0;
      if (rest <= 0) stream.close();
      return count;
    };
    return {
      read: async (into) => pass(await stream.read(into)),
      write: async (bytes) => pass(await stream.write(bytes.subarray(0, 16_384))),
      close: () => stream.close(),
    };
  };
}

function noise(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  return createNumbers(seed).bytes(size) as Uint8Array<ArrayBuffer>;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function all({ stream }: IncomingFile): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function share(client: ForumClient, name: string, bytes: Uint8Array<ArrayBuffer>) {
  return client.upload({ thread: 1, name, content: new Blob([bytes]) });
}

Deno.test("an upload goes on over links that break again and again, and no byte is wrong", async () => {
  await withForum(async ({ dial, join, again }) => {
    await join("Ada");
    const bytes = noise(3_000_000);
    const places = [300, 1000, 70_000, 200_000, 900_000, 500_000, 400_000, 1, 2000, 600_000];
    const client = await again("Ada", breaking(dial, [3000, ...places]));
    const progress: number[] = [];
    const { sha256, file } = await client.upload({
      thread: 1,
      name: "again and again",
      content: new Blob([bytes]),
      onProgress: (count) => progress.push(count),
    });
    assertEquals(sha256, sha256Of(bytes));
    assert(new Set(progress).size > 5 && progress.at(-1) === bytes.length);
    const other = await again("Ada", breaking(dial, [3000, ...places]));
    assertEquals(await all(await other.download({ thread: 1, file })), bytes);
  });
});

Deno.test("a stream that cannot go back is uploaded over links that break, from what is kept of it", async () => {
  await withForum(async ({ dial, join, again }) => {
    await join("Ada");
    const bytes = noise(2_000_000);
    const pieces = function* () {
      for (let at = 0; at < bytes.length; at += 7001) yield bytes.slice(at, at + 7001);
    };
    const content = { size: bytes.length, stream: ReadableStream.from(pieces()) };
    const client = await again("Ada", breaking(dial, [3000, 400_000, 500_000, 600_000]));
    const { sha256 } = await client.upload({ thread: 1, name: "one way", content, deflate: true });
    assertEquals(sha256, sha256Of(bytes));
  });
});

Deno.test("whenever a signal comes, what it is for ends with its reason, and everything else goes on", async () => {
  await withForum(async ({ join, server }) => {
    const client = await join("Ada");
    const bytes = noise(600_000);
    const { file } = await share(client, "to get", bytes);
    let ended = 0;
    for (let moment = 0; moment < 40; moment++) {
      const reason = new Error(`enough at ${moment}`);
      const controller = new AbortController();
      const { signal } = controller;
      const up = client.upload({
        thread: 1,
        name: `given up ${moment}`,
        content: new Blob([bytes]),
        signal,
      });
      const down = client.download({ thread: 1, file, signal }).then(all);
      const outcomes = Promise.allSettled([up, down]);
      if (moment % 2 === 0) {
        for (let turn = 0; turn < moment; turn++) await setImmediate();
      } else while (server.service.transfers * 10 < moment % 20) await setImmediate();
      controller.abort(reason);
      for (const outcome of await outcomes) {
        if (outcome.status === "fulfilled") continue;
        assertEquals(outcome.reason, reason);
        ended++;
      }
    }
    assert(ended > 20, `only ${ended} were given up in time`);
    const late = AbortSignal.abort(new Error("before it began"));
    const content = new Blob([bytes]);
    const never = () => client.upload({ thread: 1, name: "never", content, signal: late });
    await assertRejects(never, Error, "before it began");
    await assertRejects(
      () => client.download({ thread: 1, file, signal: late }),
      Error,
      "before it began",
    );
    // What was given up has left no turn taken.
    while (server.service.transfers > 0) await client.command({ op: "users" });
    assertEquals(await all(await client.download({ thread: 1, file })), bytes);
  });
});

Deno.test("of very many files at once each waits for its turn, and all come through", async () => {
  const files = { transfers: 3, transfersOfOne: 2 };
  const limits = { changes: { perSecond: 60, burst: 25 } };
  await withForum(async ({ join }) => {
    const client = await join("Ada");
    const contents = Array.from({ length: 12 }, (_, at) => noise(1000 + at, at));
    const kept = await Promise.all(contents.map((bytes, at) => share(client, `file ${at}`, bytes)));
    assertEquals(kept.map(({ sha256 }) => sha256), contents.map(sha256Of));
    const down = await Promise.all(
      kept.map(async ({ file }) => await all(await client.download({ thread: 1, file }))),
    );
    assertEquals(down, contents);
  }, { files, limits });
});

Deno.test("what another file of the same name and size has left is found out, and the upload begins anew", async () => {
  await withForum(async ({ dial, join, again }) => {
    await join("Ada");
    const [old, right] = [noise(2_000_000, 1), noise(2_000_000, 2)];
    const broken = await connectForum({
      dial: breaking(dial, [3000 + 1_000_000]),
      user: "Ada",
      password: PASSWORD,
      reconnect: false,
    });
    await assertRejects(() => share(broken, "plan", old));
    const client = await again("Ada");
    const progress: number[] = [];
    const { sha256, file } = await client.upload({
      thread: 1,
      name: "plan",
      content: new Blob([right]),
      onProgress: (count) => progress.push(count),
    });
    assert(progress[0] > 0, "it went on with what was there");
    assert(progress.includes(0), "and began anew");
    assertEquals(sha256, sha256Of(right));
    assertEquals(await all(await client.download({ thread: 1, file })), right);
  });
});

Deno.test("a hash that is not that of the content is told, and not tried for ever", async () => {
  await withForum(async ({ join }) => {
    const client = await join("Ada");
    const error = await assertRejects(() =>
      client.upload({
        thread: 1,
        name: "lie",
        content: new Blob([noise(100_000)]),
        sha256: "0".repeat(64),
      })
    );
    assertEquals((error as { name: string }).name, "bad-content");
  });
});

Deno.test("who is told of progress may throw: that upload or download ends with it, and the link stays", async () => {
  await withForum(async ({ join }) => {
    const client = await join("Ada");
    const events = client.events();
    const { file } = await share(client, "fine", noise(300_000));
    for (const at of [0, 1]) {
      const onProgress = (count: number) => {
        if (count >= at) throw new Error("the bar is closed");
      };
      const content = new Blob([noise(300_000, 2)]);
      const up = () => client.upload({ thread: 1, name: `bar ${at}`, content, onProgress });
      await assertRejects(up, Error, "the bar is closed");
      const down = async () => await all(await client.download({ thread: 1, file, onProgress }));
      await assertRejects(down, Error, "the bar is closed");
    }
    assertEquals((await all(await client.download({ thread: 1, file }))).length, 300_000);
    await client.close();
    const told = [];
    for await (const { type } of events) told.push(type);
    assertEquals(told, ["closed"], "the link never broke");
  });
});

Deno.test("downloads that nobody reads hold up nobody, nor the closing of their client", async () => {
  await withForum(async ({ join, server }) => {
    const client = await join("Ada");
    const { file } = await share(client, "long", noise(12_000_000));
    const unread = await Promise.all(
      Array.from({ length: 5 }, () => client.download({ thread: 1, file })),
    );
    assertEquals((await all(await client.download({ thread: 1, file }))).length, 12_000_000);
    await unread[0].stream.cancel();
    while (server.service.transfers > 4) await client.command({ op: "users" });
    await client.close();
    for (const { stream } of unread.slice(1)) {
      await assertRejects(() => new Response(stream).arrayBuffer(), Error, "ended as asked");
    }
    while (server.service.transfers > 0) await setImmediate();
  });
});

Deno.test("what is there of a download is gone on with, whatever breaks, and is hashed with the rest", async () => {
  await withForum(async ({ dial, join, again }) => {
    await join("Ada");
    const bytes = noise(2_000_000);
    const { file } = await share(await again("Ada"), "part", bytes);
    for (const part of [0, 1, 700_000, bytes.length]) {
      const client = await again("Ada", breaking(dial, [3000, 100_000, 500_000]));
      const content = new Blob([bytes.slice(0, part)]);
      const have = {
        size: part,
        async read(offset: number, into: Uint8Array) {
          const piece = await content.slice(offset, offset + into.length).arrayBuffer();
          into.set(new Uint8Array(piece));
          return piece.byteLength;
        },
      };
      const rest = await all(await client.download({ thread: 1, file, have }));
      assertEquals(rest, bytes.subarray(part));
    }
    const wrong = { size: 1000, read: (_: number, into: Uint8Array) => into.length };
    const client = await again("Ada");
    const error = await assertRejects(async () =>
      await all(await client.download({ thread: 1, file, have: wrong }))
    );
    assertEquals((error as { name: string }).name, "bad-content");
  });
});
