import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { bounded } from "./bounded.ts";
import { extent } from "./extent.ts";
import { makeFile, sha256OfFile } from "./file_program.ts";
import { endTwice, openFilesScene, saveFile, sharedNames, TWICE_BYTES } from "./files_scene.ts";

const MIB = 1024 * 1024;
const SIZE = 12 * MIB + 345;
/** Shutdowns in the middle of uploads, and as many in the middle of downloads. */
const SHUTDOWNS = extent({ ci: 4, local: 2 });
/** A server that waited for the transfers to end would wait for ever: here they have nobody to go on. */
const PROMPT_MS = 10_000;

bounded(
  `SIGTERM in the middle of an upload and of a download, ${SHUTDOWNS} times each: they pause, and go on after the restart`,
  { seconds: 60 + 10 * SHUTDOWNS, ignore: Deno.build.os === "windows" },
  async (ending) => {
    const scene = await openFilesScene(ending);
    const { client, folder, seed } = scene;
    const path = `${folder}/file`;
    const names: string[] = [];
    /** Bytes that have travelled since it was asked last. */
    let before = 0;
    const travelled = () => scene.trip.passed - before;
    for (let count = 0; count < SHUTDOWNS; count += 2) {
      const sha256 = makeFile(path, SIZE);
      const name = `file ${count}`;
      let stored = 0;
      const onProgress = (bytes: number) => {
        assert(bytes >= stored, `seed ${seed}: ${bytes} after ${stored}`);
        stored = bytes;
      };
      const content = new Blob([Deno.readFileSync(path)]);
      before = scene.trip.passed;
      const [kept] = await Promise.all([
        client.upload({ thread: 1, name, content, onProgress }),
        endTwice(scene, { signal: "SIGTERM", within: SIZE }),
      ]);
      assertEquals(kept.sha256, sha256, `seed ${seed}`);
      assertLess(travelled(), SIZE + 2 * TWICE_BYTES, "it went on where it was");
      names.push(name);
      assertEquals(await sharedNames(client), names, "it is there once");
      before = scene.trip.passed;
      await Promise.all([
        saveFile(client, kept.file, `${folder}/copy`),
        endTwice(scene, { signal: "SIGTERM", within: SIZE }),
      ]);
      assertEquals(sha256OfFile(`${folder}/copy`), sha256, `seed ${seed}`);
      assertLess(travelled(), SIZE + 2 * TWICE_BYTES, "it went on where it was");
    }
  },
);

bounded(
  "SIGTERM does not wait for transfers that stand still, and they can be gone on with",
  { seconds: 60, ignore: Deno.build.os === "windows" },
  async (ending) => {
    const { server, client, folder } = await openFilesScene(ending);
    const path = `${folder}/file`;
    const sha256 = makeFile(path, SIZE);
    const bytes = Deno.readFileSync(path);
    const there = await client.upload({
      thread: 1,
      name: "there",
      content: new Blob(["x", bytes]),
    });
    // Nobody reads the download, and the rest of the upload does not come before the server is up again.
    const { stream } = await client.download({ thread: 1, file: there.file });
    const held = Promise.withResolvers<void>();
    const half = Promise.withResolvers<void>();
    const content = {
      size: SIZE,
      async read(offset: number, into: Uint8Array) {
        if (offset >= SIZE / 2) await held.promise;
        into.set(bytes.subarray(offset, offset + into.length));
        return into.length;
      },
    };
    let again = 0;
    const onProgress = (stored: number) => {
      if (stored > SIZE / 4) half.resolve();
      again = Math.max(again, stored);
    };
    const uploaded = client.upload({ thread: 1, name: "held", content, onProgress });
    await half.promise;
    const begun = performance.now();
    const { code } = await server.kill("SIGTERM");
    assertEquals([code, server.process.errors.all], [0, []]);
    assertLess(performance.now() - begun, PROMPT_MS);
    assertGreater(again, SIZE / 4, "what has come stays");
    await server.start();
    held.resolve();
    assertEquals((await uploaded).sha256, sha256);
    assertEquals((await new Response(stream).arrayBuffer()).byteLength, SIZE + 1);
    assertEquals(await sharedNames(client), ["there", "held"]);
  },
);
