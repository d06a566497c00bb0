/**
 * Endpoints on real UDP sockets in Deno: streams both ways, closing, and a server's key.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { EndpointTransition } from "../protocol/datagram/endpoint.ts";
import { createKeyPair } from "../protocol/datagram/suite.ts";
import {
  DatagramClosed,
  type DatagramSocketOptions,
  type DatagramStream,
  openDatagramSocket,
} from "../transport/deno_datagram.ts";
import { nodeEnv } from "../transport/node_suite.ts";
import { byteAt } from "./datagram/transfer.ts";

const KEY = createKeyPair(nodeEnv);

/** Runs with a server and a client, and closes both. */
async function withPair(
  onAccept: (stream: DatagramStream) => void,
  run: (stream: DatagramStream) => Promise<void>,
  options: DatagramSocketOptions = {},
): Promise<void> {
  const server = openDatagramSocket({ static: KEY, onAccept });
  const client = openDatagramSocket(options);
  try {
    await run(await client.connect(server.address, { kind: "server", key: KEY.public }));
  } finally {
    await client.close();
    await server.close();
  }
}

async function send(stream: DatagramStream, size: number, salt: number): Promise<void> {
  const whole = Uint8Array.from({ length: size }, (_, at) => byteAt(at, salt));
  for (let rest = whole; rest.length > 0;) rest = rest.subarray(await stream.write(rest));
  await stream.finish();
}

async function receive(stream: DatagramStream, salt: number): Promise<number> {
  const into = new Uint8Array(10_000);
  let count = 0;
  for (;;) {
    const read = await stream.read(into);
    if (read === null) return count;
    for (let at = 0; at < read; at++) {
      if (into[at] !== byteAt(count + at, salt)) throw new Error(`byte ${count + at} is wrong`);
    }
    count += read;
  }
}

Deno.test("two sockets carry bytes both ways, and both know the same handshake", async () => {
  const size = 2_000_000;
  let accepted: Promise<number> | undefined;
  let hash: Uint8Array | undefined;
  await withPair(
    (stream) => {
      hash = stream.handshakeHash;
      accepted = Promise.all([receive(stream, 1), send(stream, size, 2)]).then(([read]) => read);
    },
    async (stream) => {
      const [read] = await Promise.all([receive(stream, 2), send(stream, size, 1)]);
      assertEquals([read, await accepted], [size, size]);
      assertEquals(stream.handshakeHash, hash);
    },
  );
});

Deno.test("a stream that its peer closes tells why, and takes nothing more", async () => {
  await withPair(
    (stream) => stream.close(1234, "enough"),
    async (stream) => {
      const error = await assertRejects(() => stream.take(10), DatagramClosed, "enough");
      assertEquals([error.ending.by, error.ending.code], ["peer", 1234]);
      await assertRejects(() => stream.write(new Uint8Array(1)), DatagramClosed);
      stream.close();
      stream.close();
    },
  );
});

Deno.test("a socket that is closed says so to its peers", async () => {
  let ended: Promise<unknown> | undefined;
  await withPair(
    // Either the byte, or that it is over.
    (stream) => ended = stream.take(10).catch(() => {}),
    async (stream) => {
      await stream.write(new Uint8Array([1]));
      assert(stream.stats().mtu >= 1200);
    },
  );
  await ended;
});

Deno.test("who parts waits until all has arrived, and no longer than that", async () => {
  const whole = new Uint8Array(500_000).fill(3);
  let parted: Promise<void> | undefined;
  await withPair(
    (stream) => {
      parted = (async () => {
        for (let rest = whole; rest.length > 0;) rest = rest.subarray(await stream.write(rest));
        await stream.part(60_000);
        await assertRejects(() => stream.write(whole), DatagramClosed);
      })();
    },
    async (stream) => {
      let count = 0;
      for (let bytes = await stream.take(10_000); bytes !== null;) {
        count += bytes.length;
        bytes = await stream.take(10_000);
      }
      assertEquals(count, whole.length);
    },
  );
  await parted;
});

Deno.test("who parts from somebody who reads nothing closes in time, and what is pending fails", async () => {
  const pending = Promise.withResolvers<unknown>();
  await withPair(
    async (stream) => {
      const reading = stream.take(10).catch((error) => error);
      await stream.write(new Uint8Array(100_000));
      await stream.part(50);
      pending.resolve(await reading);
    },
    async (stream) => {
      const ended = await pending.promise;
      assert(ended instanceof DatagramClosed && ended.ending.by === "us", `${ended}`);
      let count = 0;
      for (let bytes = await stream.take(10_000); bytes !== null;) {
        count += bytes.length;
        bytes = await stream.take(10_000);
      }
      assert(count < 100_000, "the rest is lost");
    },
    { window: { initial: 1000, max: 1000 } },
  );
});

Deno.test("a question for a key that nobody answers ends with its signal", async () => {
  const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const client = openDatagramSocket({});
  const path = `127.0.0.1:${(silent.addr as Deno.NetAddr).port}`;
  const asked = new AbortController();
  const asking = client.ask(path, asked.signal);
  // It asks again.
  for (let times = 0; times < 2; times++) await silent.receive();
  asked.abort(new Error("enough"));
  await assertRejects(() => asking, Error, "enough");
  await assertRejects(() => client.ask(path, asked.signal), Error, "enough");
  await client.close();
  silent.close();
});

Deno.test("a server tells its key to who asks", async () => {
  const server = openDatagramSocket({ static: KEY });
  const told = Promise.withResolvers<EndpointTransition>();
  const client = openDatagramSocket({ onTransition: told.resolve });
  client.endpoint.ask(client.now(), server.address);
  client.wake();
  assertEquals(await told.promise, { kind: "key", path: server.address, key: KEY.public });
  await client.close();
  await server.close();
});
