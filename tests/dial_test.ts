/**
 * Dialling: what is given up leaves nothing behind.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type ByteStream,
  connectForum,
  type Dial,
  dialTcp,
  dialTls,
  dialWebSocket,
} from "../client/mod.ts";
import { dialWithin } from "../client/dial_within.ts";
import { CONFIG_DEFAULTS, startServer } from "../server/mod.ts";

/** A server that takes a connection and says nothing; gives what becomes of it. */
async function silence<T>(
  test: (port: number, gone: Promise<number | null>) => Promise<T>,
): Promise<T> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let conn: Deno.Conn | undefined;
  const gone = (async () => {
    conn = await listener.accept();
    const into = new Uint8Array(4096);
    try {
      for (let count = await conn.read(into);; count = await conn.read(into)) {
        if (count === null) return count;
      }
    } catch {
      return null;
    }
  })();
  try {
    return await test(listener.addr.port, gone);
  } finally {
    conn?.close();
    listener.close();
  }
}

const account = { user: "Yoda", password: "do or do not" };

Deno.test("a dial that throws at once is like one that rejects, and leaves no timer", async () => {
  const dial: Dial = () => {
    throw new TypeError("no such place");
  };
  await assertRejects(() => dialWithin(1000, dial), TypeError, "no such place");
  await assertRejects(() => connectForum({ dial, ...account }), TypeError, "no such place");
});

Deno.test("a dial that takes too long is told, and closed if it comes all the same", async () => {
  let signal: AbortSignal | undefined;
  const { promise, resolve } = Promise.withResolvers<ByteStream>();
  await assertRejects(
    () => dialWithin(5, (given) => (signal = given, promise)),
    Error,
    "no answer within 0.005 s",
  );
  assert(signal?.aborted);
  const closed = Promise.withResolvers<void>();
  const none = () => Promise.resolve(0);
  resolve({ read: none, write: none, close: closed.resolve });
  await closed.promise;
});

Deno.test("a dial over WebSocket that is given up keeps no descriptor", async () => {
  await silence(async (port, gone) => {
    const dial = dialWebSocket({ url: `ws://127.0.0.1:${port}/dfp` });
    await assertRejects(() => dialWithin(100, dial), Error, "no answer");
    assertEquals(await gone, null, "the connection is closed");
  });
});

Deno.test("a dial over TLS that is given up in its handshake keeps no descriptor", async () => {
  await silence(async (port, gone) => {
    const dial = dialTls({ hostname: "127.0.0.1", port });
    await assertRejects(() => dialWithin(100, dial), Error, "no answer");
    assertEquals(await gone, null, "the connection is closed");
  });
});

Deno.test("a client that is closed while it dials does not wait for that", async () => {
  const data = await Deno.makeTempDir({ prefix: "dfp-dial-" });
  const server = await startServer(
    { ...CONFIG_DEFAULTS, port: 0, data },
    { adminPassword: "size matters not", write: () => Promise.resolve() },
  );
  const port = Number(server.addresses[0].split(":").at(-1));
  const first = dialTcp({ hostname: "127.0.0.1", port });
  const again = Promise.withResolvers<AbortSignal | undefined>();
  let stream: ByteStream | undefined;
  const client = await connectForum({
    ...account,
    register: true,
    async dial(signal) {
      if (stream === undefined) return stream = await first(signal);
      again.resolve(signal);
      return await new Promise(() => {});
    },
  });
  stream!.close();
  const signal = await again.promise;
  await client.close();
  assert(signal?.aborted);
  await server.shutdown();
  await Deno.remove(data, { recursive: true });
});

Deno.test("a dial over TCP that was given up before it began opens nothing", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assertRejects(
    () =>
      dialWithin(
        1000,
        dialTcp({ hostname: "127.0.0.1", port }),
        AbortSignal.abort(new Error("late")),
      ),
    Error,
    "late",
  );
});
