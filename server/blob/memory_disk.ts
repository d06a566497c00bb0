/**
 * A disk in memory: what a store in memory (memory_store.ts) leaves behind when it dies. It has a size,
 * and a cut of the power takes from it what a real one would take.
 *
 * @module
 */

/** A content on the disk. */
export interface MemoryContent {
  readonly bytes: Uint8Array;
  /** When it was kept last, in ms since 1970. */
  at: number;
}

/** What there is of an upload, in the pieces in which it came. */
export interface MemoryPartial {
  readonly pieces: Uint8Array[];
  length: number;
}

/** What outlasts a store. */
export interface MemoryDisk {
  /** By their hashes. */
  readonly kept: Map<string, MemoryContent>;
  /** By their numbers. */
  readonly partials: Map<number, MemoryPartial>;
  /** How many bytes it holds in all; without end if it is not set. */
  capacity: number;
  /** How many it has. */
  readonly used: number;
  /**
   * The power fails: uploads may lose bytes at their ends, as many as chance says, since nobody has asked
   * the disk to keep them yet. Contents stay.
   */
  powerCut(random: { below(end: number): number }): void;
}

class Disk implements MemoryDisk {
  readonly kept = new Map<string, MemoryContent>();
  readonly partials = new Map<number, MemoryPartial>();
  capacity = Infinity;

  get used(): number {
    let sum = 0;
    for (const { bytes } of this.kept.values()) sum += bytes.length;
    for (const { length } of this.partials.values()) sum += length;
    return sum;
  }

  powerCut(random: { below(end: number): number }): void {
    for (const [upload, partial] of this.partials) {
      const left = random.below(partial.length + 1);
      this.partials.set(upload, { pieces: [joined(partial).slice(0, left)], length: left });
    }
  }
}

/** The bytes of an upload as one array. */
export function joined({ pieces, length }: MemoryPartial): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Makes an empty disk. */
export function createMemoryDisk(): MemoryDisk {
  return new Disk();
}
