/**
 * Files in the terminal client, with real processes: there and back, cut off and gone on with, and what the
 * older systems did wrong with them (DESIGN §13).
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { FILE_LIMIT_DEFAULTS } from "../../server/files/file_limits.ts";
import { bytesOf, sha256Of } from "./file_bytes.ts";
import { type GatedProxy, openGatedProxy } from "./gated_proxy.ts";
import type { ProgramProcess } from "./processes.ts";
import { startPerson } from "./pseudo_terminal.ts";
import type { PeerAddress } from "./raw_peer.ts";
import { type Ground, PASSWORD, scenario, sharedServer } from "./scenario.ts";

const shared = sharedServer();
const MIB = 1024 * 1024;
/** What may be under way beyond what the server has stored, a window, and the talk around it. */
const SLACK = FILE_LIMIT_DEFAULTS.window + MIB;
/** What of a download may have come and wait to be written, and the talk around it. */
const HELD = 5 * MIB;

interface Call {
  readonly user: string;
  readonly lines: readonly string[];
  /** Where downloads land. */
  readonly downloads?: string;
  readonly args?: readonly string[];
}

function start(ground: Ground, server: PeerAddress, call: Call): ProgramProcess {
  const { user, lines, downloads, args = [] } = call;
  return ground.program({
    args: [
      ...["-A", "client/main.ts", server.hostname, String(server.port), "--user", user],
      ...downloads === undefined ? [] : ["--downloads", downloads],
      ...args,
      ...lines.flatMap((line) => ["-c", line]),
    ],
    env: { DFP_PASSWORD: PASSWORD },
  });
}

/** Runs lines with `--json`, to their end. */
async function run(ground: Ground, server: PeerAddress, call: Call) {
  const client = start(ground, server, { ...call, args: ["--json", ...call.args ?? []] });
  const { code } = await client.exited;
  return { code, ...told(client), errors: client.errors.all };
}

// deno-lint-ignore no-explicit-any -- JSON lines are read as a program would, by their fields
type Told = any;

/** What a client with `--json` has said. */
function told({ output }: ProgramProcess): { outcomes: Told[]; progress: Told[] } {
  const rows = output.all.map((line) => JSON.parse(line));
  return {
    outcomes: rows.filter((row) => "command" in row && "ok" in row),
    progress: rows.filter((row) => row.event === "progress"),
  };
}

function writeFile(folder: string, name: string, bytes: Uint8Array): string {
  Deno.writeFileSync(`${folder}/${name}`, bytes);
  return `${folder}/${name}`;
}

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

function proxyTo(server: PeerAddress, use: (proxy: GatedProxy) => Promise<void>): Promise<void> {
  const proxy = openGatedProxy(server);
  return use(proxy).finally(() => proxy.close());
}

/** Waits until some file in a folder is so large. */
async function grown(folder: string, size: number): Promise<void> {
  const large = () =>
    namesIn(folder).some((name) => Deno.statSync(`${folder}/${name}`).size >= size);
  const watcher = Deno.watchFs(folder);
  try {
    if (large()) return;
    for await (const _ of watcher) if (large()) return;
  } finally {
    watcher.close();
  }
}

scenario("a file goes up from one client, is listed, and comes down in another", async (ground) => {
  const server = await shared();
  const folder = ground.folder();
  const bytes = bytesOf(300_000, 1);
  const sha256 = sha256Of(bytes);
  const path = writeFile(folder, "holocron one.bin", bytes);
  const up = await run(ground, server, {
    user: "Ann",
    args: ["--register"],
    lines: [`UPD lobby "${path}"`, "FLS lobby", "/upload lobby nowhere.txt", "LST"],
  });
  assertEquals([up.code, up.errors], [1, []]);
  const [sent, list, missing, after] = up.outcomes;
  const { seq, at, ...rest } = sent.result;
  assertEquals(rest, { thread: 1, name: "holocron one.bin", size: bytes.length, sha256 });
  assert(Number.isSafeInteger(seq) && at > 0);
  const row = list.result.files.find((row: Told) => row.seq === seq);
  assertEquals([row.by, row.name, row.sha256], ["Ann", "holocron one.bin", sha256]);
  assertEquals([missing.ok, missing.code, missing.name], [false, 1407, "no-file"]);
  assertMatch(missing.text, /There is no file nowhere\.txt on this machine/);
  assert(after.ok, "the lines after it still run");

  const downloads = `${folder}/made/for it`;
  const down = await run(ground, server, {
    user: "Ben",
    args: ["--register"],
    downloads,
    lines: ["DWN lobby HOLOCRON one.bin", `DWN lobby #${seq}`],
  });
  assertEquals([down.code, down.errors], [0, []]);
  assertEquals(down.outcomes.map(({ result }) => result), [
    {
      thread: 1,
      name: "holocron one.bin",
      path: `${downloads}/holocron one.bin`,
      size: 300_000,
      sha256,
    },
    {
      thread: 1,
      name: "holocron one.bin",
      path: `${downloads}/holocron one (2).bin`,
      size: 300_000,
      sha256,
    },
  ]);
  for (const name of namesIn(downloads)) {
    assertEquals(sha256Of(Deno.readFileSync(`${downloads}/${name}`)), sha256);
  }
  assertEquals(namesIn(downloads).length, 2, "no part stays");
});

