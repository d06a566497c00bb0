/**
 * Ours: `ours.ts receive HOST PORT` and `ours.ts send HOST PORT BYTES`.
 *
 * @module
 */

import { createKeyPair } from "../../../protocol/datagram/suite.ts";
import { openDatagramSocket } from "../../../transport/deno_datagram.ts";
import { nodeEnv } from "../../../transport/node_suite.ts";
import { chunks, cpuSeconds, report, sayCount } from "./outcome.ts";

/** The same on both sides: how keys come across is not measured. */
const KEY = createKeyPair({
  ...nodeEnv,
  random: (out) => void out.fill(7),
});

const [role, hostname, port, bytes] = Deno.args;
if (role === "receive") {
  const socket = openDatagramSocket({
    hostname,
    port: Number(port),
    static: KEY,
    async onAccept(stream) {
      const begin = performance.now();
      const cpu = cpuSeconds();
      let count = 0;
      const counting = sayCount(() => count);
      for (;;) {
        const piece = await stream.take(1 << 16);
        if (piece === null) break;
        count += piece.length;
      }
      counting.stop();
      const seconds = (performance.now() - begin) / 1000;
      const datagrams = stream.stats().datagramsReceived;
      report({ bytes: count, seconds, cpu: cpuSeconds() - cpu, datagrams });
      await stream.finish().catch(() => {});
      await socket.close();
    },
  });
  console.log("ready");
} else {
  const socket = openDatagramSocket({ hostname: "0.0.0.0" });
  const stream = await socket.connect(`${hostname}:${port}`, { kind: "server", key: KEY.public });
  for (const chunk of chunks(Number(bytes))) {
    for (let rest = chunk; rest.length > 0;) rest = rest.subarray(await stream.write(rest));
  }
  await stream.finish();
  const { bytesSent, lost } = stream.stats();
  console.log(`sent ${JSON.stringify({ sent: bytesSent, lost })}`);
  await socket.close();
}
