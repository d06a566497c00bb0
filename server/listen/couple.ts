/**
 * Couples one transport and one session: bytes that come go in, bytes that wait go out, one write at a
 * time, and nothing is read that the session does not want.
 *
 * @module
 */

import type { Company } from "../company.ts";
import type { TrafficGauge } from "../gauges.ts";
import type { Visitor } from "../reception.ts";
import type { Service } from "../service.ts";
import type { Session } from "../session.ts";
import type { Transport } from "../../transport/socket.ts";

/** What coupling needs. */
export interface Coupling {
  readonly service: Service;
  /** A clock that never goes back, in ms. */
  readonly now: () => number;
  readonly traffic: TrafficGauge;
  /** Learns who is there. */
  readonly company: Company;
}

/** Opens a session for whoever is at the other end, and serves it until its end. */
export function couple(
  transport: Transport,
  visitor: Pick<Visitor, "source" | "exposed" | "binding">,
  { service, now, traffic, company }: Coupling,
): void {
  let scheduled = false;
  let writing = false;
  let ended = false;
  let readAgain: (() => void) | undefined;
  traffic.opened.value++;
  const session: Session = service.open({
    ...visitor,
    now: now(),
    wake() {
      if (scheduled) return;
      scheduled = true;
      // All that this turn brings leaves in one write.
      queueMicrotask(run);
    },
  });
  run();
  read();

  function run(): void {
    scheduled = false;
    if (session.over) return end();
    if (session.wantsRead) readAgain?.();
    if (!writing) write();
  }

  function end(): void {
    readAgain?.();
    if (ended) return;
    ended = true;
    company.gone(session);
    traffic.closed.value++;
    transport.close();
  }

  async function write(): Promise<void> {
    writing = true;
    try {
      for (let bytes = session.peekTransmit(); bytes.length > 0; bytes = session.peekTransmit()) {
        const count = await transport.write(bytes);
        traffic.sent.value += count;
        session.consumeTransmit(count);
      }
    } catch {
      session.receiveBreak(now());
    }
    writing = false;
  }

  /** Resolves when the session takes bytes, or to `false` when all is over. */
  async function wanted(): Promise<boolean> {
    while (!session.over && !session.wantsRead) {
      await new Promise<void>((resolve) => readAgain = resolve);
      readAgain = undefined;
    }
    return !session.over;
  }

  async function read(): Promise<void> {
    try {
      while (await wanted()) {
        const chunk = await transport.read(session.readInto());
        if (chunk === null) {
          session.receiveEnd(now());
          return;
        }
        traffic.received.value += chunk.length;
        company.heard(session, now());
        // What has come while replies began to stall waits too: dropped, it would tear the stream.
        if (!await wanted()) return;
        session.receive(chunk, now());
      }
    } catch {
      session.receiveBreak(now());
    }
  }
}
