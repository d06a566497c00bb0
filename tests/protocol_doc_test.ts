import { assert, assertEquals } from "@std/assert";
import type { Op } from "../protocol/forum/command.ts";
import { command as commandSchema } from "../protocol/forum/command_schema.ts";
import type { EventKind } from "../protocol/forum/event.ts";
import { forumEvent } from "../protocol/forum/event_schema.ts";
import type { Notice } from "../protocol/body.ts";
import { CATALOGUE, type Kind, KINDS, type Side } from "../protocol/catalogue.ts";
import { readFrame } from "../protocol/frame.ts";
import { createLink } from "../protocol/link.ts";
import {
  BANNER,
  encodeMessage,
  FRAME_PAYLOAD_MAX,
  type Message,
  parseMessage,
  PREFACE,
} from "../protocol/message.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { type Problem, type Schema } from "../protocol/schema.ts";
import { STATUS } from "../protocol/status.ts";
import {
  checkBody,
  checkFileName,
  checkMediaType,
  checkName,
  checkPassword,
  checkReaction,
  checkTitle,
  fold,
  mentions,
  type TextFault,
} from "../protocol/text.ts";
import { createVerifier, saltPassword } from "../protocol/verifier.ts";
import { blocksOf, cellsOf, examplesOf, PATH, plain, UNWRITTEN } from "./protocol_doc/document.ts";
import { DatagramEnd, readDatagrams } from "./protocol_doc/datagrams.ts";
import { schemaOf } from "./protocol_doc/fields.ts";
import { SIGN_IN, verifierOfSignIn } from "./protocol_doc/sign_in.ts";
import { TABLES } from "./protocol_doc/tables.ts";
import {
  answer,
  readTranscript,
  type Step,
  takeAll,
  transcriptEnds,
  TRANSCRIPTS,
} from "./protocol_doc/transcripts.ts";
import { rewrite } from "./protocol_doc/write.ts";

const DOCUMENT = Deno.readTextFileSync(PATH);
const BLOCKS = blocksOf(DOCUMENT);
const REMEDY =
  "run deno run -A tests/protocol_doc/write.ts, then deno fmt docs/PROTOCOL.md, and read it";

/** The names that a schema of several kinds knows, as it lists them itself. */
function namesIn(schema: Schema<unknown>): string[] {
  const { text } = schema.parse({}) as Problem;
  return /^one of (.*) is needed$/.exec(text)![1].split(", ");
}

const OPS = namesIn(commandSchema) as Op[];
const EVENT_KINDS = namesIn(forumEvent) as EventKind[];
const NOTICE_KINDS = namesIn(CATALOGUE.notice.body!) as Notice["kind"][];
/** Kinds whose bodies have sections of their own. */
const MANY: readonly Kind[] = ["command", "done", "event", "notice"];

Deno.test("every table, transcript, reply and event of the specification is as the code makes it", async () => {
  assertEquals(plain(await rewrite(DOCUMENT)), plain(DOCUMENT), REMEDY);
});

Deno.test("the specification has every table, and says what each row means", () => {
  const markers = [...DOCUMENT.matchAll(/^<!-- (.*) -->$/gm)].map(([, marker]) => marker);
  const fields = [
    ...KINDS.filter((kind) => CATALOGUE[kind].body !== undefined && !MANY.includes(kind)),
    ...["command common", "event common", "notice common"],
    ...OPS.filter((op) => op !== "users").map((op) => `command ${op}`),
    ...EVENT_KINDS.map((kind) => `event ${kind}`),
    ...NOTICE_KINDS.map((kind) => `notice ${kind}`),
  ].map((what) => `fields: ${what}`);
  const wanted = [...fields, ...Object.keys(TABLES).map((name) => `from the code: ${name}`)];
  assertEquals(markers.toSorted(), wanted.toSorted());
  assert(!DOCUMENT.includes(UNWRITTEN), "a last column is not written yet");
  for (const [line] of DOCUMENT.matchAll(/^\|.*\|$/gm)) {
    assert(cellsOf(line).every((cell) => cell !== ""), `an empty cell: ${line}`);
  }
});

Deno.test("every message, op, event and notice has an example, and there is none of anything else", () => {
  const shown = new Set(
    BLOCKS.filter(({ words }) => words[0] === "json" && words[1] !== "vectors")
      .map(({ words }) => words.slice(1).join(" ")),
  );
  const wanted = [
    ...KINDS.filter((kind) => CATALOGUE[kind].body !== undefined && !MANY.includes(kind)),
    ...OPS.flatMap((op) => [`command ${op}`, `done ${op}`]),
    ...EVENT_KINDS.map((kind) => `event ${kind}`),
    ...NOTICE_KINDS.map((kind) => `notice ${kind}`),
  ];
  assertEquals([...shown].toSorted(), wanted.toSorted());
  for (const kind of ["ping", "pong"]) {
    assert(BLOCKS.some(({ words }) => words[0] === "hex" && words[1] === kind), kind);
  }
});

