import { assert, assertEquals } from "@std/assert";
import type { ForumClient, IncomingFile, UploadOptions } from "../../client/mod.ts";
import { bytesOf, sha256Of } from "./file_bytes.ts";
import { refusal, scenario, sharedServer } from "./scenario.ts";

const forum = sharedServer();
const KIB = 1024;

/** The bytes of a download. */
export async function all({ stream }: IncomingFile): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function share(client: ForumClient, name: string, bytes: Uint8Array<ArrayBuffer>) {
  const options: UploadOptions = { thread: 1, name, content: new Blob([bytes]) };
  return client.upload(options);
}

scenario(
  "a file of any size goes up, is heard of, listed, and comes down the same",
  async (ground) => {
    const server = await forum();
    const { client: yoda } = await ground.member(server, { user: "Sizes", register: true });
    const watcher = await ground.member(server, { user: "Watcher", register: true });
    await watcher.client.follow("thread/1");
    const sizes = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 3_000_000];
    for (const size of sizes) {
      const bytes = bytesOf(size, size + 1);
      const kept = await share(yoda, `file of ${size}`, bytes);
      assertEquals(kept.sha256, sha256Of(bytes));
      const event = await watcher.event(({ kind, seq }) =>
        kind === "file.shared" && seq === kept.file
      );
      assert(event.kind === "file.shared" && event.size === size && event.by === "Sizes");
      const down = await watcher.client.download({ thread: 1, file: kept.file });
      assertEquals([down.name, down.size, down.sha256], [`file of ${size}`, size, kept.sha256]);
      assertEquals(await all(down), bytes);
    }
    const { files } = await yoda.command<"files">({ op: "files", thread: 1 });
    assertEquals(files.map(({ size }) => size), sizes.toReversed());
  },
);

scenario(
  "names are labels: whatever they hold, they come back as they are, and are no paths",
  async (ground) => {
    const server = await forum();
    const { client } = await ground.member(server, { user: "Names", register: true });
    const before = [...Deno.readDirSync(server.data)].map(({ name }) => name).sort();
    const names = [
      "../../escape",
      "/etc/passwd",
      "nul\0inside",
      "two\nlines",
      "\u202egpj.exe",
      "x".repeat(250) + "é".repeat(5),
      "CON",
      "aux.txt",
      "🗿💾",
      ".",
      "..",
      "forum.sqlite",
      "a\\b",
      "C:\\temp",
    ];
    for (const name of names) {
      const kept = await share(client, name, bytesOf(10));
      const down = await client.download({ thread: 1, file: kept.file });
      assertEquals(down.name, name.normalize("NFC"));
      assertEquals(await all(down), bytesOf(10));
    }
    assertEquals([...Deno.readDirSync(server.data)].map(({ name }) => name).sort(), before);
    assertEquals(await refusal(share(client, "x".repeat(256), bytesOf(1))), "bad-name");
    assertEquals(await refusal(share(client, " ", bytesOf(1))), "bad-name");
    assertEquals(await refusal(share(client, "con", bytesOf(1))), "file-exists");
  },
);

