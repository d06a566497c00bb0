/**
 * The keys by which users know each other when files go between them: one's own, and the list of the others'.
 *
 * @module
 */

import { assertEquals, assertNotEquals } from "@std/assert";
import { fileOfKnownPeers, ownPeerKeys } from "../client/disk/known_peers.ts";
import { encodeBase64 } from "../protocol/base64.ts";
import { nodeEnv } from "../transport/node_suite.ts";

const KEY = new Uint8Array(32).fill(7);
const OTHER = new Uint8Array(32).fill(8);

async function inFolder(test: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "dfp-known-peers-" });
  try {
    await test(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("one's own key is made once, for its owner only, and is the same ever after", async () => {
  await inFolder((folder) => {
    const path = `${folder}/dfp/known_peers`;
    const made = ownPeerKeys(path, nodeEnv);
    assertEquals(made.public, nodeEnv.suite.publicKey(made.secret));
    assertEquals(ownPeerKeys(path, nodeEnv), made);
    assertEquals([...Deno.readDirSync(`${folder}/dfp`)].map(({ name }) => name), ["peer.key"]);
    assertEquals(Deno.statSync(`${folder}/dfp/peer.key`).mode! & 0o777, 0o600);
  });
});

Deno.test("a key that is damaged, or cannot be kept, is left alone, and another one is used for the time", async () => {
  await inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/peer.key`, "rubbish");
    const path = `${folder}/known_peers`;
    assertNotEquals(ownPeerKeys(path, nodeEnv), ownPeerKeys(path, nodeEnv));
    assertEquals(Deno.readTextFileSync(`${folder}/peer.key`), "rubbish");
    const within = `${folder}/peer.key/known_peers`;
    assertEquals(ownPeerKeys(within, nodeEnv).secret.length, 32);
  });
});

Deno.test("a list of peers knows all keys of a user of a server, whatever the name holds, and nobody else's", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/a/known_peers`;
    const peers = fileOfKnownPeers(path, "Forum.Example");
    assertEquals(await peers.find("Yoda"), []);
    await peers.remember("Yoda", KEY);
    await peers.remember("Obi Wan ÄÖ", OTHER);
    await peers.remember("yoda", OTHER);
    assertEquals(await peers.find("YODA"), [KEY, OTHER]);
    assertEquals(await peers.find("obi wan äö"), [OTHER]);
    assertEquals(await peers.find("Obi"), []);
    assertEquals(await fileOfKnownPeers(path, "other.example").find("Yoda"), []);
    Deno.writeTextFileSync(path, `# mine\nforum.example Leia rubbish\n\n`, { append: true });
    assertEquals(await peers.find("Leia"), []);
    assertEquals(await peers.find("Yoda"), [KEY, OTHER]);
    const [line] = Deno.readTextFileSync(path).split("\n");
    assertEquals(line, `forum.example Yoda ${encodeBase64(KEY)}`);
  });
});
