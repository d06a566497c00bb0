/**
 * Files in the service: what becomes of transfers, of the bytes in the store and of what the log says about
 * them, when things happen in an order that nobody hopes for.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { deflateRawSync } from "node:zlib";
import { encodeMessage } from "../protocol/message.ts";
import { STATUS } from "../protocol/status.ts";
import { fileCaller, noise, sha256Of } from "./file_caller.ts";
import { runs } from "./runs.ts";
import { type Scene, withScene } from "./service_scene.ts";

const HOUR = 3_600_000;

/** Lets the housekeeping do all that it can do by now. */
function tidy(scene: Scene): void {
  for (let round = 0; round < 4; round++) {
    scene.log.tidy(scene.now);
    scene.service.tidyFiles();
    scene.settle();
  }
}

/** The sizes of the contents that the store has. */
function contents({ disk }: Scene): number[] {
  return [...disk.kept.values()].map(({ bytes }) => bytes.length).sort((a, b) => a - b);
}

Deno.test("a number that carries a file already opens no other, and harms nobody", () => {
  withScene((scene) => {
    const ada = fileCaller(scene, "Ada");
    const { client, heard } = ada.caller;
    const refused = (id: number) =>
      heard.flatMap((what) => what.kind === "refused" && what.id === id ? [what.refused.name] : []);
    const upload = ada.upload(noise(100), { hold: true });
    const { id } = upload;
    client.command(id, { op: "upload", thread: 1, name: "second", size: 9, key: "second" });
    ada.talk();
    client.command(id, { op: "upload", thread: 1, name: "third", size: 9, key: "third" });
    client.command(id, { op: "download", thread: 1, file: 1, upto: 9 });
    ada.talk();
    assertEquals(refused(id), ["bad-field", "bad-field", "no-file"]);
    ada.finish(upload);
    ada.talk();
    assertEquals(upload.state, "kept");
    const stalled = ada.download(upload.file, { upto: 10, id });
    ada.talk();
    assertEquals(stalled.bytes.length, 10, "a number that is free again opens another");
    client.command(id, { op: "download", thread: 1, file: upload.file, upto: 9 });
    ada.talk();
    assertEquals(refused(id).at(-1), "bad-field");
  });
});

Deno.test("large uploads come whole through lent memory, with talk between, however they are read and given up", () => {
  const upload = fc.record({
    size: fc.integer({ min: 1_000_000, max: 5_000_000 }),
    seed: fc.integer({ min: 1, max: 1000 }),
    given: fc.boolean(),
  });
  const most = fc.array(fc.integer({ min: 1000, max: 2_000_000 }), { minLength: 1 });
  const windows = fc.constantFrom(70_000, 1_000_000, 4_000_000);
  const uploads = fc.array(upload, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(uploads, windows, most, (uploads, window, most) => {
      withScene((scene) => {
        const ada = fileCaller(scene, "Ada");
        const { caller } = ada;
        let turn = 0;
        let used = 0;
        const { session } = caller;
        const readInto = session.readInto.bind(session);
        const posts: number[] = [];
        session.readInto = () => {
          caller.readMost = most[turn++ % most.length];
          if (turn % 4 === 0 && posts.length < 20) {
            const id = 1000 + turn;
            posts.push(id);
            caller.client.command(id, { op: "post", thread: 1, text: "hi", key: String(id) });
          }
          const place = readInto();
          if (place !== undefined) used++;
          return place;
        };
        const files = uploads.map(({ size, seed, given }) => {
          const bytes = noise(size, seed);
          return { bytes, file: ada.upload(bytes, { hold: true }), given };
        });
        ada.talk();
        for (const { file, given } of files) {
          if (given) ada.finish(file);
          else ada.cancel(file);
          ada.talk();
        }
        for (const { file, given } of files) assertEquals(file.state === "kept", given);
        const replied = caller.heard.flatMap((what) => what.kind === "done" ? [what.id] : []);
        for (const id of posts) assert(replied.includes(id), "talk between files was not heard");
        assert(used > 0 || uploads.every(({ size }) => size < 2_500_000));
        tidy(scene);
        const right = new Set(files.flatMap(({ bytes, given }) => given ? [sha256Of(bytes)] : []));
        assertEquals([...scene.disk.kept.keys()].sort(), [...right].sort());
        // The store in memory copies nothing, so whatever was written over later shows.
        for (const [sha256, { bytes }] of scene.disk.kept) assertEquals(sha256Of(bytes), sha256);
      }, { fileLimits: { window } });
    }),
    { numRuns: runs(30) },
  );
});

