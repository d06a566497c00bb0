/**
 * The lint plugin catches each way out of purity, knows names that only look like one, and finds none in the core.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import plugin from "../tools/purity_lint.ts";

function faults(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, path, source).map((diagnostic) => diagnostic.id);
}

const GLOBAL = "dfp/pure-globals";
const SYNC = "dfp/pure-sync";
const IMPORT = "dfp/pure-imports";
const APART = "dfp/client-server-apart";

/** One fault a line, and the rule that finds it. */
const IMPURE: readonly (readonly [source: string, rule: string])[] = [
  ["Deno.exit();", GLOBAL],
  ["export const a = process.argv;", GLOBAL],
  ["export const a = Buffer.alloc(1);", GLOBAL],
  ["export const a = window;", GLOBAL],
  ["export const a = document.title;", GLOBAL],
  ["self.close();", GLOBAL],
  ["export const a = globalThis.x;", GLOBAL],
  ["fetch('/');", GLOBAL],
  ["setTimeout(f, 1);", GLOBAL],
  ["setInterval(f, 1);", GLOBAL],
  ["queueMicrotask(f);", GLOBAL],
  ["export const a = performance.now();", GLOBAL],
  ["export const a = crypto.randomUUID();", GLOBAL],
  ["export const a = { crypto };", GLOBAL],
  ["export const a = typeof crypto;", GLOBAL],
  ["export const { subtle } = crypto;", GLOBAL],
  ["console.log(1);", GLOBAL],
  ["export const a = Date.now();", GLOBAL],
  ["export const a = Date['now']();", GLOBAL],
  ["export const a = Date[k]();", GLOBAL],
  ["export const a = new Date();", GLOBAL],
  ["export const a = new Date(...b);", GLOBAL],
  ["export const a = new Date;", GLOBAL],
  ["export const a = Date();", GLOBAL],
  ["export const { now } = Date;", GLOBAL],
  ["export const a = Math.random();", GLOBAL],
  ["export const a = Math['random']();", GLOBAL],
  ["export const a = Math[k];", GLOBAL],
  ["export const { random } = Math;", GLOBAL],
  ["export let a: Promise<void>;", GLOBAL],
  ["export const a = Promise.resolve();", GLOBAL],
  ["export let a: AsyncIterable<number>;", GLOBAL],
  ["declare const process: { argv: string[] };", GLOBAL],
  ["export const a = import.meta.url;", GLOBAL],
  ["export function f(process: number) { return process; } process.exit();", GLOBAL],
  ["async function f() {}", SYNC],
  ["export const a = async () => {};", SYNC],
  ["export const a = { async f() {} };", SYNC],
  ["export class A { async f() {} }", SYNC],
  ["await f();", SYNC],
  ["for await (const a of b) f(a);", SYNC],
  ["await using a = b;", SYNC],
  ["import fs from 'node:fs';", IMPORT],
  ["import 'npm:ws@8';", IMPORT],
  ["import '@std/assert';", IMPORT],
  ["import 'jsr:@std/assert@1';", IMPORT],
  ["import 'https://example.org/a.ts';", IMPORT],
  ["import 'file:///a.ts';", IMPORT],
  ["import '/protocol/a.ts';", IMPORT],
  ["import type { A } from '../server/mod.ts';", IMPORT],
  ["import { a } from '../mod.ts';", IMPORT],
  ["import { a } from '../../protocol/a.ts';", IMPORT],
  ["import { a } from '@noble/hashes/../x.js';", IMPORT],
  ["export * from '../client/mod.ts';", IMPORT],
  ["export { a } from '../client/mod.ts';", IMPORT],
  ["export let a: import('../client/mod.ts').A;", IMPORT],
  ["export const a = import('./frame.ts');", IMPORT],
  ["export const a = import(b);", IMPORT],
];

for (const rule of [GLOBAL, SYNC, IMPORT]) {
  Deno.test(`${rule} finds each of its faults in the core, and minds no other folder`, () => {
    for (const [source] of IMPURE.filter(([, finder]) => finder === rule)) {
      assertEquals(faults("protocol/a.ts", source), [rule], source);
      assertEquals(faults("tests/a.ts", source), [], source);
    }
  });
}

