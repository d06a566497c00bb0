/**
 * Files of this machine on their way up and down: what is read, where it lands, and what is never written over.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { homedir } from "node:os";
import { setImmediate } from "node:timers";
import { DiskError } from "../client/disk/disk_error.ts";
import { type DiskSource, openSource } from "../client/disk/disk_source.ts";
import { localPaths, MATCHES_MAX } from "../client/disk/local_paths.ts";
import { openPart } from "../client/disk/part_file.ts";
import { PIECE_BYTES, saveFile } from "../client/disk/save_file.ts";
import { HASHED_FIRST_BYTES, shareFile } from "../client/disk/share_file.ts";
import { createSha256 } from "../client/files/sha256.ts";
import {
  type DownloadOptions,
  ForumError,
  type IncomingFile,
  type UploadOptions,
} from "../client/mod.ts";
import type { FileRow } from "../protocol/forum/reply.ts";
import { STATUS, type StatusName } from "../protocol/status.ts";

function test(name: string, run: (folder: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const folder = Deno.makeTempDirSync({ prefix: "dfp-disk-" });
    try {
      await run(folder);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

function bytesOf(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed + (at >> 8)) & 0xff);
}

function sha256Of(bytes: Uint8Array): string {
  const hash = createSha256();
  hash.update(bytes);
  return hash.hex();
}

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const forumError = (name: StatusName) => new ForumError({ ...STATUS[name], name });

async function trouble(asked: Promise<unknown>): Promise<[StatusName, string]> {
  const error = await assertRejects(() => asked, DiskError);
  return [error.status, error.message];
}

function rowOf(bytes: Uint8Array, name = "holocron.bin"): FileRow {
  const sha256 = sha256Of(bytes);
  return { seq: 7, name, by: "Yoda", at: 0, size: bytes.length, type: "text/plain", sha256 };
}

/**
 * A client that gives these bytes, or fails after so many; it writes down from where it was asked, and which bytes were
 * taken before the stream got them.
 */
function giving(bytes: Uint8Array, { failAfter = Infinity, hashed = sha256Of(bytes) } = {}) {
  const offsets: number[] = [];
  const taken: number[] = [];
  const download = async ({ have, take }: DownloadOptions): Promise<IncomingFile> => {
    const offset = have?.size ?? 0;
    offsets.push(offset);
    const whole = new Uint8Array(bytes.length);
    for (let at = 0; at < offset;) at += await have!.read(at, whole.subarray(at, offset));
    whole.set(bytes.subarray(offset), offset);
    const right = sha256Of(whole) === hashed;
    const parts: Uint8Array[] = [];
    for (let at = offset; at < bytes.length; at += 1000) {
      parts.push(bytes.slice(at, at + 1000));
    }
    let sent = 0;
    const stream = new ReadableStream({
      type: "bytes",
      async pull(controller) {
        // What has come is dealt with before more does.
        await new Promise((resolve) => setImmediate(resolve));
        for (;;) {
          if (sent >= failAfter) return controller.error(forumError("lost"));
          const part = parts.shift();
          if (part === undefined) break;
          const at = offset + sent;
          sent += part.length;
          if (!take?.(part, at)) return controller.enqueue(part);
          taken.push(at);
          // The next bytes come into the same array.
          part.fill(0xa5);
        }
        if (!right) return controller.error(forumError("bad-content"));
        controller.close();
        controller.byobRequest?.respond(0);
      },
    }, { highWaterMark: 0 });
    return { ...rowOf(bytes), offset, stream };
  };
  return { client: { download }, offsets, taken };
}

