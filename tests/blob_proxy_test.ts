/**
 * The near side of a store, with a far side that does only what the test says.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { BlobReply, BlobRequest } from "../server/blob/blob_message.ts";
import { createStoreProxy, type StoreProxy } from "../server/blob/store_proxy.ts";
import type { NearSide } from "../server/blob/store_sides.ts";
import { has, remove, sha256Of, startUpload, statusOf, uploads } from "./blob_scene.ts";

const DIGEST = "0f".repeat(32);

/** A far side that was connected. */
interface Far {
  readonly near: NearSide;
  /** Batches that were sent. */
  readonly batches: BlobRequest[][];
  readonly buffers: ArrayBuffer[];
  ended: boolean;
  tell(...replies: BlobReply[]): void;
}

function scene(): { store: StoreProxy; fars: Far[]; flush: () => void } {
  const fars: Far[] = [];
  const deferred: (() => void)[] = [];
  const store = createStoreProxy({
    connect(near) {
      const far: Far = {
        near,
        batches: [],
        buffers: [],
        ended: false,
        tell: (...replies) => near.hear(replies),
      };
      fars.push(far);
      return {
        send(requests, buffers) {
          far.batches.push(requests);
          far.buffers.push(...buffers);
        },
        end: () => far.ended = true,
      };
    },
    defer: (run) => deferred.push(run),
  });
  return { store, fars, flush: () => deferred.splice(0).forEach((run) => run()) };
}

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  return await Promise.race([promise, Promise.resolve(pending)]) !== pending;
}

Deno.test("what is asked in one turn goes out together, with the buffers", async () => {
  const { store, fars, flush } = scene();
  assertEquals(fars.length, 0, "nobody is woken before there is something to do");
  const upload = startUpload(store, 1, { size: 9, packed: true });
  const asked = uploads(store);
  flush();
  assertEquals(fars[0].batches.map((batch) => batch.map(({ op }) => op)), [["open-writer", "ask"]]);
  fars[0].tell({ id: 1, told: "opened", at: 0 }, { id: 2, told: "answer", answer: [1] });
  assertEquals([await upload.opened, await asked], [0, [1]]);
  const bytes = new Uint8Array([1, 2, 3]);
  upload.writer.write(bytes);
  upload.writer.writePacked(new Uint8Array(4), 6);
  upload.writer.finish(DIGEST);
  flush();
  flush();
  assertEquals(fars[0].batches.length, 2);
  assertEquals(fars[0].batches[1].map(({ op }) => op), ["write", "write-packed", "finish"]);
  assertEquals(fars[0].buffers.map(({ byteLength }) => byteLength), [3, 4]);
  assertEquals(bytes.length, 0);
});

Deno.test("the near side hashes what it sees from its beginning", async () => {
  const { store, fars, flush } = scene();
  const hashOf = async (at: number, packed: boolean) => {
    const { writer, opened } = startUpload(store, 1, { size: 9, packed });
    flush();
    const { id } = fars[0].batches.at(-1)![0];
    fars[0].tell({ id, told: "opened", at });
    await opened;
    const bytes = new TextEncoder().encode("<a>bc");
    writer.show(bytes.subarray(1, 2));
    writer.write(bytes.subarray(1, 2), bytes.subarray(3));
    writer.finish(DIGEST);
    flush();
    const [, finish] = fars[0].batches.at(-1)!;
    assert(finish.op === "finish");
    return finish.found;
  };
  const sha256 = sha256Of(new TextEncoder().encode("abc"));
  assertEquals(await hashOf(0, false), { sha256, size: 3 });
  assertEquals(await hashOf(1, false), undefined, "somebody else has seen the beginning");
  assertEquals(await hashOf(0, true), undefined, "some of it may be seen deflated only");
});

