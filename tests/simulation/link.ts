/**
 * Simulated links: a pair of sockets with a pipe for each direction. Bytes arrive in order or not at all,
 * but in any pieces, late, slowly, or cut off in the middle by a reset.
 *
 * A pipe takes only so much at a time, so writes are partial and wait; what a write was given must not change
 * until it is done, and a chunk is spoiled as soon as it has been received (DESIGN §4).
 *
 * @module
 */

import type { Random } from "./random.ts";
import { hold, type World } from "./world.ts";

/** What reads from and writes to a socket: a session of either side. */
export interface Endpoint {
  readonly wantsRead: boolean;
  receive(chunk: Uint8Array, now: number): void;
  receiveEnd(now: number): void;
  receiveBreak(now: number): void;
  peekTransmit(): Uint8Array;
  consumeTransmit(count: number): void;
}

/** What goes with an endpoint. */
export interface Attachment {
  readonly endpoint: Endpoint;
  /** Called after each input. */
  readonly after: () => void;
}

/** One end of a link. */
export interface Socket {
  readonly open: boolean;
  /** Whether its reader has stopped reading. */
  paused: boolean;
  attach(attachment: Attachment): void;
  /** There may be something to write or room to read. */
  wake(): void;
  /** Closes in order: what was written still arrives, and an end behind it. */
  close(): void;
  /** Dies at once, and its endpoint hears nothing; what is under way still arrives, and then `tail`. */
  die(tail: Tail): void;
}

/** What the other end finds behind the last byte: an end, a reset, or silence. */
export type Tail = "end" | "break" | "silence";

/** A link. */
export interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Breaks it for both, though not at the same moment. */
  reset(): void;
  /** Nothing passes any more, and nobody is told. */
  vanish(): void;
  /** Nothing passes for so many ms. */
  stall(ms: number): void;
}

interface Segment {
  bytes: Uint8Array;
  readonly at: number;
}

class Pipe {
  readonly #world: World;
  readonly #random: Random;
  readonly from: LinkSocket;
  readonly to: LinkSocket;
  #queue: Segment[] = [];
  #underWay = 0;
  #last = 0;
  #until = 0;
  #tail: Tail | undefined;
  #wakeAt = Infinity;
  #lost = false;

  constructor(world: World, from: LinkSocket, to: LinkSocket) {
    this.#world = world;
    this.#random = world.random.fork();
    this.from = from;
    this.to = to;
  }

  get room(): number {
    return this.#world.faults.window - this.#underWay;
  }

