/**
 * Strangers in the simulation: somebody who sends garbage, and somebody who guesses at a password.
 *
 * @module
 */

import { createClientSession } from "../../protocol/client_session.ts";
import { PREFACE } from "../../protocol/message.ts";
import type { Endpoint, Link } from "./link.ts";
import type { Random } from "./random.ts";
import { hold, type World } from "./world.ts";

/** A stranger. */
export interface Stranger {
  /** Has a link. */
  meet(link: Link): void;
}

/** Makes a stranger; a guesser tries to come in as this user. */
export function createStranger(world: World, random: Random, user: string): Stranger {
  return random.chance(0.5) ? createVandal(random) : createGuesser(world, random, user);
}

/** Sends garbage, sometimes behind a good beginning, and listens to nothing. */
function createVandal(random: Random): Stranger {
  let waiting = new Uint8Array(random.between(0, 3000));
  random.fill(waiting);
  if (random.chance(0.7)) {
    waiting.set(new TextEncoder().encode(PREFACE).subarray(0, waiting.length));
  }
  const endpoint: Endpoint = {
    wantsRead: true,
    receive() {},
    receiveEnd() {},
    receiveBreak() {},
    peekTransmit: () => waiting,
    consumeTransmit(count) {
      waiting = waiting.subarray(count);
    },
  };
  return {
    meet(link) {
      link.client.attach({
        endpoint,
        after() {
          if (waiting.length === 0) link.client.close();
        },
      });
    },
  };
}

/** Tries a wrong password, once a session. */
function createGuesser({ scheduler, transcript }: World, random: Random, user: string): Stranger {
  const session = createClientSession({
    random: random.fill,
    agent: "guesser",
    user,
    reconnect: false,
  }, scheduler.now);
  return {
    meet(link) {
      session.next();
      session.opened(scheduler.now);
      const after = () => {
        for (let what = session.next(); what !== undefined; what = session.next()) {
          hold(what.kind !== "online", () => `a stranger came in as ${user}`);
          if (what.kind === "hang-up") link.client.close();
          if (what.kind === "password-wanted") {
            session.provideSaltedPassword(new Uint8Array(32), scheduler.now);
          }
          if (what.kind === "closed") transcript.line(`guesser closed ${what.refused.name}`);
        }
        link.client.wake();
      };
      link.client.attach({ endpoint: session, after });
      after();
    },
  };
}