Deno.test("bytes that come deflated though nobody agreed to it end the upload, and what came before stays", () => {
  withScene((scene) => {
    const ada = fileCaller(scene, "Ada");
    ada.caller.watcher = () => {};
    const { client, session, heard } = ada.caller;
    client.command(7, { op: "upload", thread: 1, name: "plan", size: 2000, key: "7" });
    ada.talk();
    client.transfers.send(7, { size: 2000, offset: 0, upto: 2000 });
    const deflated = new Uint8Array(deflateRawSync(new Uint8Array(600)));
    for (
      const message of [
        { kind: "data", id: 7, body: { bytes: new Uint8Array(900) } },
        { kind: "packed", id: 7, body: { raw: 600, bytes: deflated } },
      ] as const
    ) session.receive(encodeMessage(message), scene.now);
    ada.talk();
    const ends = heard.flatMap((what) => what.kind === "transfer" ? [what.event] : []);
    const [end] = ends.filter((event) => event.what === "abort");
    assertEquals(end.abort.code, STATUS["bad-content"].code);
    assertEquals([...scene.disk.partials.values()].map(({ length }) => length), [900]);
  });
});

Deno.test("an upload that is given up behind its last byte is not shared, and leaves nothing", () => {
  withScene((scene) => {
    const ada = fileCaller(scene, "Ada");
    const file = ada.upload(noise(1000), { hold: true });
    ada.talk();
    ada.finish(file);
    ada.send();
    ada.cancel(file);
    ada.talk();
    tidy(scene);
    assertEquals([contents(scene), scene.log.view.fileCount(1)], [[], 0]);
    assertEquals(scene.log.uploadsOf("ada"), { count: 0, bytes: 0 });
    const again = ada.upload(noise(1000), { name: `file ${file.id}` });
    ada.talk();
    tidy(scene);
    assertEquals([again.state, contents(scene)], ["kept", [1000]]);
  });
});

Deno.test("what is refused when it has come leaves no bytes behind", () => {
  withScene((scene) => {
    const [ada, ben] = [fileCaller(scene, "Ada"), fileCaller(scene, "Ben")];
    const one = ada.upload(noise(1000, 1), { name: "both", hold: true });
    const other = ben.upload(noise(2000, 2), { name: "both", hold: true });
    ada.talk();
    ben.talk();
    ada.finish(one);
    ada.talk();
    ben.finish(other);
    ben.talk();
    assertEquals([one.state, other.state], ["kept", "file-exists"]);
    assertEquals(contents(scene), [1000]);
    assertEquals(scene.log.uploadsOf("ben").count, 0);
  });
});

Deno.test("bytes that are refused for one stay for another who shares the same at that moment", () => {
  withScene((scene) => {
    const [ada, ben, cid] = ["Ada", "Ben", "Cid"].map((user) => fileCaller(scene, user));
    const first = ada.upload(noise(1000, 1), { name: "both", hold: true });
    const refused = ben.upload(noise(2000, 2), { name: "both", hold: true });
    const shared = cid.upload(noise(2000, 2), { name: "of Cid", hold: true });
    for (const caller of [ada, ben, cid]) caller.talk();
    ada.finish(first);
    ada.talk();
    ben.finish(refused);
    ben.send();
    cid.finish(shared);
    cid.send();
    ben.talk();
    cid.talk();
    assertEquals([refused.state, shared.state], ["file-exists", "kept"]);
    tidy(scene);
    assertEquals(contents(scene), [1000, 2000]);
    const down = cid.download(shared.file);
    cid.talk();
    assertEquals(down.state, "kept");
  });
});

Deno.test("who comes back while the store finishes the file gets the reply, and sends nothing again", () => {
  withScene((scene) => {
    const ada = fileCaller(scene, "Ada");
    const bytes = noise(5000);
    const fields = { name: "plan", key: "k" };
    const file = ada.upload(bytes, { ...fields, hold: true });
    ada.talk();
    const later = fileCaller(scene, "Ada", "again");
    ada.finish(file);
    ada.send();
    ada.caller.session.receiveBreak(scene.now);
    const again = later.upload(bytes, fields);
    later.talk();
    assertEquals([again.state, again.offset], ["kept", 0]);
    assertEquals(scene.log.view.fileCount(1), 1);
    assert(
      !later.caller.heard.some((what) => what.kind === "transfer"),
      "no byte was asked for again",
    );
    assertEquals(scene.disk.partials.size, 0);
  });
});

Deno.test("another name for what is being finished is decided when that is over", () => {
  withScene((scene) => {
    const ada = fileCaller(scene, "Ada");
    const bytes = noise(5000);
    const file = ada.upload(bytes, { name: "plan", hold: true });
    ada.talk();
    ada.finish(file);
    // The same upload under another key, as another process of hers would begin it.
    const again = ada.upload(bytes, { name: "plan", sha256: undefined });
    ada.talk();
    assertEquals([file.state, again.state], ["kept", "file-exists"]);
    assertEquals(scene.disk.partials.size, 0);
  });
});

