/**
 * A reader on a raw connection that takes its time: it reads a little now and then, stops for a while, is
 * cut off for its silence or because the server dies, and comes again from where it was.
 *
 * @module
 */

import type { ForumEvent } from "../../protocol/forum/event.ts";
import type { PeerAddress, RawPeer } from "../end_to_end/raw_peer.ts";
import type { Random } from "../simulation/random.ts";
import { join } from "./accounts.ts";
import type { Hearing } from "./hearing.ts";
import { pause } from "./stranger.ts";

/** How a reader reads. */
export interface ReaderOptions {
  readonly user: string;
  readonly address: PeerAddress;
  readonly scope: string;
  readonly hearing: Hearing;
  readonly random: Random;
  /** How often it stops altogether, for each message. */
  readonly stalls: number;
}

/** A reader. */
export interface Reader {
  /** From now on it reads as fast as it can. */
  hurry(): void;
  close(): Promise<void>;
}

/** How long a reader stops, in ms. */
const STALL: readonly [number, number] = [2000, 12_000];
/** How long it rests after each message, in ms. */
const REST_MAX = 10;

/** Lets somebody read. */
export function startReader(options: ReaderOptions): Reader {
  const { user, address, scope, hearing, random, stalls } = options;
  const listener = hearing.listener(user);
  listener.begin(scope, 0);
  let hurried = false;
  let over = false;
  let peer: RawPeer | undefined;
  const reading = read();
  return {
    hurry() {
      hurried = true;
    },
    async close() {
      over = true;
      peer?.close();
      await reading;
    },
  };

  async function read(): Promise<void> {
    while (!over) {
      try {
        peer = await join(address, user, { readBytes: 700 });
        await follow(peer);
      } catch {
        // Cut off: its silence was too long, or the server is down. It comes again.
      }
      peer?.close();
      await pause(100);
    }
  }

  async function follow(peer: RawPeer): Promise<void> {
    await peer.command(1, { op: "follow", scope, after: listener.heard.get(scope) });
    while (!over) {
      const message = await peer.next();
      if (message === undefined) return;
      if (message.kind === "ping") await peer.send({ kind: "pong", id: message.id, body: {} });
      if (message.kind === "refused") hearing.faults.push(`${user}: ${message.body.text}`);
      if (message.kind === "event") listener.hear(message.body as ForumEvent);
      if (hurried) continue;
      await pause(random.chance(stalls) ? random.between(...STALL) : random.between(0, REST_MAX));
    }
  }
}