scenario("several files go by a pattern, and what one of them meets is told", async (ground) => {
  const server = await ground.server();
  const folder = ground.folder();
  for (const name of ["a.jpg", "b.jpg", "c.jpg", "d.txt"]) {
    writeFile(folder, name, bytesOf(1000, name.charCodeAt(0)));
  }
  const { client } = await ground.member(server, { user: "Cid", register: true });
  await client.upload({ thread: 1, name: "B.JPG", content: new Blob(["another"]) });
  const up = await run(ground, server, {
    user: "Dan",
    args: ["--register"],
    lines: [`UPD lobby ${folder}/*.jpg`, `UPD lobby ${folder}/[ad].*`, "UPD lobby *.none"],
  });
  assertEquals(up.code, 1);
  const [some, all, none] = up.outcomes;
  assertEquals([some.ok, some.name, some.files.length], [false, "file-exists", 2]);
  assertEquals(some.refused.map(({ file, code }: Told) => [file, code]), [[
    `${folder}/b.jpg`,
    1408,
  ]]);
  assertEquals(all.result.files.map(({ name }: Told) => name), ["a.jpg", "d.txt"]);
  assertEquals(none.name, "no-file");
  const downloads = ground.folder();
  const down = await run(ground, server, { user: "Dan", downloads, lines: ["DWN lobby *.jpg"] });
  assertEquals(down.code, 0);
  assertEquals(down.outcomes[0].result.files.length, 3);
  assertEquals(namesIn(downloads), ["B.JPG", "a.jpg", "c.jpg"]);
});

scenario(
  "DESIGN §13: `../x` as file name escapes: whatever a file is called, it lands in the folder",
  async (ground) => {
    const server = await ground.server();
    const { client } = await ground.member(server, { user: "Eve", register: true });
    const names = [
      ...["../x", "../../../../tmp/x", "/etc/passwd", "..", ".", "a\\..\\b", "C:\\x", ".bashrc"],
      ...["NUL", "con.txt", "two\nlines", "nul\0byte", "\u202egpj.exe", "-rf", "\x1b[31m", "a/b/c"],
      ...["CON", "🗿💾.jpg", "🗿".repeat(75), "é".repeat(255)],
    ];
    for (const name of names) await client.upload({ thread: 1, name, content: new Blob([name]) });
    const outside = ground.folder();
    Deno.writeTextFileSync(`${outside}/x`, "untouched");
    const downloads = `${outside}/in`;
    const { code, outcomes } = await run(ground, server, {
      user: "Fay",
      args: ["--register"],
      downloads,
      lines: ["DWN lobby *", "DWN lobby ../x"],
    });
    assertEquals(code, 0);
    assertEquals(namesIn(outside), ["in", "x"]);
    assertEquals(Deno.readTextFileSync(`${outside}/x`), "untouched");
    const { files } = outcomes[0].result;
    assertEquals(files.length, names.length);
    for (const { name, path } of files) {
      assertEquals(path.slice(0, path.lastIndexOf("/")), downloads);
      assertEquals(Deno.readTextFileSync(path), name);
    }
    assertEquals(outcomes[1].result.path, `${downloads}/_ (2)._x`);
    assertEquals(namesIn(downloads).length, names.length + 1);
    assert(namesIn(downloads).every((name) => !name.startsWith(".")), "nothing is hidden");
  },
);

