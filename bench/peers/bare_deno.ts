/**
 * A bare broadcaster: whatever somebody sends goes to all subscribers, with nothing parsed and nothing kept. It
 * is what a server in Deno could do at best. Each read is shared by all; what comes while a write is under
 * way leaves in the next one.
 *
 * The first byte of a connection says what it is: S for a subscriber, P for a publisher.
 *
 * @module
 */

import { ask, dial } from "./dialogue.ts";
import { fixedFraming } from "./framing.ts";
import type { ChatPeer } from "./peer.ts";
import { startProcess } from "./process.ts";

/** The peer. */
export const bareDeno: ChatPeer = {
  name: "bare Deno",
  async start(folder) {
    const process = startProcess(Deno.execPath(), {
      args: ["run", "--no-prompt", "--allow-net", new URL(import.meta.url).pathname],
      output: `${folder}/output`,
    });
    const [, port] = await process.line(/^port (\d+)$/m);
    return { process, access: { port: Number(port) } };
  },
  wire({ access, bodyBytes }) {
    return {
      async join(part) {
        const conn = await dial(access.port);
        await ask(conn, part === "publisher" ? "P" : "S", /./);
        return { conn, framing: fixedFraming(bodyBytes) };
      },
      encode: (count) => new Uint8Array(count * bodyBytes).fill(0x78),
    };
  },
};

interface Subscriber {
  readonly conn: Deno.TcpConn;
  waiting: Uint8Array[];
  writing: boolean;
}

const READ_BYTES = 64 * 1024;
const subscribers = new Set<Subscriber>();

async function write(subscriber: Subscriber): Promise<void> {
  subscriber.writing = true;
  try {
    while (subscriber.waiting.length > 0) {
      let bytes = joined(subscriber.waiting);
      subscriber.waiting = [];
      while (bytes.length > 0) bytes = bytes.subarray(await subscriber.conn.write(bytes));
    }
  } catch {
    subscribers.delete(subscriber);
  }
  subscriber.writing = false;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(chunks.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const first = new Uint8Array(1);
  if (await conn.read(first) === null) return;
  await conn.write(first);
  const subscriber = { conn, waiting: [], writing: false };
  if (first[0] === "S".charCodeAt(0)) subscribers.add(subscriber);
  try {
    // A subscriber sends nothing, so it waits with a small buffer: a pending read pins it.
    for (;;) {
      const buffer = new Uint8Array(subscribers.has(subscriber) ? 16 : READ_BYTES);
      const count = await conn.read(buffer);
      if (count === null) break;
      const chunk = buffer.subarray(0, count);
      for (const other of subscribers) {
        other.waiting.push(chunk);
        if (!other.writing) write(other);
      }
    }
  } catch {
    // A reset is an end.
  }
  subscribers.delete(subscriber);
  conn.close();
}

if (import.meta.main) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(`port ${(listener.addr as Deno.NetAddr).port}`);
  for (;;) serve(await listener.accept()).catch(() => {});
}
