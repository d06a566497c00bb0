/**
 * The verbs about files in the terminal client: what is meant, what comes of it, how it is shown and completed.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { createConsoleFiles } from "../client/console/console_files.ts";
import { fileOfAlways } from "../client/disk/always_file.ts";
import { createDirectory } from "../protocol/terminal/directory.ts";
import type { Transfer } from "../protocol/terminal/file_outcome.ts";
import { outcomeJson } from "../client/console/json_output.ts";
import { createNumbers } from "../protocol/terminal/numbers.ts";
import type { Outcome } from "../protocol/terminal/outcome.ts";
import { barLine, clip } from "../client/console/progress_bar.ts";
import { progressText } from "../protocol/terminal/progress_text.ts";
import { barProgress, jsonProgress, textProgress } from "../client/console/progress_views.ts";
import { outcomeRenderer } from "../protocol/terminal/render_outcome.ts";
import { createJoined } from "../protocol/terminal/joined.ts";
import { createSession } from "../client/console/session.ts";
import { createSpeed } from "../client/console/speed.ts";
import { createPaint } from "../protocol/terminal/style.ts";
import { createTransfers } from "../client/console/transfers.ts";
import { fitsWildcard } from "../protocol/terminal/wildcard.ts";
import type { ForumClient } from "../client/mod.ts";
import type { Command } from "../protocol/forum/command.ts";
import type { FoundFileRow } from "../protocol/forum/reply.ts";
import { formatMoment } from "../protocol/terminal/moment.ts";
import type { StatusName } from "../protocol/status.ts";
import { fold } from "../protocol/text.ts";
import { parseLine } from "../protocol/verb_line.ts";
import { refusal, scriptedClient, threadRow } from "./console_client.ts";
import { runs } from "./runs.ts";

const SHA256 = "0123456789abcdef".repeat(4);
const NO_VIEW = { show() {}, over() {} };

function fileRow(seq: number, name: string): FoundFileRow {
  const facts = { by: "Yoda", at: 0, size: 3, type: "text/plain", sha256: SHA256 };
  return { thread: 1, title: "lobby", seq, name, ...facts };
}

interface Shelf {
  /** What is in lobby, newest first. */
  readonly files?: readonly FoundFileRow[];
  /** With what each upload of this name, and each download, is refused. */
  readonly refused?: Readonly<Record<string, StatusName>>;
}

