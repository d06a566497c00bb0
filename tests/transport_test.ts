/**
 * Transports of the server: how much is read at a time, and how little while nothing comes.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type Socket, socketTransport } from "../transport/socket.ts";

/** What a connection reads with, when its reads bring these many bytes one after the other. */
async function sizesOf(counts: readonly number[]): Promise<number[]> {
  const sizes: number[] = [];
  const socket: Socket = {
    read(into) {
      const count = counts[sizes.length] ?? null;
      sizes.push(into.length);
      return Promise.resolve(count);
    },
    write: (bytes) => Promise.resolve(bytes.length),
    closeWrite: () => Promise.resolve(),
    close() {},
  };
  const transport = socketTransport(socket);
  while (await transport.read() !== null);
  return sizes;
}

const [LITTLE, TALK, FILES] = [256, 64 * 1024, 256 * 1024];

Deno.test("a connection reads with more where much comes, step by step", async () => {
  assertEquals(await sizesOf([10, LITTLE, TALK, FILES]), [LITTLE, LITTLE, TALK, FILES, FILES]);
});

Deno.test("a connection that was talked over waits with little at once", async () => {
  assertEquals(await sizesOf([LITTLE, 2000, 255]), [LITTLE, TALK, TALK, LITTLE]);
});

Deno.test("a connection over which a file came waits with little after the second read that brings little", async () => {
  const counts = [LITTLE, TALK, 20, 5000, 20, 20];
  assertEquals(await sizesOf(counts), [LITTLE, TALK, FILES, FILES, FILES, FILES, LITTLE]);
});
