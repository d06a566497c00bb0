/**
 * A crowd: connections that signed in and are read from, and the publisher that sends to them.
 *
 * @module
 */

import { writeAll } from "./dialogue.ts";
import type { Member, Part, Wire } from "./peer.ts";

/** Connections that sign in at the same time: ngircd's queue of new ones holds ten. */
const AT_ONCE = 8;
const READ_BYTES = 64 * 1024;
const IDLE_BYTES = 512;

/** Told when a member gets messages: which member, how many it had before, and how many came. */
export type Watcher = (member: number, before: number, count: number) => void;

/** Members that are read from. */
export interface Crowd {
  readonly size: number;
  /** Messages that all of them got since the last reset. */
  readonly delivered: number;
  watcher: Watcher | undefined;
  /** Counts from nothing again. */
  reset(): void;
  /** Waits until each has got so many. Rejects after 10 s. */
  all(messages: number): Promise<void>;
  close(): void;
}

class ReadCrowd implements Crowd {
  readonly #members: Member[] = [];
  readonly #counts: number[] = [];
  #closed = false;
  #fault: unknown;
  delivered = 0;
  watcher: Watcher | undefined;

  get size(): number {
    return this.#members.length;
  }

  async gather(wire: Wire, part: Part, size: number): Promise<void> {
    const joining = Array.from({ length: Math.min(AT_ONCE, size) }, async (_, lane) => {
      for (let i = lane; i < size; i += AT_ONCE) this.#add(await wire.join(part), part);
    });
    await Promise.all(joining);
  }

  #add(member: Member, part: Part): void {
    const index = this.#members.push(member) - 1;
    this.#counts.push(0);
    this.#read(index, new Uint8Array(part === "idle" ? IDLE_BYTES : READ_BYTES)).catch((error) => {
      if (!this.#closed) this.#fault ??= error;
    });
  }

  async #read(index: number, buffer: Uint8Array): Promise<void> {
    const { conn, framing } = this.#members[index];
    for (;;) {
      const length = await conn.read(buffer);
      if (length === null) throw new Error("the server hung up on a subscriber");
      const count = framing.count(buffer, length);
      if (count > 0) {
        const before = this.#counts[index];
        this.#counts[index] = before + count;
        this.delivered += count;
        this.watcher?.(index, before, count);
      }
      const answer = framing.answer();
      if (answer !== undefined) await writeAll(conn, answer);
    }
  }

  reset(): void {
    this.delivered = 0;
    this.#counts.fill(0);
  }

  async all(messages: number): Promise<void> {
    const latest = performance.now() + 10_000;
    while (this.#counts.some((count) => count < messages)) {
      if (this.#fault !== undefined) throw this.#fault;
      if (performance.now() > latest) throw new Error("not every subscriber got every message");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (this.#counts.some((count) => count > messages)) throw new Error("a message came twice");
  }

  close(): void {
    this.#closed = true;
    for (const { conn } of this.#members) conn.close();
  }
}

/** Lets so many connections sign in, and begins to read from them. */
export async function gatherCrowd(
  wire: Wire,
  { part, size }: { part: Part; size: number },
): Promise<Crowd> {
  const crowd = new ReadCrowd();
  await crowd.gather(wire, part, size);
  return crowd;
}

/** What a member gets beside messages is read and thrown away, or the server would wait for it. */
export async function drain({ conn, framing }: Member): Promise<void> {
  const buffer = new Uint8Array(READ_BYTES);
  try {
    for (let length = await conn.read(buffer); length !== null; length = await conn.read(buffer)) {
      framing.count(buffer, length);
      const answer = framing.answer();
      if (answer !== undefined) await writeAll(conn, answer);
    }
  } catch {
    // Whatever it is, it shows in what the subscribers get.
  }
}