scenario(
  "files of 0, 1, 65,535, 65,536 and 65,537 bytes, named as oddly as a disk allows, go up and down by a pattern",
  async (ground) => {
    const server = await ground.server();
    const [folder, downloads] = [ground.folder(), ground.folder()];
    const sizes = new Map([
      ["empty \u202egpj", 0],
      ["one\nline more", 1],
      ["con 💾", 65_535],
      ["'quoted' \"twice\"", 65_536],
      [`${"x".repeat(251)}🗿`, 65_537],
    ]);
    for (const [name, size] of sizes) writeFile(folder, name, bytesOf(size, size + 1));
    const { code, outcomes: [up, down] } = await run(ground, server, {
      user: "Tej",
      args: ["--register"],
      downloads,
      lines: [`UPD lobby ${folder}/*`, "DWN lobby *"],
    });
    assertEquals([code, up.result.files.length], [0, sizes.size]);
    for (const { name, size, sha256, path } of down.result.files) {
      assertEquals(size, sizes.get(name), `${name} is called as on the disk`);
      const bytes = Deno.readFileSync(path);
      assertEquals([bytes, sha256Of(bytes)], [bytesOf(size, size + 1), sha256]);
    }
    assertEquals(namesIn(downloads).length, sizes.size);
  },
);

scenario(
  "DESIGN §13: a file called like a server file overwrites it: the server's own files stay, and it lives on",
  async (ground) => {
    const server = await ground.server();
    const folder = ground.folder();
    const below = (path: string): string[] =>
      [...Deno.readDirSync(path)].flatMap(({ name, isDirectory }) =>
        isDirectory ? below(`${path}/${name}`) : [`${path}/${name}`]
      );
    const own = below(server.data).map((path) => path.slice(server.data.length + 1));
    assert(own.includes("forum.sqlite"));
    const names = ["forum.sqlite", "forum.sqlite-wal", "partial", "kept", "1", "server"];
    for (const name of names) writeFile(folder, name, new TextEncoder().encode(`I am ${name}`));
    const { client } = await ground.member(server, { user: "Uro", register: true });
    // What no disk of ours would call a file goes by the library.
    const paths = [...own, "files/kept/aa/x", "files/partial/1", "../data/forum.sqlite"];
    for (const name of paths.filter((name) => !names.includes(name))) {
      await client.upload({ thread: 1, name, content: new Blob([`I am ${name}`]) });
    }
    const up = await run(ground, server, { user: "Uro", lines: [`UPD lobby ${folder}/*`] });
    assertEquals([up.code, up.outcomes[0].result.files.length], [0, names.length]);
    const kept = below(`${server.data}/files`);
    assert(
      kept.every((path) =>
        /^kept\/[0-9a-f]{2}\/[0-9a-f]{64}$/.test(path.slice(`${server.data}/files/`.length))
      ),
    );
    assertEquals((await server.kill()).code, 0);
    await server.start();
    const again = await run(ground, server, { user: "Uro", lines: ["FLS lobby", "RDT lobby"] });
    assertEquals([again.code, server.process.errors.all], [0, []]);
    assertEquals(
      new Set(again.outcomes[0].result.files.map(({ name }: Told) => name)).size,
      new Set([...paths, ...names]).size,
    );
  },
);

scenario(
  "DESIGN §13: a resent file is appended to the old one: it is the same one, or refused, or another",
  async (ground) => {
    const server = await shared();
    const [folder, downloads] = [ground.folder(), ground.folder()];
    const path = writeFile(folder, "resent", bytesOf(200_000, 7));
    const call = { user: "Gil", downloads, lines: [`UPD lobby ${path}`, "DWN lobby resent"] };
    const first = await run(ground, server, { ...call, args: ["--register"] });
    const again = await run(ground, server, call);
    assertEquals(
      again.outcomes[0].result,
      first.outcomes[0].result,
      "the same file is there already",
    );
    writeFile(folder, "resent", bytesOf(100_000, 8));
    const other = await run(ground, server, call);
    assertEquals(other.outcomes[0].name, "file-exists");
    assertEquals(namesIn(downloads), ["resent", "resent (2)", "resent (3)"]);
    for (const name of namesIn(downloads)) {
      assertEquals(Deno.readFileSync(`${downloads}/${name}`), bytesOf(200_000, 7), name);
    }
  },
);

