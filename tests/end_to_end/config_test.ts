import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Message } from "../../protocol/message.ts";
import { STATUS } from "../../protocol/status.ts";
import { ADMIN_PASSWORD, serverArguments } from "./processes.ts";
import { isGranted } from "./raw_peer.ts";
import { type Ground, PASSWORD, refusal, scenario } from "./scenario.ts";

/** Runs a server that is expected to end by itself. */
async function ended(
  ground: Ground,
  args: readonly string[],
  { data, readable, env }: {
    data?: string;
    readable?: readonly string[];
    env?: Record<string, string>;
  } = {},
) {
  const process = ground.program({
    args: serverArguments({
      data: data ?? `${ground.folder()}/data`,
      args,
      ...readable !== undefined && { readable },
    }),
    ...env !== undefined && { env },
  });
  const { code } = await process.exited;
  return { code, output: process.output.all, errors: process.errors.all };
}

scenario("each bad option says what is wrong in one line, and exits with 2", async (ground) => {
  const cases: [string[], RegExp][] = [
    [["--port", "seven"], /the port must be a whole number from 0 to 65535, not seven/],
    [["--max-attempts", "0"], /max-attempts must be a whole number from 1/],
    [["--max-attempts=-3"], /max-attempts must be a whole number from 1 to 1000, not -3/],
    [["--lockout", "1e3"], /lockout must be a whole number/],
    [["--heartbeat", "0"], /heartbeat must be a whole number from 1/],
    [["--idle-timeout", "soon"], /idle-timeout must be a whole number/],
    [["--registration", "maybe"], /--registration must be open or closed, not maybe/],
    [["--text", "loud"], /--text must be on or off, not loud/],
    [["--text-idle-timeout", "never"], /text-idle-timeout must be a whole number from 0/],
    [["--log", "xml"], /--log must be text or json, not xml/],
    [["--hostname", ""], /--hostname needs a value/],
    [["--prot", "5000"], /there is no option --prot; --help lists them/],
    [["--admin-password", "x"], /there is no option --admin-password/],
    [["--udp-port", "many"], /the udp-port must be a whole number from 0 to 65535, not many/],
    [["--cluster", "nats://h"], /--cluster is not in this version yet/],
    [["--web-port", "99999"], /the web-port must be a whole number from 0 to 65535, not 99999/],
    [["--web-port", "1", "--web-origin", "friend.example"], /--web-origin needs a URL like https/],
    [["--web-port", "1", "--trusted-proxy", "nginx"], /--trusted-proxy needs an address like/],
    [["--web-root", "somewhere"], /--web-root does nothing without --web-port/],
    [["--tls-cert", "cert.pem"], /--tls-cert needs --tls-key as well/],
    [["5000", "5001"], /one port can be named/],
  ];
  // Each is a process of its own: a few at a time.
  for (let at = 0; at < cases.length; at += 4) {
    await Promise.all(
      cases.slice(at, at + 4).map(async ([args, complaint]) => {
        const process = ground.program({
          args: ["--allow-read=nowhere", "--allow-env=DFP_*", "server/main.ts", ...args],
        });
        const { code } = await process.exited;
        const what = args.join(" ");
        assertEquals(code, 2, what);
        assertEquals(process.output.all, [], what);
        assertEquals(process.errors.all.length, 1, what);
        assertMatch(process.errors.all[0], /^dfp-server: /, what);
        assertMatch(process.errors.all[0], complaint, what);
      }),
    );
  }
});

scenario("--help and --version answer and exit with 0", async (ground) => {
  const help = await ended(ground, ["--help"]);
  assertEquals([help.code, help.errors], [0, []]);
  for (const option of ["--hostname", "--credentials", "DFP_ADMIN_PASSWORD", "--tls-cert"]) {
    assert(help.output.some((line) => line.includes(option)), option);
  }
  const version = await ended(ground, ["--version"]);
  assertEquals([version.code, version.output.length], [0, 1]);
  assertMatch(version.output[0], /^dfp-server\/2\./);
});

scenario("a port in use is named, and exits with 1", async (ground) => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    const { port } = taken.addr as Deno.NetAddr;
    const process = ground.program({
      args: serverArguments({ data: `${ground.folder()}/data`, port }),
    });
    assertEquals((await process.exited).code, 1);
    const errors = process.errors.all;
    assertEquals(errors.length, 1);
    assertMatch(errors[0], new RegExp(`cannot listen on 127\\.0\\.0\\.1 port ${port}`));
    assertMatch(errors[0], /in use.*--port/);
    assert(!process.output.all.includes("ready"));
  } finally {
    taken.close();
  }
});

