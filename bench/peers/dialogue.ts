/**
 * Connecting and talking in lines, until a connection is ready for load.
 *
 * @module
 */

import type { Stream } from "./peer.ts";

/** How long an answer may take, in ms. */
const ANSWER_MS = 10_000;

/** Opens a connection to a server on this machine. */
export async function dial(port: number): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  return conn;
}

/** Writes all of it. */
export async function writeAll(conn: Stream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Fails when the promise takes too long: 10 s, where nothing else is said. */
export async function soon<T>(
  promise: Promise<T>,
  { what, ms = ANSWER_MS }: { what: string; ms?: number },
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends text and reads until the answer has come. */
export async function ask(conn: Deno.TcpConn, text: string, answer: RegExp): Promise<string> {
  await writeAll(conn, new TextEncoder().encode(text));
  return await soon(readUntil(conn, answer), { what: `the answer ${answer}` });
}

async function readUntil(conn: Deno.TcpConn, answer: RegExp): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16 * 1024);
  let heard = "";
  while (!answer.test(heard)) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error(`the server hung up: ${heard.slice(-300)}`);
    heard += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return heard;
}
