/**
 * A process of its own that troubles a server until its standard input ends: resets, sockets that say
 * nothing, senders of a byte a second, garbage. Then it prints what it has done, as JSON.
 *
 * `deno run -A tests/crowds/flood.ts HOST PORT`
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { PREFACE } from "../../protocol/message.ts";

/** Connections of each kind at the same time. */
const RESETTERS = 64;
const SILENT = 100;
const SLOW = 100;
const GARBLERS = 8;
const GARBAGE = ["GET / HTTP/1.1\r\n\r\n", "\r\n\r\n", `${PREFACE}\u007f\u007f`, "x".repeat(5000)];

/** What was done. */
export interface FloodCount {
  /** Connections that ended by a reset. */
  resets: number;
  /** Connections that sent garbage. */
  garbage: number;
  /** Bytes that were sent one by one. */
  singleBytes: number;
  /** In ms. */
  lasted: number;
}

if (import.meta.main) {
  const [host, port] = Deno.args;
  console.log(JSON.stringify(await flood({ host, port: Number(port) })));
  Deno.exit(0);
}

async function flood(address: { host: string; port: number }): Promise<FloodCount> {
  const count: FloodCount = { resets: 0, garbage: 0, singleBytes: 0, lasted: 0 };
  const begun = performance.now();
  let over = false;
  const quiet = new Set<Socket>();

  function open(then: (socket: Socket) => void): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(address, () => then(socket));
      socket.on("error", () => {});
      socket.on("close", () => resolve());
      socket.resume();
    });
  }

  async function again(then: (socket: Socket) => void): Promise<void> {
    while (!over) await open(then);
  }

  for (let at = 0; at < RESETTERS; at++) {
    again((socket) => {
      count.resets++;
      // Some have said something: a reset with bytes under way is another one than without.
      if (count.resets % 3 === 0) socket.write(PREFACE);
      socket.resetAndDestroy();
    });
  }
  for (let at = 0; at < GARBLERS; at++) {
    again((socket) => socket.end(GARBAGE[count.garbage++ % GARBAGE.length]));
  }
  for (let at = 0; at < SILENT; at++) again((socket) => quiet.add(socket));
  for (let at = 0; at < SLOW; at++) {
    again((socket) => {
      quiet.add(socket);
      let sent = 0;
      const timer = setInterval(() => {
        socket.write(PREFACE[sent++ % PREFACE.length]);
        count.singleBytes++;
      }, 1000);
      socket.on("close", () => clearInterval(timer));
    });
  }
  for await (const _ of Deno.stdin.readable);
  over = true;
  for (const socket of quiet) socket.destroy();
  count.lasted = performance.now() - begun;
  return count;
}
