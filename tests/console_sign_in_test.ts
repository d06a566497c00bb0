import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Asker, type SignIn, signIn } from "../client/console/sign_in.ts";
import { refusal, scriptedClient } from "./console_client.ts";
import type { StatusName } from "../protocol/status.ts";

/** Somebody who answers from a list, and what they were told. */
function person(...answers: string[]) {
  const told: string[] = [];
  const next = (question: string) => {
    told.push(question);
    return answers.shift();
  };
  const asker: Asker = { ask: next, askSecret: next, say: (text) => void told.push(text) };
  return { asker, told };
}

/** A server that refuses in turn, then lets in. */
function door(...refusals: StatusName[]) {
  const tried: string[] = [];
  const { client } = scriptedClient({});
  const connect: SignIn["connect"] = ({ user, password }) => {
    tried.push(`${user} ${password}`);
    const name = refusals.shift();
    return name === undefined ? Promise.resolve(client) : Promise.reject(refusal(name));
  };
  return { client, connect, tried };
}

Deno.test("somebody with a wrong password is asked again and told how to begin", async () => {
  const { asker, told } = person("Yoda", "wrong", "right");
  const { connect, client, tried } = door("wrong-password");
  assertEquals(await signIn({ register: false, asker, connect }), client);
  assertEquals(tried, ["Yoda wrong", "Yoda right"]);
  assert(told.some((text) => text.includes("--register")));
});

Deno.test("after three times it is over", async () => {
  const { asker } = person("a", "b", "c", "d");
  const { connect, tried } = door("wrong-password", "wrong-password", "wrong-password");
  const outcome = await signIn({ user: "Yoda", register: false, asker, connect });
  assert("ok" in outcome && outcome.name === "wrong-password");
  assertEquals(tried, ["Yoda a", "Yoda b", "Yoda c"]);
});

Deno.test("without a person the first refusal counts, and a missing password is one", async () => {
  const { connect, tried } = door("wrong-password");
  const refused = await signIn({ user: "Yoda", password: "x", register: false, connect });
  assert("ok" in refused && refused.code === 1402);
  assertEquals(tried.length, 1);
  const missing = await signIn({ user: "Yoda", register: false, connect });
  assert("ok" in missing);
  assertMatch(missing.text, /DFP_PASSWORD/);
});

Deno.test("a new password is typed twice, and another name is asked for if it is taken", async () => {
  const { asker } = person("Yoda", "a", "b", "a", "a", "Ann");
  const { connect, client, tried } = door("user-exists");
  assertEquals(await signIn({ register: true, asker, connect }), client);
  assertEquals(tried, ["Yoda a", "Ann a"]);
});

Deno.test("what asking again cannot mend is told at once", async () => {
  const { asker } = person("x", "y");
  const { connect, tried } = door("banned", "banned");
  const outcome = await signIn({ user: "Yoda", password: "p", register: false, asker, connect });
  assert("ok" in outcome && outcome.name === "banned");
  assertEquals(tried.length, 1);
});

Deno.test("what can be no password never gets to the server", async () => {
  const { connect, tried } = door();
  const outcome = await signIn({ user: "Yoda", password: "a\0b", register: false, connect });
  assert("ok" in outcome && outcome.name === "bad-text");
  assertEquals(tried, []);
});