test("a download appears under its name when it is whole, and not before", async (folder) => {
  const bytes = bytesOf(3 * PIECE_BYTES + 5);
  const downloads = `${folder}/made/when needed`;
  const { client } = giving(bytes, { failAfter: 2.5 * PIECE_BYTES });
  const options = { thread: 1, file: rowOf(bytes), folder: downloads };
  await assertRejects(() => saveFile({ ...options, client }), ForumError);
  const part = `.${sha256Of(bytes).slice(0, 16)}.part`;
  assertEquals(namesIn(downloads), [part]);
  assertEquals(Deno.statSync(`${downloads}/${part}`).size, 2 * PIECE_BYTES, "whole pieces");
  const rest = giving(bytes);
  const path = await saveFile({ ...options, client: rest.client });
  assertEquals(rest.offsets, [2 * PIECE_BYTES], "it goes on where it was cut off");
  assertEquals([path, namesIn(downloads)], [`${downloads}/holocron.bin`, ["holocron.bin"]]);
  assertEquals(Deno.readFileSync(path), bytes);
});

test("on a quick disk what comes is written on the spot, once all before it is", async (folder) => {
  const bytes = bytesOf(8 * PIECE_BYTES + 5);
  const options = { thread: 1, file: rowOf(bytes), folder };
  for (const quick of [Infinity, 0]) {
    const { client, taken } = giving(bytes);
    const path = await saveFile({ ...options, client, quick });
    assertEquals(Deno.readFileSync(path), bytes);
    // The first pieces go by the stream, until it is known.
    const last = Math.floor(bytes.length / 1000) * 1000;
    assertEquals(
      [taken.length > 100, taken.at(-1)],
      quick === 0 ? [false, undefined] : [true, last],
    );
  }
  const broken = giving(bytes, { failAfter: 7.5 * PIECE_BYTES });
  await assertRejects(() => saveFile({ ...options, client: broken.client, quick: Infinity }));
  const part = `${folder}/.${sha256Of(bytes).slice(0, 16)}.part`;
  assertEquals(Deno.statSync(part).size, broken.taken.at(-1)! + 1000, "all that came is there");
  const rest = giving(bytes);
  const path = await saveFile({ ...options, client: rest.client, quick: Infinity });
  assertEquals(Deno.readFileSync(path), bytes);
});

test("no file is written over: the next one is numbered, however many come at once", async (folder) => {
  Deno.writeTextFileSync(`${folder}/holocron.bin`, "mine");
  Deno.symlinkSync(`${folder}/elsewhere`, `${folder}/holocron (2).bin`);
  const bytes = bytesOf(5000);
  const { client } = giving(bytes);
  const save = () => saveFile({ thread: 1, file: rowOf(bytes), folder, client });
  const paths = await Promise.all(Array.from({ length: 5 }, save));
  assertEquals(
    paths.sort(),
    [3, 4, 5, 6, 7].map((number) => `${folder}/holocron (${number}).bin`),
  );
  for (const path of paths) assertEquals(Deno.readFileSync(path), bytes);
  assertEquals(Deno.readTextFileSync(`${folder}/holocron.bin`), "mine");
  assertEquals(namesIn(folder).length, 7, "nothing else is there");
});

test("a part that holds something else is dropped, and all comes anew, once", async (folder) => {
  const bytes = bytesOf(5000);
  const part = `${folder}/.${sha256Of(bytes).slice(0, 16)}.part`;
  Deno.writeFileSync(part, bytesOf(2000, 9));
  const { client, offsets } = giving(bytes);
  const options = { thread: 1, file: rowOf(bytes), folder };
  const path = await saveFile({ ...options, client });
  assertEquals(offsets, [2000, 0]);
  assertEquals(Deno.readFileSync(path), bytes);
  Deno.writeFileSync(part, bytesOf(2000, 9));
  const wrong = giving(bytes, { hashed: "never" });
  await assertRejects(() => saveFile({ ...options, client: wrong.client }), ForumError);
  assertEquals(wrong.offsets, [2000, 0]);
  assertEquals(namesIn(folder), ["holocron.bin"], "what is wrong does not stay");
});

test("a part that is longer than the file, or has a name too, is not gone on with", async (folder) => {
  const bytes = bytesOf(3000);
  const part = `${folder}/.${sha256Of(bytes).slice(0, 16)}.part`;
  Deno.writeFileSync(part, bytesOf(4000));
  const { client, offsets } = giving(bytes);
  await saveFile({ thread: 1, file: rowOf(bytes), folder, client });
  Deno.writeTextFileSync(`${folder}/somebody's`, "text");
  Deno.linkSync(`${folder}/somebody's`, part);
  await saveFile({ thread: 1, file: rowOf(bytes), folder, client });
  assertEquals(offsets, [0, 0]);
  assertEquals(Deno.readTextFileSync(`${folder}/somebody's`), "text");
});

