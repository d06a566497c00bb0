/**
 * The keys by which servers are known: the server's own, in its data folder, and the client's list.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { rememberInMemory } from "../client/connect/known_servers.ts";
import { DiskError } from "../client/disk/disk_error.ts";
import { fileOfKnownServers } from "../client/disk/known_servers.ts";
import { encodeBase64 } from "../protocol/base64.ts";
import { UDP_KEY_FILE, udpKey } from "../server/listen/udp_key.ts";
import { StartError } from "../server/start_error.ts";
import { nodeSuite } from "../transport/node_suite.ts";

const KEY = new Uint8Array(32).fill(7);
const OTHER = new Uint8Array(32).fill(8);

function inFolder(test: (folder: string) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const folder = Deno.makeTempDirSync({ prefix: "dfp-known-" });
    try {
      await test(folder);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  };
}

Deno.test(
  "a server's key is made once, for its owner only, and is the same ever after",
  inFolder((folder) => {
    const made = udpKey(folder);
    assertEquals(made.public, nodeSuite.publicKey(made.secret));
    assertEquals(udpKey(folder), made);
    assertEquals(Deno.statSync(`${folder}/${UDP_KEY_FILE}`).mode! & 0o777, 0o600);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [UDP_KEY_FILE]);
  }),
);

Deno.test(
  "a server's key that is damaged is not replaced",
  inFolder((folder) => {
    const path = `${folder}/${UDP_KEY_FILE}`;
    for (const text of ["", "rubbish", encodeBase64(KEY.subarray(1))]) {
      Deno.writeTextFileSync(path, text);
      assertThrows(() => udpKey(folder), StartError, "holds no key of 32 bytes");
      assertEquals(Deno.readTextFileSync(path), text);
    }
    assertThrows(() => udpKey(`${folder}/nowhere`), StartError, "cannot be used");
  }),
);

Deno.test(
  "a list of servers knows who was met, and leaves what people wrote alone",
  inFolder(async (folder) => {
    const path = `${folder}/a/b/known_servers`;
    const servers = fileOfKnownServers(path);
    assertEquals(await servers.find("h:1"), undefined);
    await servers.remember("h:1", KEY);
    await servers.remember("[::1]:1", OTHER);
    assertEquals(await servers.find("h:1"), KEY);
    assertEquals(await servers.find("[::1]:1"), OTHER);
    assertEquals([await servers.find("h:11"), await servers.find("::1")], [undefined, undefined]);
    const written = `# Work\n\n  H:2   ${encodeBase64(KEY)}\r\nh:2 ${encodeBase64(OTHER)}`;
    Deno.writeTextFileSync(path, written);
    assertEquals(await servers.find("h:2"), OTHER, "what was added last counts");
    await servers.remember("h:3", KEY);
    assertEquals(Deno.readTextFileSync(path), `${written}\nh:3 ${encodeBase64(KEY)}\n`);
    assertEquals(Deno.statSync(`${folder}/a/b`).mode! & 0o777, 0o700);
  }),
);

Deno.test(
  "a line of the list that cannot be read makes no stranger of its server, and harms no other",
  inFolder(async (folder) => {
    const path = `${folder}/known_servers`;
    const servers = fileOfKnownServers(path);
    for (const line of ["h:1", "h:1 AAAA", `h:1 ${encodeBase64(KEY)} more`, "h:1 !"]) {
      Deno.writeTextFileSync(path, `g:1 ${encodeBase64(KEY)}\n${line}\n`);
      const error = await assertRejects(() => servers.find("h:1"), DiskError, "Line 2");
      assert(error.message.includes(path));
      assertEquals(await servers.find("g:1"), KEY);
    }
    const folderInstead = fileOfKnownServers(folder);
    await assertRejects(() => folderInstead.find("h:1"), DiskError);
    await assertRejects(() => folderInstead.remember("h:1", KEY), DiskError);
  }),
);

Deno.test("what is remembered in memory is remembered", async () => {
  const servers = rememberInMemory();
  await servers.remember("h:1", KEY);
  assertEquals([await servers.find("h:1"), await servers.find("h:2")], [KEY, undefined]);
});
