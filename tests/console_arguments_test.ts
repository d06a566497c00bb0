import { assert, assertEquals, assertMatch } from "@std/assert";
import { homedir } from "node:os";
import { HELP, readArguments } from "../client/console/arguments.ts";

function mistake(...args: string[]): string {
  const given = readArguments(args);
  assert("mistake" in given, `${args.join(" ")} should be refused`);
  return given.mistake;
}

function address(...args: string[]) {
  const given = readArguments(args);
  assert("run" in given, JSON.stringify(given));
  return given.run.address;
}

Deno.test("the address is HOST PORT, a URL, or the usual one", () => {
  assertEquals(address(), { hostname: "127.0.0.1", port: 5000 });
  assertEquals(address("forum.example", "81"), { hostname: "forum.example", port: 81 });
  assertEquals(address("--connect", "tcp://h:7"), { hostname: "h", port: 7 });
  assertEquals(address("--connect=tcp://[::1]:7"), { hostname: "::1", port: 7 });
  assertEquals(address("--connect", "tcp://h"), { hostname: "h", port: 5000 });
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
  assertMatch(mistake("--connect", "wss://h/"), /wss:\/\/ is not there yet/);
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
      ...["--connect", "--user", "--register", "--password-file", "--json", "--stay"],
      ...["--downloads", "--deflate"],
    ]
  ) {
    assert(HELP.includes(option));
  }
});