test("DESIGN §13: two downloads of the same content do not write to one part", async (folder) => {
  const content = { sha256: "ab".repeat(32), size: 100 };
  const one = await openPart(folder, content);
  const other = await openPart(folder, content);
  assert(one.path !== other.path);
  await one.write(bytesOf(60));
  await one.close();
  await other.close();
  assertEquals(namesIn(folder), [`.${"ab".repeat(8)}.part`], "an empty part does not stay");
  const again = await openPart(folder, content);
  assertEquals([again.path, again.size], [one.path, 60]);
  await again.drop();
  await again.close();
  assertEquals(namesIn(folder), []);
});

for (const [disk, quick] of [["a quick", Infinity], ["a slow", 0], ["this", undefined]] as const) {
  test(`on ${disk} disk a part takes pieces of any size, and goes on`, async (folder) => {
    const bytes = bytesOf(700_000);
    const content = { sha256: sha256Of(bytes), size: bytes.length };
    const options = quick === undefined ? {} : { quick };
    const waited: boolean[] = [];
    for (const cuts of [[1, 2, 100_000, 100_000, 400_000], [400_001, 700_000]]) {
      const part = await openPart(folder, content, options);
      for (const end of cuts) {
        waited.push(!part.quick);
        await part.write(bytes.subarray(part.size, end));
      }
      await part.close();
    }
    if (quick !== undefined) {
      // Whether a disk is quick is not known before the first piece.
      assertEquals(waited, [0, 1, 2, 3, 4, 0, 1].map((nth) => nth === 0 || quick === 0));
    }
    const whole = await openPart(folder, content, options);
    assertEquals(Deno.readFileSync(await whole.keep("x")), bytes);
    await whole.close();
  });
}

test("bytes are written on the spot only where they belong, and what hinders it is told in a sentence", async (folder) => {
  const bytes = bytesOf(300);
  const content = { sha256: sha256Of(bytes), size: bytes.length };
  const part = await openPart(folder, content, { quick: Infinity });
  const now = (from: number, to: number) => part.writeNow(bytes.subarray(from, to), from);
  assertEquals(now(0, 10), false, "whether it is quick is not known");
  const writing = part.write(bytes.subarray(0, 100));
  assertEquals(now(100, 200), false, "what comes before is being written");
  await writing;
  assertEquals([now(101, 200), now(99, 200), part.size], [false, false, 100]);
  assertEquals([now(100, 250), part.size], [true, 250]);
  const { writeSync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.writeSync = () => {
    throw Object.assign(new Error("No space left (os error 28)"), { code: "ENOSPC" });
  };
  try {
    const error = assertThrows(() => now(250, 300), DiskError);
    assertEquals([error.status, error.message], [
      "storage-full",
      `There is no room for ${part.path}.`,
    ]);
  } finally {
    Deno.FsFile.prototype.writeSync = writeSync;
  }
  assertEquals([part.size, now(250, 300)], [250, true], "with room it is gone on with");
  assertEquals(Deno.readFileSync(await part.keep("x")), bytes);
  await part.close();
});

test("a link in the place of a part is not followed", async (folder) => {
  const content = { sha256: "cd".repeat(32), size: 100 };
  Deno.writeTextFileSync(`${folder}/diary`, "dear");
  Deno.symlinkSync(`${folder}/diary`, `${folder}/.${"cd".repeat(8)}.part`);
  const part = await openPart(folder, content);
  await part.write(bytesOf(50));
  await part.close();
  assertEquals(Deno.readTextFileSync(`${folder}/diary`), "dear");
});

test("where a file can have no second name, nothing is written over either", async (folder) => {
  Deno.writeTextFileSync(`${folder}/holocron.bin`, "mine");
  const bytes = bytesOf(3000);
  const { client } = giving(bytes);
  const { link } = Deno;
  Deno.link = () => Promise.reject(Object.assign(new Error("not here"), { code: "EPERM" }));
  try {
    const path = await saveFile({ thread: 1, file: rowOf(bytes), folder, client });
    assertEquals(path, `${folder}/holocron (2).bin`);
    assertEquals(Deno.readFileSync(path), bytes);
  } finally {
    Deno.link = link;
  }
  assertEquals(namesIn(folder), ["holocron (2).bin", "holocron.bin"]);
  assertEquals(Deno.readTextFileSync(`${folder}/holocron.bin`), "mine");
});

test("a folder that cannot be written to is told in a sentence", async (folder) => {
  Deno.writeTextFileSync(`${folder}/file`, "");
  const [status, text] = await trouble(openPart(`${folder}/file/x`, { sha256: "0", size: 1 }));
  assertEquals(status, "internal");
  assertMatch(text, /file\/x cannot be written: \w.*[^)]\.$/);
});