scenario(
  "a second server on the same data is refused, and the first one goes on",
  async (ground) => {
    const server = await ground.server();
    const { client } = await ground.member(server, { user: "First", register: true });
    const { code, errors, output } = await ended(ground, [], { data: server.data });
    assertEquals(code, 1);
    assertEquals(errors.length, 1);
    assert(errors[0].includes(server.data), errors[0]);
    assertMatch(errors[0], /another server|other process|already/i);
    assert(!output.includes("ready"));
    await client.command({ op: "post", thread: 1, text: "undisturbed" });
    await server.kill("SIGKILL");
    await server.start();
    const { messages } = await client.command<"read">({ op: "read", thread: 1 });
    assertEquals(messages.map(({ text }) => text), ["undisturbed"]);
  },
);

scenario("data that is no forum's, or cannot be used, is left alone and named", async (ground) => {
  const folder = ground.folder();
  Deno.mkdirSync(`${folder}/text`);
  Deno.writeTextFileSync(`${folder}/text/forum.sqlite`, "this is a diary\n".repeat(500));
  Deno.writeTextFileSync(`${folder}/file`, "not a folder");
  for (const data of [`${folder}/text`, `${folder}/file`]) {
    const { code, errors } = await ended(ground, [], { data });
    assertEquals(code, 1, data);
    assertEquals(errors.length, 1, errors.join("\n"));
    assert(errors[0].includes(data), errors[0]);
  }
  assertMatch(Deno.readTextFileSync(`${folder}/text/forum.sqlite`), /^this is a diary/);
});

scenario(
  "a credentials file makes accounts once, and changes none that are there",
  async (ground) => {
    const folder = ground.folder();
    const file = `${folder}/credentials.txt`;
    Deno.writeTextFileSync(file, `# the older system's\nhan ${PASSWORD}\r\n\nyoda a longer one\n`);
    const server = await ground.server({ args: ["--credentials", file], readable: [folder] });
    assert(server.output.all.includes("2 accounts imported"));
    const yoda = await ground.member(server, { user: "Yoda", password: "a longer one" });
    assertEquals(yoda.client.user, "yoda");
    await yoda.client.changePassword("changed since");
    await yoda.client.close();
    await server.kill();
    Deno.writeTextFileSync(file, `yoda overwritten\nluke ${PASSWORD}\n`);
    await server.start();
    assert(server.output.all.includes("1 accounts imported"));
    await ground.member(server, { user: "luke" });
    await ground.member(server, { user: "yoda", password: "changed since" });
    assertEquals(
      await refusal(ground.member(server, { user: "yoda", password: "overwritten" })),
      "wrong-password",
    );
  },
);

scenario("a bad credentials file names its lines, and exits with 1", async (ground) => {
  const folder = ground.folder();
  const file = `${folder}/credentials.txt`;
  Deno.writeTextFileSync(file, "good enough\nnopassword\n../x secret\n");
  const bad = await ended(ground, ["--credentials", file], { readable: [folder] });
  assertEquals(bad.code, 1);
  const told = bad.errors.join("\n");
  assertMatch(told, /line 2: /);
  assertMatch(told, /line 3: /);
  assert(!/line 1: /.test(told), told);
  assert(!told.includes("secret"), "no password is shown");
  const missing = await ended(ground, ["--credentials", `${folder}/none`], { readable: [folder] });
  assertEquals(missing.code, 1);
  assertMatch(missing.errors.join("\n"), /cannot be read/);
  const forbidden = await ended(ground, ["--credentials", file]);
  assertEquals(forbidden.code, 1);
  assertMatch(forbidden.errors.join("\n"), /cannot be read/);
});

scenario("an admin password is made and shown once, where none is given", async (ground) => {
  const server = await ground.server({ env: { DFP_ADMIN_PASSWORD: "" } });
  const line = server.output.all.find((text) => text.startsWith("admin password"));
  const made = line?.replace(/^.*: /, "") ?? "";
  assert(made.length >= 16, line);
  const { client } = await ground.member(server, { user: "Keeper", register: true });
  assertEquals(await refusal(client.promote(ADMIN_PASSWORD)), "wrong-password");
  await client.promote(made);
  await server.kill("SIGKILL");
  await server.start();
  assert(!server.output.all.some((text) => text.includes("admin password")), "once");
  await client.command({ op: "users" });
  await client.promote(made);
  await server.kill();
  for (const { name, isFile } of Deno.readDirSync(server.data)) {
    if (!isFile) continue;
    const bytes = Deno.readFileSync(`${server.data}/${name}`);
    assert(!new TextDecoder("latin1").decode(bytes).includes(made), "it is stored hashed");
  }
});

