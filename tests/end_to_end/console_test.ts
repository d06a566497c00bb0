import { assert, assertEquals, assertMatch } from "@std/assert";
import { ADMIN_PASSWORD, type ServerProcess } from "./processes.ts";
import { hidden, startPerson } from "./pseudo_terminal.ts";
import { type Ground, PASSWORD, scenario, sharedServer } from "./scenario.ts";

const shared = sharedServer();

interface Invocation {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What comes through standard input; without it, that stays open. */
  readonly input?: string;
}

const commands = (...lines: string[]) => lines.flatMap((line) => ["-c", line]);

function start(ground: Ground, server: { hostname: string; port: number }, call: Invocation) {
  const { args = [], env } = call;
  return ground.program({
    args: ["-A", "client/main.ts", server.hostname, String(server.port), ...args],
    env: { DFP_PASSWORD: PASSWORD, ...env },
  });
}

/** Runs a client that is expected to end by itself. */
async function run(ground: Ground, server: ServerProcess, call: Invocation) {
  const client = start(ground, server, call);
  if (call.input !== undefined) {
    await client.write(call.input);
    await client.endInput();
  }
  const { code } = await client.exited;
  return { code, output: client.output.all, errors: client.errors.all };
}

function objects(lines: readonly string[]): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line));
}

scenario("-c runs its lines in order and exits with 0", async (ground) => {
  const server = await shared();
  const { code, output, errors } = await run(ground, server, {
    args: ["--user", "Ann", "--register"].concat(
      commands("CRT Tea", "MSG Tea Earl Grey, hot", "RDT Tea", "LST", "XIT", "MSG Tea too late"),
    ),
  });
  assertEquals([code, errors], [0, []]);
  const text = output.join("\n");
  assertMatch(text, /Thread #\d+ "Tea" created\./);
  assertMatch(text, /Message 1 posted in Tea/);
  assertMatch(text, /1 .*Ann.*Earl Grey, hot/);
  assert(!text.includes("too late"), "nothing runs after XIT");
});

scenario(
  "a command that fails is told on standard error, and the exit status is 1",
  async (ground) => {
    const server = await shared();
    const { code, output, errors } = await run(ground, server, {
      args: ["--user", "Ben", "--register"].concat(
        commands("RDT nowhere", "frobnicate", "EDT lobby", 'CRT "After all"'),
      ),
    });
    assertEquals(code, 1);
    assertEquals(errors.length, 3, errors.join("\n"));
    assertMatch(errors[0], /no such thread.*\(1404 no-thread\)/);
    assertMatch(errors[1], /frobnicate is not a command.*\(1024 invalid-command\)/);
    assertMatch(output.join("\n"), /"After all" created/, "the lines after it still run");
  },
);

scenario(
  "lines come through a pipe, blank ones and a last one without an end too",
  async (ground) => {
    const server = await shared();
    const { code, output, errors } = await run(ground, server, {
      args: ["--user", "Cid", "--register"],
      input: "CRT Pipe\r\n\n   \n\r\nMSG Pipe one\nMSG Pipe  two  spaces\nRDT Pipe",
    });
    assertEquals([code, errors], [0, []]);
    const text = output.join("\n");
    assertMatch(text, /Message 2 posted in Pipe/);
    assertMatch(text, /1 .*Cid.*one/);
    assertMatch(text, / two {2}spaces/);
  },
);

scenario("many lines sent together are many commands", async (ground) => {
  const server = await shared();
  const lines = Array.from({ length: 300 }, (_, at) => `MSG Flood text ${at + 1}`);
  const { code, output } = await run(ground, server, {
    args: ["--user", "Dan", "--register", "--json"],
    input: ["CRT Flood", ...lines, ""].join("\n"),
  });
  assertEquals(code, 0);
  const numbers = objects(output).flatMap(({ command, result }) =>
    command === "MSG" ? [(result as { number: number }).number] : []
  );
  assertEquals(numbers, lines.map((_, at) => at + 1));
});

scenario("--json prints one object a line, for what was done and what was not", async (ground) => {
  const server = await shared();
  const { code, output, errors } = await run(ground, server, {
    args: ["--user", "Eve", "--register", "--json"].concat(
      commands('CRT "Two words"', 'MSG "Two words" x', "RDT nowhere", "frobnicate", "ATU"),
    ),
  });
  assertEquals([code, errors], [1, []]);
  const rows = objects(output).filter((row) => "command" in row);
  assertEquals(rows.map(({ command, ok }) => [command, ok]), [
    ["CRT", true],
    ["MSG", true],
    ["RDT", false],
    ["frobnicate", false],
    ["ATU", true],
  ]);
  assertEquals((rows[0].result as { title: string }).title, "Two words");
  const { text, ...failed } = rows[2];
  assertEquals(failed, { command: "RDT", ok: false, code: 1404, name: "no-thread" });
  assertEquals(typeof text, "string");
  assert(output.every((line) => !line.includes(PASSWORD)));
});

scenario(
  "a wrong password and a taken name exit with 1 and say why",
  async (ground) => {
    const server = await shared();
    await ground.signedPeer(server, "Fay");
    const wrong = await run(ground, server, {
      args: ["--user", "Fay", "-c", "LST"],
      env: { DFP_PASSWORD: "guessed" },
    });
    assertEquals([wrong.code, wrong.output], [1, []]);
    assertMatch(wrong.errors.join("\n"), /1402 wrong-password/);
    const unknown = await run(ground, server, { args: ["--user", "Nobody", "-c", "LST"] });
    assertEquals(unknown.code, 1);
    assertMatch(unknown.errors.join("\n"), /1402 wrong-password/);
    const taken = await run(ground, server, { args: ["--user", "FAY", "--register", "-c", "LST"] });
    assertEquals(taken.code, 1);
    assertMatch(taken.errors.join("\n"), /1410 user-exists/);
    const json = await run(ground, server, {
      args: ["--user", "Fay", "--json", "-c", "LST"],
      env: { DFP_PASSWORD: "guessed" },
    });
    assertEquals(json.code, 1);
    assertEquals(objects(json.output).map(({ event, name }) => [event, name]), [
      ["closed", "wrong-password"],
    ]);
    const none = await run(ground, server, {
      args: ["--user", "Fay", "-c", "LST"],
      env: { DFP_PASSWORD: "" },
      input: "",
    });
    assertEquals(none.code, 1);
    assertMatch(none.errors.join("\n"), /DFP_PASSWORD or --password-file/);
  },
);

scenario("the password can stand in a file", async (ground) => {
  const server = await shared();
  await ground.signedPeer(server, "Gil");
  const file = `${ground.folder()}/password`;
  Deno.writeTextFileSync(file, `${PASSWORD}\n`);
  const args = ["--user", "Gil", "-c", "ATU", "--password-file"];
  const { code, output } = await run(ground, server, {
    args: [...args, file],
    env: { DFP_PASSWORD: "" },
  });
  assertEquals(code, 0);
  assertMatch(output.join("\n"), /Gil/);
  const missing = await run(ground, server, { args: [...args, `${file}-none`] });
  assertEquals(missing.code, 2);
  assertMatch(missing.errors.join("\n"), /password file cannot be read/);
});

scenario("a server that is not there exits with 3, a bad command line with 2", async (ground) => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr as Deno.NetAddr;
  free.close();
  const gone = start(ground, { hostname: "127.0.0.1", port }, {
    args: ["--user", "Hal", "-c", "LST"],
  });
  assertEquals((await gone.exited).code, 3);
  assertMatch(gone.errors.all.join("\n"), new RegExp(`no server .* 127\\.0\\.0\\.1 port ${port}`));
  const cases = [["--usr", "Hal"], ["127.0.0.1", "99999"], ["--connect", "ftp://x"], [
    "a",
    "1",
    "b",
  ]];
  for (const args of cases) {
    const bad = ground.program({ args: ["-A", "client/main.ts", ...args] });
    assertEquals((await bad.exited).code, 2, args.join(" "));
    assertEquals(bad.errors.all.length, 1, args.join(" "));
  }
});

