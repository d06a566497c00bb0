import { assert, assertEquals, assertLess } from "@std/assert";
import { runProgram } from "../end_to_end/processes.ts";
import { bounded } from "./bounded.ts";
import { extent } from "./extent.ts";
import { type FileLine, makeFile, sha256OfFile } from "./file_program.ts";
import {
  endTwice,
  openFilesScene,
  saveFile,
  sharedNames,
  TWICE_BYTES,
  USER,
} from "./files_scene.ts";

const MIB = 1024 * 1024;
/** Kills in the middle of uploads, and as many in the middle of downloads. */
const KILLS = extent({ ci: 12, local: 4 });
const CLIENT_KILLS = extent({ ci: 8, local: 3 });
const SIZE = 12 * MIB + 345;
/** How fast a client's disk is, in bytes a ms: slow enough to be killed in between. */
const PACE = 40_000;

bounded(
  `kill -9 of the server in the middle of an upload, ${KILLS} times: it goes on by itself, to the same hash, and is there once`,
  { seconds: 60 + 8 * KILLS, ignore: Deno.build.os === "windows" },
  async (ending) => {
    const stage = await openFilesScene(ending);
    const { client, folder, seed } = stage;
    const path = `${folder}/file`;
    const names: string[] = [];
    for (let kill = 0; kill < KILLS; kill += 2) {
      const sha256 = makeFile(path, SIZE);
      const name = `file ${kill}`;
      const content = new Blob([Deno.readFileSync(path)]);
      let stored = 0;
      const onProgress = (bytes: number) => {
        // Nothing that was told to be stored is sent again.
        assert(bytes >= stored, `seed ${seed}: ${bytes} after ${stored}`);
        stored = bytes;
      };
      const before = stage.trip.passed;
      const uploaded = client.upload({ thread: 1, name, content, onProgress });
      const [kept] = await Promise.all([
        uploaded,
        endTwice(stage, { signal: "SIGKILL", within: SIZE }),
      ]);
      assertEquals(kept.sha256, sha256, `seed ${seed}`);
      assertLess(stage.trip.passed - before, SIZE + 2 * TWICE_BYTES, "it went on where it was");
      names.push(name);
      await saveFile(client, kept.file, `${folder}/copy`);
      assertEquals(sha256OfFile(`${folder}/copy`), sha256);
      assertEquals(await sharedNames(client), names);
    }
    console.log(`${KILLS} kills in the middle of uploads, ${names.length} files, each there once`);
  },
);

bounded(
  `kill -9 of the server in the middle of a download, ${KILLS} times: it goes on by itself, to the same hash`,
  { seconds: 60 + 8 * KILLS, ignore: Deno.build.os === "windows" },
  async (ending) => {
    const stage = await openFilesScene(ending);
    const { client, folder, seed } = stage;
    const path = `${folder}/file`;
    const sha256 = makeFile(path, SIZE);
    const content = new Blob([Deno.readFileSync(path)]);
    const { file } = await client.upload({ thread: 1, name: "file", content });
    for (let kill = 0; kill < KILLS; kill += 2) {
      const before = stage.trip.passed;
      const downloaded = saveFile(client, file, `${folder}/copy`);
      await Promise.all([downloaded, endTwice(stage, { signal: "SIGKILL", within: SIZE })]);
      assertEquals(sha256OfFile(`${folder}/copy`), sha256, `seed ${seed}`);
      assertLess(stage.trip.passed - before, SIZE + 2 * TWICE_BYTES, "it went on where it was");
    }
  },
);

bounded(
  `kill -9 of a client in the middle of an upload, ${CLIENT_KILLS} times: another process goes on where it was, to the same hash`,
  { seconds: 60 + 5 * CLIENT_KILLS, ignore: Deno.build.os === "windows" },
  async (ending) => {
    const { server, client, folder, random, seed } = await openFilesScene(ending);
    const path = `${folder}/file`;
    const size = 3 * SIZE;
    const sha256 = makeFile(path, size);
    const carry = (way: string, file: string, what: string) => {
      const program = runProgram({
        args: [
          ...["-A", "tests/chaos/file_program.ts", server.hostname, String(server.port)],
          ...[USER, way, file, what, String(PACE)],
        ],
      });
      ending(() => {
        program.signal("SIGKILL");
        return program.exited;
      });
      return program;
    };
    const read = (line: string): FileLine => JSON.parse(line);
    /** Kills a program once it has come so far; says where it began. */
    const killAt = async (program: ReturnType<typeof carry>, bytes: number) => {
      const first = read(await program.output.until(() => true));
      await program.output.until((line) => {
        const said = read(line);
        return said.said === "done" || said.bytes >= bytes;
      });
      program.signal("SIGKILL");
      assert(!(await program.exited).success, `seed ${seed}: it had come to its end`);
      return first.said === "progress" ? first.bytes : size;
    };
    let from = 0;
    for (let kill = 0; kill < CLIENT_KILLS; kill++) {
      const most = Math.floor((size * 0.8 * (kill + 1)) / CLIENT_KILLS);
      const begun = await killAt(carry("up", path, "large"), random.between(from + 1, most));
      assert(kill === 0 ? begun === 0 : begun > 0, `seed ${seed}: it began at ${begun}`);
      assert(begun >= from, "it goes on where it was");
      from = begun;
      assertEquals(await sharedNames(client), [], "nobody sees what is not whole");
    }
    const last = carry("up", path, "large");
    const said = read(await last.output.until((line) => read(line).said === "done"));
    assert(said.said === "done" && said.sha256 === sha256, `seed ${seed}`);
    assertEquals((await last.exited).code, 0);
    assertEquals(last.errors.all, []);
    assertEquals(await sharedNames(client), ["large"]);

    // The same the other way round: what is there of the file is gone on with.
    const copy = `${folder}/copy`;
    await killAt(carry("down", copy, String(said.file)), size / 4);
    const part = Deno.statSync(copy).size;
    assert(part > 0 && part < size);
    const rest = carry("down", copy, String(said.file));
    const begun = read(await rest.output.until(() => true));
    assertEquals(begun.said === "progress" && begun.bytes, part);
    assertEquals((await rest.exited).code, 0);
    assertEquals(sha256OfFile(copy), sha256);
  },
);
