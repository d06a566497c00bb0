/**
 * Channel binding: over datagrams a proof of a password is good on the connection that it was made for, and on no
 * other (DATAGRAM §2).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { handshakeBinding } from "../protocol/datagram/handshake.ts";
import type { ChannelBinding } from "../protocol/scram.ts";
import { createScramClient } from "../protocol/scram_client.ts";
import { createVerifier } from "../protocol/verifier.ts";
import { keepAdminVerifier } from "../server/admin.ts";
import { Caller, type Channels, type Scene, withScene } from "./service_scene.ts";

const ONE = handshakeBinding(new Uint8Array(32).fill(1));
const OTHER = handshakeBinding(new Uint8Array(32).fill(2));
const TLS: ChannelBinding = { ...ONE, type: "tls-exporter" };

function call(scene: Scene, channels: Channels): Caller {
  return new Caller(scene, "here", false, channels);
}

/** The names of the refusals of a sign-in with the right password. */
function signIn(caller: Caller): string[] {
  try {
    caller.login("Ann");
  } catch {
    // No token was granted.
  }
  return caller.denials().map(({ name }) => name);
}

Deno.test("a proof is taken on its own channel only, and only if it is bound where it can be", () => {
  const cases: [string, Channels, string[]][] = [
    ["the same channel", { here: ONE, there: ONE }, []],
    ["no channel at all, as over TCP", {}, []],
    ["a middleman's channel", { here: OTHER, there: ONE }, ["wrong-password"]],
    ["a middleman by TCP", { here: ONE }, ["wrong-password"]],
    ["another type", { here: TLS, there: ONE }, ["wrong-password"]],
    ["not bound", { there: ONE }, ["wrong-password"]],
  ];
  for (const [name, channels, refused] of cases) {
    withScene((scene) => {
      new Caller(scene).register("Ann");
      assertEquals(signIn(call(scene, channels)), refused, name);
    });
  }
});

Deno.test("WELCOME names the channel binding that must be used, where there is one", () => {
  withScene((scene) => {
    const welcomed = (channels: Channels) => {
      const caller = call(scene, channels);
      caller.ask(`User${channels.there === undefined}`);
      const greeted = caller.heard.find(({ kind }) => kind === "welcomed");
      assert(greeted?.kind === "welcomed");
      return greeted.welcome.binding;
    };
    assertEquals(welcomed({ here: ONE, there: ONE }), "dfp-noise");
    assertEquals(welcomed({}), undefined);
  });
});

Deno.test("the admin password is proved on its own channel only", () => {
  const salted = new Uint8Array(32).fill(3);
  const prove = (scene: Scene, here: ChannelBinding | undefined, there?: ChannelBinding) => {
    const caller = call(scene, there === undefined ? {} : { here: there, there });
    caller.login("Ann");
    const bound = here !== undefined && { binding: here };
    const scram = createScramClient({ user: "Ann", nonce: "n", ...bound });
    caller.client.command(1, { op: "prove", scram: scram.first() });
    caller.talk();
    const done = caller.heard.find((what) => what.kind === "done" && what.id === 1);
    assert(done?.kind === "done");
    const challenge = scram.readServerFirst((done.result as { scram: string }).scram);
    assert(!("fault" in challenge));
    const proof = scram.final(salted);
    caller.client.command(2, { op: "admin", scram: proof, action: "promote" });
    caller.talk();
    return caller.answers().get(2);
  };
  withScene((scene) => {
    new Caller(scene).register("Ann");
    keepAdminVerifier(scene.log, createVerifier(salted, new Uint8Array(16), 4096));
    assertEquals(prove(scene, undefined), "done");
    assertEquals(prove(scene, ONE, ONE), "done");
    assertEquals(prove(scene, OTHER, ONE), "wrong-password");
    assertEquals(prove(scene, undefined, ONE), "wrong-password");
  });
});

Deno.test("nobody types a password where proofs are bound: there is no text mode", () => {
  const idleTimeout = 0;
  const text = {
    idleTimeout,
    zone: "UTC",
    salt: () => Promise.resolve(new Uint8Array(32)),
  } as const;
  withScene((scene) => {
    const typed = (there?: ChannelBinding) => {
      const { session } = call(scene, there === undefined ? {} : { there });
      session.receive(new TextEncoder().encode("Ann\r\n"), scene.now);
      const said: string[] = [];
      for (let bytes = session.peekTransmit(); bytes.length > 0; bytes = session.peekTransmit()) {
        said.push(new TextDecoder().decode(bytes));
        session.consumeTransmit(bytes.length);
      }
      return said.join("");
    };
    assert(!typed().includes("bad-opening"));
    assert(typed(ONE).includes("bad-opening"));
  }, { text });
});
