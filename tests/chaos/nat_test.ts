/**
 * Files from user to user through real NATs (DATAGRAM §4 and §7): those that keep ports are gone through, symmetric ones
 * are gone around by way of the server, and one that forgets its mappings in the middle is survived. The terminal
 * clients and the server are real processes, each in a network of its own.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { passOver } from "../debian.ts";
import { bytesOf, sha256Of } from "../end_to_end/file_bytes.ts";
import { type ProgramProcess, spawn } from "../end_to_end/processes.ts";
import { bounded, type Ending } from "./bounded.ts";
import {
  type NatKind,
  type NatLab,
  natLabTrouble,
  openNatLab,
  type Place,
  SERVER_ADDRESS,
  type Side,
} from "./nat_lab.ts";

const MIB = 1024 * 1024;
const PORT = "5000";
const PASSWORD = "do or do not";

const trouble = await natLabTrouble();
if (trouble !== undefined) {
  const text = `NATs ARE NOT TESTED HERE, since there can be no network namespaces: ${trouble}`;
  // Where root has none, there is something to mend; others have none anywhere.
  if (Deno.build.os === "linux" && Deno.uid() === 0) passOver(text);
  else console.error(`\n${text}\n`);
}

// deno-lint-ignore no-explicit-any -- JSON lines are read as a program would, by their fields
type Told = any;

async function told({ output }: ProgramProcess, fits: (row: Told) => boolean): Promise<Told> {
  return JSON.parse(await output.until((line) => fits(JSON.parse(line))));
}

interface Course {
  readonly kinds: Readonly<Record<Side, NatKind>>;
  /** Mebibytes. */
  readonly size: number;
  /** Done once the file goes straight. */
  readonly direct?: (lab: NatLab) => Promise<void>;
}

/** What came of it, on both sides. */
interface Carried {
  readonly via: string;
  /** How it went, as the sender has told it: each time it changed. */
  readonly ways: readonly string[];
}

/** Sends a file from one host to the other, and looks at what has come. */
async function carry(ending: Ending, { kinds, size, direct }: Course): Promise<Carried> {
  const folder = await Deno.makeTempDir({ prefix: "dfp-nat-" });
  ending(() => Deno.remove(folder, { recursive: true }));
  const lab = await openNatLab(kinds);
  ending(() => lab.close());
  const program = (place: Place, args: readonly string[]) => {
    const deno = [Deno.execPath(), "run", "-A", "--no-prompt", ...args];
    const [command, ...rest] = lab.inside(place, deno);
    const process = spawn(command, {
      args: rest,
      env: { DFP_PASSWORD: PASSWORD, DFP_ADMIN_PASSWORD: PASSWORD },
    });
    ending(() => {
      process.signal("SIGKILL");
      return process.exited;
    });
    return process;
  };
  const server = program("server", [
    "server/main.ts",
    ...["--hostname", SERVER_ADDRESS, "--port", PORT, "--udp-port", PORT],
    ...["--insecure", "--data", `${folder}/data`],
  ]);
  await server.output.until((line) => line === "ready");
  const client = (side: Side, user: string, args: readonly string[]) =>
    program(side, [
      "client/main.ts",
      SERVER_ADDRESS,
      PORT,
      ...["--user", user, "--register", "--json", ...args],
    ]);
  const ben = client("other", "Ben", ["--stay", "--accept", `${folder}/taken`, "-c", "ATU"]);
  await told(ben, (row) => row.command === "ATU");
  const bytes = bytesOf(size * MIB, size);
  const sha256 = sha256Of(bytes);
  await Deno.writeFile(`${folder}/file.bin`, bytes);
  const ann = client("one", "Ann", ["-c", `UPD @Ben ${folder}/file.bin`]);
  if (direct !== undefined) {
    await told(ann, (row) => row.via === "direct");
    await direct(lab);
  }
  const { code } = await ann.exited;
  const rows = ann.output.all.map((line) => JSON.parse(line));
  assertEquals(code, 0, ann.output.all.slice(-3).join("\n"));
  const { result } = rows.find((row) => row.command === "UPD" && "ok" in row);
  assertEquals([result.size, result.sha256], [bytes.length, sha256]);
  const taken = await told(ben, (row) => row.command === "/accept" && "ok" in row);
  assertEquals(taken.result.sha256, sha256);
  assertEquals(sha256Of(await Deno.readFile(taken.result.path)), sha256);
  const ways: string[] = [];
  for (const { event, via } of rows) {
    if (event === "progress" && via !== undefined && ways.at(-1) !== via) ways.push(via);
  }
  return { via: result.via, ways };
}

function natTest(name: string, play: (ending: Ending) => Promise<void>): void {
  bounded(name, { seconds: 180, ignore: trouble !== undefined }, play);
}

natTest("two hosts behind NATs that keep ports are connected directly", async (ending) => {
  const kinds = { one: "preserving", other: "preserving" } as const;
  const { via, ways } = await carry(ending, { kinds, size: 30 });
  assertEquals([via, ways.at(-1)], ["direct", "direct"]);
});

for (const side of ["one", "other"] as const) {
  const who = side === "one" ? "sender" : "receiver";
  natTest(`a symmetric NAT of the ${who} is gone around by way of the server`, async (ending) => {
    const kinds = { one: "preserving", other: "preserving", [side]: "symmetric" } as const;
    const { via, ways } = await carry(ending, { kinds, size: 12 });
    assertEquals([via, ways], ["relayed", ["relayed"]]);
  });
}

natTest(
  "a NAT that forgets all in the middle, with the other host in the open, is survived",
  async (ending) => {
    const { via, ways } = await carry(ending, {
      kinds: { one: "preserving", other: "open" },
      size: 60,
      direct: (lab) => lab.rebind("one"),
    });
    assertEquals(via, "direct", ways.join());
  },
);

for (
  const [which, sides] of [
    ["the sender's NAT forgets", ["one"]],
    ["the receiver's NAT forgets", ["other"]],
    ["both NATs forget", ["one", "other"]],
  ] as const
) {
  natTest(`${which} all in the middle, and the file arrives whole all the same`, async (ending) => {
    const { via, ways } = await carry(ending, {
      kinds: { one: "preserving", other: "preserving" },
      size: 40,
      async direct(lab) {
        for (const side of sides) await lab.rebind(side);
      },
    });
    // Whether they find each other again before its end is a matter of how busy this machine is.
    assert(ways.includes("direct"), ways.join());
    console.log(`it went ${ways.join(", then ")}, and ended ${via}`);
  });
}