scenario("--stay goes on showing what happens, until it is told to end", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Ina", register: true });
  const { thread } = await client.command<"create">({ op: "create", title: "Live" });
  const stayer = start(ground, server, {
    args: ["--user", "Jim", "--register", "--json", "--stay", "-c", "JIN Live"],
  });
  await stayer.output.until((line) => line.includes('"command":"JIN"'));
  // A character that turns the line around.
  const posted = await client.command<"post">({ op: "post", thread, text: "hello \u202e Jim" });
  const line = await stayer.output.until((line) => line.includes("message.posted"));
  const { event, by, seq, text } = JSON.parse(line);
  assertEquals([event, by, seq], ["message.posted", "Ina", posted.seq]);
  assert(!line.includes("\u202e"), "no text changes how the terminal looks");
  assertEquals(text, "hello \u202e Jim");
  stayer.signal("SIGTERM");
  assertEquals((await stayer.exited).code, 0);
});

scenario("a ban ends --stay with status 1, and says so", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Kim", register: true });
  await client.promote(ADMIN_PASSWORD);
  const stayer = start(ground, server, {
    args: ["--user", "Leo", "--register", "--json", "--stay", "-c", "ATU"],
  });
  await stayer.output.until((line) => line.includes('"command":"ATU"'));
  await client.command({ op: "ban", user: "Leo", on: true, why: "enough" });
  assertEquals((await stayer.exited).code, 1);
  const last = objects(stayer.output.all).at(-1);
  assertEquals([last?.event, last?.name], ["closed", "banned"]);
});