Deno.test("what came of a file for which there is no room makes room for talk, and it can be begun anew", () => {
  withScene((scene) => {
    scene.disk.capacity = 2000;
    const ada = fileCaller(scene, "Ada");
    const bytes = noise(5000);
    const file = ada.upload(bytes, { name: "large" });
    ada.talk();
    assertEquals([file.state, scene.disk.used], ["storage-full", 0]);
    assertEquals(scene.log.uploadsOf("ada").count, 0);
    scene.disk.capacity = Infinity;
    const again = ada.upload(bytes, { name: "large", key: "again" });
    ada.talk();
    assertEquals([again.state, again.offset], ["kept", 0]);
  });
});

Deno.test("an upload that nobody went on with is forgotten after a day, unless somebody just did", () => {
  withScene((scene) => {
    const ada = fileCaller(scene, "Ada");
    const bytes = noise(3000);
    ada.upload(bytes, { name: "stale", hold: true });
    ada.talk();
    ada.caller.session.receiveBreak(scene.now);
    scene.settle();
    assertEquals(scene.disk.partials.size, 1);
    scene.now += 25 * HOUR;
    const later = fileCaller(scene, "Ada", "again");
    // The housekeeping has begun to discard it, and in that moment she goes on with it.
    scene.service.tidyFiles();
    const again = later.upload(bytes, { name: "stale", hold: true });
    later.talk();
    assertEquals(again.state, "under way");
    assertEquals(scene.log.uploadsOf("ada").count, 1, "the log knows what is under way");
    later.caller.session.receiveBreak(scene.now);
    scene.settle();
    scene.now += 25 * HOUR;
    tidy(scene);
    assertEquals([scene.disk.partials.size, scene.log.uploadsOf("ada").count], [0, 0]);
  });
});

Deno.test("bytes of an upload that the log does not know are found within a day, not only at the start", () => {
  withScene((scene) => {
    tidy(scene);
    scene.disk.partials.set(77, { pieces: [noise(10)], length: 10 });
    scene.now += 25 * HOUR;
    tidy(scene);
    assertEquals(scene.disk.partials.size, 0);
  });
});

Deno.test("a file under way keeps its session from being idle; one that stands still does not", () => {
  withScene((scene) => {
    const ada = fileCaller(scene, "Ada");
    const file = ada.upload(noise(3000), { hold: true });
    ada.talk();
    scene.now = 900;
    ada.finish(file);
    ada.talk();
    assertEquals(file.state, "kept");
    scene.now = 1500;
    scene.service.handleTimeouts(scene.now);
    assertEquals(ada.caller.session.over, false);
    const down = ada.download(file.file, { upto: 100 });
    ada.talk();
    scene.now = 2600;
    scene.service.handleTimeouts(scene.now);
    ada.talk();
    assertEquals([down.state, ada.caller.ending()], ["under way", "idle"]);
  }, { idleTimeout: 1000 });
});

Deno.test("an upload of any size comes to its end, whatever the window is and wherever it begins", () => {
  const window = fc.oneof(
    fc.constantFrom(70_000, 130_000, 131_072, 200_000, 262_144, 524_288),
    fc.integer({ min: 30_000, max: 600_000 }),
  );
  fc.assert(
    fc.property(window, fc.nat(1_500_000), fc.nat(1_500_000), (window, size, part) => {
      withScene((scene) => {
        const ada = fileCaller(scene, "Ada");
        const there = Math.min(size, part);
        scene.log.transact((tx) => {
          tx.putUpload({ user: "ada", thread: 1, name: "any", size, at: 0 });
        }, () => {});
        const bytes = new Uint8Array(size).fill(7);
        scene.disk.partials.set(1, { pieces: [bytes.subarray(0, there)], length: there });
        const file = ada.upload(bytes, { name: "any" });
        ada.talk();
        assertEquals([file.state, file.offset], ["kept", there]);
      }, { fileLimits: { window } });
    }),
    { numRuns: runs(60) },
  );
});

Deno.test("DESIGN §13: a resent file is not appended to the old one: it goes on where the bytes end", () => {
  withScene((scene) => {
    const ada = fileCaller(scene, "Ada");
    const bytes = noise(300_000);
    ada.upload(bytes, { name: "resent", hold: true });
    ada.talk();
    ada.caller.session.receiveBreak(scene.now);
    scene.settle();
    const later = fileCaller(scene, "Ada", "again");
    const again = later.upload(bytes, { name: "resent" });
    later.talk();
    assertEquals([again.state, again.offset], ["kept", bytes.length - 1]);
    assertEquals([...scene.disk.kept.keys()], [sha256Of(bytes)]);
  });
});
