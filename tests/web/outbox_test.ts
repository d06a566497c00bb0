import { assertEquals } from "@std/assert";
import { ForumError } from "../../client/mod.ts";
import { createMemoryStore } from "../../client/web/state/keeping.ts";
import { createOutbox, type OutboxOptions, type Posted } from "../../client/web/state/outbox.ts";
import { STATUS, type StatusName } from "../../protocol/status.ts";

/** A server that answers when it is told to. */
function scene() {
  const asked: { op: string; key: string; text: string }[] = [];
  const answers: PromiseWithResolvers<unknown>[] = [];
  const posted: [string, Posted][] = [];
  const later: (() => void)[] = [];
  const store = createMemoryStore();
  let keys = 0;
  const options: OutboxOptions = {
    client: {
      command: (command: object) => {
        asked.push(command as typeof asked[0]);
        const answer = Promise.withResolvers<unknown>();
        answers.push(answer);
        // deno-lint-ignore no-explicit-any -- whatever the test answers
        return answer.promise as any;
      },
    },
    store,
    user: "Yoda",
    clock: () => 7,
    newKey: () => `k${++keys}`,
    after: (_, act) => later.push(act),
    posted: ({ key }, what) => posted.push([key, what]),
  };
  return { asked, answers, posted, later, store, options };
}

function refused(name: StatusName, wait?: number): ForumError {
  const { code, text } = STATUS[name];
  return new ForumError({ code, name, text, ...wait !== undefined && { detail: { wait } } });
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("a message waits until it is answered, and is told once", async () => {
  const { asked, answers, posted, options } = scene();
  const outbox = createOutbox(options);
  outbox.send({ to: { thread: 3 }, text: "hello", reply: 2 });
  assertEquals(
    asked,
    [
      { op: "post", key: "k1", thread: 3, text: "hello", reply: 2 },
    ] as unknown as typeof asked,
  );
  assertEquals(outbox.waiting.value.length, 1);
  answers[0].resolve({ seq: 9, number: 1, at: 5 });
  await settled();
  assertEquals(outbox.waiting.value, []);
  assertEquals(posted, [["k1", { thread: 3, seq: 9, number: 1, at: 5 }]]);
});

Deno.test("what was not answered is sent again by the next page, under the same key", async () => {
  const { asked, options, answers } = scene();
  createOutbox(options).send({ to: { user: "Leia" }, text: "psst" });
  const next = createOutbox({ ...options, newKey: () => "other" });
  next.resume();
  assertEquals(asked.map(({ op, key }) => [op, key]), [["tell", "k1"], ["tell", "k1"]]);
  answers[1].resolve({ thread: 4, seq: 2, number: 1, at: 5 });
  await settled();
  const third = createOutbox(options);
  third.resume();
  assertEquals([third.waiting.value, asked.length], [[], 2]);
});

Deno.test("a refusal is shown; it can be tried again or given up", async () => {
  const { asked, answers, options } = scene();
  const outbox = createOutbox(options);
  outbox.send({ to: { thread: 3 }, text: "hello" });
  answers[0].reject(refused("no-thread"));
  await settled();
  assertEquals(outbox.waiting.value[0].fault, STATUS["no-thread"].text);
  outbox.retry("k1");
  assertEquals([asked.length, outbox.waiting.value[0].fault], [2, undefined]);
  answers[1].reject(refused("no-thread"));
  await settled();
  outbox.discard("k1");
  assertEquals(outbox.waiting.value, []);
});

Deno.test("too much at once only waits; the end of the session loses nothing", async () => {
  const { asked, answers, later, options } = scene();
  const outbox = createOutbox(options);
  outbox.send({ to: { thread: 3 }, text: "hello" });
  answers[0].reject(refused("rate", 20));
  await settled();
  assertEquals([outbox.waiting.value[0].fault, later.length], [undefined, 1]);
  later[0]();
  assertEquals(asked.map(({ key }) => key), ["k1", "k1"]);
  answers[1].reject(refused("goodbye"));
  await settled();
  assertEquals(outbox.waiting.value.map(({ key, fault }) => [key, fault]), [["k1", undefined]]);
});
