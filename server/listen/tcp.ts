/**
 * The TCP listener: it only moves bytes between sockets and sessions.
 *
 * @module
 */

import type { Service } from "../service.ts";
import type { Session } from "../session.ts";

/** Where a listener is, and how to end it. */
export interface Listening {
  /** As `tcp://127.0.0.1:5000`. */
  readonly address: string;
  /** Takes no new connections. Those that are open stay open. */
  close(): void;
}

/** What a listener needs. */
export interface TcpOptions {
  readonly hostname: string;
  readonly port: number;
  readonly service: Service;
  /** A clock that never goes back, in ms. */
  readonly now: () => number;
}

/** A quiet connection waits with so small a buffer, because a pending read pins it (FACTS §8). */
const QUIET_BYTES = 256;
/** One that sends as much as is read gets more, step by step: a file costs a call for each. */
const BUSY_BYTES = [64 * 1024, 256 * 1024] as const;
/** How long accepting rests when it fails, as when no descriptor is free. */
const ACCEPT_REST = 50;

/** Begins to listen. Throws if the address cannot be had. */
export function listenTcp({ hostname, port, service, now }: TcpOptions): Listening {
  const listener = Deno.listen({ hostname, port });
  const { hostname: host, port: taken } = listener.addr as Deno.NetAddr;
  let closed = false;
  accept();
  return {
    address: `tcp://${host.includes(":") ? `[${host}]` : host}:${taken}`,
    close() {
      closed = true;
      listener.close();
    },
  };

  async function accept(): Promise<void> {
    while (!closed) {
      try {
        const conn = await listener.accept();
        serve(conn, service, now);
      } catch (error) {
        // A client that has reset already is no reason to stop listening, nor to keep others waiting.
        if (error instanceof Deno.errors.NotConnected) continue;
        if (!closed) await new Promise((resolve) => setTimeout(resolve, ACCEPT_REST));
      }
    }
  }
}

/** Couples one socket and one session. */
function serve(conn: Deno.TcpConn, service: Service, now: () => number): void {
  let scheduled = false;
  let writing = false;
  let readAgain: (() => void) | undefined;
  const session: Session = service.open({
    source: conn.remoteAddr.hostname,
    now: now(),
    wake() {
      if (scheduled) return;
      scheduled = true;
      // All that this turn brings leaves in one write.
      queueMicrotask(run);
    },
  });
  conn.setNoDelay(true);
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
    try {
      conn.close();
    } catch {
      // It was closed already.
    }
  }

  async function write(): Promise<void> {
    writing = true;
    try {
      for (let bytes = session.peekTransmit(); bytes.length > 0; bytes = session.peekTransmit()) {
        session.consumeTransmit(await conn.write(bytes));
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
    const quiet = new Uint8Array(QUIET_BYTES);
    let buffer = quiet;
    try {
      while (await wanted()) {
        const count = await conn.read(buffer);
        if (count === null) {
          session.receiveEnd(now());
          return;
        }
        // What has come while replies began to stall waits too: dropped, it would tear the stream.
        if (!await wanted()) return;
        session.receive(buffer.subarray(0, count), now());
        if (count === buffer.length) {
          const more = BUSY_BYTES.find((size) => size > count);
          if (more !== undefined) buffer = new Uint8Array(more);
        } else if (count < QUIET_BYTES) buffer = quiet;
      }
    } catch {
      session.receiveBreak(now());
    }
  }
}