Deno.test("every example is what its schema takes, to the last field", () => {
  for (const { words, text } of BLOCKS) {
    const [language, what, kind] = words;
    if (language !== "json" || what === "vectors" || what === "done") continue;
    const example = JSON.parse(text);
    assertEquals(schemaOf(what).parse(example), example);
    if (kind !== undefined) assertEquals(example[what === "command" ? "op" : "kind"], kind);
  }
});

Deno.test("no command of the specification is refused", () => {
  for (const op of OPS) {
    for (const reply of examplesOf(DOCUMENT, "done", op)) {
      assert(!("code" in (reply as object)), op);
    }
  }
});

Deno.test("the REFUSED and BYE examples name statuses as the table does", () => {
  for (const body of examplesOf(DOCUMENT, "refused") as { code: number; name: string }[]) {
    assertEquals(STATUS[body.name as keyof typeof STATUS]?.code, body.code);
  }
  for (const body of examplesOf(DOCUMENT, "bye") as { code: number }[]) {
    assert(Object.values(STATUS).some(({ code }) => code === body.code));
  }
});

/** The bytes of a listing. */
function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.trim().split(/\s+/), (byte) => parseInt(byte, 16));
}

Deno.test("every byte listing is the frame that it is said to be", () => {
  let seen = 0;
  for (const [place, { words: [language, what, id, side], text }] of BLOCKS.entries()) {
    if (language !== "hex" || what === "skipped" || what.startsWith("fault:")) continue;
    seen++;
    const bytes = bytesOf(text);
    const buffer = createReceiveBuffer();
    buffer.append(bytes);
    const frame = readFrame(buffer, () => FRAME_PAYLOAD_MAX);
    assert(frame !== undefined && !("tooLarge" in frame) && buffer.length === 0);
    const message = parseMessage(frame, side as Side) as Message;
    assertEquals([message.kind, message.id], [what, Number(id)]);
    assertEquals(encodeMessage(message), bytes);
    const next = BLOCKS[place + 1];
    if (frame.length > 0 && CATALOGUE[message.kind].bytes === undefined) {
      assertEquals([next.words[0], next.words[1]], ["json", what]);
      assertEquals(message.body, JSON.parse(next.text));
    }
  }
  assert(seen > 0);
});

Deno.test("frames that are skipped or faults are so", () => {
  for (const [start, what] of [["skipped", undefined], ["fault:", "fault"]] as const) {
    const blocks = BLOCKS.filter(({ words }) => words[0] === "hex" && words[1].startsWith(start));
    assert(blocks.length > 0);
    for (const { words, text } of blocks) {
      const link = createLink({ side: "server", frame: FRAME_PAYLOAD_MAX, heartbeat: 0, now: 0 });
      link.receive(new TextEncoder().encode(PREFACE), 0);
      assertEquals(link.pull()?.input, "line");
      link.receive(bytesOf(text), 0);
      const input = link.pull();
      assertEquals(input?.input, what);
      if (input?.input === "fault") assertEquals(`fault:${input.status}`, words[1]);
    }
  }
});

/** What one side says in a row, as one run of bytes. */
function turnsOf(steps: readonly Step[]): Step[] {
  const turns: Step[] = [];
  for (const { side, bytes } of steps) {
    const last = turns.at(-1);
    if (last?.side !== side) turns.push({ side, bytes });
    else turns[turns.length - 1] = { side, bytes: Uint8Array.of(...last.bytes, ...bytes) };
  }
  return turns;
}

const transcript = (name: string) =>
  turnsOf(readTranscript(
    BLOCKS.find(({ words }) => words.join(" ") === `transcript ${name}`)!.text,
  ));

for (const name of Object.keys(TRANSCRIPTS)) {
  Deno.test(`the transcript "${name}", given to each end, brings forth the other side's bytes`, () => {
    for (const side of ["C", "S"] as const) {
      // The other end of each is never fed: the transcript stands in for it.
      const ends = transcriptEnds();
      const own = side === "C" ? ends.client : ends.server;
      if (side === "C") TRANSCRIPTS[name].begin(ends.client);
      let said = "";
      for (const [place, turn] of transcript(name).entries()) {
        if (turn.side === side) {
          if (side === "C" && place > 0 && own.pendingTransmit === 0) {
            TRANSCRIPTS[name].end!(ends.client);
          }
          assertEquals(takeAll(own), turn.bytes, `turn ${place} of ${side}`);
          said += side;
        } else {
          own.receive(turn.bytes, 0);
          answer(ends);
        }
      }
      assertEquals(own.pendingTransmit, 0);
      assert(said !== "");
    }
  });
}

Deno.test("the conversation over datagrams, given to each end, brings forth the other side's", () => {
  const listing = BLOCKS.find(({ words }) => words[0] === "datagrams")!.text;
  const all = readDatagrams(listing);
  assertEquals(all[0].bytes.length, 1200);
  for (const side of ["C", "S"] as const) {
    const end = new DatagramEnd(side);
    const own = all.filter((said) => said.side === side);
    const said = end.say();
    for (const [place, other] of all.entries()) {
      if (other.side === side) continue;
      end.hear(other.bytes);
      // It answers when the other side has said all that it had to say.
      if (all[place + 1]?.side !== other.side) said.push(...end.say());
    }
    assertEquals(said, own);
  }
});

