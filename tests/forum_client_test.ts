/**
 * ForumClient against a server in the same process.
 *
 * @module
 */

import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import {
  type ByteStream,
  connectForum,
  type Dial,
  dialTcp,
  type ForumClient,
  ForumError,
} from "../client/mod.ts";
import { createClientSession } from "../protocol/client_session.ts";
import type { ForumEvent } from "../protocol/forum/event.ts";
import { CONFIG_DEFAULTS, startServer } from "../server/mod.ts";

/** Much is posted here at once. */
const UNLIMITED = { ...CONFIG_DEFAULTS.limits, changes: { perSecond: 0, burst: 0 } };

interface Forum {
  /** `wrap` may put something before the dial. */
  join(user: string, wrap?: (dial: Dial) => Dial): Promise<ForumClient>;
  /** Comes back with the token of an earlier session. */
  resume(user: string, token: string): Promise<ForumClient>;
}

async function withForum(test: (forum: Forum) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "dfp-client-" });
  const server = await startServer(
    { ...CONFIG_DEFAULTS, port: 0, data, limits: UNLIMITED },
    { adminPassword: "size matters not", write: () => Promise.resolve() },
  );
  const port = Number(server.addresses[0].split(":").at(-1));
  const clients: ForumClient[] = [];
  try {
    await test({
      async join(user, wrap = (dial) => dial) {
        const dial = wrap(dialTcp({ hostname: "127.0.0.1", port }));
        const client = await connectForum({ dial, user, password: "a password", register: true });
        clients.push(client);
        return client;
      },
      async resume(user, token) {
        const dial = dialTcp({ hostname: "127.0.0.1", port });
        const client = await connectForum({ dial, user, token });
        clients.push(client);
        return client;
      },
    });
  } finally {
    for (const client of clients) await client.close();
    await server.shutdown();
    await Deno.remove(data, { recursive: true });
  }
}

Deno.test("a token signs in without the password, until it was ended", async () => {
  await withForum(async ({ join, resume }) => {
    const first = await join("Yoda");
    const { token } = first;
    assertNotEquals(token, undefined);
    await first.close();
    const second = await resume("Yoda", token!);
    assertEquals([second.user, second.state], ["Yoda", "online"]);
    await second.command({ op: "post", thread: 1, text: "Back I am." });
    await second.command({ op: "logout" });
    await second.close();
    const refused = await assertRejects(() => resume("Yoda", token!), ForumError);
    assertEquals(refused.name, "expired");
  });
});

Deno.test("law 7: who takes events slowly still gets replies at once, and every event in the end", async () => {
  await withForum(async ({ join }) => {
    const posts = 12_000;
    const yoda = await join("Yoda");
    for (let at = 0; at < posts; at += 400) {
      const batch = Array.from({ length: 400 }, (_, i) => `message ${at + i}`);
      await Promise.all(batch.map((text) => yoda.command({ op: "post", thread: 1, text })));
    }
    const slow = await join("Obi-Wan");
    const events = slow.events();
    await slow.follow("thread/1", 0);
    // Nothing was taken yet, and more has come than waits in a client: questions are answered all the same.
    const { thread } = await slow.command({ op: "find", title: "lobby" });
    assertEquals(thread.messages, posts);
    const seen: ForumEvent[] = [];
    for await (const what of events) {
      if (what.type !== "event") continue;
      seen.push(what.event);
      if (what.event.seq === thread.head) break;
    }
    assertEquals(seen.map(({ seq }) => seq), Array.from({ length: thread.head }, (_, i) => i + 1));
  });
});

Deno.test("a client that is put out of a private thread is told that it follows no more", async () => {
  await withForum(async ({ join }) => {
    const [yoda, obi] = [await join("Yoda"), await join("Obi-Wan")];
    const { thread } = await yoda.command({
      op: "create",
      title: "council",
      private: true,
      members: ["Obi-Wan"],
    });
    const scope = `thread/${thread}`;
    const events = obi.events();
    await obi.follow("user/obi-wan");
    await obi.follow(scope);
    await yoda.command({ op: "expel", thread, user: "Obi-Wan" });
    for await (const what of events) {
      if (what.type !== "unfollowed") continue;
      assertEquals([what.scope, what.name], [scope, "no-thread"]);
      break;
    }
  });
});

Deno.test("closing while a link is sought ends at once, and a stream that comes late is closed", () => {
  const session = createClientSession({
    random: (out) => out.fill(1),
    agent: "test",
    user: "Yoda",
  }, 0);
  assertEquals(session.next(), { kind: "dial" });
  session.close(1);
  assertEquals(session.next()?.kind, "closed");
  session.opened(2);
  assertEquals(session.next(), { kind: "hang-up" });
  assertEquals(session.next(), undefined);
});

Deno.test("after a break, a dial that fails is tried again, unless there is no sense in it", async () => {
  await withForum(async ({ join }) => {
    const failures: Error[] = [
      new Error("not now"),
      Object.assign(new Error("never"), { forGood: true }),
    ];
    let open: ByteStream | undefined;
    const yoda = await join("Yoda", (dial) => async () => {
      if (open === undefined) return open = await dial();
      throw failures.shift() ?? new Error("it was dialled once more");
    });
    const events = yoda.events();
    open!.close();
    const heard: string[] = [];
    for await (const what of events) {
      heard.push(what.type === "closed" ? `closed: ${what.text}` : what.type);
    }
    assertEquals(heard, ["offline", "closed: never"]);
    assertEquals(failures, []);
  });
});
