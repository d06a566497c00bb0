/**
 * Dialling over UDP: by name, with a key that is known or is not, and given up.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { dialUdp, rememberInMemory, ServerKeyChanged } from "../client/mod.ts";
import { createKeyPair } from "../protocol/datagram/suite.ts";
import { type DatagramStream, openDatagramSocket } from "../transport/deno_datagram.ts";
import { nodeEnv } from "../transport/node_suite.ts";

const KEY = createKeyPair(nodeEnv);

/** A server that says back what it is told. */
async function withEcho(test: (port: number, accepted: DatagramStream[]) => Promise<void>) {
  const accepted: DatagramStream[] = [];
  const server = openDatagramSocket({
    static: KEY,
    async onAccept(stream) {
      accepted.push(stream);
      try {
        for (let got = await stream.take(100); got !== null; got = await stream.take(100)) {
          await stream.write(got.slice());
        }
      } catch {
        // It is over.
      }
    },
  });
  try {
    await test(server.port, accepted);
  } finally {
    await server.close();
  }
}

Deno.test("a server is met by its name, remembered, and known again; both ends bind to the same", async () => {
  await withEcho(async (port, accepted) => {
    const knownServers = rememberInMemory();
    const met: Uint8Array[] = [];
    const dial = dialUdp({
      hostname: "LOCALHOST",
      port,
      knownServers,
      onNewKey: (key) => met.push(key),
    });
    for (let time = 0; time < 2; time++) {
      const stream = await dial();
      await stream.write(new Uint8Array([time]));
      const into = new Uint8Array(10);
      assertEquals(await stream.read(into), 1);
      assertEquals(into[0], time);
      assertEquals(stream.binding, { type: "dfp-noise", data: accepted[time].handshakeHash });
      stream.close();
      stream.close();
    }
    assertEquals(met, [KEY.public]);
    assertEquals(await knownServers.find(`localhost:${port}`), KEY.public);
  });
});

Deno.test("a key that is given is the only one that is taken", async () => {
  await withEcho(async (port, accepted) => {
    const other = createKeyPair(nodeEnv).public;
    const dial = dialUdp({ hostname: "127.0.0.1", port, key: other });
    const error = await assertRejects(() => dial(), ServerKeyChanged, "give it and");
    assertEquals([error.known, error.shown, error.forGood], [other, KEY.public, true]);
    assertEquals(accepted, []);
    const right = await dialUdp({ hostname: "127.0.0.1", port, key: KEY.public })();
    right.close();
  });
});

Deno.test("a dial that is given up ends at once, whether the server is known or not", async () => {
  const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  for (const known of [{}, { key: KEY.public }]) {
    const giveUp = new AbortController();
    const dialling = dialUdp({ hostname: "127.0.0.1", port, ...known })(giveUp.signal);
    await silent.receive();
    const began = performance.now();
    giveUp.abort();
    await assertRejects(() => dialling);
    assert(performance.now() - began < 5000);
  }
  silent.close();
});

Deno.test("a name that nobody has cannot be dialled", async () => {
  await assertRejects(() => dialUdp({ hostname: "nobody.invalid", port: 1 })());
});
