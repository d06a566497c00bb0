/**
 * Files of a client's session: links break at any byte, sources are slow, what comes is taken late, files are given up at any
 * moment, on the link or without one; and each of them ends once, whole or given up.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { createClientSession } from "../protocol/client_session.ts";
import type { Command, Keyed } from "../protocol/forum/command.ts";
import type { DownloadOpened, UploadOpened } from "../protocol/forum/reply.ts";
import { FRAME_HEADER_BYTES } from "../protocol/frame.ts";
import type { ServerConnection } from "../protocol/server_connection.ts";
import type { ClientSession, SessionTransition } from "../protocol/session.ts";
import { refuse } from "../protocol/status.ts";
import type { TransferEvent } from "../protocol/transfer/transfers.ts";
import { drain, registration, serverEnd } from "./connection_scene.ts";
import { join } from "./cuts.ts";
import { runs } from "./runs.ts";

const WINDOW = 1000;
/** The most bytes of one frame: less than the server's largest. */
const PIECE = 800;
const SIZES = [0, 1, 700, 1000, 1001, 2500, 6000];

/** The bytes of a file: each has its own. */
function bytesOf(number: number, size: number): Uint8Array {
  return Uint8Array.from(
    { length: size },
    (_, at) => (at * 31 + (at >> 8) * 7 + number * 97) & 255,
  );
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function frameOf(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + bytes.length);
  frame.set(bytes, FRAME_HEADER_BYTES);
  return frame;
}

/** What has come of an upload at the server; it outlives links. */
interface Partial {
  readonly number: number;
  readonly size: number;
  bytes: Uint8Array;
  kept: boolean;
}

/** The server's end of one link. */
class Desk {
  readonly connection: ServerConnection = serverEnd({ commands: 100 });
  readonly #uploads: Map<string, Partial>;
  readonly #keys = new Map<number, Partial>();
  readonly #downloads = new Map<number, { bytes: Uint8Array; given: number }>();
  /** What has come and is not stored yet, by transfer. */
  readonly #unstored = new Map<number, number>();
  /** The next command finds no room. */
  busy = false;

  constructor(uploads: Map<string, Partial>) {
    this.#uploads = uploads;
  }

  look(): void {
    const { connection } = this;
    for (const what of drain(connection)) {
      switch (what.kind) {
        case "register-wanted":
        case "resume-wanted":
          connection.grant({ user: "Boris", role: "member", token: "token" }, 0);
          break;
        case "command":
          this.#command(what.id, what.command);
          break;
        case "transfer":
          this.#event(what.event);
      }
    }
  }

  #command(id: number, command: Command): void {
    const { connection } = this;
    const { transfers } = connection;
    if (this.busy) {
      this.busy = false;
      return connection.refuse(id, refuse("transfer-busy", undefined, { wait: 10 }));
    }
    assert(!transfers.has(id), "a file is opened that is under way");
    if (command.op === "upload") {
      const { size, key = "" } = command as typeof command & Keyed;
      let partial = this.#uploads.get(key);
      if (partial === undefined) {
        partial = { number: this.#uploads.size, size, bytes: new Uint8Array(0), kept: false };
        this.#uploads.set(key, partial);
      }
      if (partial.kept) return connection.done(id, JSON.stringify(keptAs(partial)));
      const offset = partial.bytes.length;
      const { upto } = transfers.receive(id, { size, offset, window: WINDOW });
      this.#keys.set(id, partial);
      this.#unstored.set(id, 0);
      return connection.done(id, JSON.stringify({ offset, upto, deflate: false }));
    }
    assert(command.op === "download");
    const { file, offset = 0, upto } = command;
    const bytes = bytesOf(file, SIZES[file % SIZES.length]);
    const size = bytes.length;
    transfers.send(id, { size, offset, upto: Math.max(offset, upto) });
    connection.done(id, JSON.stringify({ seq: file, size, offset, deflate: false }));
    this.#downloads.set(id, { bytes, given: offset });
    if (offset === size) transfers.end(id, { sha256: sha256Of(bytes) });
  }