  #arrival(bytes: number): number {
    const { scheduler, faults } = this.#world;
    const way = this.#random.between(0, faults.latency) + Math.floor(bytes / faults.bandwidth);
    this.#last = Math.max(this.#last, scheduler.now + way);
    return this.#last;
  }

  push(bytes: Uint8Array): void {
    this.#underWay += bytes.length;
    if (this.#lost) return;
    this.#queue.push({ bytes, at: this.#arrival(bytes.length) });
    this.#poll(this.#queue[0].at);
  }

  finish(tail: Tail): void {
    if (this.#tail !== undefined || this.#lost) return;
    this.#tail = tail;
    if (tail === "break") {
      // A reset overtakes what its receiver has not read yet.
      this.#world.scheduler.at(Math.max(this.#until, this.#arrival(0)), () => this.to.break());
    } else this.#poll(this.#arrival(0));
  }

  lose(): void {
    this.#lost = true;
    this.#queue = [];
  }

  stall(ms: number): void {
    this.#until = this.#world.scheduler.now + ms;
  }

  #poll(at: number): void {
    const time = Math.max(at, this.#until);
    if (time >= this.#wakeAt) return;
    this.#wakeAt = time;
    this.#world.scheduler.at(time, () => {
      if (this.#wakeAt !== time) return;
      this.#wakeAt = Infinity;
      this.deliver();
    });
  }

  /** Hands over what has arrived, as far as the reader wants it. */
  deliver(): void {
    const { scheduler, faults, transcript } = this.#world;
    while (!this.#lost) {
      if (this.to.dead) {
        if (this.#queue.length > 0) this.#bounce();
        return;
      }
      const attachment = this.to.attachment;
      if (attachment === undefined || this.to.paused || !attachment.endpoint.wantsRead) return;
      const head = this.#queue[0];
      if (head === undefined) {
        if (this.#tail !== "end" || scheduler.now < this.#last) return;
        this.#tail = "silence";
        attachment.endpoint.receiveEnd(scheduler.now);
        attachment.after();
        return;
      }
      if (head.at > scheduler.now || this.#until > scheduler.now) return this.#poll(head.at);
      const chunk = this.#take();
      transcript.line(`${this.to.name} reads ${chunk.length}`);
      attachment.endpoint.receive(chunk, scheduler.now);
      chunk.fill(0xee);
      attachment.after();
      this.from.wake();
      if (this.#random.chance(faults.cut)) {
        return this.#poll(scheduler.now + this.#random.between(0, 3));
      }
    }
  }

  /** The next chunk: part of a segment, or several of them in one. */
  #take(): Uint8Array {
    const { scheduler, faults } = this.#world;
    const head = this.#queue[0];
    let { bytes } = head;
    if (this.#random.chance(faults.cut)) {
      const cut = this.#random.between(1, bytes.length);
      head.bytes = bytes.subarray(cut);
      bytes = bytes.slice(0, cut);
      if (head.bytes.length === 0) this.#queue.shift();
    } else {
      this.#queue.shift();
      const next = this.#queue[0];
      if (next !== undefined && next.at <= scheduler.now && this.#random.chance(0.5)) {
        this.#queue.shift();
        const both = new Uint8Array(bytes.length + next.bytes.length);
        both.set(bytes);
        both.set(next.bytes, bytes.length);
        bytes = both;
      }
    }
    this.#underWay -= bytes.length;
    return bytes;
  }

  /** Nobody reads any more: the writer learns it after a while. */
  #bounce(): void {
    this.lose();
    this.#world.scheduler.after(this.#random.between(0, 20), () => this.from.break());
  }
}

class LinkSocket implements Socket {
  readonly name: string;
  readonly #world: World;
  readonly #random: Random;
  outgoing!: Pipe;
  incoming!: Pipe;
  attachment: Attachment | undefined;
  dead = false;
  #paused = false;
  #writing = false;
  #scheduled = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#random = world.random.fork();
    this.name = name;
  }

  get open(): boolean {
    return !this.dead;
  }

  get paused(): boolean {
    return this.#paused;
  }
  set paused(paused: boolean) {
    this.#paused = paused;
    this.wake();
  }

  attach(attachment: Attachment): void {
    this.attachment = attachment;
    this.wake();
  }

  wake(): void {
    if (this.dead || this.#scheduled || this.attachment === undefined) return;
    this.#scheduled = true;
    this.#world.scheduler.after(0, () => {
      this.#scheduled = false;
      if (this.dead) return;
      this.#write();
      this.incoming.deliver();
    });
  }

  #write(): void {
    if (this.#writing || this.outgoing.room <= 0) return;
    const { endpoint, after } = this.attachment!;
    const bytes = endpoint.peekTransmit();
    if (bytes.length === 0) return;
    const { faults, scheduler } = this.#world;
    let count = Math.min(bytes.length, this.outgoing.room);
    if (this.#random.chance(faults.partial)) count = this.#random.between(1, count);
    const copy = bytes.slice(0, count);
    this.#writing = true;
    scheduler.after(this.#random.chance(0.5) ? 0 : this.#random.between(0, 5), () => {
      this.#writing = false;
      if (this.dead) return;
      hold(same(copy, bytes), () => `${this.name}: bytes changed while they were written`);
      this.outgoing.push(copy);
      endpoint.consumeTransmit(count);
      after();
      this.wake();
    });
  }

  close(): void {
    this.die("end");
  }

  die(tail: Tail): void {
    if (this.dead) return;
    this.dead = true;
    this.outgoing.finish(tail);
    this.incoming.deliver();
  }

  break(tail: Tail = "break"): void {
    if (this.dead) return;
    this.dead = true;
    this.#world.transcript.line(`${this.name} breaks`);
    this.attachment?.endpoint.receiveBreak(this.#world.scheduler.now);
    this.attachment?.after();
    this.outgoing.finish(tail);
  }
}

function same(copy: Uint8Array, bytes: Uint8Array): boolean {
  for (let i = 0; i < copy.length; i++) if (copy[i] !== bytes[i]) return false;
  return true;
}

/** Makes a link between two sockets that nobody has yet. */
export function createSimulatedLink(world: World, name: string): Link {
  const client = new LinkSocket(world, `${name} client`);
  const server = new LinkSocket(world, `${name} server`);
  client.outgoing = server.incoming = new Pipe(world, client, server);
  server.outgoing = client.incoming = new Pipe(world, server, client);
  const random = world.random.fork();
  return {
    client,
    server,
    reset() {
      const [first, second] = random.chance(0.5) ? [client, server] : [server, client];
      if (random.chance(0.7)) return first.break();
      // The other end may go on for quite a while with a link that is no more.
      first.break("silence");
      world.scheduler.after(random.between(0, 5000), () => second.break());
    },
    vanish() {
      client.outgoing.lose();
      server.outgoing.lose();
    },
    stall(ms) {
      client.outgoing.stall(ms);
      server.outgoing.stall(ms);
    },
  };
}