scenario(
  "DESIGN §13: two senders mix in one file: one gets the name, the other is told",
  async (ground) => {
    const server = await shared();
    const users = ["Hal", "Ida"];
    for (const user of users) await ground.member(server, { user, register: true });
    const calls = users.map((user, seed) => {
      const path = writeFile(ground.folder(), "mixed", bytesOf(3 * MIB, seed + 1));
      return run(ground, server, { user, lines: [`UPD lobby ${path}`] });
    });
    const outcomes = (await Promise.all(calls)).map(({ outcomes: [outcome] }) => outcome);
    assertEquals(outcomes.map(({ ok }) => ok).sort(), [false, true]);
    assertEquals(outcomes.find(({ ok }) => !ok).name, "file-exists");
    const downloads = ground.folder();
    await run(ground, server, { user: "Hal", downloads, lines: ["DWN lobby mixed"] });
    const seed = outcomes[0].ok ? 1 : 2;
    assertEquals(Deno.readFileSync(`${downloads}/mixed`), bytesOf(3 * MIB, seed));
  },
);

scenario("two clients that save the same file in one folder get one each", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Jim", register: true });
  const bytes = bytesOf(5 * MIB, 3);
  await client.upload({ thread: 1, name: "wanted.bin", content: new Blob([bytes]) });
  const downloads = ground.folder();
  const call = { user: "Jim", downloads, lines: ["DWN lobby wanted.bin"] };
  const runs = await Promise.all([run(ground, server, call), run(ground, server, call)]);
  assertEquals(runs.map(({ code }) => code), [0, 0]);
  assertEquals(namesIn(downloads), ["wanted (2).bin", "wanted.bin"]);
  for (const name of namesIn(downloads)) {
    assertEquals(Deno.readFileSync(`${downloads}/${name}`), bytes);
  }
});

scenario(
  "a client that is killed in the middle of an upload goes on with it, not from the beginning",
  async (ground) => {
    const server = await shared();
    await ground.member(server, { user: "Kim", register: true });
    const bytes = bytesOf(20 * MIB, 4);
    const path = writeFile(ground.folder(), "killed up.bin", bytes);
    const call = { user: "Kim", lines: [`UPD lobby ${path}`] };
    await proxyTo(server, async (proxy) => {
      const standing = proxy.let("up", 12 * MIB);
      const client = start(ground, proxy, call);
      await standing;
      client.signal("SIGKILL");
      await client.exited;
    });
    await proxyTo(server, async (proxy) => {
      const { code, outcomes, progress } = await run(ground, proxy, call);
      assertEquals([code, outcomes[0].result.sha256], [0, sha256Of(bytes)]);
      assert(progress[0].bytes >= 12 * MIB - SLACK, `it went on at ${progress[0].bytes}`);
      assert(proxy.passed("up") <= 8 * MIB + SLACK, `${proxy.passed("up")} bytes have travelled`);
    });
  },
);

scenario(
  "DESIGN §13: a file reported received that is not whole: a client that is killed leaves a hidden part, and goes on with it",
  async (ground) => {
    const server = await shared();
    const { client: member } = await ground.member(server, { user: "Leo", register: true });
    const bytes = bytesOf(20 * MIB, 5);
    await member.upload({ thread: 1, name: "killed down.bin", content: new Blob([bytes]) });
    const downloads = ground.folder();
    const call = { user: "Leo", downloads, lines: ["DWN lobby killed down.bin"] };
    await proxyTo(server, async (proxy) => {
      const standing = proxy.let("down", 12 * MIB);
      const client = start(ground, proxy, call);
      await standing;
      await grown(downloads, 12 * MIB - HELD);
      client.signal("SIGKILL");
      await client.exited;
      assertEquals(client.output.all, [], "nothing is reported");
    });
    const part = `.${sha256Of(bytes).slice(0, 16)}.part`;
    assertEquals(namesIn(downloads), [part]);
    await proxyTo(server, async (proxy) => {
      const { code, outcomes, progress } = await run(ground, proxy, call);
      assertEquals([code, outcomes[0].result.path], [0, `${downloads}/killed down.bin`]);
      assert(progress[0].bytes >= 12 * MIB - HELD, `it went on at ${progress[0].bytes}`);
      assert(
        proxy.passed("down") <= 8 * MIB + HELD,
        `${proxy.passed("down")} bytes have travelled`,
      );
    });
    assertEquals(namesIn(downloads), ["killed down.bin"]);
    assertEquals(Deno.readFileSync(`${downloads}/killed down.bin`), bytes);

    // What has been spoilt meanwhile is found out, and comes anew.
    writeFile(downloads, part, bytesOf(10 * MIB, 6));
    const spoilt = await run(ground, server, call);
    assertEquals([spoilt.code, spoilt.outcomes[0].result.sha256], [0, sha256Of(bytes)]);
    assertEquals(Deno.readFileSync(`${downloads}/killed down (2).bin`), bytes);
    assertEquals(namesIn(downloads), ["killed down (2).bin", "killed down.bin"]);
  },
);

