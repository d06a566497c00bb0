/**
 * The client's WebSocket on a socket that does what a test says.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ByteStream } from "../client/mod.ts";
import { dialWebSocket } from "../client/mod.ts";

class FakeSocket {
  binaryType = "";
  bufferedAmount = 0;
  readyState: number = WebSocket.CONNECTING;
  readonly sent: Uint8Array[] = [];
  closed = 0;
  onopen: (() => void) | undefined;
  onerror: ((event: unknown) => void) | undefined;
  onmessage: ((event: { data: unknown }) => void) | undefined;
  onclose: ((event: { wasClean: boolean; reason: string }) => void) | undefined;

  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
    this.bufferedAmount += bytes.length;
  }
  close(): void {
    this.closed++;
  }
  /** The server sends so many bytes, each of this value. */
  bring(length: number, value = 1): void {
    this.onmessage?.({ data: new Uint8Array(length).fill(value).buffer });
  }
}

async function opened(): Promise<{ socket: FakeSocket; stream: ByteStream }> {
  const socket = new FakeSocket();
  const dialled = dialWebSocket({
    url: "ws://h/dfp",
    open: () => socket as unknown as WebSocket,
  })();
  socket.readyState = WebSocket.OPEN;
  socket.onopen!();
  const stream = await dialled;
  assertEquals(socket.binaryType, "arraybuffer");
  return { socket, stream };
}

Deno.test("bytes come in order, whatever the sizes of messages and reads", async () => {
  const { socket, stream } = await opened();
  const into = new Uint8Array(3);
  const pending = stream.read(into);
  socket.bring(0);
  socket.bring(5, 7);
  socket.bring(2, 8);
  assertEquals(await pending, 3);
  assertEquals([...into], [7, 7, 7]);
  assertEquals(
    await stream.read(into),
    3,
    "one read can take the rest of one and some of the next",
  );
  assertEquals([...into], [7, 7, 8]);
  assertEquals(await stream.read(into), 1);
  assertEquals(into[0], 8);
  socket.bring(1, 9);
  socket.onclose!({ wasClean: true, reason: "" });
  assertEquals(await stream.read(into), 1, "what came before the end is still there");
  assertEquals(await stream.read(into), null);
});

Deno.test("a write waits while the socket holds too much, and fails when it closes", async () => {
  const { socket, stream } = await opened();
  const bytes = new Uint8Array(100_000);
  let written = 0;
  while (socket.bufferedAmount <= 256 * 1024) written += await stream.write(bytes);
  assertEquals(socket.sent.map(({ length }) => length), Array(5).fill(65_536), "in pieces");
  assertEquals(written, 5 * 65_536);
  const held = stream.write(bytes);
  // Whatever else is due comes first: nothing is sent.
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(socket.sent.length, 5);
  socket.bufferedAmount = 0;
  assertEquals(await held, 65_536);
  socket.bufferedAmount = 1e9;
  const doomed = stream.write(bytes);
  socket.onclose!({ wasClean: false, reason: "" });
  await assertRejects(() => doomed, Error, "broke");
});

Deno.test("what is written may be changed at once: the socket has a copy", async () => {
  const { socket, stream } = await opened();
  const bytes = Uint8Array.of(1, 2, 3);
  await stream.write(bytes);
  bytes.fill(0);
  assertEquals([...socket.sent[0]], [1, 2, 3]);
});

Deno.test("more than may wait unread ends the stream, in bytes and in messages", async () => {
  for (const [length, count] of [[1024 * 1024, 9], [1, 65_537]]) {
    const { socket, stream } = await opened();
    for (let at = 0; at < count; at++) socket.bring(length);
    assertEquals(socket.closed, 1);
    const into = new Uint8Array(2 * 1024 * 1024);
    await assertRejects(
      async () => {
        while (await stream.read(into) !== null);
      },
      Error,
      "more has come",
    );
  }
});

Deno.test("a server that sends text is none of ours", async () => {
  const { socket, stream } = await opened();
  socket.onmessage!({ data: "DFP 2024" });
  assertEquals(socket.closed, 1);
  await assertRejects(() => stream.read(new Uint8Array(1)), Error, "no DFP server");
});

Deno.test("closing fails what is pending, and closing twice does nothing", async () => {
  const { socket, stream } = await opened();
  const pending = stream.read(new Uint8Array(1));
  stream.close();
  stream.close();
  await assertRejects(() => pending);
  await assertRejects(() => stream.write(new Uint8Array(1)));
  assert(socket.closed >= 1);
});

Deno.test("what cannot be opened says why, if that is known", async () => {
  for (const [event, told] of [[{ message: "no route" }, /no route/], [{}, /cannot be opened/]]) {
    const socket = new FakeSocket();
    const dialled = dialWebSocket({
      url: "ws://h",
      open: () => socket as unknown as WebSocket,
    })();
    socket.onerror!(event);
    const error = await assertRejects(() => dialled, Error);
    assert((told as RegExp).test(error.message));
  }
});
