/**
 * Strangers: connections that do a server no good. Each does one thing, and ends.
 *
 * @module
 */

import { connect } from "node:net";
import { PREFACE } from "../../protocol/message.ts";
import { STATUS } from "../../protocol/status.ts";
import { connectPeer, isGranted, type PeerAddress } from "../end_to_end/raw_peer.ts";
import type { Random } from "../simulation/random.ts";
import { join } from "./accounts.ts";

/** What strangers need. */
export interface Visit {
  readonly address: PeerAddress;
  readonly random: Random;
  /** Accounts of those who come and go. */
  readonly visitors: readonly string[];
  /** An account whose password somebody guesses at. */
  readonly victim: string;
  /** Whether it is time to go. */
  readonly over: () => boolean;
}

/** Ways to come by; what goes wrong with their own connection is their own affair. */
export const STRANGERS: Readonly<Record<string, (visit: Visit) => Promise<void>>> = {
  async garbage({ address, random }) {
    const peer = await connectPeer(address);
    try {
      const bytes = new Uint8Array(random.between(1, 3000));
      random.fill(bytes);
      if (random.chance(0.3)) await peer.sendBytes(new TextEncoder().encode(PREFACE));
      await peer.sendBytes(bytes);
      if (random.chance(0.5)) await peer.endWriting();
      await peer.text();
    } finally {
      peer.close();
    }
  },

  reset({ address: { hostname, port }, random }) {
    return new Promise((resolve) => {
      const socket = connect({ host: hostname, port }, () => {
        if (random.chance(0.5)) socket.write(PREFACE);
        socket.resetAndDestroy();
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve());
    });
  },

  /** Nobody is behind this socket, until the server hangs up. */
  async silent({ address, over }) {
    const peer = await connectPeer(address);
    try {
      while (!over() && await peer.next() !== undefined);
    } finally {
      peer.close();
    }
  },

  /** A byte a second, until the server hangs up. */
  async slow({ address, over }) {
    const peer = await connectPeer(address);
    const ended = peer.text().then(() => true, () => true);
    try {
      for (let sent = 0; !over(); sent++) {
        await peer.sendBytes(new TextEncoder().encode(PREFACE[sent % PREFACE.length]));
        if (await Promise.race([ended, pause(1000)])) return;
      }
    } finally {
      peer.close();
    }
  },

  async signIn({ address, random, visitors }) {
    const peer = await join(address, random.pick(visitors));
    try {
      await peer.command(1, random.pick([{ op: "threads" }, { op: "users" }] as const));
      if (random.chance(0.8)) await peer.reply(1);
      if (random.chance(0.3)) await peer.endWriting();
      else if (random.chance(0.5)) {
        const { code, text: reason } = STATUS.goodbye;
        await peer.send({ kind: "bye", id: 0, body: { code, reason } });
      }
    } finally {
      peer.close();
    }
  },

  async guess({ address, victim }) {
    const peer = await connectPeer(address);
    try {
      await peer.greet();
      const outcome = await peer.login(victim, "a wrong guess");
      if (isGranted(outcome)) throw new Error("a wrong password was right");
    } finally {
      peer.close();
    }
  },
};

/** Waits; `undefined` lets it lose against whatever says something. */
export function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
