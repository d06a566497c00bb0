import { assert, assertEquals, assertGreater } from "@std/assert";
import { connectForum, type Dial, dialTcp, type ForumClient } from "../../client/mod.ts";
import { runProgram, type ServerProcess, startServer } from "../end_to_end/processes.ts";
import { PASSWORD } from "../end_to_end/scenario.ts";
import { createRandom, type Random } from "../simulation/random.ts";
import { makeAccounts } from "./accounts.ts";
import { bounded, type Ending } from "./bounded.ts";
import { NO_RATES } from "./crowd_options.ts";
import { extent } from "./extent.ts";
import { type FileLine, makeFile, sha256OfFile } from "./file_program.ts";
import { lastingPort } from "./port.ts";

const MIB = 1024 * 1024;
/** Kills in the middle of uploads, and as many in the middle of downloads. */
const KILLS = extent({ ci: 24, local: 4 });
const CLIENT_KILLS = extent({ ci: 12, local: 3 });
const SIZE = 12 * MIB + 345;
const USER = "Ahsoka";
/** How fast a client's disk is, in bytes a ms: slow enough to be killed in between. */
const PACE = 40_000;

/** Does something when so many bytes have passed over streams that were dialled. */
class Trip {
  #left = Infinity;
  #act = () => {};

  arm(bytes: number, act: () => void): void {
    this.#left = bytes;
    this.#act = act;
  }

  #pass<T extends number | null>(count: T): T {
    if (this.#left === Infinity) return count;
    this.#left -= count ?? 0;
    if (this.#left > 0) return count;
    this.#left = Infinity;
    this.#act();
    return count;
  }

  over(dial: Dial): Dial {
    return async () => {
      const stream = await dial();
      return {
        read: async (into) => this.#pass(await stream.read(into)),
        // In steps, so that also the moments between large frames are met.
        write: async (bytes) => this.#pass(await stream.write(bytes.subarray(0, 32_768))),
        close: () => stream.close(),
      };
    };
  }
}

interface Scene {
  readonly random: Random;
  readonly seed: number;
  readonly server: ServerProcess;
  readonly client: ForumClient;
  readonly trip: Trip;
  readonly folder: string;
}

async function scene(ending: Ending): Promise<Scene> {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const folder = await Deno.makeTempDir({ prefix: "dfp-files-kill-" });
  ending(() => Deno.remove(folder, { recursive: true }));
  const server = await startServer({ port: lastingPort(), args: NO_RATES });
  ending(() => server.close());
  await makeAccounts(server, [USER]);
  const trip = new Trip();
  const dial = trip.over(dialTcp(server));
  const client = await connectForum({ dial, user: USER, password: PASSWORD });
  ending(() => client.close());
  return { random: createRandom(seed), seed, server, client, trip, folder };
}

/** Kills the server twice, each time some bytes from then, and starts it again; resolves when it is up. */
async function killTwice({ server, trip, random }: Scene): Promise<void> {
  const arm = () => {
    const tripped = Promise.withResolvers<void>();
    trip.arm(random.between(1, Math.floor(SIZE * 0.45)), () => {
      server.process.signal("SIGKILL");
      tripped.resolve();
    });
    return tripped.promise;
  };
  let tripped = arm();
  for (const last of [false, true]) {
    await tripped;
    assert(!(await server.process.exited).success);
    assertEquals(server.process.errors.all, [], "nothing is complained of");
    // A server that is up may have had the whole file before anybody hears that it is.
    if (!last) tripped = arm();
    await server.start();
  }
}

async function sharedNames(client: ForumClient): Promise<string[]> {
  const { files } = await client.command<"files">({ op: "files", thread: 1 });
  return files.map(({ name }) => name).reverse();
}

bounded(
  `kill -9 of the server in the middle of an upload, ${KILLS} times: it goes on by itself, to the same hash, and is there once`,
  { seconds: 60 + 8 * KILLS, ignore: Deno.build.os === "windows" },
  async (ending) => {
    const stage = await scene(ending);
    const { client, folder, seed } = stage;
    const path = `${folder}/file`;
    const names: string[] = [];
    let resumed = 0;
    for (let kill = 0; kill < KILLS; kill += 2) {
      const sha256 = makeFile(path, SIZE);
      const name = `file ${kill}`;
      const content = new Blob([Deno.readFileSync(path)]);
      let stored = 0;
      const onProgress = (bytes: number) => {
        // Nothing that was told to be stored is sent again.
        assert(bytes >= stored, `seed ${seed}: ${bytes} after ${stored}`);
        if (bytes > 0 && bytes < SIZE) resumed++;
        stored = bytes;
      };
      const uploaded = client.upload({ thread: 1, name, content, onProgress });
      const [kept] = await Promise.all([uploaded, killTwice(stage)]);
      assertEquals(kept.sha256, sha256, `seed ${seed}`);
      names.push(name);
      const { stream } = await client.download({ thread: 1, file: kept.file });
      const copy = await Deno.open(`${folder}/copy`, { write: true, create: true, truncate: true });
      await stream.pipeTo(copy.writable);
      assertEquals(sha256OfFile(`${folder}/copy`), sha256);
      assertEquals(await sharedNames(client), names);
    }
    assertGreater(resumed, 0, "some went on in the middle");
    console.log(`${KILLS} kills in the middle of uploads, ${names.length} files, each there once`);
  },
);

bounded(
  `kill -9 of the server in the middle of a download, ${KILLS} times: it goes on by itself, to the same hash`,
  { seconds: 60 + 8 * KILLS, ignore: Deno.build.os === "windows" },
  async (ending) => {
    const stage = await scene(ending);
    const { client, folder, seed } = stage;
    const path = `${folder}/file`;
    const sha256 = makeFile(path, SIZE);
    const content = new Blob([Deno.readFileSync(path)]);
    const { file } = await client.upload({ thread: 1, name: "file", content });
    for (let kill = 0; kill < KILLS; kill += 2) {
      const copy = await Deno.open(`${folder}/copy`, { write: true, create: true, truncate: true });
      const downloaded = client.download({ thread: 1, file })
        .then(({ stream }) => stream.pipeTo(copy.writable));
      await Promise.all([downloaded, killTwice(stage)]);
      assertEquals(sha256OfFile(`${folder}/copy`), sha256, `seed ${seed}`);
    }
  },
);

bounded(
  `kill -9 of a client in the middle of an upload, ${CLIENT_KILLS} times: another process goes on where it was, to the same hash`,
  { seconds: 60 + 5 * CLIENT_KILLS, ignore: Deno.build.os === "windows" },
  async (ending) => {
    const { server, client, folder, random, seed } = await scene(ending);
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
