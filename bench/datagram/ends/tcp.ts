/**
 * Kernel TCP: `tcp.ts receive HOST PORT` and `tcp.ts send HOST PORT BYTES`.
 *
 * @module
 */

import { chunks, cpuSeconds, report, sayCount } from "./outcome.ts";

const [role, hostname, port, bytes] = Deno.args;
if (role === "receive") {
  const listener = Deno.listen({ hostname, port: Number(port) });
  console.log("ready");
  const conn = await listener.accept();
  const begin = performance.now();
  const cpu = cpuSeconds();
  const buffer = new Uint8Array(256 * 1024);
  let count = 0;
  const counting = sayCount(() => count);
  for (;;) {
    const read = await conn.read(buffer);
    if (read === null) break;
    count += read;
  }
  counting.stop();
  report({ bytes: count, seconds: (performance.now() - begin) / 1000, cpu: cpuSeconds() - cpu });
  conn.close();
  listener.close();
} else {
  const conn = await Deno.connect({ hostname, port: Number(port) });
  for (const chunk of chunks(Number(bytes))) {
    for (let rest = chunk; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
  }
  await conn.closeWrite();
  // The end is the receiver's.
  while (await conn.read(new Uint8Array(16)) !== null);
  conn.close();
}
