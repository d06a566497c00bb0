/**
 * The forum: decide and evolve of a post in memory, and what a sign-in costs the server.
 *
 * @module
 */

import { decide, isRefusal } from "../protocol/forum/decide.ts";
import { evolve } from "../protocol/forum/evolve.ts";
import { createMemoryState } from "../protocol/forum/memory_state.ts";
import { readClientFirst } from "../protocol/scram.ts";
import { createScramClient } from "../protocol/scram_client.ts";
import { createScramServer } from "../protocol/scram_server.ts";
import { fold } from "../protocol/text.ts";
import { createVerifier, fakeVerifier, saltPassword } from "../protocol/verifier.ts";

const state = createMemoryState(fold);
evolve(state, { kind: "user.registered", scope: "accounts", seq: 1, at: 0, by: "", user: "Yoda" });
const opened = decide(state, { op: "create", title: "The Force" }, { user: "yoda", at: 1 });
if (isRefusal(opened)) throw new Error(opened.status);
for (const event of opened.events) evolve(state, event);
const text = "Truly wonderful, the mind of a child is.";

Deno.bench("decide a post", { group: "forum" }, () => {
  decide(state, { op: "post", thread: 1, text }, { user: "yoda", at: 2 });
});

Deno.bench("decide and evolve a post", { group: "forum" }, () => {
  const outcome = decide(state, { op: "post", thread: 1, text }, { user: "yoda", at: 2 });
  if (isRefusal(outcome)) throw new Error(outcome.status);
  for (const event of outcome.events) evolve(state, event);
});

const salt = new Uint8Array(16).fill(1);
const salted = saltPassword("do or do not", salt, 4096);
const verifier = createVerifier(salted, salt, 4096);
const secret = new Uint8Array(32).fill(2);
const client = createScramClient({ user: "Yoda", nonce: "clientnonce" });
const clientFirst = readClientFirst(client.first());
if ("fault" in clientFirst) throw new Error(clientFirst.text);
const rehearsal = createScramServer({ clientFirst, verifier, nonce: "servernonce" });
client.readServerFirst(rehearsal.first());
const proof = client.final(salted);

Deno.bench("a sign-in on the server: challenge, proof, and the made-up verifier", () => {
  fakeVerifier(secret, "yoda", 600_000);
  const server = createScramServer({ clientFirst, verifier, nonce: "servernonce" });
  server.first();
  if ("fault" in server.readClientFinal(proof)) throw new Error("the proof is right");
});