  #event(event: TransferEvent): void {
    const { transfers } = this.connection;
    const { id } = event;
    switch (event.what) {
      case "wanted": {
        const download = this.#downloads.get(id)!;
        for (let left = event.bytes; left > 0;) {
          const count = Math.min(left, PIECE);
          const { bytes, given } = download;
          transfers.provide(id, frameOf(bytes.subarray(given, given + count)));
          download.given += count;
          left -= count;
        }
        if (download.given === download.bytes.length) {
          transfers.end(id, { sha256: sha256Of(download.bytes) });
        }
        return;
      }
      case "data": {
        const partial = this.#keys.get(id)!;
        assertEquals(event.offset, partial.bytes.length, "the server gets bytes where it is");
        partial.bytes = join([partial.bytes, event.bytes]);
        this.#unstored.set(id, this.#unstored.get(id)! + event.bytes.length);
        return;
      }
      case "finish": {
        const partial = this.#keys.get(id);
        // The end of a download.
        if (partial === undefined) return;
        if (sha256Of(partial.bytes) === event.finish.sha256) {
          partial.kept = true;
          transfers.kept(id, { ...keptAs(partial) });
        } else {
          partial.bytes = new Uint8Array(0);
          transfers.cancel(id, "bad-content");
        }
      }
    }
  }

  /** A file has to make room for others. */
  evict(which: number): boolean {
    const ids = [...this.#keys.keys(), ...this.#downloads.keys()];
    const id = ids[which % Math.max(1, ids.length)];
    if (!this.connection.transfers.has(id)) return false;
    this.connection.transfers.cancel(id, "transfer-busy");
    return true;
  }

  /** What has come is stored. */
  store(): boolean {
    let any = false;
    for (const [id, count] of this.#unstored) {
      if (count === 0) continue;
      this.#unstored.set(id, 0);
      this.connection.transfers.stored(id, count);
      any = true;
    }
    this.look();
    return any;
  }
}

function keptAs({ number, bytes }: Partial): { sha256: string; file: number; at: number } {
  return { sha256: sha256Of(bytes), file: number + 1, at: 1 };
}

/** A file as its owner at the client sees it. */
interface Mine {
  readonly up: boolean;
  readonly bytes: Uint8Array;
  /** How often it was opened. */
  generation: number;
  /** An upload: the next byte, and how many are wanted. */
  position: number;
  wanted: number;
  ended: boolean;
  /** A read under way, and for which opening. */
  reading: { readonly generation: number; readonly bytes: Uint8Array } | undefined;
  /** A download: how many bytes have come, and how many were taken. */
  come: number;
  taken: number;
  whole: boolean;
  givenUp: boolean;
  /** How it ended. */
  outcome: string | undefined;
}

class Scene {
  readonly session: ClientSession = createClientSession({
    random: (out) => out.fill(5),
    agent: "test",
    user: "Boris",
    registration: registration("Boris"),
    window: WINDOW,
  }, 0);
  readonly uploads = new Map<string, Partial>();
  readonly mine = new Map<number, Mine>();
  desk: Desk | undefined;
  now = 0;
  #wantsDial = false;
  #files = 0;
  readonly counts = new Map<string, number>();

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  look(): void {
    for (let what = this.session.next(); what !== undefined; what = this.session.next()) {
      this.#happened(what);
    }
    this.desk?.look();
  }

