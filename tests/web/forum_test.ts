/**
 * The web client's forum without a browser: the signals that views are drawn from, on a real server.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { effect, type ReadonlySignal } from "@preact/signals";
import { connectForum, dialTcp, type ForumClient } from "../../client/mod.ts";
import { createAccount } from "../../client/web/state/account.ts";
import { type Alert, createForum, type Forum } from "../../client/web/state/forum.ts";
import { createMemoryStore, remember, remembered } from "../../client/web/state/keeping.ts";
import { CONFIG_DEFAULTS, startServer } from "../../server/mod.ts";

/** Somebody with the web client's state, but no page. */
interface Person {
  readonly forum: Forum;
  readonly client: ForumClient;
  readonly alerts: Alert[];
}

interface World {
  readonly dial: ReturnType<typeof dialTcp>;
  join(user: string): Promise<Person>;
}

const after = (ms: number, act: () => void) => void setTimeout(act, ms);

async function withWorld(test: (world: World) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "dfp-web-" });
  const server = await startServer(
    { ...CONFIG_DEFAULTS, port: 0, data },
    { adminPassword: "size matters not", write: () => Promise.resolve() },
  );
  const dial = dialTcp({
    hostname: "127.0.0.1",
    port: Number(server.addresses[0].split(":").at(-1)),
  });
  const clients: ForumClient[] = [];
  try {
    await test({
      dial,
      async join(user) {
        const client = await connectForum({ dial, user, password: "a password", register: true });
        clients.push(client);
        const alerts: Alert[] = [];
        let keys = 0;
        const forum = createForum({
          client,
          lasting: createMemoryStore(),
          passing: createMemoryStore(),
          clock: Date.now,
          newKey: () => `${user}-${++keys}`,
          after,
          hand: () => {},
          alert: (alert) => alerts.push(alert),
          closed: () => {},
        });
        await forum.start();
        return { forum, client, alerts };
      },
    });
  } finally {
    for (const client of clients) await client.close();
    await server.shutdown();
    await Deno.remove(data, { recursive: true });
  }
}

/** Waits until something that is looked at through signals is so. */
function becomes(fits: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = effect(() => {
    if (fits()) resolve();
  });
  return promise.finally(stop);
}

const texts = ({ open }: { open: ReadonlySignal<Forum["open"]["value"]> }) =>
  open.value?.timeline.value.items.map((item) => item.kind === "message" ? item.text : item.kind);

Deno.test("what is sent appears once, here and there, and is read where it is looked at", async () => {
  await withWorld(async ({ join }) => {
    const [yoda, leia] = [await join("Yoda"), await join("Leia")];
    await leia.forum.openAt(1);
    await yoda.forum.openAt(1);
    leia.forum.outbox.send({ to: { thread: 1 }, text: "one" });
    leia.forum.outbox.send({ to: { thread: 1 }, text: "two" });
    await becomes(() => texts(yoda.forum)?.length === 2 && texts(leia.forum)?.length === 2);
    assertEquals([texts(yoda.forum), texts(leia.forum)], [["one", "two"], ["one", "two"]]);
    await becomes(() => leia.forum.outbox.waiting.value.length === 0);
    assertEquals(yoda.forum.rows.value.get(1)?.unread, 0);
    // Who looks elsewhere has it unread, until the end is looked at again.
    yoda.forum.focused.value = false;
    leia.forum.outbox.send({ to: { thread: 1 }, text: "three, @Yoda" });
    await becomes(() => yoda.forum.rows.value.get(1)?.mentions === 1);
    assertEquals(yoda.alerts.map(({ text }) => text), ["three, @Yoda"]);
    yoda.forum.focused.value = true;
    yoda.forum.seen();
    assertEquals(yoda.forum.totals.value, { unread: 0, mentions: 0 });
    await becomes(() => (yoda.forum.rows.value.get(1)?.read ?? 0) >= 4);
  });
});

Deno.test("threads come and go by themselves, and private ones are told of", async () => {
  await withWorld(async ({ join }) => {
    const [yoda, leia] = [await join("Yoda"), await join("Leia")];
    const number = await leia.forum.create("Plans");
    assert(number !== undefined);
    await becomes(() => yoda.forum.rows.value.get(number)?.title === "Plans");
    // A thread that is new is followed from its beginning.
    leia.forum.outbox.send({ to: { thread: number }, text: "unread there" });
    await becomes(() => yoda.forum.rows.value.get(number)?.unread === 1);
    assertEquals(await leia.forum.create("plans"), undefined);
    assertEquals(leia.forum.complaint.value, "A thread of that title is there already.");
    leia.forum.outbox.send({ to: { user: "yoda" }, text: "psst" });
    await becomes(() => yoda.forum.conversation("Leia") !== undefined);
    await becomes(() => yoda.alerts.length === 1);
    assertEquals(yoda.alerts[0].text, "psst");
    await yoda.forum.openAt(number);
    await leia.client.command({ op: "remove", thread: number });
    await becomes(() => yoda.forum.open.value === undefined);
    assertEquals(yoda.forum.complaint.value, "This thread is no longer there.");
  });
});

