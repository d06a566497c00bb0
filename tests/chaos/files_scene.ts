/**
 * A server and a client that carries files, where the server's end comes in the middle of them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { connectForum, dialTcp, type ForumClient } from "../../client/mod.ts";
import { type ServerProcess, startServer } from "../end_to_end/processes.ts";
import { PASSWORD } from "../end_to_end/scenario.ts";
import { FILE_LIMIT_DEFAULTS } from "../../server/files/file_limits.ts";
import { createRandom, type Random } from "../simulation/random.ts";
import { makeAccounts } from "./accounts.ts";
import type { Ending } from "./bounded.ts";
import { NO_RATES } from "./crowd_options.ts";
import { lastingPort } from "./port.ts";
import { createTrip, type Trip } from "./trip.ts";

/** What may travel twice when the server ends: the larger window, that of an upload, which is not stored yet, and the talk around it. */
export const TWICE_BYTES: number = FILE_LIMIT_DEFAULTS.window + 1024 * 1024;
/** Who carries the files. */
export const USER = "Ahsoka";

/** What the tests play on. */
export interface FilesScene {
  readonly random: Random;
  readonly seed: number;
  readonly server: ServerProcess;
  readonly client: ForumClient;
  /** Over the client's connection. */
  readonly trip: Trip;
  /** For the client's files. */
  readonly folder: string;
}

/** How a scene is opened. */
export interface FilesSceneOptions {
  /** Options of the server. */
  readonly args?: readonly string[];
  /** The server's data; without it, it has a folder of its own. */
  readonly data?: string;
}

/** Starts a server and signs a client in. The seed of all that is random here is printed. */
export async function openFilesScene(
  ending: Ending,
  { args = [], data }: FilesSceneOptions = {},
): Promise<FilesScene> {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`seed ${seed}`);
  const folder = await Deno.makeTempDir({ prefix: "dfp-files-" });
  ending(() => Deno.remove(folder, { recursive: true }));
  const server = await startServer({
    port: lastingPort(),
    args: [...NO_RATES, ...args],
    ...data !== undefined && { data },
  });
  ending(() => server.close());
  await makeAccounts(server, [USER]);
  const trip = createTrip();
  const dial = trip.over(dialTcp(server));
  const client = await connectForum({ dial, user: USER, password: PASSWORD });
  ending(() => client.close());
  return { random: createRandom(seed), seed, server, client, trip, folder };
}

/**
 * Ends the server twice, each time some bytes from then, and starts it again; resolves when it is up. Both ends
 * come before `within` bytes have passed.
 */
export async function endTwice(
  { server, trip, random }: FilesScene,
  { signal, within }: { signal: "SIGKILL" | "SIGTERM"; within: number },
): Promise<void> {
  const arm = () => {
    const tripped = Promise.withResolvers<void>();
    trip.arm(random.between(1, Math.floor(within * 0.45)), () => {
      server.process.signal(signal);
      tripped.resolve();
    });
    return tripped.promise;
  };
  let tripped = arm();
  for (const last of [false, true]) {
    await tripped;
    const { success } = await server.process.exited;
    assertEquals(success, signal === "SIGTERM");
    assertEquals(server.process.errors.all, [], "nothing is complained of");
    // A server that is up may have had the whole file before anybody hears that it is.
    if (!last) tripped = arm();
    await server.start();
  }
}

/** What lies in the lobby, in the order in which it came. */
export async function sharedNames(client: ForumClient): Promise<string[]> {
  const { files } = await client.command<"files">({ op: "files", thread: 1 });
  return files.map(({ name }) => name).reverse();
}

/** Downloads a file of the lobby to a path, over what was there. */
export async function saveFile(client: ForumClient, file: number, path: string): Promise<void> {
  const copy = await Deno.open(path, { write: true, create: true, truncate: true });
  const { stream } = await client.download({ thread: 1, file });
  await stream.pipeTo(copy.writable);
}