const PURE: readonly string[] = [
  "export const a = new TextEncoder().encode('') + new TextDecoder().decode();",
  "export const a = new Date(0).toISOString() + Date.UTC(2024, 1);",
  "export function f(a: Date) { return a instanceof Date; }",
  "export const a = Math.min(1, Math['max'](2, 3)) * Math.PI;",
  "export function send(window: number) { return { window, b: window + 1 }; }",
  "export const f = ({ process, a: [self] }, document = 1, ...fetch) => process + self + document + fetch;",
  "export interface A { process: number; fetch(crypto: string): void; [self: string]: unknown }",
  "export type F = (window: number) => [self: number];",
  "export class A { #a = 1; console = 2; fetch() { return this.console + this.#a; } }",
  "import type { Event } from './forum/event.ts'; export function f(a: Event): Event { return a; }",
  "export type { Event } from './forum/event.ts';",
  "export interface Event { kind: string } export let a: Event;",
  "export const a = { console: 1, process: 2 }.process;",
  "for (const window of [1]) for (let self = window; self < 2; self++) f(self);",
  "try { f(); } catch (process) { g(process); }",
  "switch (a) { case 1: { const self = 1; f(self); } }",
  "import { sha256 } from '@noble/hashes/sha2.js';",
  "import { x25519 } from '@noble/curves/ed25519.js';",
  "import { chacha20poly1305 } from '@noble/ciphers/chacha.js';",
  "import { a } from './frame.ts'; import { b } from '../protocol/status.ts';",
  "export let a: import('./frame.ts').Frame;",
  "export function* f() { yield 1; }",
];

Deno.test("names that only look like a global's are no fault", () => {
  for (const source of PURE) assertEquals(faults("protocol/a.ts", source), [], source);
});

Deno.test("the rules reach deep into protocol and mod.ts, and no folder that is only called so", () => {
  assertEquals(faults("protocol/forum/a.ts", "import { a } from '../../server/b.ts';"), [IMPORT]);
  assertEquals(faults("protocol/forum/a.ts", "import { a } from '../frame.ts';"), []);
  assertEquals(faults("mod.ts", "export * from './protocol/frame.ts';"), []);
  assertEquals(faults("mod.ts", "export * from './client/mod.ts';"), [IMPORT]);
  assertEquals(faults("tests/protocol/a.ts", "Deno.exit();"), []);
});

Deno.test("client and server may not import each other", () => {
  assertEquals(faults("client/a.ts", "import { a } from '../server/b.ts';"), [APART]);
  assertEquals(faults("client/web/a.ts", "export * from '../../server/b.ts';"), [APART]);
  assertEquals(faults("client/a.ts", "await import('../server/b.ts');"), [APART]);
  assertEquals(faults("client/a.ts", "import { a } from '@dfp/dfp/server';"), [APART]);
  assertEquals(faults("server/a.ts", "import type { A } from '../client/b.ts';"), [APART]);
  assertEquals(faults("transport/a.ts", "import { a } from '../server/b.ts';"), [APART]);
  assertEquals(faults("transport/a.ts", "import { a } from '../client/b.ts';"), [APART]);
  assertEquals(faults("server/a.ts", "import { a } from '../transport/b.ts';"), []);
  assertEquals(faults("protocol/a.ts", "import { a } from '../transport/b.ts';"), [IMPORT]);
  assertEquals(faults("server/a.ts", "import { a } from '../protocol/b.ts'; await f();"), []);
  assertEquals(faults("client/a.ts", "import { a } from './server/b.ts';"), []);
  assertEquals(faults("tests/a.ts", "import '../server/b.ts'; import '../client/b.ts';"), []);
});

async function* sources(folder: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(folder)) {
    const url = new URL(entry.name + (entry.isDirectory ? "/" : ""), folder);
    if (entry.isDirectory) yield* sources(url);
    else if (/\.tsx?$/.test(entry.name)) yield url;
  }
}

Deno.test("the core's own files are pure, and client and server apart", async () => {
  const root = new URL("../", import.meta.url);
  let core = 0;
  for (const folder of ["protocol/", "client/", "server/", "transport/"]) {
    for await (const url of sources(new URL(folder, root))) {
      const path = url.pathname.slice(root.pathname.length);
      assertEquals(faults(path, await Deno.readTextFile(url)), [], path);
      if (folder === "protocol/") core++;
    }
  }
  assert(core > 0, "no source was found in protocol/");
  assertEquals(faults("mod.ts", await Deno.readTextFile(new URL("mod.ts", root))), []);
});