  #happened(what: SessionTransition): void {
    switch (what.kind) {
      case "dial":
        this.#wantsDial = true;
        return;
      case "hang-up":
        this.desk = undefined;
        return;
      case "done":
        return this.#end(what.id, "done", what.result);
      case "refused":
        return this.#end(what.id, what.refused.name, {});
      case "transfer-opened":
        return this.#opened(what.id, what.reply);
      case "transfer":
        return this.#event(what.event);
    }
  }

  #living(id: number): Mine {
    const mine = this.mine.get(id);
    assert(mine !== undefined && mine.outcome === undefined, `${id} is over and goes on`);
    return mine;
  }

  #end(id: number, outcome: string, result: object): void {
    const mine = this.#living(id);
    mine.outcome = outcome;
    if (mine.givenUp) return assertEquals(outcome, "cancelled");
    // What has not begun is its owner's to try again.
    if (outcome === "transfer-busy" && mine.generation === 0) return;
    assertEquals(outcome, "done");
    if (!mine.up) assertEquals([mine.whole, mine.come], [true, mine.bytes.length]);
    else assertEquals((result as { sha256: string }).sha256, sha256Of(mine.bytes));
  }

  #opened(id: number, reply: UploadOpened | DownloadOpened): void {
    const mine = this.#living(id);
    if (++mine.generation > 1) this.count(mine.up ? "uploads resumed" : "downloads resumed");
    if (mine.up) {
      mine.position = reply.offset;
      mine.wanted = 0;
      mine.ended = false;
    } else assertEquals(reply.offset, mine.come, "a download goes on where it is");
  }

  #event(event: TransferEvent): void {
    const mine = this.#living(event.id);
    switch (event.what) {
      case "wanted":
        mine.wanted += event.bytes;
        return;
      case "data":
        assertEquals(event.offset, mine.come);
        assertEquals(event.bytes, mine.bytes.subarray(mine.come, mine.come + event.bytes.length));
        mine.come += event.bytes.length;
        assert(mine.come - mine.taken <= WINDOW, "more has come than there is room for");
        return;
      case "finish":
        mine.whole = true;
    }
  }

  /** Begins a file. */
  begin(up: boolean, pick: number): void {
    const number = ++this.#files * SIZES.length + pick;
    const size = SIZES[pick];
    const id = up
      ? this.session.command({ op: "upload", thread: 1, name: `${number}`, size }, this.now)
      : this.session.command({ op: "download", thread: 1, file: number, upto: 0 }, this.now);
    this.mine.set(id, {
      up,
      bytes: bytesOf(number, size),
      generation: 0,
      position: 0,
      wanted: 0,
      ended: true,
      reading: undefined,
      come: 0,
      taken: 0,
      whole: false,
      givenUp: false,
      outcome: undefined,
    });
    this.look();
  }

  #pick(which: number, fits: (mine: Mine) => boolean): [number, Mine] | undefined {
    const fitting = [...this.mine].filter(([, mine]) => mine.outcome === undefined && fits(mine));
    return fitting[which % Math.max(1, fitting.length)];
  }

  /** A source begins to read, or what it has read is given. */
  read(which: number, amount: number): boolean {
    const picked = this.#pick(
      which,
      ({ up, reading, ended, wanted, position, bytes }) =>
        up && !ended && (reading !== undefined || wanted > 0 || position === bytes.length),
    );
    if (picked === undefined) return false;
    const [id, mine] = picked;
    const { reading, generation, position, wanted, bytes } = mine;
    if (reading === undefined && position === bytes.length) {
      mine.ended = true;
      this.session.endUpload(id, sha256Of(bytes));
    } else if (reading === undefined) {
      const count = Math.min(wanted, PIECE, 1 + amount);
      mine.reading = { generation, bytes: bytes.subarray(position, position + count) };
    } else {
      mine.reading = undefined;
      // Its owner knows that it was read for another link.
      if (reading.generation !== generation) this.count("reads that came too late");
      else {
        mine.position += reading.bytes.length;
        mine.wanted -= reading.bytes.length;
        this.session.provide(id, frameOf(reading.bytes));
      }
    }
    this.look();
    return true;
  }

  /** Some of what has come is taken, or what is whole is kept. */
  take(which: number, amount: number): boolean {
    const picked = this.#pick(
      which,
      ({ up, come, taken, whole }) => !up && (come > taken || whole),
    );
    if (picked === undefined) return false;
    const [id, mine] = picked;
    const count = Math.min(mine.come - mine.taken, 1 + amount);
    mine.taken += count;
    if (count > 0) this.session.stored(id, count);
    else {
      if (this.desk === undefined) this.count("downloads kept without a link");
      this.session.keepDownload(id, sha256Of(mine.bytes));
    }
    this.look();
    return true;
  }

  giveUp(which: number): void {
    const picked = this.#pick(which, () => true);
    if (picked === undefined) return;
    const [id, mine] = picked;
    mine.givenUp = true;
    this.count(this.desk === undefined ? "given up without a link" : "given up on a link");
    if (mine.generation === 0) this.count("given up before the reply");
    for (let times = 0; times < 2; times++) {
      this.session.cancelTransfer(id, "cancelled", this.now);
      this.look();
    }
    assertEquals(mine.outcome, "cancelled");
  }

  /** Bytes travel in both directions. */
  carry(up: number, down: number): boolean {
    const { desk, session } = this;
    if (desk === undefined) return false;
    let moved = 0;
    for (let left = up; left > 0 && desk.connection.wantsRead;) {
      const bytes = session.peekTransmit().slice(0, left);
      if (bytes.length === 0) break;
      desk.connection.receive(bytes, this.now);
      session.consumeTransmit(bytes.length);
      left -= bytes.length;
      moved += bytes.length;
      desk.look();
    }
    for (let left = down; left > 0 && session.wantsRead && this.desk === desk;) {
      const bytes = desk.connection.peekTransmit().slice(0, left);
      if (bytes.length === 0) break;
      desk.connection.consumeTransmit(bytes.length);
      session.receive(bytes, this.now);
      bytes.fill(0xa5);
      left -= bytes.length;
      moved += bytes.length;
      this.look();
    }
    return moved > 0;
  }

  break(): void {
    if (this.desk === undefined) return;
    this.session.receiveBreak(this.now);
    this.look();
  }

  /** Lets time pass until something is due, and opens a stream if one is wanted. */
  pass(): void {
    // Whoever signs in has no time to lose.
    if (this.desk !== undefined && this.session.state !== "online") return;
    const due = this.session.timeout();
    if (due !== undefined) {
      this.now = Math.max(this.now, due);
      this.session.handleTimeout(this.now);
      this.look();
    }
    if (!this.#wantsDial) return;
    this.#wantsDial = false;
    this.desk = new Desk(this.uploads);
    this.session.opened(this.now);
    this.look();
  }

  /** The server's machine loses the end of what it has. */
  lose(share: number): void {
    this.break();
    for (const partial of this.uploads.values()) {
      if (partial.kept) continue;
      partial.bytes = partial.bytes.slice(0, Math.floor(partial.bytes.length * share));
    }
  }

  /** Everything arrives, is read, stored and taken. */
  settle(): void {
    for (let rounds = 0; [...this.mine.values()].some((mine) => mine.outcome === undefined);) {
      assert(++rounds < 3000, "files do not come to an end");
      if (this.desk === undefined) this.pass();
      let any = this.carry(1e9, 1e9);
      any = this.read(rounds, 1e9) || any;
      any = this.take(rounds, 1e9) || any;
      any = this.desk?.store() || any;
      if (!any) this.pass();
    }
  }
}

