/**
 * How large datagrams may be: 1200 bytes pass everywhere; larger ones are tried from the top of a ladder, and
 * a try that is lost is no congestion. When large ones stop to arrive while small ones do, the path has
 * become narrower (RFC 8899; DATAGRAM §3).
 *
 * @module
 */

import { DATAGRAM_BYTES_MAX, DATAGRAM_BYTES_MIN } from "./packet.ts";

/** Sizes that are tried, largest first: Ethernet, PPPoE, IPv6, tunnels. */
export const MTU_LADDER: readonly number[] = [1472, 1452, 1432, 1392, 1352, 1280];
/** Each is tried so often. */
export const MTU_TRIES = 3;
/** All is tried anew after so long, in ms. */
export const MTU_RETRY_MS: number = 10 * 60_000;
/** And so soon after a black hole, which may have been mere bad luck. */
export const BLACK_HOLE_RETRY_MS = 5000;
/** So many large packets in a row must be lost, and so many small ones arrive meanwhile, to make a black hole. */
export const BLACK_HOLE_LOST = 10;
export const BLACK_HOLE_ARRIVED = 3;

/** The size of datagrams on one path. */
export interface Mtu {
  /** Bytes of a datagram. */
  readonly size: number;
  /** The size to try now, or `undefined`. */
  probe(now: number): number | undefined;
  /** A try went out. */
  probed(size: number): void;
  /** A packet of so many bytes has arrived. */
  onArrived(bytes: number, probe: boolean, sentAt: number): void;
  /** One was lost; true if the path has become narrower. */
  onLost(bytes: number, probe: boolean, sentAt: number, now: number): boolean;
  /** How often it has become narrower. */
  readonly blackHoles: number;
}

class Search implements Mtu {
  readonly #limit: number;
  #step = 0;
  #tries = 0;
  #underWay = 0;
  #again: number | undefined;
  /** Large packets that were lost since the last one arrived, and small ones that arrived meanwhile. */
  #lost = 0;
  #lostFrom = Infinity;
  #arrived = 0;
  size = DATAGRAM_BYTES_MIN;
  blackHoles = 0;

  constructor(limit: number) {
    this.#limit = Math.min(limit, DATAGRAM_BYTES_MAX);
    this.#skip();
  }

  /** Passes over sizes that are not allowed, or not larger. */
  #skip(): void {
    while (this.#step < MTU_LADDER.length && MTU_LADDER[this.#step] > this.#limit) this.#step++;
    if ((MTU_LADDER[this.#step] ?? 0) <= this.size) this.#step = MTU_LADDER.length;
  }

  probe(now: number): number | undefined {
    if (this.#again !== undefined && now >= this.#again) {
      this.#again = undefined;
      this.#step = this.#tries = 0;
      this.#skip();
    }
    if (this.#underWay > 0 || this.#step >= MTU_LADDER.length) return undefined;
    this.#again ??= now + MTU_RETRY_MS;
    return MTU_LADDER[this.#step];
  }

  probed(size: number): void {
    this.#underWay = size;
  }

  onArrived(bytes: number, probe: boolean, sentAt: number): void {
    if (probe) {
      if (bytes === this.#underWay) this.#underWay = 0;
      if (bytes > this.size) {
        this.size = bytes;
        this.#step = MTU_LADDER.length;
        this.#tries = 0;
      }
    }
    if (bytes > DATAGRAM_BYTES_MIN) {
      this.#lost = this.#arrived = 0;
      this.#lostFrom = Infinity;
    } else if (sentAt > this.#lostFrom) this.#arrived++;
  }

  onLost(bytes: number, probe: boolean, sentAt: number, now: number): boolean {
    if (probe) {
      if (bytes !== this.#underWay) return false;
      this.#underWay = 0;
      if (++this.#tries >= MTU_TRIES) {
        this.#tries = 0;
        this.#step++;
        this.#skip();
      }
      return false;
    }
    if (bytes <= DATAGRAM_BYTES_MIN) return false;
    this.#lost++;
    this.#lostFrom = Math.min(this.#lostFrom, sentAt);
    if (this.#lost < BLACK_HOLE_LOST || this.#arrived < BLACK_HOLE_ARRIVED) return false;
    if (this.size === DATAGRAM_BYTES_MIN) return false;
    this.size = DATAGRAM_BYTES_MIN;
    this.blackHoles++;
    this.#lost = this.#arrived = 0;
    this.#lostFrom = Infinity;
    this.#step = MTU_LADDER.length;
    this.#again = now + BLACK_HOLE_RETRY_MS;
    return true;
  }
}

/** Begins with 1200 bytes, and goes to `limit` at most. */
export function createMtu(limit: number): Mtu {
  return new Search(limit);
}