/** A console on a forum with some files, run line by line in a folder of its own. */
async function withFiles(
  { files = [], refused = {} }: Shelf,
  use: (parts: {
    /** Runs a line; `answer` answers some commands instead. */
    run(
      text: string,
      answer?: Partial<Record<string, () => Promise<never> | undefined>>,
    ): Promise<Outcome>;
    folder: string;
    asked: object[];
    files: ReturnType<typeof createConsoleFiles>;
    show(outcome: Outcome): string;
  }) => Promise<void>,
): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "dfp-console-files-" });
  const { client, asked } = scriptedClient({
    find: ({ title }) => title === "lobby" ? { thread: threadRow(1, "lobby") } : "no-thread",
    files: ({ name, skip = 0, limit = 50 }) => {
      const fitting = files.filter((row) => name === undefined || fold(row.name) === fold(name));
      return { files: fitting.slice(skip, skip + limit), more: fitting.length > skip + limit };
    },
  });
  let answer: Partial<Record<string, () => Promise<never> | undefined>> = {};
  const carrying = {
    state: "online",
    async upload({ name, content }: { name: string; content: { size: number } }) {
      asked.push({ upload: name, size: content.size });
      await answer.upload?.();
      if (refused[name] !== undefined) throw refusal(refused[name]);
      return { file: 9, at: 5, sha256: SHA256 };
    },
    download({ file }: { file: number }) {
      const row = files.find(({ seq }) => seq === file)!;
      asked.push({ download: row.name });
      if (refused[row.name] !== undefined) return Promise.reject(refusal(refused[row.name]));
      // A stream of bytes, as the real one.
      const stream = new Blob(["abc"]).stream();
      return Promise.resolve({ ...row, offset: 0, stream });
    },
  };
  const command = client.command.bind(client) as (given: Command) => Promise<object>;
  const full = Object.assign(client, carrying, {
    command(given: Command) {
      const told = command(given);
      return answer[given.op]?.() ?? told;
    },
  }) as unknown as ForumClient;
  const directory = createDirectory("Yoda");
  const numbers = createNumbers();
  const console = createConsoleFiles({
    client: full,
    directory,
    numbers,
    downloads: folder,
    always: fileOfAlways(`${folder}/always`, { server: "forum.example", user: "Yoda" }),
    deflate: false,
    progress: NO_VIEW,
    show() {},
  });
  const secret = () => Promise.resolve(undefined);
  const session = console.session(createSession({
    client: full,
    directory,
    numbers,
    joined: createJoined(),
    files: console.known,
    secrets: { adminPassword: secret, newPassword: secret },
    attended: true,
    now: () => 0,
  }));
  const show = outcomeRenderer({ me: "Yoda", directory, numbers, paint: createPaint(false) });
  try {
    await use({
      folder,
      asked,
      files: console,
      show,
      async run(text, instead = {}) {
        asked.length = 0;
        answer = instead;
        const outcome = await session.run(parseLine(text)!);
        console.told(outcome);
        return outcome;
      },
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function refusedWith(outcome: Outcome, name: StatusName): string {
  assert(!outcome.ok, `${outcome.command} should be refused`);
  assertEquals(outcome.name, name);
  return outcome.text;
}

Deno.test("UPD shares a file under its own name, and says where it is", async () => {
  await withFiles({}, async ({ run, folder, show }) => {
    Deno.writeTextFileSync(`${folder}/a b.txt`, "abc");
    const outcome = await run(`UPD lobby ${folder}/a b.txt`);
    assertEquals(outcome, {
      ok: true,
      command: "UPD",
      result: { thread: 1, name: "a b.txt", seq: 9, size: 3, sha256: SHA256, at: 5 },
    });
    assertEquals(
      show(outcome),
      "a b.txt shared in lobby as #9 (3 bytes, sha256 0123456789abcdef…).",
    );
  });
});

Deno.test("UPD with a pattern shares several, and goes on when one of them is refused", async () => {
  const refused = { "b.txt": "file-exists" } as const;
  await withFiles({ refused }, async ({ run, folder, asked, show }) => {
    for (const name of ["a.txt", "b.txt", "c.txt", "d.bin"]) {
      Deno.writeTextFileSync(`${folder}/${name}`, "abc");
    }
    const one = await run(`UPD lobby ${folder}/a.*`);
    assert(one.ok && one.command === "UPD" && "files" in one.result, "a pattern gives a list");
    assertEquals(one.result.files.map(({ name }) => name), ["a.txt"]);
    const outcome = await run(`UPD lobby ${folder}/*.txt`);
    assertEquals(
      asked.flatMap((what) => "upload" in what ? [what.upload] : []),
      ["a.txt", "b.txt", "c.txt"],
    );
    const text = refusedWith(outcome, "file-exists");
    assertMatch(text, /^1 of 3 files did not get there:\n.*b\.txt: A file of that name/);
    assert(!outcome.ok);
    assertEquals(outcome.files?.map(({ name }) => name), ["a.txt", "c.txt"]);
    assertEquals(outcome.refused?.map(({ code, name }) => [code, name]), [[1408, "file-exists"]]);
    const { ok, files, refused } = JSON.parse(outcomeJson(outcome));
    assertEquals([ok, files.length, refused.length], [false, 2, 1]);
    assertMatch(show(outcome), /\n {4}.*b\.txt: .*\(1408 file-exists\)$/);
  });
});

Deno.test("what comes too soon is shared a little later", async () => {
  await withFiles({}, async ({ run, folder, asked }) => {
    for (const name of ["a", "b"]) Deno.writeTextFileSync(`${folder}/${name}`, "abc");
    const soon = () => Promise.reject(Object.assign(refusal("rate"), { detail: { wait: 1 } }));
    let refusals = 3;
    const upload = () => refusals-- > 0 ? soon() : undefined;
    const outcome = await run(`UPD lobby ${folder}/*`, { upload });
    assert(outcome.ok && outcome.command === "UPD" && "files" in outcome.result);
    assertEquals(outcome.result.files.map(({ name }) => name), ["a", "b"]);
    assertEquals(asked.filter((what) => "upload" in what).length, 5);
  });
});

Deno.test("what is not on this machine is refused before anybody is asked", async () => {
  await withFiles({}, async ({ run, folder, asked }) => {
    const none = await run(`UPD lobby ${folder}/none.txt`);
    assertMatch(refusedWith(none, "no-file"), /There is no file .*none\.txt on this machine/);
    assertMatch(refusedWith(await run(`UPD lobby ${folder}/*.x`), "no-file"), /fits the pattern/);
    assertEquals(asked, []);
    assertMatch(refusedWith(await run(`UPD lobby ${folder}`), "no-file"), /is a folder/);
    Deno.writeTextFileSync(`${folder}/a`, "");
    refusedWith(await run(`UPD nowhere ${folder}/a`), "no-thread");
  });
});

Deno.test("without peers a file straight to a user is refused with what to do instead", async () => {
  await withFiles({}, async ({ run, asked }) => {
    assertMatch(
      refusedWith(await run("/send @Ann a.txt"), "invalid-command"),
      /takes no part in files straight from user to user/,
    );
    assertEquals(asked, []);
  });
});

Deno.test("DWN takes a name, a number, or a pattern, and saves under a safe name", async () => {
  const files = [fileRow(9, "../x"), fileRow(8, "B.jpg"), fileRow(7, "a.jpg"), fileRow(6, "*.jpg")];
  await withFiles({ files }, async ({ run, folder, asked, show }) => {
    const named = await run("DWN lobby b.JPG");
    assertEquals(named, {
      ok: true,
      command: "DWN",
      result: { thread: 1, name: "B.jpg", path: `${folder}/B.jpg`, size: 3, sha256: SHA256 },
    });
    assertEquals(Deno.readTextFileSync(`${folder}/B.jpg`), "abc");
    assertMatch(show(named), /^B\.jpg from lobby saved as .*\/B\.jpg \(3 bytes, sha256 /);
    const numbered = await run("DWN lobby #9");
    assert(numbered.ok && numbered.command === "DWN" && "path" in numbered.result);
    assertEquals(numbered.result.path, `${folder}/_._x`);
    // What is called so comes before the pattern.
    const literal = await run("DWN lobby *.jpg");
    assert(literal.ok && literal.command === "DWN" && "path" in literal.result);
    assertEquals(literal.result.path, `${folder}/_.jpg`);
    const several = await run("DWN lobby ?.jpg");
    assert(several.ok && several.command === "DWN" && "files" in several.result);
    assertEquals(
      several.result.files.map(({ name, path }) => [name, path]),
      [["*.jpg", `${folder}/_ (2).jpg`], ["a.jpg", `${folder}/a.jpg`], [
        "B.jpg",
        `${folder}/B (2).jpg`,
      ]],
    );
    assertMatch(refusedWith(await run("DWN lobby *.png"), "no-file"), /fits the pattern/);
    await run("FLS lobby");
    assertMatch(refusedWith(await run("DWN lobby a.jpgg"), "no-file"), /Did you mean a\.jpg\?/);
    assertEquals(asked.some((what) => "download" in what), false);
  });
});

Deno.test("a number is found on any page, and not asked for when it was shown", async () => {
  const files = Array.from({ length: 1200 }, (_, at) => fileRow(1200 - at, `file ${1200 - at}`));
  await withFiles({ files }, async ({ run, asked }) => {
    assert((await run("RMF lobby #3")).ok);
    assertEquals(asked.at(-1), { op: "withdraw", thread: 1, file: 3 });
    refusedWith(await run("RMF lobby #5000"), "no-file");
    const listing = await run("FLS lobby");
    assert(listing.ok && listing.command === "FLS");
    assertEquals([listing.result.files.length, listing.result.more], [1200, false]);
    await run("RMF lobby #7");
    assertEquals(asked, [{ op: "withdraw", thread: 1, file: 7 }]);
  });
});

Deno.test("DESIGN §13: removing `s` removes `secret`: it does not, a pattern neither", async () => {
  const files = [fileRow(9, "secret"), fileRow(8, "s3"), fileRow(7, "other")];
  await withFiles({ files }, async ({ run, asked }) => {
    for (const name of ["s", "s*", "*", "secre", "?3"]) {
      refusedWith(await run(`RMF lobby ${name}`), "no-file");
      assert(asked.every((what) => !("op" in what) || what.op !== "withdraw"), name);
    }
    const outcome = await run("RMF lobby SECRET");
    assertEquals(asked.at(-1), { op: "withdraw", thread: 1, file: 9 });
    assertEquals(outcome, {
      ok: true,
      command: "RMF",
      result: { thread: 1, name: "secret", seq: 9 },
    });
  });
});

Deno.test("FLS shows who shared what and when, and its hash", async () => {
  const files = [fileRow(9, "red \x1b[31m"), fileRow(8, "a.jpg")];
  await withFiles({ files }, async ({ run, show }) => {
    const facts = `(3 bytes, text/plain) by Yoda, ${formatMoment(0)}, sha256 0123456789abcdef…`;
    const within = show(await run("FLS lobby"));
    assertEquals(within, `#9 red \\x1b[31m ${facts}\n#8 a.jpg ${facts}`);
    assertEquals(show(await run("FLS")).split("\n")[1], `[lobby] #8 a.jpg ${facts}`);
    const outcome = await run("FLS lobby");
    const { result } = JSON.parse(outcomeJson(outcome));
    assertEquals([result.thread, result.files[0].sha256], [1, SHA256]);
  });
  await withFiles({}, async ({ run, show }) => {
    assertEquals(show(await run("FLS lobby")), "There are no files in lobby.");
  });
});

Deno.test("what is on its way is listed, and cancelled by number or name", async () => {
  await withFiles({}, async ({ run, files, show }) => {
    assertEquals(show(await run("/transfers")), "No file is on its way.");
    refusedWith(await run("/cancel 1"), "no-file");
    const one = files.transfers.begin("UPD", "~/a.bin");
    assertEquals(show(await run("/transfers")), "1 UPD ~/a.bin: waiting");
    one.found(1, 1);
    one.file("a.bin", 200);
    one.progress(90);
    const other = files.transfers.begin("DWN", "b*");
    other.found(1, 3);
    other.turn();
    other.file("b.bin", 0);
    assertEquals(show(await run("/transfers")).split("\n"), [
      "1 UPD a.bin: 45 % of 200 bytes, #1",
      "2 DWN b.bin (1/3): waiting, #1",
    ]);
    const cancelled = await run("/cancel a.bin");
    assertEquals(show(cancelled), "a.bin is being cancelled.");
    assert(one.signal.aborted && !other.signal.aborted);
    assertMatch(String(one.signal.reason), /a\.bin is cut off at 45 %\. The same command goes on/);
    await run("/cancel 2");
    assertMatch(String(other.signal.reason), /b\.bin is cancelled before it has begun/);
    one.end();
    other.end();
    assertEquals(show(await run("/transfers")), "No file is on its way.");
    assertEquals(
      files.transfers.begin("UPD", "x").signal.aborted,
      false,
    );
    assertEquals(files.transfers.all[0].number, 1, "numbers begin anew");
  });
});

Deno.test("a line is cancelled while it is looked up, and whatever comes of that is nobody's business", async () => {
  await withFiles({}, async ({ run, files, asked }) => {
    const never = Promise.withResolvers<never>();
    const line = run("DWN #1 a.bin", { files: () => never.promise });
    files.transfers.cancelAll();
    const text = refusedWith(await line, "cancelled");
    assertEquals(text, "a.bin is cancelled before it has begun.");
    never.reject(refusal("lost"));
    assertEquals(files.transfers.all, []);
    assertEquals(asked.length, 1);
    const other = run("DWN #1 a.bin", { files: () => Promise.withResolvers<never>().promise });
    await files.stop();
    refusedWith(await other, "cancelled");
  });
});

Deno.test("names are completed where a file stands", async () => {
  const files = [fileRow(9, "Secret plan.pdf"), fileRow(8, "second"), fileRow(7, " s"), {
    ...fileRow(6, "elsewhere"),
    thread: 2,
  }];
  await withFiles({ files }, async ({ run, folder, files: { complete, heard } }) => {
    assertEquals(complete("DWN lobby se")?.candidates, []);
    await run("FLS");
    assertEquals(complete("DWN lobby se"), {
      candidates: ["Secret plan.pdf", "second"],
      typed: "se",
    });
    assertEquals(complete("rmf #1 "), {
      candidates: ['" s"', "Secret plan.pdf", "second"],
      typed: "",
    });
    assertEquals(complete('DWN "lobby" "secret p'), {
      candidates: ['"Secret plan.pdf"'],
      typed: '"secret p',
    });
    assertEquals(complete("DWN #2 ")?.candidates, ["elsewhere"]);
    const event = { scope: "thread/1", at: 0, by: "Ann" };
    heard({
      type: "event",
      event: { ...event, seq: 20, kind: "file.removed", file: 8, name: "second" },
    });
    const shared = { name: "sector", size: 1, type: "text/plain", sha256: SHA256 };
    heard({ type: "event", event: { ...event, seq: 21, kind: "file.shared", ...shared } });
    assertEquals(complete("DWN lobby sec")?.candidates, ["Secret plan.pdf", "sector"]);
    for (const line of ["", "DWN", "DWN lobby", "MSG lobby se", "nothing at all"]) {
      assertEquals(complete(line), undefined, line);
    }

    Deno.mkdirSync(`${folder}/some folder`);
    for (const name of ["a.txt", ".hidden", "some folder/b", "esc\x1b"]) {
      Deno.writeTextFileSync(`${folder}/${name}`, "");
    }
    const local = (typed: string) => complete(`UPD lobby ${typed}`)?.candidates;
    assertEquals(local(`${folder}/`), [`${folder}/a.txt`, `${folder}/some folder/`]);
    assertEquals(local(`${folder}/.h`), [`${folder}/.hidden`]);
    assertEquals(local(`${folder}/some folder/`), [`${folder}/some folder/b`]);
    assertEquals(local(`"${folder}/so`), [`"${folder}/some folder/`]);
    assertEquals(local(`"${folder}/a`), [`"${folder}/a.txt"`]);
    assertEquals(local(`${folder}/none/`), []);
  });
});

Deno.test("a wildcard fits as its parts do, in any case", () => {
  const fits: [string, string, boolean][] = [
    ["*", "", true],
    ["*", "a/b\n", true],
    ["*.jpg", "a.JPG", true],
    ["*.jpg", "a.jpeg", false],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["?", "🗿", true],
    ["s", "secret", false],
    ["*a*b*", "xaxxbx", true],
    ["*ab", "aab", true],
    ["a.b", "axb", false],
    ["[ab]", "a", false],
  ];
  for (const [pattern, name, fitting] of fits) {
    assertEquals(fitsWildcard(pattern, name), fitting, `${pattern} ${name}`);
  }
  // What makes backtracking patterns take for ever is done in a moment.
  assert(!fitsWildcard("*a".repeat(50), `${"a".repeat(200)}b`));
});

Deno.test("a wildcard fits what a regular expression of the same meaning does", () => {
  const letters = fc.array(fc.constantFrom("a", "b", "*", "?", "."), { maxLength: 8 });
  const name = fc.array(fc.constantFrom("a", "b", "."), { maxLength: 10 });
  fc.assert(
    fc.property(letters, name, (pattern, letters) => {
      const text = pattern.join("").replaceAll(".", "\\.").replaceAll("*", ".*").replaceAll(
        "?",
        ".",
      );
      const expected = new RegExp(`^${text}$`, "s").test(letters.join(""));
      assertEquals(fitsWildcard(pattern.join(""), letters.join("")), expected);
    }),
    { numRuns: runs(1000) },
  );
});

const transfer: Transfer = {
  number: 1,
  command: "UPD",
  thread: 1,
  name: "holocron.bin",
  waiting: false,
  bytes: 450,
  size: 1000,
  rate: null,
  place: 1,
  count: 1,
};

Deno.test("progress is told with speed and time left, as far as they are known", () => {
  assertEquals(progressText(transfer), "UPD holocron.bin: 45 % of 1000 bytes");
  assertEquals(
    progressText({ ...transfer, rate: 2048, size: 1_000_000, bytes: 999_999 }),
    "UPD holocron.bin: 99 % of 976.6 KiB, 2.0 KiB/s, 0:01 left",
  );
  assertEquals(
    progressText({ ...transfer, rate: 1, size: 10_000, bytes: 0 }),
    "UPD holocron.bin: 0 % of 9.8 KiB, 1 byte/s, 2:46:40 left",
  );
  assertEquals(
    progressText({ ...transfer, rate: 0, count: 12 }),
    "UPD holocron.bin (1/12): 45 % of 1000 bytes, 0 bytes/s",
  );
});

Deno.test("a bar never takes more columns than there are", () => {
  const named = fc.record({
    name: fc.string({ unit: "binary" }),
    rate: fc.option(fc.nat()),
    bytes: fc.nat({ max: 1000 }),
    count: fc.integer({ min: 1, max: 2000 }),
  });
  fc.assert(
    fc.property(named, fc.integer({ min: 1, max: 200 }), (given, columns) => {
      const line = barLine({ ...transfer, ...given }, columns);
      let width = 0;
      for (const character of line) width += character < "\x80" ? 1 : 2;
      assert(width <= columns, line);
      // deno-lint-ignore no-control-regex -- the control characters are what it looks for
      assert(!/[\0-\x1f]/.test(line));
    }),
    { numRuns: runs() },
  );
  assertEquals(clip("日本語", 5), "日本~");
  assertEquals(
    barLine({ ...transfer, rate: 1024, name: "x".repeat(100) }, 60),
    "1 UPD xxxxxxx~ [=========-----------] 45 %, 1.0 KiB/s, 0:01~",
  );
});

Deno.test("speed is that of the last seconds, and begins anew with a file", () => {
  const speed = createSpeed();
  assertEquals(speed.perSecond, undefined);
  for (let at = 0; at <= 10_000; at += 10) speed.note(at < 5000 ? 0 : at - 5000, at);
  assert(
    speed.perSecond !== undefined && Math.abs(speed.perSecond - 1000) < 50,
    `${speed.perSecond}`,
  );
  speed.note(0, 10_010);
  assertEquals(speed.perSecond, undefined);
});

/** A clock that is set. */
function clock() {
  const time = { ms: 0, now: () => time.ms };
  return time;
}

Deno.test("JSON lines of progress are at most four a second", () => {
  const time = clock();
  const lines: string[] = [];
  const view = jsonProgress({ now: time.now, write: (line) => lines.push(line) });
  view.show({ ...transfer, waiting: true });
  for (let bytes = 0; bytes <= 1000; bytes++, time.ms++) view.show({ ...transfer, bytes });
  assertEquals(
    lines[0],
    '{"event":"progress","command":"UPD","name":"holocron.bin","bytes":0,"size":1000}',
  );
  assertEquals(lines.map((line) => JSON.parse(line).bytes), [0, 250, 500, 750, 1000]);
});

Deno.test("without a terminal a line comes at each quarter, at most one a second, and none for what is quick", () => {
  const time = clock();
  const lines: string[] = [];
  const view = textProgress({ now: time.now, write: (line) => lines.push(line) });
  const carry = (name: string, ms: number) => {
    const number = lines.length + 1;
    for (let bytes = 300; bytes <= 1000; bytes++) {
      view.show({ ...transfer, number, name, bytes });
      time.ms += ms;
    }
    view.over(transfer);
  };
  carry("quick", 1);
  assertEquals(lines, []);
  carry("slow", 100);
  assertEquals(lines.map((line) => line.match(/\d+ %/)?.[0]), ["50 %", "75 %"]);
  view.show({ ...transfer, number: 99, size: 0, bytes: 0 });
  assertEquals(lines.length, 2);
});

Deno.test("a bar gives way to lines, and is gone in the end", () => {
  const time = clock();
  let screen = "";
  const terminal = { columns: 61, write: (text: string) => screen += text };
  const view = barProgress({ now: time.now, terminal });
  view.show(transfer);
  view.over(transfer);
  assertEquals(screen, "", "what is quick needs no bar");
  view.show(transfer);
  time.ms = 200;
  view.show(transfer);
  const bar = "\r1 UPD holocron.bin [=========-----------] 45 %\x1b[K";
  assertEquals(screen, bar);
  screen = "";
  view.above(() => terminal.write("a line\n"));
  assertEquals(screen, `\r\x1b[Ka line\n${bar}`);
  screen = "";
  view.over(transfer);
  view.above(() => terminal.write("a line\n"));
  assertEquals(screen, "\r\x1b[Ka line\n");
});

Deno.test("the first transfer and the end of the last one are told", () => {
  const told: boolean[] = [];
  const transfers = createTransfers({
    now: () => 0,
    view: NO_VIEW,
    busy: (busy) => told.push(busy),
  });
  assertEquals(transfers.cancelAll(), false);
  const one = transfers.begin("UPD", "x");
  const other = transfers.begin("UPD", "x");
  assertEquals(transfers.cancelAll(), true);
  one.end();
  one.end();
  assertEquals(told, [true]);
  other.end();
  assertEquals(told, [true, false]);
});