type Step =
  | { readonly do: "begin"; readonly up: boolean; readonly pick: number }
  | { readonly do: "carry"; readonly up: number; readonly down: number }
  | { readonly do: "read" | "take"; readonly which: number; readonly amount: number }
  | { readonly do: "give up" | "evict"; readonly which: number }
  | { readonly do: "lose"; readonly share: number }
  | { readonly do: "break" | "pass" | "store" | "busy" };

const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const step: fc.Arbitrary<Step> = fc.oneof(
  often(
    4,
    fc.record({
      do: fc.constant("begin" as const),
      up: fc.boolean(),
      pick: fc.nat(SIZES.length - 1),
    }),
  ),
  often(
    10,
    fc.record({ do: fc.constant("carry" as const), up: fc.nat(3000), down: fc.nat(3000) }),
  ),
  often(
    12,
    fc.record({
      do: fc.constantFrom("read" as const, "take" as const),
      which: fc.nat(5),
      amount: fc.nat(900),
    }),
  ),
  often(
    2,
    fc.record({ do: fc.constantFrom("give up" as const, "evict" as const), which: fc.nat(5) }),
  ),
  often(
    1,
    fc.record({
      do: fc.constant("lose" as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  ),
  often(4, fc.record({ do: fc.constant("store" as const) })),
  often(2, fc.record({ do: fc.constant("break" as const) })),
  often(4, fc.record({ do: fc.constant("pass" as const) })),
  often(1, fc.record({ do: fc.constant("busy" as const) })),
);

function play(scene: Scene, step: Step): void {
  switch (step.do) {
    case "begin":
      return scene.begin(step.up, step.pick);
    case "carry":
      return void scene.carry(step.up, step.down);
    case "read":
      return void scene.read(step.which, step.amount);
    case "take":
      return void scene.take(step.which, step.amount);
    case "give up":
      return scene.giveUp(step.which);
    case "evict":
      if (scene.desk?.evict(step.which)) scene.count("files that had to make room");
      return;
    case "lose":
      return scene.lose(step.share);
    case "store":
      return void scene.desk?.store();
    case "break":
      return scene.break();
    case "pass":
      return scene.pass();
    case "busy":
      if (scene.desk !== undefined) scene.desk.busy = true;
  }
}

Deno.test("whatever breaks, and whenever it is given up, each file ends once: whole, or given up", () => {
  const counts = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: "max" }), (steps) => {
      const scene = new Scene();
      scene.pass();
      while (scene.carry(1e9, 1e9));
      assertEquals(scene.session.state, "online");
      for (const step of steps) play(scene, step);
      scene.settle();
      while (scene.carry(1e9, 1e9));
      assertEquals(scene.desk?.connection.transfers.count ?? 0, 0, "a file stays with the server");
      for (const [what, count] of scene.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    }),
    {
      numRuns: runs(200),
      examples: [
        // It has to make room when all of it has come, and is not kept yet.
        [[
          { do: "begin", up: false, pick: 0 },
          { do: "carry", up: 57, down: 54 },
          { do: "evict", which: 0 },
          { do: "carry", up: 0, down: 186 },
          { do: "pass" },
          { do: "carry", up: 68, down: 53 },
          { do: "take", which: 0, amount: 0 },
        ]],
      ],
    },
  );
  const met = ["uploads resumed", "downloads resumed", "reads that came too late"];
  met.push("downloads kept without a link", "given up before the reply");
  met.push("given up without a link", "given up on a link", "files that had to make room");
  for (const what of met) assert((counts.get(what) ?? 0) > 0, `no run has met: ${what}`);
});

