/**
 * TLS on accepted sockets, and parting from sockets: every promise settles, whatever the other end does.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { createParting, PARTING_MAX } from "../server/listen/parting.ts";
import { secureContext, secureSocket } from "../transport/secure_socket.ts";
import type { Socket } from "../transport/socket.ts";
import { createAuthority, HAS_OPENSSL } from "./end_to_end/certificates.ts";

/** A connection that has agreed on keys, both ends. */
async function connection(): Promise<{ server: Socket; client: Deno.TlsConn }> {
  const folder = Deno.makeTempDirSync();
  try {
    const authority = createAuthority(folder);
    const { cert, key } = authority.issue("one");
    const context = secureContext({
      cert: Deno.readTextFileSync(cert),
      key: Deno.readTextFileSync(key),
    });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const [raw, client] = await Promise.all([
      listener.accept().then((conn) => secureSocket(conn, context)),
      Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [authority.pem] }),
    ]);
    listener.close();
    await client.handshake();
    return { server: raw, client };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Settles with the work, or fails after some seconds. */
async function soon<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("it never settles")), 5000);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const options = { ignore: !HAS_OPENSSL };

Deno.test(
  "bytes go both ways through TLS, and each end hears of the other's end",
  options,
  async () => {
    const { server, client } = await connection();
    assertEquals(await server.write(new TextEncoder().encode("hello")), 5);
    const into = new Uint8Array(10);
    assertEquals(await client.read(into), 5);
    await client.write(into.subarray(0, 3));
    assertEquals(await server.read(into), 3);
    await soon(server.closeWrite());
    assertEquals(await client.read(into), null);
    client.close();
    assertEquals(await soon(server.read(into)), null);
    server.close();
  },
);

Deno.test("ending our side settles, before and after the socket was closed", options, async () => {
  const { server, client } = await connection();
  const ending = server.closeWrite();
  server.close();
  await soon(ending);
  await soon(server.closeWrite());
  client.close();
});

Deno.test("ending our side settles behind bytes that nobody reads", options, async () => {
  const { server, client } = await connection();
  const writing = server.write(new Uint8Array(64 * 1024 * 1024)).catch(() => {});
  await client.read(new Uint8Array(1));
  const ending = server.closeWrite();
  server.close();
  await soon(ending);
  await soon(writing);
  client.close();
});

Deno.test("a write that is cut off fails, and counts nothing", options, async () => {
  for (const cut of ["here", "there"]) {
    const { server, client } = await connection();
    // More than any buffer on the way takes.
    const writing = server.write(new Uint8Array(64 * 1024 * 1024));
    await client.read(new Uint8Array(1));
    const failing = assertRejects(() => soon(writing), Error);
    if (cut === "here") server.close();
    else client.close();
    await failing;
    await assertRejects(() => soon(server.write(new Uint8Array(1))), Error);
    server.close();
    if (cut === "here") client.close();
  }
});

Deno.test("a place for parting is given back, even by a socket that never ends", async () => {
  const part = createParting();
  let [ended, closed] = [0, 0];
  const { promise: allClosed, resolve } = Promise.withResolvers<void>();
  const stuck: Socket = {
    read: () => new Promise(() => {}),
    write: ({ length }) => Promise.resolve(length),
    closeWrite() {
      ended++;
      return new Promise(() => {});
    },
    close() {
      if (++closed === PARTING_MAX + 1) resolve();
    },
  };
  for (let at = 0; at <= PARTING_MAX; at++) part(stuck);
  assertEquals([ended, closed], [PARTING_MAX, 1], "one too many is closed at once");
  await soon(allClosed);
  await new Promise((resolve) => setTimeout(resolve, 0));
  part(stuck);
  assertEquals(ended, PARTING_MAX + 1, "there is room again");
  assert(closed === PARTING_MAX + 1);
  const { promise: last, resolve: done } = Promise.withResolvers<void>();
  part({ ...stuck, close: done });
  await soon(last);
});