scenario("the admin password comes from a file, and a new one replaces the old", async (ground) => {
  const folder = ground.folder();
  Deno.writeTextFileSync(`${folder}/secret`, "from the file\n");
  const server = await ground.server({
    args: ["--admin-password-file", `${folder}/secret`],
    readable: [folder],
  });
  const { client } = await ground.member(server, { user: "Keeper", register: true });
  await client.promote("from the file");
  await server.kill();
  Deno.writeTextFileSync(`${folder}/secret`, "another\n");
  await server.start();
  await client.command({ op: "users" });
  assertEquals(await refusal(client.promote("from the file")), "wrong-password");
  await client.promote("another");
  const missing = await ended(ground, ["--admin-password-file", `${folder}/none`], {
    readable: [folder],
  });
  assertEquals(missing.code, 1);
  assertMatch(missing.errors.join("\n"), /admin password cannot be read/);
});

scenario("--log json writes a JSON object a line that says who did what", async (ground) => {
  const server = await ground.server({ args: ["--log", "json"] });
  const ready = server.output.all.indexOf("ready");
  const title = 'a "quoted" title, with \\ and \u2028';
  const { client } = await ground.member(server, { user: "Scribe", register: true });
  const { thread } = await client.command<"create">({ op: "create", title });
  await client.command({ op: "post", thread, text: "not recorded" });
  await refusal(client.command({ op: "remove", thread: 1, why: "x" }));
  await client.close();
  await server.output.until((line) => line.includes('"leave"'));
  const rows = server.output.all.slice(ready + 1).map((line) => JSON.parse(line));
  assertEquals(rows.map(({ did }) => did), ["register", "create", "post", "remove", "leave"]);
  for (const row of rows) {
    assertEquals([row.user, row.source], ["Scribe", "127.0.0.1"]);
    assertEquals(new Date(row.at).toISOString(), row.at);
    assertEquals(row.text, undefined);
  }
  assertEquals(rows[1].title, title);
  assertEquals([rows[3].thread, rows[3].refused], [1, "not-owner"]);
});

scenario("a log that nobody reads holds up neither talk nor the end", async (ground) => {
  const process = ground.program({
    args: serverArguments({ data: `${ground.folder()}/data`, args: ["--post-rate", "0"] }),
    env: { DFP_ADMIN_PASSWORD: ADMIN_PASSWORD },
    holdAfter: (line) => line === "ready",
  });
  await process.output.until((line) => line === "ready");
  const listening = process.output.all.find((line) => line.startsWith("listening tcp://"))!;
  const port = Number(listening.replace(/^.*:/, ""));
  const { peer } = await ground.signedPeer({ hostname: "127.0.0.1", port }, "Chatterbox");
  // More lines than the pipe and the server's own buffer hold.
  let id = 0;
  for (let round = 0; round < 150; round++) {
    const ids = Array.from({ length: 200 }, () => ++id);
    await peer.send(...ids.map((id): Message => ({
      kind: "command",
      id,
      body: { op: "mark", key: `${id}`, thread: 1, upto: 1 },
    })));
    for (const id of ids) assertEquals((await peer.reply(id)).kind, "done");
  }
  process.signal("SIGTERM");
  assertEquals((await peer.expect("bye")).body.code, STATUS["shutting-down"].code);
  assertEquals((await process.exited).code, 0);
});

scenario("--hostname chooses the address, IPv6 too", async (ground) => {
  const server = await ground.server({ args: ["--hostname", "127.0.0.1"] });
  assertEquals(server.hostname, "127.0.0.1");
  let six;
  try {
    six = await ground.server({ args: ["--hostname", "::1"] });
  } catch (error) {
    // A machine without IPv6 has no such address.
    assertMatch(String(error), /cannot listen on ::1/);
    return;
  }
  assertMatch(
    six.output.all.find((line) => line.startsWith("listening"))!,
    /^listening tcp:\/\/\[::1\]:\d+$/,
  );
  const peer = await ground.peer(six);
  await peer.greet();
  assert(isGranted(await peer.register("Six", PASSWORD)));
  await six.output.until((line) => line.includes("Six ::1 register"));
});
