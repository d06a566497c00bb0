/**
 * Packets that were sent and are remembered: in a ring by number, and those whose fate is open in a list in
 * the order of sending, so that neither an acknowledgement nor a loss has to look at the others.
 *
 * @module
 */

/** What becomes of a packet. */
export type Fate = "open" | "acked" | "lost";

/** A packet that has to be acknowledged, and what it carried. */
export interface SentPacket {
  readonly number: number;
  readonly time: number;
  readonly bytes: number;
  /** Which path it took: one counts up with every move to another. */
  readonly path: number;
  /** Small frames that must arrive, as bits of {@linkcode CONTROL}. */
  readonly control: number;
  /** The limit that its MAX_DATA or DATA_BLOCKED has told. */
  readonly limit: number;
  /** The sequence number of its NEW_CID or RETIRE_CID. */
  readonly sequence: number;
  /** Bytes of the stream, as pairs of start and end; nearly always one pair. */
  readonly stream: readonly number[];
  /** Whether the last of them ends the stream. */
  readonly fin: boolean;
  /** The largest number that an ACK in it has told, or −1. */
  readonly acked: number;
  /** Whether it only tries whether so large a packet arrives. */
  readonly mtuProbe: boolean;
  /** Whether it fills the path's window. */
  inFlight: boolean;
  fate: Fate;
  lostAt: number;
  /** In which trouble it was lost. */
  episode: number;
  before: SentPacket | undefined;
  behind: SentPacket | undefined;
}

/** Small frames of a packet. */
export const CONTROL = {
  ping: 1,
  maxData: 2,
  dataBlocked: 4,
  newCid: 8,
  retireCid: 16,
  confirmed: 32,
} as const;

/** The most packets that are remembered; nothing is sent while there are so many. */
export const SENT_PACKETS_MAX = 1 << 16;

const FIRST_SIZE = 64;

/** The packets of one direction. */
export interface SentPackets {
  /** The lowest number that is remembered. */
  readonly base: number;
  /** The number behind the highest one. */
  readonly end: number;
  /** The oldest packet whose fate is open. */
  readonly oldest: SentPacket | undefined;
  /** Whether another can be remembered. */
  readonly full: boolean;
  add(packet: SentPacket): void;
  /** Numbers below `end` are used, and not all of them were packets that are remembered. */
  pass(end: number): void;
  get(number: number): SentPacket | undefined;
  /** Its fate is known: it leaves the list, and the ring too if it was acknowledged. */
  settle(packet: SentPacket, fate: "acked" | "lost"): void;
  /** Forgets packets that were lost before a time. */
  expire(before: number): void;
}

class Ring implements SentPackets {
  #slots: (SentPacket | undefined)[] = new Array(FIRST_SIZE).fill(undefined);
  #newest: SentPacket | undefined;
  base = 0;
  end = 0;
  oldest: SentPacket | undefined;

  get full(): boolean {
    return this.end - this.base >= SENT_PACKETS_MAX;
  }

  add(packet: SentPacket): void {
    this.pass(packet.number);
    while (packet.number - this.base >= this.#slots.length) this.#grow();
    this.#slots[packet.number % this.#slots.length] = packet;
    this.end = packet.number + 1;
    packet.before = this.#newest;
    if (this.#newest === undefined) this.oldest = packet;
    else this.#newest.behind = packet;
    this.#newest = packet;
  }

  pass(end: number): void {
    if (end > this.end) this.end = end;
    if (this.oldest === undefined) this.#advance();
  }

  #grow(): void {
    const grown: (SentPacket | undefined)[] = new Array(this.#slots.length * 2).fill(undefined);
    for (const packet of this.#slots) {
      if (packet !== undefined) grown[packet.number % grown.length] = packet;
    }
    this.#slots = grown;
  }

  get(number: number): SentPacket | undefined {
    if (number < this.base || number >= this.end) return undefined;
    const packet = this.#slots[number % this.#slots.length];
    return packet?.number === number ? packet : undefined;
  }

  settle(packet: SentPacket, fate: "acked" | "lost"): void {
    if (packet.fate === "open") {
      if (packet.before === undefined) this.oldest = packet.behind;
      else packet.before.behind = packet.behind;
      if (packet.behind === undefined) this.#newest = packet.before;
      else packet.behind.before = packet.before;
      packet.before = packet.behind = undefined;
    }
    packet.fate = fate;
    if (fate === "acked") this.#slots[packet.number % this.#slots.length] = undefined;
    this.#advance();
  }

  expire(before: number): void {
    for (let number = this.base; number < this.end; number++) {
      const packet = this.get(number);
      if (packet === undefined) continue;
      if (packet.fate !== "lost" || packet.lostAt >= before) break;
      this.#slots[number % this.#slots.length] = undefined;
    }
    this.#advance();
  }

  #advance(): void {
    while (this.base < this.end && this.get(this.base) === undefined) this.base++;
  }
}

/** Makes a record of nothing. */
export function createSentPackets(): SentPackets {
  return new Ring();
}
