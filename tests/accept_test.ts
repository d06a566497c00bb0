/**
 * Accepting connections.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { acceptAll } from "../server/listen/accept.ts";
import type { Socket } from "../transport/socket.ts";

Deno.test("a connection that cannot be handed on is closed, and the next one is taken at once", async () => {
  const taken = Promise.withResolvers<Socket>();
  let tries = 0;
  const accepting = acceptAll({
    hostname: "127.0.0.1",
    port: 0,
    take(socket) {
      if (++tries <= 3) throw new Error("not this one");
      taken.resolve(socket);
    },
  });
  const port = Number(accepting.authority.split(":")[1]);
  const clients: Deno.Conn[] = [];
  for (let at = 0; at < 4; at++) clients.push(await Deno.connect({ hostname: "127.0.0.1", port }));
  for (const client of clients.slice(0, 3)) {
    assertEquals(await client.read(new Uint8Array(1)).catch(() => null), null, "it is closed");
  }
  const socket = await taken.promise;
  await socket.write(Uint8Array.of(7));
  const into = new Uint8Array(1);
  await clients[3].read(into);
  assertEquals([into[0], tries], [7, 4]);
  socket.close();
  for (const client of clients) client.close();
  accepting.close();
});
