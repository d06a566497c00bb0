/**
 * Stores against a model: whatever is written, cut, broken off, opened again, finished, removed and read,
 * in whatever order and through restarts, the bytes are exact.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { deflateRawSync } from "node:zlib";
import { type BlobStore, type BlobWriter, CHUNK_BYTES } from "../server/blob/blob_store.ts";
import {
  contents,
  discard,
  download,
  has,
  noise,
  type Place,
  PLACES,
  prose,
  remove,
  sha256Of,
  startUpload,
  statusOf,
  type Upload,
  uploads,
} from "./blob_scene.ts";
import { runs } from "./runs.ts";

/** Sizes near those at which something changes, and others. */
const size = fc.oneof(
  fc.nat(300),
  fc.constantFrom(0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 4 * CHUNK_BYTES),
  fc.nat(6 * CHUNK_BYTES),
);
const content = fc.record({ size, shrinks: fc.boolean(), seed: fc.integer({ min: 1, max: 99 }) });
/** A place, as a share of a whole. */
const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1));
/** Which upload, or which content. */
const which = fc.nat(2);

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("open" as const),
      which,
      scratch: fc.boolean(),
      packed: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      which,
      share,
      packed: fc.boolean(),
      cut: share,
      shown: share,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("finish" as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("close" as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("read" as const), which, share, deflate: fc.boolean() }),
  },
  fc.record({ do: fc.constant("lie" as const), which }),
  fc.record({ do: fc.constant("discard" as const), which }),
  fc.record({ do: fc.constant("remove" as const), which }),
  fc.record({ do: fc.constant("restart" as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What the model knows of an upload. */
interface Slot {
  readonly number: number;
  /** Which content it is to become. */
  readonly content: number;
  writer: Upload | undefined;
  packed: boolean;
  /** How many bytes there are; `undefined`: nothing, not even an empty file. */
  length: number | undefined;
}

/** The store of a place, which is opened anew now and then. */
interface Held {
  readonly place: Place;
  store: BlobStore;
}

/** Writes bytes in two pieces of a buffer that holds more, after some of them were shown. */
function writeShown(
  writer: BlobWriter,
  bytes: Uint8Array,
  { cut, shown }: { cut: number; shown: number },
): void {
  const at = Math.ceil(cut * bytes.length);
  const whole = new Uint8Array(bytes.length + 20).fill(0xee);
  const pieces = [whole.subarray(8, 8 + at), whole.subarray(16 + at, 16 + bytes.length)];
  pieces[0].set(bytes.subarray(0, at));
  pieces[1].set(bytes.subarray(at));
  const seen = Math.ceil(shown * bytes.length);
  writer.show(pieces[0].subarray(0, seen));
  writer.show(pieces[1].subarray(0, Math.max(0, seen - at)));
  writer.write(...pieces);
}

class Model {
  readonly #held: Held;
  readonly #files: Uint8Array[];
  readonly #digests: string[];
  readonly #slots: Slot[];
  readonly #kept = new Set<string>();

  constructor(held: Held, files: Uint8Array[], targets: number[]) {
    this.#held = held;
    this.#files = files;
    this.#digests = files.map(sha256Of);
    this.#slots = targets.map((content, index) => ({
      number: index * 7,
      content,
      writer: undefined,
      packed: false,
      length: undefined,
    }));
  }

  get #store(): BlobStore {
    return this.#held.store;
  }

  async take(step: Step): Promise<void> {
    if (step.do === "restart") {
      for (const slot of this.#slots) slot.writer = undefined;
      await this.#store.close();
      this.#held.store = await this.#held.place.open();
      return;
    }
    const slot = this.#slots[step.which];
    const file = this.#files[slot.content];
    const { writer } = slot;
    switch (step.do) {
      case "open": {
        const from = step.scratch ? "scratch" : "kept";
        const opened = startUpload(this.#store, slot.number, {
          size: file.length,
          from,
          packed: step.packed,
        });
        const offset = step.scratch ? 0 : slot.length ?? 0;
        assertEquals(await opened.opened, offset, "it goes on where it ended");
        if (writer !== undefined) assertEquals(statusOf(await writer.over), "replaced");
        slot.writer = opened;
        slot.packed = step.packed;
        slot.length = offset;
        break;
      }
      case "write": {
        if (writer === undefined) break;
        const from = slot.length!;
        const packed = step.packed && slot.packed;
        const most = packed ? Math.min(file.length - from, CHUNK_BYTES) : file.length - from;
        const bytes = file.slice(from, from + Math.ceil(step.share * most));
        slot.length = from + bytes.length;
        if (!packed) writeShown(writer.writer, bytes, step);
        else if (bytes.length > 0) {
          writer.writer.writePacked(new Uint8Array(deflateRawSync(bytes)), bytes.length);
        }
        break;
      }
      case "close":
        writer?.writer.close();
        slot.writer = undefined;
        break;
      case "finish":
      case "lie": {
        if (writer === undefined) break;
        const sha256 = this.#digests[slot.content];
        writer.writer.finish(step.do === "finish" ? sha256 : "0".repeat(64));
        const right = step.do === "finish" && slot.length === file.length;
        assertEquals(statusOf(await writer.over), right ? file.length : "bad-content");
        if (right) this.#kept.add(sha256);
        slot.writer = undefined;
        slot.length = undefined;
        break;
      }
      case "discard":
        assertEquals(await discard(this.#store, slot.number), undefined);
        if (writer !== undefined) assertEquals(statusOf(await writer.over), "replaced");
        slot.writer = undefined;
        slot.length = undefined;
        break;
      case "remove":
        assertEquals(await remove(this.#store, this.#digests[step.which]), undefined);
        this.#kept.delete(this.#digests[step.which]);
        break;
      case "read":
        await this.#read(step.which, step.share, step.deflate);
        break;
    }
  }

  async #read(index: number, share: number, deflate: boolean): Promise<void> {
    const file = this.#files[index];
    const sha256 = this.#digests[index];
    const offset = Math.floor(share * file.length);
    const { opened, bytes } = await download(this.#store, sha256, { offset, deflate });
    if (this.#kept.has(sha256)) {
      assertEquals(opened, file.length);
      assertEquals(sha256Of(bytes), sha256Of(file.slice(offset)), `${bytes.length} bytes`);
    } else {
      assertEquals([statusOf(opened), bytes.length], ["no-file", 0]);
    }
  }

  /** All that is there is what should be. */
  async check(): Promise<void> {
    const numbers = this.#slots.filter(({ length }) => length !== undefined).map(({ number }) =>
      number
    );
    assertEquals(await uploads(this.#store), numbers);
    const list = await contents(this.#store);
    assertEquals(list.map(({ sha256 }) => sha256), [...this.#kept].sort());
    for (const [index, file] of this.#files.entries()) {
      const kept = this.#kept.has(this.#digests[index]);
      assertEquals(await has(this.#store, this.#digests[index]), kept ? file.length : undefined);
      await this.#read(index, 0, false);
    }
    for (const { size, at } of list) {
      assert(this.#files.some(({ length }) => length === size));
      assert(Math.abs(Date.now() - at) < 3_600_000, "it was kept just now");
    }
  }

  /** Leaves nothing behind. */
  async clear(): Promise<void> {
    for (const { number } of this.#slots) await discard(this.#store, number);
    for (const digest of this.#digests) await remove(this.#store, digest);
  }
}

for (const [kind, make] of Object.entries(PLACES)) {
  Deno.test(`${kind}: bytes are exact, whatever is done in whatever order`, async () => {
    const place = make();
    const held: Held = { place, store: await place.open() };
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(content, { minLength: 3, maxLength: 3 }),
          fc.array(which, { minLength: 3, maxLength: 3 }),
          fc.array(step, { maxLength: 40, size: "max" }),
          async (given, targets, steps) => {
            const files = given.map(({ size, shrinks, seed }) =>
              shrinks ? prose(size, seed) : noise(size, seed)
            );
            const model = new Model(held, files, targets);
            try {
              for (const step of steps) await model.take(step);
              await model.check();
            } finally {
              await model.clear();
            }
          },
        ),
        { numRuns: runs(40, 150) },
      );
    } finally {
      await held.store.close();
      place.clear();
    }
  });
}