/** A client that takes uploads, after having refused some. */
function taking(refusals: ForumError[] = [], files: Partial<FileRow>[] = []) {
  const taken: { options: UploadOptions; bytes: Uint8Array }[] = [];
  const client = {
    user: "Yoda",
    command: () => Promise.resolve({ files, more: false }) as never,
    async upload(options: UploadOptions) {
      const { content } = options;
      assert("read" in content);
      const bytes = new Uint8Array(content.size);
      for (let at = 0; at < content.size;) {
        at += await content.read(at, bytes.subarray(at, Math.min(at + 65_536, content.size)));
      }
      taken.push({ options, bytes });
      const refusal = refusals.shift();
      if (refusal !== undefined) throw refusal;
      return { file: 9, at: 5, sha256: sha256Of(bytes) };
    },
  };
  return { client, taken };
}

test("a file is shared under its own name, with what tells it from another", async (folder) => {
  const bytes = bytesOf(700_000);
  Deno.writeFileSync(`${folder}/a b.jpg`, bytes);
  Deno.utimeSync(`${folder}/a b.jpg`, 1000, 1234.567);
  const { client, taken } = taking();
  const source = await openSource(`${folder}/a b.jpg`);
  assertEquals((await shareFile({ client, thread: 3, source })).file, 9);
  const [{ options: { content: _, ...told }, bytes: sent }] = taken;
  assertEquals(sent, bytes);
  assertEquals(told, {
    thread: 3,
    name: "a b.jpg",
    type: "image/jpeg",
    modified: 1_234_567,
    sha256: sha256Of(bytes),
  });
});

test("a large file is not hashed beforehand, unless the forum may have it already", async (folder) => {
  const bytes = new Uint8Array(HASHED_FIRST_BYTES + 1).fill(7);
  Deno.writeFileSync(`${folder}/large`, bytes);
  const once = taking();
  await shareFile({ client: once.client, thread: 1, source: await openSource(`${folder}/large`) });
  assertEquals(once.taken.map(({ options }) => options.sha256), [undefined]);
  const row = { by: "yoda", size: bytes.length };
  const again = taking([forumError("file-exists")], [row]);
  await shareFile({ client: again.client, thread: 1, source: await openSource(`${folder}/large`) });
  assertEquals(again.taken.map(({ options }) => options.sha256), [undefined, sha256Of(bytes)]);
  const other = taking([forumError("file-exists")], [{ ...row, by: "Ann" }]);
  const source = await openSource(`${folder}/large`);
  const error = await assertRejects(
    () => shareFile({ client: other.client, thread: 1, source }),
    ForumError,
  );
  assertEquals([error.name, other.taken.length], ["file-exists", 1]);
});

/** Reads all of a source in pieces. */
async function readAll(source: DiskSource, piece: number): Promise<Uint8Array> {
  const all = new Uint8Array(source.size);
  for (let at = 0; at < all.length;) {
    const count = await source.read(at, all.subarray(at, Math.min(all.length, at + piece)));
    assert(count > 0);
    at += count;
  }
  return all;
}

