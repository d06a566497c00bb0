/**
 * The file of those whose files are taken without asking.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { alwaysPath, fileOfAlways } from "../client/disk/always_file.ts";
import { DiskError } from "../client/disk/disk_error.ts";

const LUKE = { server: "Forum.Example", user: "Luke S" };

async function inFolder(test: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "dfp-always-" });
  try {
    await test(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("whom files are always taken from is kept for the next time, for this user of this server", async () => {
  await inFolder(async (folder) => {
    const path = alwaysPath(`${folder}/dfp/known_peers`);
    const always = fileOfAlways(path, LUKE);
    assertEquals(always.has("Obi Wan"), false);
    await always.add("Obi Wan");
    await always.add("OBI WAN");
    await always.add("Yoda");
    assertEquals(always.has("obi wan"), true);
    const again = fileOfAlways(path, { server: "forum.example", user: "luke s" });
    assertEquals(["Obi Wan", "yoda", "Obi", "Leia"].map((user) => again.has(user)), [
      true,
      true,
      false,
      false,
    ]);
    assertEquals(fileOfAlways(path, { ...LUKE, user: "Leia" }).has("Yoda"), false);
    assertEquals(fileOfAlways(path, { ...LUKE, server: "other.example" }).has("Yoda"), false);
    assertEquals(
      Deno.readTextFileSync(path),
      "forum.example\tLuke S\tObi Wan\nforum.example\tLuke S\tYoda\n",
    );
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    assertEquals([...Deno.readDirSync(`${folder}/dfp`)].map(({ name }) => name), ["always"]);
  });
});

Deno.test("who is to be asked about again is taken out, and every other line stays", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/always`;
    const others = "# mine\nforum.example\tLeia\tYoda\nrubbish";
    Deno.writeTextFileSync(path, others);
    const always = fileOfAlways(path, LUKE);
    assertEquals(await always.remove("Yoda"), false);
    await always.add("Yoda");
    // Another program of the same user has added somebody meanwhile.
    await fileOfAlways(path, LUKE).add("Leia");
    assertEquals(await always.remove("yoda"), true);
    assertEquals(always.has("Yoda"), false);
    assertEquals(Deno.readTextFileSync(path), `${others}\nforum.example\tLuke S\tLeia\n`);
    assertEquals(fileOfAlways(path, LUKE).has("Leia"), true);
  });
});

Deno.test("what cannot be kept holds for this time, and is told; what cannot be read welcomes nobody", async () => {
  await inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    const always = fileOfAlways(`${folder}/file/always`, LUKE);
    await assertRejects(() => always.add("Yoda"), DiskError, "cannot be written");
    assertEquals(always.has("Yoda"), true);
    Deno.writeTextFileSync(`${folder}/large`, "forum.example\tLuke S\tYoda\n".padEnd(2 << 20));
    assertEquals(fileOfAlways(`${folder}/large`, LUKE).has("Yoda"), false);
  });
});