/** A session that is signed in, and its server. */
function online(): Scene {
  const scene = new Scene();
  scene.pass();
  while (scene.carry(1e9, 1e9));
  return scene;
}

Deno.test("bytes that were read for a link that broke go nowhere while there is none", () => {
  const scene = online();
  scene.begin(true, 5);
  scene.carry(1e9, 1e9);
  const [id] = scene.mine.keys();
  const stale = frameOf(new Uint8Array(500).fill(0xff));
  scene.break();
  scene.session.provide(id, stale);
  scene.session.endUpload(id, sha256Of(stale));
  scene.pass();
  scene.session.provide(id, stale);
  scene.settle();
  assertEquals(scene.mine.get(id)!.outcome, "done");
});

Deno.test("bytes that were read for a link that broke cannot become part of the file on the next", () => {
  const scene = online();
  scene.begin(true, 5);
  scene.carry(1e9, 1e9);
  const [[id, mine]] = scene.mine;
  scene.break();
  scene.pass();
  scene.carry(1e9, 1e9);
  assertEquals(mine.generation, 2);
  // More than the link asks for is a mistake of the owner's; as much is sent, and the hash tells.
  assertThrows(() => scene.session.provide(id, frameOf(new Uint8Array(1001))), RangeError);
  scene.session.provide(id, frameOf(new Uint8Array(1000).fill(0xff)));
  mine.position = 1000;
  mine.wanted = 0;
  assertThrows(() => scene.settle(), Error, "bad-content");
  assertEquals([...scene.uploads.values()].map(({ kept }) => kept), [false]);
});

Deno.test("law 3: whatever a server answers to an upload or a download, the session throws nothing", () => {
  const anything = fc.oneof(
    fc.constantFrom<unknown>(-1, 0, 1, 1.5, 700, 701, 1e300, NaN, null, "0", true, [], {}),
    fc.anything(),
  );
  const reply = fc.record({
    offset: anything,
    upto: anything,
    size: anything,
    deflate: anything,
    seq: anything,
  }, { requiredKeys: [] });
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(fc.boolean(), reply, (up, reply) => {
      const scene = online();
      const { session } = scene;
      const id = up
        ? session.command({ op: "upload", thread: 1, name: "x", size: 700 }, 0)
        : session.command({ op: "download", thread: 1, file: 1, upto: 0 }, 0);
      const server = scene.desk!.connection;
      const happened: string[] = [];
      const look = () => {
        for (let what = session.next(); what !== undefined; what = session.next()) {
          happened.push(what.kind);
          if (what.kind === "refused") outcomes.add(what.refused.name);
        }
      };
      server.receive(session.peekTransmit().slice(), 0);
      session.consumeTransmit(session.peekTransmit().length);
      assertEquals(drain(server).map(({ kind }) => kind), ["command"]);
      server.done(id, JSON.stringify(reply) ?? "{}");
      session.receive(server.peekTransmit().slice(), 0);
      look();
      session.stored(id, 0);
      look();
      session.cancelTransfer(id, "cancelled", 0);
      session.receiveBreak(0);
      look();
      assertEquals(happened.filter((kind) => kind === "done" || kind === "refused").length, 1);
    }),
    // One that is good and one that is not, as chance may bring none of the first.
    { numRuns: runs(300), examples: [[true, { offset: 0, upto: 0 }], [true, { offset: -1 }]] },
  );
  assert(outcomes.has("bad-message") && outcomes.has("cancelled"), [...outcomes].join());
});