scenario(
  "Ctrl-C ends a script that carries a file with status 1, and the file can be gone on with",
  async (ground) => {
    const server = await shared();
    await ground.member(server, { user: "Mia", register: true });
    const [folder, downloads] = [ground.folder(), ground.folder()];
    const bytes = bytesOf(20 * MIB, 9);
    const up = {
      user: "Mia",
      lines: [`UPD lobby ${writeFile(folder, "ctrl-c.bin", bytes)}`, "LST"],
    };
    await proxyTo(server, async (proxy) => {
      const standing = proxy.let("up", 12 * MIB);
      const client = start(ground, proxy, up);
      await standing;
      client.signal("SIGINT");
      await client.errors.until((line) => line.includes("(1471 cancelled)"));
      proxy.open();
      assertEquals((await client.exited).code, 1);
      assertEquals(client.output.all, [], "no line runs after it");
      assertMatch(client.errors.all.at(-1)!, /ctrl-c\.bin is cut off at \d+ %\. The same command/);
    });
    const sent = await run(ground, server, up);
    assert(sent.progress[0].bytes >= 12 * MIB - SLACK, `it went on at ${sent.progress[0].bytes}`);
    assertEquals([sent.code, sent.outcomes[0].result.sha256], [0, sha256Of(bytes)]);

    const down = { user: "Mia", downloads, lines: ["DWN lobby ctrl-c.bin"] };
    await proxyTo(server, async (proxy) => {
      const standing = proxy.let("down", 12 * MIB);
      const client = start(ground, proxy, { ...down, args: ["--json"] });
      await standing;
      await grown(downloads, 12 * MIB - HELD);
      client.signal("SIGTERM");
      await client.output.until((line) => line.includes('"cancelled"'));
      proxy.open();
      assertEquals((await client.exited).code, 1);
      const [outcome] = told(client).outcomes;
      assertEquals([outcome.ok, outcome.code, outcome.name], [false, 1471, "cancelled"]);
    });
    const got = await run(ground, server, down);
    assert(got.progress[0].bytes >= 12 * MIB - HELD, `it went on at ${got.progress[0].bytes}`);
    assertEquals(sha256Of(Deno.readFileSync(`${downloads}/ctrl-c.bin`)), sha256Of(bytes));
    assertEquals(namesIn(downloads), ["ctrl-c.bin"]);
  },
);

scenario("a cut of the connection is made up for without a word", async (ground) => {
  const server = await shared();
  await ground.member(server, { user: "Ned", register: true });
  const [folder, downloads] = [ground.folder(), ground.folder()];
  const bytes = bytesOf(20 * MIB, 10);
  const path = writeFile(folder, "cut.bin", bytes);
  await proxyTo(server, async (proxy) => {
    const call = { user: "Ned", downloads, lines: [`UPD lobby ${path}`, "DWN lobby cut.bin"] };
    const standing = proxy.let("up", 12 * MIB);
    const client = start(ground, proxy, { ...call, args: ["--json"] });
    await standing;
    const falling = proxy.let("down", 12 * MIB);
    proxy.cut();
    proxy.let("up", Infinity);
    await falling;
    proxy.cut();
    proxy.open();
    assertEquals((await client.exited).code, 0);
    const { outcomes } = told(client);
    assertEquals(outcomes.map(({ ok, result }) => [ok, result.sha256]), [
      [true, sha256Of(bytes)],
      [true, sha256Of(bytes)],
    ]);
    assert(proxy.passed("up") <= 20 * MIB + SLACK, "nothing has travelled twice");
    assert(proxy.passed("down") <= 20 * MIB + SLACK, "nothing has travelled twice");
    assertEquals(proxy.links, 3);
  });
  assertEquals(Deno.readFileSync(`${downloads}/cut.bin`), bytes);
});

scenario(
  "DESIGN §13: an upload announced before the socket listens: there is one connection for all of it",
  async (ground) => {
    const server = await shared();
    await ground.member(server, { user: "Oda", register: true });
    const path = writeFile(ground.folder(), "one link.bin", bytesOf(3 * MIB, 11));
    await proxyTo(server, async (proxy) => {
      const lines = [`UPD lobby ${path}`, "MSG lobby on the same connection", "FLS lobby"];
      const { code, outcomes } = await run(ground, proxy, { user: "Oda", lines });
      assertEquals([code, outcomes.length, proxy.links], [0, 3, 1]);
    });
  },
);