Deno.test("a long thread is loaded as it is looked at, around any message", async () => {
  await withWorld(async ({ join }) => {
    const yoda = await join("Yoda");
    const posts = Array.from({ length: 200 }, (_, at) => `line ${at + 1}`);
    for (const text of posts) await yoda.client.command({ op: "post", thread: 1, text });
    await yoda.forum.openAt(1);
    assertEquals(texts(yoda.forum), posts.slice(-60));
    const opened = yoda.forum.open.value!;
    await opened.loadBefore();
    assertEquals(texts(yoda.forum), posts.slice(-120));
    const seq = 21;
    await yoda.forum.openAt(1, seq);
    assertEquals(opened.target.value, seq);
    assertEquals(opened.timeline.value.items.some((item) => item.seq === seq), true);
    while (opened.timeline.value.after) await opened.loadAfter();
    while (opened.timeline.value.before) await opened.loadBefore();
    assertEquals(texts(yoda.forum), posts);
    await yoda.forum.openAt(77);
    assert(yoda.forum.open.value!.fault.value!.includes("no such thread"));
  });
});

Deno.test("a file is shared, listed, and got again; stopping and going on loses nothing", async () => {
  await withWorld(async ({ join }) => {
    const yoda = await join("Yoda");
    const { forum } = yoda;
    await forum.openAt(1);
    const bytes = crypto.getRandomValues(new Uint8Array(50_000));
    forum.transfers.upload(1, new File([bytes], "holocron.bin", { lastModified: 1 }));
    await becomes(() => forum.files.value.length === 1);
    await becomes(() => forum.transfers.list.value.length === 0);
    const blob = await forum.transfers.fetch(1, forum.files.value[0], new AbortController().signal);
    assertEquals(await blob.bytes(), bytes);
    forum.transfers.upload(1, new File([new Uint8Array(9)], "holocron.bin"));
    await becomes(() => forum.transfers.list.value[0]?.state === "failed");
    forum.transfers.dismiss(forum.transfers.list.value[0].id);
    assertEquals(forum.transfers.list.value, []);
    forum.transfers.upload(1, new File([new Uint8Array(5_000_000)], "large.bin"));
    forum.transfers.stop(forum.transfers.list.value[0].id);
    await becomes(() => forum.transfers.list.value[0].state === "stopped");
    forum.transfers.resume(forum.transfers.list.value[0].id);
    await becomes(() => forum.files.value.length === 2);
  });
});

Deno.test("an account remembers what it was asked to, and forgets what has ended", async () => {
  await withWorld(async ({ dial }) => {
    const [lasting, passing] = [createMemoryStore(), createMemoryStore()];
    const entered: ForumClient[] = [];
    const make = () =>
      createAccount({
        dial,
        lasting,
        passing,
        after,
        entered: (client) => entered.push(client),
        left: () => {},
      });
    const account = make();
    assertEquals(account.resume(), false);
    const who = { user: "Yoda", password: "a password", register: false, stay: true };
    await account.signIn(who);
    assertEquals([account.standing.value, entered.length], ["out", 0]);
    assertEquals(account.fault.value, "The name or the password is wrong.");
    await account.signIn({ ...who, register: true });
    assertEquals([account.standing.value, remembered(passing)], ["in", undefined]);
    const session = remembered(lasting)!;

    // Another page goes on with it, and ends it.
    const next = make();
    assertEquals(next.resume(), true);
    await becomes(() => next.standing.value === "in");
    assertEquals(entered.map(({ user }) => user), ["Yoda", "Yoda"]);
    await next.signOut();
    assertEquals([next.standing.value, remembered(lasting)], ["out", undefined]);
    remember(lasting, session);
    const late = make();
    late.resume();
    await becomes(() => late.standing.value === "out");
    assertEquals(late.fault.value, "The session has ended. Please sign in again.");
    assertEquals(remembered(lasting), undefined);
    await account.signOut();
  });
});