Deno.test("who hashes says where bytes go, and whether what is before them is stored", async () => {
  const { store, fars, flush } = scene();
  const { writer, opened } = startUpload(store, 1, { size: 9 });
  flush();
  fars[0].tell({ id: 1, told: "opened", at: 0 });
  await opened;
  const write = (count: number) => writer.write(new Uint8Array(count));
  write(4);
  write(2);
  fars[0].tell({ id: 1, told: "stored", count: 4 });
  write(1);
  fars[0].tell({ id: 1, told: "stored", count: 2 }, { id: 1, told: "stored", count: 1 });
  write(2);
  flush();
  const [, ...writes] = fars[0].batches.flat();
  assertEquals(writes.map((request) => request.op === "write" && request.place), [
    { at: 0, behind: false },
    { at: 4, behind: true },
    { at: 6, behind: true },
    { at: 7, behind: false },
  ]);
});

Deno.test("a far side that breaks is replaced, questions are asked again, but once only", async () => {
  const { store, fars, flush } = scene();
  const upload = startUpload(store, 1, { size: 9 });
  const answers = [uploads(store), has(store, DIGEST), remove(store, DIGEST)];
  flush();
  fars[0].near.broken("it fell");
  assertEquals(statusOf(await upload.over), "internal");
  assertEquals(fars.length, 2);
  flush();
  assertEquals(fars[1].batches[0].map(({ op }) => op), ["ask", "ask", "ask"]);
  fars[0].tell({ id: 2, told: "answer", answer: [7] });
  fars[0].near.broken("again");
  assert(!await isSettled(answers[0]), "what is broken is not heard any more");
  fars[1].near.broken("it fell, too");
  assertEquals(await answers[0], []);
  assertEquals(await answers[1], undefined);
  assertEquals(statusOf(await answers[2]), "internal");
  flush();
  assertEquals(fars.length, 2, "nobody asks any more");
  const later = uploads(store);
  flush();
  const { id } = fars[2].batches[0][0];
  fars[2].tell({ id, told: "answer", answer: [3] });
  assertEquals(await later, [3]);
});

Deno.test("what was not sent when the far side broke is not sent to the next", async () => {
  const { store, fars, flush } = scene();
  const upload = startUpload(store, 1, { size: 9 });
  flush();
  fars[0].tell({ id: 1, told: "opened", at: 0 });
  await upload.opened;
  upload.writer.write(new Uint8Array(9));
  fars[0].near.broken("it fell");
  const asked = uploads(store);
  flush();
  assertEquals(fars[1].batches.flat().map(({ op }) => op), ["ask"]);
  assertEquals(fars[1].buffers, []);
  fars[1].tell({ id: fars[1].batches[0][0].id, told: "answer", answer: [] });
  assertEquals(await asked, []);
});

Deno.test("closing waits for the far side, or for its breaking", async () => {
  for (const breaks of [false, true]) {
    const { store, fars, flush } = scene();
    const asked = uploads(store);
    const closing = store.close();
    flush();
    const [first, second] = fars[0].batches[0];
    assert(!await isSettled(closing));
    if (breaks) {
      fars[0].near.broken("it fell");
    } else {
      fars[0].tell({ id: first.id, told: "answer", answer: [] });
      assert(!await isSettled(closing));
      fars[0].tell({ id: second.id, told: "answer", answer: undefined });
      assert(fars[0].ended);
    }
    await closing;
    assertEquals(await asked, []);
    flush();
    assertEquals(fars.length, 1);
    assertThrows(() => store.uploads(() => {}), Error, "closed");
  }
  const { store, fars } = scene();
  await store.close();
  assertEquals(fars.length, 0, "there is nothing to wait for");
});

Deno.test("an abandoned store tells nothing, and does nothing", async () => {
  const { store, fars, flush } = scene();
  const upload = startUpload(store, 1, { size: 9 });
  const asked = uploads(store);
  flush();
  store.abandon();
  assert(fars[0].ended);
  fars[0].tell({ id: 1, told: "opened", at: 0 }, { id: 2, told: "answer", answer: [] });
  fars[0].near.broken("it fell");
  upload.writer.close();
  const late = has(store, DIGEST);
  flush();
  for (const promise of [upload.opened, upload.over, asked, late]) {
    assert(!await isSettled(promise));
  }
  assertEquals(fars.length, 1);
  await store.close();
});
