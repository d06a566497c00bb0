/**
 * Deno's QUIC: `quic.ts receive HOST PORT CERT KEY` and `quic.ts send HOST PORT BYTES CERT`.
 *
 * @module
 */

import { chunks, cpuSeconds, report } from "./outcome.ts";

const [role, hostname, port, ...rest] = Deno.args;
const alpnProtocols = ["bench"];
if (role === "receive") {
  const [cert, key] = rest.map((path) => Deno.readTextFileSync(path));
  const endpoint = new Deno.QuicEndpoint({ hostname, port: Number(port) });
  const listener = endpoint.listen({ cert, key, alpnProtocols });
  console.log("ready");
  const conn = await listener.accept();
  const begin = performance.now();
  const cpu = cpuSeconds();
  let count = 0;
  const [stream] = await Array.fromAsync(first(conn.incomingUnidirectionalStreams));
  for await (const piece of stream) count += piece.length;
  report({ bytes: count, seconds: (performance.now() - begin) / 1000, cpu: cpuSeconds() - cpu });
  conn.close({ closeCode: 0, reason: "" });
  endpoint.close();
} else {
  const caCerts = [Deno.readTextFileSync(rest[1])];
  const conn = await Deno.connectQuic({
    hostname,
    port: Number(port),
    serverName: "localhost",
    caCerts,
    alpnProtocols,
  });
  const writer = (await conn.createUnidirectionalStream()).getWriter();
  for (const chunk of chunks(Number(rest[0]))) {
    await writer.ready;
    await writer.write(chunk);
  }
  await writer.close();
  await conn.closed.catch(() => {});
}

async function* first<T>(streams: ReadableStream<T>): AsyncGenerator<T> {
  const reader = streams.getReader();
  const { value } = await reader.read();
  if (value !== undefined) yield value;
  reader.releaseLock();
}
