/**
 * The files that the two ends of a connection in tests send and receive. What an owner does about an event depends
 * on what it was told and on nothing else; it is done when the test says so.
 *
 * @module
 */

import type { Command } from "../protocol/forum/command.ts";
import { FRAME_HEADER_BYTES } from "../protocol/frame.ts";
import { PACKED_MIN } from "../protocol/transfer/shrinking.ts";
import type { TransferEvent, Transfers } from "../protocol/transfer/transfers.ts";

/** What every file is said to have as its hash. */
export const SHA256: string = "0123456789abcdef".repeat(4);
/** Bytes that may be under way: fewer than most files have. */
const WINDOW = 1000;
/** The most bytes of one frame. */
const PIECE = 701;
const SIZES = [2500, 0, 900, 3, 1700];

/** The command that opens the file of this number: uploads and downloads, some of them deflated. */
export function fileCommand(id: number): Command {
  const size = SIZES[id % SIZES.length];
  return id % 2 === 0
    ? { op: "upload", thread: 1, name: `file ${id}`, size, key: `key ${id}` }
    : { op: "download", thread: 1, file: id, upto: WINDOW };
}

/** A file on its way. */
interface Way {
  readonly size: number;
  /** What was given of a file that is sent. */
  given: number;
  over: boolean;
}

/** The files of one end. */
export interface FileOwner {
  /** As a server does a command, and what it answers; nothing if it has to refuse it. */
  open(id: number, command: Command): string | undefined;
  /** As a client goes on when the server has opened a file. */
  opened(id: number, result: object): void;
  /** What is to be done about an event. */
  answerTo(event: TransferEvent): (() => void) | undefined;
}

class Owner implements FileOwner {
  readonly #connection: { readonly transfers: Transfers };
  readonly #ways = new Map<number, Way>();

  constructor(connection: { readonly transfers: Transfers }) {
    this.#connection = connection;
  }

  get #transfers(): Transfers {
    return this.#connection.transfers;
  }

  open(id: number, command: Command): string | undefined {
    if (this.#transfers.has(id)) return undefined;
    if (command.op === "upload") {
      const { size } = command;
      const offset = Math.min(size, 2);
      const { upto } = this.#receive(id, { size, offset });
      return JSON.stringify({ offset, upto, deflate: true });
    }
    if (command.op !== "download") return undefined;
    const size = SIZES[id % SIZES.length];
    const offset = Math.min(size, command.offset ?? 0);
    this.#send(id, { size, offset, upto: Math.max(offset, command.upto) });
    return JSON.stringify({ size, offset, deflate: true });
  }

  opened(id: number, result: object): void {
    if (this.#transfers.has(id)) return;
    const command = fileCommand(id);
    const { offset, size, upto } = result as Record<string, unknown>;
    const most = command.op === "upload" ? command.size : 1e6;
    if (!isPlace(offset, most)) return;
    if (command.op === "upload") {
      if (isPlace(upto, most)) this.#send(id, { size: command.size, offset, upto });
    } else if (isPlace(size, most)) this.#receive(id, { size, offset });
  }

  #receive(id: number, { size, offset }: { size: number; offset: number }) {
    this.#ways.set(id, { size, given: size, over: false });
    return this.#transfers.receive(id, { size, offset, window: WINDOW });
  }

  #send(id: number, stretch: { size: number; offset: number; upto: number }): void {
    const { size, offset } = stretch;
    this.#transfers.send(id, stretch);
    this.#ways.set(id, { size, given: offset, over: false });
    if (offset === size) this.#transfers.end(id, { sha256: SHA256 });
  }

  answerTo(event: TransferEvent): (() => void) | undefined {
    const { id } = event;
    const way = this.#ways.get(id);
    if (way === undefined) return undefined;
    const unlessOver = (act: () => void) => () => {
      if (!way.over) act();
    };
    switch (event.what) {
      case "wanted": {
        const { bytes } = event;
        return unlessOver(() => this.#give(id, way, bytes));
      }
      case "data": {
        const count = event.raw ?? event.bytes.length;
        // Some are given up in the middle.
        if (id % 5 === 2) {
          return unlessOver(() => {
            way.over = true;
            this.#transfers.cancel(id, "cancelled");
          });
        }
        return unlessOver(() => this.#transfers.stored(id, count));
      }
      case "finish":
        if (!this.#transfers.has(id)) {
          way.over = true;
          return undefined;
        }
        return unlessOver(() => {
          way.over = true;
          this.#transfers.kept(id, { sha256: SHA256, file: 1, at: 1 });
        });
      case "abort":
        way.over = true;
        return undefined;
      default:
        return undefined;
    }
  }

  #give(id: number, way: Way, bytes: number): void {
    for (let left = bytes; left > 0;) {
      const count = Math.min(left, PIECE);
      if (count % 2 === 0 || count < PACKED_MIN) this.#transfers.provide(id, frameOf(count));
      else {
        // What is deflated is not looked at here.
        const frame = new Uint8Array(FRAME_HEADER_BYTES + 6);
        frame.set([3, 0], FRAME_HEADER_BYTES + 4);
        this.#transfers.provide(id, frame, count);
      }
      left -= count;
      way.given += count;
    }
    if (way.given === way.size) this.#transfers.end(id, { sha256: SHA256 });
  }
}

function frameOf(count: number): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + count);
  for (let i = 0; i < count; i++) frame[FRAME_HEADER_BYTES + i] = i;
  return frame;
}

/** Whether something is an offset in a file of so many bytes. A server in these tests may say anything. */
function isPlace(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && value as number >= 0 && value as number <= most;
}

/** Makes the files of a connection's end. */
export function createFileOwner(connection: { readonly transfers: Transfers }): FileOwner {
  return new Owner(connection);
}