scenario(
  "DESIGN §13: removing `s` removes `secret`: only the very name is taken out",
  async (ground) => {
    const server = await ground.server();
    const { client } = await ground.member(server, { user: "Pia", register: true });
    for (const name of ["secret", "s.txt", "s"]) {
      await client.upload({ thread: 1, name, content: new Blob([name]) });
    }
    const call = {
      user: "Pia",
      lines: ["RMF lobby s", "RMF lobby s", "RMF lobby s*", "FLS lobby"],
    };
    const { code, outcomes: [first, second, pattern, list] } = await run(ground, server, call);
    assertEquals(code, 1);
    assertEquals([first.ok, first.result.name], [true, "s"]);
    assertEquals([second.name, pattern.name], ["no-file", "no-file"]);
    assertEquals(list.result.files.map(({ name }: Told) => name), ["s.txt", "secret"]);
    const other = await run(ground, server, {
      user: "Quy",
      args: ["--register"],
      lines: ["RMF lobby secret"],
    });
    assertEquals([other.code, other.outcomes[0].name], [1, "not-author"]);
  },
);

scenario("--deflate lets what shrinks travel small", async (ground) => {
  const server = await shared();
  const [folder, downloads] = [ground.folder(), ground.folder()];
  const text = new TextEncoder().encode("Do or do not. There is no try. ".repeat(300_000));
  const path = writeFile(folder, "try.txt", text);
  await proxyTo(server, async (proxy) => {
    const lines = [`UPD lobby ${path}`, "DWN lobby try.txt"];
    const args = ["--register", "--deflate"];
    const { code } = await run(ground, proxy, { user: "Ria", downloads, args, lines });
    assertEquals(code, 0);
    assert(proxy.passed("up") < text.length / 10, `${proxy.passed("up")} bytes went up`);
    assert(proxy.passed("down") < text.length / 10, `${proxy.passed("down")} bytes came down`);
  });
  assertEquals(Deno.readFileSync(`${downloads}/try.txt`), text);
});

scenario(
  "at a terminal files travel while one types, are listed, cancelled, and told when one leaves",
  async (ground) => {
    const server = await shared();
    await ground.member(server, { user: "Sam", register: true });
    const folder = ground.folder();
    const path = writeFile(folder, "large.bin", bytesOf(40 * MIB, 12));
    writeFile(folder, "other.bin", bytesOf(40 * MIB, 13));
    await proxyTo(server, async (proxy) => {
      const standing = proxy.let("up", 12 * MIB);
      const env = { DFP_PASSWORD: PASSWORD };
      const person = await startPerson(ground, proxy, ["--user", "Sam"], env);
      if (person === undefined) return;
      await person.shown(/HLP lists the commands/);
      await person.write(`UPD lobby ${path}\r`);
      await standing;
      await person.shown(/1 UPD large\.bin \[=+-+\] \d+ %/);
      await person.write("/transfers\r");
      await person.shown(/1 UPD large\.bin: \d+ % of 40\.0 MiB/);
      await person.write("MSG lobby I can still talk\r");
      // What was under way before it goes first, which is no more than a window.
      await proxy.let("up", SLACK);
      await person.shown(/Message \d+ posted in lobby/);
      await person.write(`UPD lobby ${folder}/other.bin\r`);
      await person.shown(/2 UPD other\.bin \[/);
      await person.write("/cancel large.bin\r");
      await person.shown(/large\.bin is cut off at \d+ %\. The same command goes on with it/);
      // On an empty line Ctrl-C first cancels what is on its way.
      await person.write("\x03");
      await person.shown(/other\.bin is cancelled before it has begun/);
      await person.write("/transfers\r");
      await person.shown(/No file is on its way/);
      await person.write(`UPD lobby ${path}\r`);
      await proxy.let("up", SLACK);
      await person.shown(/No file is on its way[^]*1 UPD large\.bin \[=+-+\] [1-9]\d* %/);
      await person.write("XIT\r");
      await person.shown(
        /No file is on its way[^]*large\.bin is cut off[^]*Successfully logged out/,
      );
      proxy.open();
      assertEquals((await person.exited).code, 0);
    });
  },
);