scenario(
  "of two who share the same name at once one gets it, the other is told, nothing mixes",
  async (ground) => {
    const server = await forum();
    const ann = await ground.member(server, { user: "Ann", register: true });
    const ben = await ground.member(server, { user: "Ben", register: true });
    const [one, other] = [bytesOf(2_000_000, 1), bytesOf(2_000_000, 2)];
    const outcomes = await Promise.allSettled([
      share(ann.client, "both", one),
      share(ben.client, "both", other),
    ]);
    assertEquals(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const { files } = await ann.client.command<"files">({ op: "files", thread: 1, name: "both" });
    assertEquals(files.length, 1);
    const down = await ann.client.download({ thread: 1, file: files[0].seq });
    assertEquals(await all(down), files[0].by === "Ann" ? one : other);
  },
);

scenario(
  "what one can see already need not travel again; what one cannot see does",
  async (ground) => {
    const server = await forum();
    const ann = await ground.member(server, { user: "Seer", register: true });
    const ben = await ground.member(server, { user: "Blind", register: true });
    const { thread } = await ann.client.command<"create">({
      op: "create",
      title: "secret",
      private: true,
    });
    const bytes = bytesOf(500_000, 77);
    const sha256 = sha256Of(bytes);
    const content = new Blob([bytes]);
    await ann.client.upload({ thread, name: "plan", content });
    const seen: Record<string, number[]> = { ann: [], ben: [] };
    const progress = (who: string) => (count: number) => void seen[who].push(count);
    const again = await ann.client.upload({
      thread: 1,
      name: "plan for all",
      content,
      sha256,
      onProgress: progress("ann"),
    });
    assertEquals(seen.ann, [], "no byte has travelled");
    assertEquals(again.sha256, sha256);
    await ann.client.command({ op: "withdraw", thread: 1, file: again.file });
    await ben.client.upload({
      thread: 1,
      name: "guess",
      content,
      sha256,
      onProgress: progress("ben"),
    });
    assertEquals([seen.ben[0], seen.ben.at(-1)], [0, bytes.length], "every byte has travelled");
  },
);

scenario(
  "a file that is taken out is gone, and its bytes with the last of its names",
  async (ground) => {
    const server = await ground.server();
    const { client } = await ground.member(server, { user: "Tidy", register: true });
    const bytes = bytesOf(300_000, 5);
    const kept = `${server.data}/files/kept/${sha256Of(bytes).slice(0, 2)}/${sha256Of(bytes)}`;
    const first = await share(client, "one", bytes);
    const second = await share(client, "two", bytes);
    assertEquals(Deno.statSync(kept).size, bytes.length, "it is there once");
    await client.command({ op: "withdraw", thread: 1, file: first.file });
    assertEquals(await refusal(client.download({ thread: 1, file: first.file })), "no-file");
    assertEquals(await all(await client.download({ thread: 1, file: second.file })), bytes);
    await client.command({ op: "withdraw", thread: 1, file: second.file });
    const gone = () => {
      try {
        Deno.statSync(kept);
        return false;
      } catch {
        return true;
      }
    };
    while (!gone()) await client.command({ op: "users" });
  },
);

scenario("deflated chunks come out as they went in, whether they shrink or not", async (ground) => {
  const server = await forum();
  const { client } = await ground.member(server, { user: "Deflater", register: true });
  const text = new TextEncoder().encode("Do or do not. There is no try. ".repeat(20_000));
  const mixed = new Uint8Array([...text, ...bytesOf(600_000, 9), ...text]);
  for (
    const [name, bytes] of [["text", text], ["noise", bytesOf(700_000, 4)], [
      "mixed",
      mixed,
    ]] as const
  ) {
    const { file } = await client.upload({
      thread: 1,
      name: `deflated ${name}`,
      content: new Blob([bytes]),
      deflate: true,
    });
    assertEquals(await all(await client.download({ thread: 1, file, deflate: true })), bytes);
  }
});

scenario("quotas are told before a byte travels", async (ground) => {
  const server = await ground.server({
    args: [
      ...["--max-file-size", "1000K", "--max-files-per-user", "1500K"],
      ...["--max-files-in-all", "2M"],
    ],
  });
  const ann = await ground.member(server, { user: "Ann", register: true });
  const ben = await ground.member(server, { user: "Ben", register: true });
  assertEquals(await refusal(share(ann.client, "big", bytesOf(1000 * KIB + 1))), "quota");
  await share(ann.client, "fits", bytesOf(1000 * KIB, 1));
  assertEquals(await refusal(share(ann.client, "more", bytesOf(600 * KIB, 2))), "quota");
  await share(ann.client, "rest", bytesOf(500 * KIB, 3));
  assertEquals(await refusal(share(ann.client, "a byte", bytesOf(1, 4))), "quota");
  assertEquals(await refusal(share(ben.client, "too much in all", bytesOf(700 * KIB, 5))), "quota");
  await share(ben.client, "enough", bytesOf(500 * KIB, 6));
});