scenario("--stay comes back when the server does, and shows what it missed", async (ground) => {
  const server = await ground.server();
  const { client } = await ground.member(server, { user: "Mia", register: true });
  const stayer = start(ground, server, {
    args: ["--user", "Ned", "--register", "--json", "--stay", "-c", "JIN lobby"],
  });
  await stayer.output.until((line) => line.includes('"command":"JIN"'));
  await server.kill("SIGKILL");
  await stayer.output.until((line) => line.includes('"event":"offline"'));
  const posted = client.command({ op: "post", thread: 1, text: "after the fall" });
  await server.start();
  await posted;
  await stayer.output.until((line) => line.includes("after the fall"));
});

scenario("SHT takes the admin password from DFP_ADMIN_PASSWORD", async (ground) => {
  const server = await ground.server();
  const refused = await run(ground, server, {
    args: ["--user", "Oda", "--register", "-c", "SHT"],
    env: { DFP_ADMIN_PASSWORD: "guessed" },
  });
  assertEquals(refused.code, 1);
  assertMatch(refused.errors.join("\n"), /1402 wrong-password/);
  const granted = await run(ground, server, {
    args: ["--user", "Oda", "-c", "SHT"],
    env: { DFP_ADMIN_PASSWORD: ADMIN_PASSWORD },
  });
  assertEquals(granted.code, 0, granted.errors.join("\n"));
  assertEquals((await server.process.exited).code, 0);
});

scenario("numbers mean the messages that were shown, whatever others delete", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Pia", register: true });
  const { thread } = await client.command<"create">({ op: "create", title: "Shown" });
  const first = await client.command<"post">({ op: "post", thread, text: "first" });
  const reader = start(ground, server, { args: ["--user", "Quy", "--register", "--json"] });
  await reader.write("MSG Shown second\nMSG Shown third\nRDT Shown\n");
  await reader.output.until((line) => line.includes('"command":"RDT"'));
  await client.command({ op: "delete", thread, message: first.seq });
  await reader.write("EDT Shown 2 second, edited\n");
  const line = await reader.output.until((line) => line.includes('"command":"EDT"'));
  assert(JSON.parse(line).ok, line);
  await reader.endInput();
  assertEquals((await reader.exited).code, 0);
  const { messages } = await client.command<"read">({ op: "read", thread });
  assertEquals(messages.map(({ text }) => text), ["second, edited", "third"]);
});

scenario("private messages reach their user and nobody else", async (ground) => {
  const server = await shared();
  await ground.signedPeer(server, "Ria");
  await ground.signedPeer(server, "Sam");
  const told = await run(ground, server, {
    args: ["--user", "Ria", "-c", "PRV @Sam psst, kumquat"],
  });
  assertEquals(told.code, 0, told.errors.join("\n"));
  const received = await run(ground, server, { args: ["--user", "Sam", "-c", "RDT @Ria"] });
  assertMatch(received.output.join("\n"), /psst, kumquat/);
  const other = await run(ground, server, {
    args: ["--user", "Tom", "--register"].concat(commands("LST", "SRC kumquat", "RDM 1 Jan 2020")),
  });
  assert(!other.output.join("\n").includes("psst"), other.output.join("\n"));
});

scenario(
  "at a terminal the password is asked for and not shown, and lines are answered",
  async (ground) => {
    const server = await shared();
    const { peer } = await ground.signedPeer(server, "Una");
    peer.close();
    const person = await startPerson(ground, server, ["--user", "Una"]);
    if (person === undefined) return;
    await person.shown(/Please enter the password/);
    await hidden(person);
    await person.write("guessed\r");
    await person.shown(/1402 wrong-password[^]*Please enter the password/);
    await hidden(person);
    await person.write(`${PASSWORD}\r`);
    await person.shown(/Welcome[^]*Una[^]*HLP lists the commands/);
    await person.write("CRT Terminal\r");
    await person.shown(/Thread #\d+ "Terminal" created/);
    await person.write("JIN Terminal\r");
    await person.shown(/Una in Terminal> /);
    await person.write("bare text goes to it\r");
    await person.shown(/\[Terminal\][^]*Una[^]*bare text goes to it/);
    await person.write("\u0004");
    await person.shown(/Successfully logged out/);
    assertEquals((await person.exited).code, 0);
    const all = person.output.all.join("\n");
    for (const secret of ["guessed", PASSWORD]) assert(!all.includes(secret), "it is not shown");
  },
);

scenario("at a terminal --register asks twice, and XIT leaves", async (ground) => {
  const server = await shared();
  const person = await startPerson(ground, server, ["--register", "--user", "Vic"]);
  if (person === undefined) return;
  await person.shown(/Please enter the password/);
  await person.write(`${PASSWORD}\r`);
  await person.shown(/Once more, please/);
  await person.write(`${PASSWORD}\r`);
  await person.shown(/Welcome[^]*Vic/);
  await person.write("XIT\r");
  assertEquals((await person.exited).code, 0);
  await ground.member(server, { user: "Vic" });
});
