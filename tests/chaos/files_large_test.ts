import { assertEquals, assertLess } from "@std/assert";
import { startServer } from "../end_to_end/processes.ts";
import { makeAccounts } from "./accounts.ts";
import { bounded } from "./bounded.ts";
import { makeFile, sha256OfFile } from "./file_program.ts";
import { doLine, peakOf } from "./line_of_client.ts";

const MIB = 1024 * 1024;
const SIZE = 1024 * MIB;
const PEAK_MAX = 150 * MIB;
const USER = "Luthen";

bounded(
  "1 GiB goes up and down between real processes, with the right hash, and neither end needs 150 MiB of memory",
  { seconds: 240 },
  async (ending) => {
    const folder = await Deno.makeTempDir({ prefix: "dfp-files-large-" });
    ending(() => Deno.remove(folder, { recursive: true }));
    const server = await startServer();
    ending(() => server.close());
    await makeAccounts(server, [USER]);
    const path = `${folder}/large`;
    const sha256 = makeFile(path, SIZE);
    const up = await doLine(ending, server, { user: USER, line: `UPD lobby ${path}` });
    assertEquals([up.outcome.ok, up.outcome.result.sha256], [true, sha256]);
    await Deno.remove(path);
    const down = await doLine(ending, server, {
      user: USER,
      line: "DWN lobby large",
      downloads: folder,
    });
    assertEquals([down.outcome.ok, down.outcome.result.path], [true, path]);
    assertEquals(sha256OfFile(path), sha256);
    const peak = peakOf(server.process.pid);
    const rate = (ms: number) => `${Math.round(SIZE / 1000 / ms)} MB/s`;
    const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
    console.log(
      `1 GiB up with ${rate(up.ms)} and down with ${rate(down.ms)}; at the most the server had ` +
        `${mib(peak)}, the client ${mib(up.peak)} and ${mib(down.peak)}`,
    );
    assertLess(peak, PEAK_MAX);
    assertLess(up.peak, PEAK_MAX);
    assertLess(down.peak, PEAK_MAX);
    assertEquals(server.process.errors.all, []);
  },
);
