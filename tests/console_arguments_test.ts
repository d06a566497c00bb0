import { assert, assertEquals, assertMatch } from "@std/assert";
import { homedir } from "node:os";
import { HELP, readArguments } from "../client/console/arguments.ts";
import type { ServerAddress } from "../client/console/server_address.ts";

function mistake(...args: string[]): string {
  const given = readArguments(args);
  assert("mistake" in given, `${args.join(" ")} should be refused`);
  return given.mistake;
}

function address(...args: string[]): ServerAddress {
  const given = readArguments(args);
  assert("run" in given, JSON.stringify(given));
  return given.run.address;
}

Deno.test("the address is HOST PORT, a URL, or the usual one", () => {
  const tcp = (hostname: string, port: number): ServerAddress => ({
    transport: "tcp",
    hostname,
    port,
  });
  assertEquals(address(), tcp("127.0.0.1", 5000));
  assertEquals(address("forum.example", "81"), tcp("forum.example", 81));
  assertEquals(address("--connect", "tcp://h:7"), tcp("h", 7));
  assertEquals(address("--connect=tcp://[::1]:7"), tcp("::1", 7));
  assertEquals(address("--connect", "tcp://h"), tcp("h", 5000));
  assertEquals(address("--connect", "tls://h"), { transport: "tls", hostname: "h", port: 5000 });
});

Deno.test("a WebSocket's path is the usual one, unless the URL says another", () => {
  const url = (text: string) => address("--connect", text);
  assertEquals(url("ws://h:8080"), { transport: "ws", url: "ws://h:8080/dfp" });
  assertEquals(url("wss://h/"), { transport: "wss", url: "wss://h/dfp" });
  assertEquals(url("wss://h/forum/dfp"), { transport: "wss", url: "wss://h/forum/dfp" });
});

Deno.test("--ca goes with TLS only", () => {
  const given = readArguments(["--connect", "tls://h", "--ca", "ca.pem"]);
  assert("run" in given);
  assertEquals(given.run.caFile, "ca.pem");
  assertMatch(mistake("--connect", "tcp://h", "--ca", "ca.pem"), /--ca is for tls/);
  assertMatch(mistake("--ca", ""), /--ca needs a value/);
});

Deno.test("-c may be repeated, and its order is kept", () => {
  const given = readArguments(["-c", "LST", "--json", "-c", 'CRT "a b"', "-u", "Yoda", "--stay"]);
  assert("run" in given);
  const { commands, json, stay, user, register } = given.run;
  assertEquals(commands, ["LST", 'CRT "a b"']);
  assertEquals({ json, stay, user, register }, {
    json: true,
    stay: true,
    user: "Yoda",
    register: false,
  });
});

Deno.test("a user or a command that looks like a number stays text", () => {
  const given = readArguments(["--user", "007", "-c", "42"]);
  assert("run" in given);
  assertEquals([given.run.user, given.run.commands], ["007", ["42"]]);
});

Deno.test("downloads land in the folder that is given, or in the current one", () => {
  const where = (...args: string[]) => {
    const given = readArguments(args);
    assert("run" in given);
    return [given.run.downloads, given.run.deflate];
  };
  assertEquals(where(), [".", false]);
  assertEquals(where("--downloads", "/tmp/x", "--deflate"), ["/tmp/x", true]);
  assertEquals(where("--downloads=~/x"), [`${homedir()}/x`, false]);
});

Deno.test("mistakes say what is wrong", () => {
  assertMatch(mistake("--bogus"), /--bogus/);
  assertMatch(mistake("h", "99999"), /65535/);
  assertMatch(mistake("h", "0"), /65535/);
  assertMatch(mistake("h", "1", "x"), /x is too much/);
  assertMatch(mistake("5000"), /127\.0\.0\.1 5000/);
  assertMatch(mistake("--connect", "udp://h/path"), /needs a URL like/);
  assertMatch(mistake("--known-servers", "file", "h"), /--known-servers is for udp:\/\/ only/);
  assertMatch(mistake("--connect", "https://h/"), /needs wss:\/\//);
  assertMatch(mistake("--connect", "ws://"), /ws:\/\/forum/);
  assertMatch(mistake("--connect", "ws://me:secret@h"), /ws:\/\/forum/);
  assertMatch(mistake("--connect", "h:1"), /tcp:\/\/127/);
  assertMatch(mistake("h", "1", "--connect", "tcp://h:1"), /not both/);
  assertMatch(mistake("--user", ""), /--user/);
  assertMatch(mistake("--downloads", ""), /--downloads needs a value/);
});

Deno.test("--help and --version are shown, whatever else there is", () => {
  assertEquals(readArguments(["--help", "--bogus"]), { show: "help" });
  assertEquals(readArguments(["-V"]), { show: "version" });
  for (
    const option of [
      "--connect",
      "--ca",
      "--user",
      "--register",
      "--password-file",
      "--json",
      "--stay",
      "--downloads",
      "--deflate",
    ]
  ) {
    assert(HELP.includes(option));
  }
});