Deno.test("coming back takes one round trip", () => {
  assertEquals(transcript("resume").map(({ side }) => side), ["C", "S"]);
});

Deno.test("the keys of the specification are those that the code makes", () => {
  const { password, salt, iterations } = SIGN_IN;
  const made = createVerifier(saltPassword(password, salt, iterations), salt, iterations);
  assertEquals(made, verifierOfSignIn());
  const base64 = (bytes: Uint8Array) => bytes.toBase64();
  for (
    const example of [
      ...examplesOf(DOCUMENT, "register"),
      ...examplesOf(DOCUMENT, "command", "credential"),
      ...examplesOf(DOCUMENT, "event", "credential.set"),
    ] as Record<string, unknown>[]
  ) {
    assertEquals(example.storedKey, base64(made.storedKey));
    assertEquals(example.serverKey, base64(made.serverKey));
    assertEquals([example.salt, example.iterations], [base64(salt), iterations]);
  }
});

Deno.test("the examples of signing in are those of the transcript", () => {
  const shown = new Set<string>();
  const buffer = createReceiveBuffer();
  const text = BLOCKS.find(({ words }) => words.join(" ") === "transcript sign-in")!.text;
  for (const { side, bytes } of readTranscript(text)) {
    if (bytes[0] === 0x44) continue;
    buffer.append(bytes);
    const frame = readFrame(buffer, () => FRAME_PAYLOAD_MAX);
    assert(frame !== undefined && !("tooLarge" in frame));
    const message = parseMessage(frame, side === "C" ? "client" : "server") as Message;
    if (message.kind === "bye") continue;
    assertEquals(examplesOf(DOCUMENT, message.kind), [message.body], message.kind);
    shown.add(message.kind);
  }
  assertEquals([...shown], ["hello", "login", "welcome", "challenge", "proof", "granted"]);
});

const kept = (check: (value: string) => string | TextFault) => (value: string) => {
  const result = check(value);
  return typeof result === "string" ? result : null;
};

const VECTORS: Record<string, (value: string) => unknown> = {
  password: kept(checkPassword),
  name: kept(checkName),
  title: kept(checkTitle),
  body: kept(checkBody),
  reaction: kept(checkReaction),
  file: kept(checkFileName),
  type: kept(checkMediaType),
  fold,
  mentions,
};

Deno.test("every example of a text is kept, folded or refused as it says", () => {
  for (const [name, check] of Object.entries(VECTORS)) {
    const lists = examplesOf(DOCUMENT, "vectors", name) as [string, unknown][][];
    assertEquals(lists.length, 1, name);
    for (const [value, result] of lists[0]) {
      assertEquals(check(value), result, `${name} ${JSON.stringify(value)}`);
    }
  }
  const named = BLOCKS.filter(({ words }) => words[1] === "vectors").map(({ words }) => words[2]);
  assertEquals(named.toSorted(), Object.keys(VECTORS).toSorted());
});

Deno.test("banner and preface stand in the specification as they travel", () => {
  for (const line of [BANNER, PREFACE]) {
    assert(BLOCKS.some(({ text }) => text === `${line.replace("\r\n", "\\r\\n")}\n`), line);
  }
});

Deno.test("what is listed as a refusal is a status, and what is listed as an event is a kind of event", () => {
  const lists = [...DOCUMENT.matchAll(/\b(Refusals|Events): ([^]*?)\.(?=\s)(?! [a-z])/g)];
  assert(lists.length >= OPS.length / 2);
  const fields = [
    "directory",
    "detail.head",
    "detail.wait",
    "seq",
    "at",
    "prove",
    "the admin password",
  ];
  for (const [, what, list] of lists) {
    for (const [, word] of list.matchAll(/`([^`]*)`/g)) {
      if (fields.includes(word.replace(/\s+/g, " "))) continue;
      const known = what === "Refusals" ? Object.keys(STATUS) : EVENT_KINDS as string[];
      assert(known.includes(word), `${what}: ${word}`);
    }
  }
});

Deno.test("links within the specification lead somewhere", () => {
  const anchors = new Set<string>();
  for (const [, heading] of DOCUMENT.matchAll(/^#+ (.*)$/gm)) {
    const anchor = heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");
    let unique = anchor;
    for (let again = 1; anchors.has(unique); again++) unique = `${anchor}-${again}`;
    anchors.add(unique);
  }
  for (const [, target] of DOCUMENT.matchAll(/\]\(#([^)]*)\)/g)) {
    assert(anchors.has(target), `#${target}`);
  }
});

Deno.test("the sections that the code's comments name are there", () => {
  for (
    const section of [
      "Frames",
      "Messages",
      "Status codes",
      "The session",
      "Commands",
      "Events",
      "Text mode",
      "Shared files",
      "Transfers",
      "Datagrams",
      "Peer to peer",
    ]
  ) {
    assert(DOCUMENT.includes(`\n## ${section}\n`), section);
  }
});
