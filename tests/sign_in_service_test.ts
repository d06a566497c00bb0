/**
 * Signing in on the service, where many things arrive together.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { decidePromotion } from "../protocol/forum/decide.ts";
import { Caller, withScene } from "./service_scene.ts";

const RIGHT = new Uint8Array(32).fill(1);
const WRONG = new Uint8Array(32);

Deno.test("many guesses at once get no more answers than one after the other, and the right one none", () => {
  withScene((scene) => {
    new Caller(scene).register("Bob");
    const guessers = Array.from({ length: 8 }, () => new Caller(scene, "elsewhere"));
    for (const { client } of guessers) client.login("Bob", 0);
    for (const guesser of guessers) guesser.talk();
    guessers.forEach(({ client }, i) => client.provideSaltedPassword(i === 5 ? RIGHT : WRONG, 0));
    for (const guesser of guessers) guesser.send();
    scene.settle();
    for (const guesser of guessers) guesser.talk();
    assertEquals(guessers.map((guesser) => guesser.denials().map(({ name }) => name)), [
      ...Array(3).fill(["wrong-password"]),
      ...Array(5).fill(["locked-out"]),
    ]);
  });
});

Deno.test("who has a whole network of addresses is locked out on all of them, and nobody else is", () => {
  withScene((scene) => {
    new Caller(scene).register("Bob");
    for (let at = 1; at <= 3; at++) new Caller(scene, `2001:db8:0:1::${at}`).guess("Bob");
    const another = new Caller(scene, "2001:db8:0:1:f::9%eth0");
    another.guess("Bob");
    assertEquals(another.denials().map(({ name }) => name), ["locked-out"]);
    new Caller(scene, "2001:db8:0:2::1").login("Bob");
  });
});

Deno.test("a ban right behind a sign-in that was on its way keeps the user out", () => {
  withScene((scene) => {
    const ann = new Caller(scene);
    ann.register("Ann");
    scene.log.transact((tx) => tx.append(decidePromotion(tx.view, "ann", 0)), () => {});
    const bob = new Caller(scene);
    const token = bob.register("Bob");
    bob.client.close("goodbye", 0);
    bob.talk();
    const back = new Caller(scene);
    back.client.resume(token, 0);
    back.send();
    ann.say({ op: "ban", user: "Bob", on: true, key: "k" });
    ann.send();
    scene.settle();
    ann.talk();
    back.talk();
    assertEquals(ann.answers().get(1), "done");
    assertEquals(back.denials().map(({ name }) => name), ["banned"]);
    ann.client.command(2, { op: "users" });
    ann.talk();
    const users = ann.heard.find((what) => what.kind === "done" && what.id === 2);
    assertEquals(JSON.stringify(users).includes("Bob"), false);
  });
});

Deno.test("over an open line no account, password or token is taken", () => {
  withScene((scene) => {
    const token = new Caller(scene).register("Bob");
    const open = () => new Caller(scene, "192.0.2.1", true);
    const registering = open();
    registering.ask("Eve");
    const signing = open();
    signing.guess("Bob");
    const resuming = open();
    resuming.client.resume(token, scene.now);
    resuming.talk();
    for (const caller of [registering, signing, resuming]) {
      assertEquals(caller.denials().map(({ name }) => name), ["insecure"]);
    }
    // Neither was anything done with it.
    new Caller(scene).register("Eve");
    const safe = new Caller(scene);
    safe.client.resume(token, scene.now);
    safe.talk();
    assertEquals(safe.denials(), []);
  });
});