for (const [disk, quick] of [["a quick", Infinity], ["a slow", 0], ["this", undefined]] as const) {
  const options = quick === undefined ? {} : { quick };

  test(`on ${disk} disk a source reads in any pieces and from any place`, async (folder) => {
    const bytes = bytesOf(2_300_000);
    Deno.writeFileSync(`${folder}/x`, bytes);
    const source = await openSource(`${folder}/x`, options);
    let atOnce = 0;
    const read = source.read.bind(source);
    source.read = (offset, into) => {
      const count = read(offset, into);
      if (typeof count === "number") atOnce++;
      return count;
    };
    assert(sha256Of(await readAll(source, 65_536)) === sha256Of(bytes));
    // Of five pieces of half a megabyte, all are waited for on a slow disk; else the first.
    if (quick === 0) assertEquals(atOnce, 36 - 5);
    if (quick === Infinity) assertEquals(atOnce, 36 - 1);
    assert(sha256Of(await readAll(source, 300_001)) === sha256Of(bytes));
    const back = new Uint8Array(10);
    assertEquals(await source.read(500_000, back), 10);
    assertEquals(back, bytes.slice(500_000, 500_010));
    assertEquals(await source.read(bytes.length - 3, back), 3);
    assertEquals(await source.read(bytes.length, back), 0);
    source.close();
    source.close();
  });

  test(`on ${disk} disk a file that changes while it is read is not shared`, async (folder) => {
    const path = `${folder}/log`;
    Deno.writeFileSync(path, bytesOf(1_300_000));
    const source = await openSource(path, options);
    await source.read(0, new Uint8Array(10));
    Deno.writeTextFileSync(path, "more", { append: true });
    const [status, text] = await trouble(readAll(source, 65_536));
    assertEquals(status, "bad-content");
    assertMatch(text, /has changed while it was read/);
    source.close();
  });
}

test("what is no file cannot be shared, and that is told in a sentence", async (folder) => {
  assertMatch((await trouble(openSource(`${folder}/none`)))[1], /There is no file .*none/);
  assertMatch((await trouble(openSource(folder)))[1], /is a folder\. Name a file in it/);
  assertMatch((await trouble(openSource("/dev/null")))[1], /is no file but a device/);
  for (const path of [`${folder}/none`, folder, "/dev/null"]) {
    assertEquals((await trouble(openSource(path)))[0], "no-file");
  }
});

test("paths are meant as they are typed: literally, with a home, by a pattern, as dropped", async (folder) => {
  const names = ["a.jpg", "b c.jpg", "d[1].jpg", ".hidden.jpg", "it's"];
  for (const name of names) Deno.writeTextFileSync(`${folder}/${name}`, "");
  Deno.mkdirSync(`${folder}/sub.jpg`);
  const meant = async (typed: string) => {
    const { paths, several } = await localPaths(`${folder}/${typed}`);
    return [several, ...paths.map((path) => path.slice(folder.length + 1))];
  };
  assertEquals(await meant("b c.jpg"), [false, "b c.jpg"]);
  assertEquals(
    await meant("d[1].jpg"),
    [false, "d[1].jpg"],
    "what is there comes before a pattern",
  );
  assertEquals(await meant("*.jpg"), [true, "a.jpg", "b c.jpg", "d[1].jpg"]);
  assertEquals(await meant("a.j?g"), [true, "a.jpg"]);
  assertEquals(await meant("b\\ c.jpg"), [false, "b c.jpg"]);
  assertEquals((await localPaths(`'${folder}/it's'`)).paths, [`${folder}/it's`]);
  assertEquals((await localPaths("~")).paths, [homedir()]);
  assertMatch((await trouble(localPaths(`${folder}/*.png`)))[1], /No file .* fits the pattern/);
  assertMatch((await trouble(localPaths("~/no such")))[1], /There is no file ~\/no such/);
});

test("a pattern that fits too many files is refused", async (folder) => {
  for (let at = 0; at <= MATCHES_MAX; at++) Deno.writeTextFileSync(`${folder}/${at}`, "");
  const [status, text] = await trouble(localPaths(`${folder}/*`));
  assertEquals([status, /more than 1000 files/.test(text)], ["full", true]);
});
