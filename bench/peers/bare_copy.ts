/**
 * A bare copy from a file to a socket in one Deno, and from the socket to a file in another: nothing is framed or
 * asked for. It is what files in Deno could do at best. The calls on files are asynchronous, or such as block the
 * process; or they block it and what ours hashes is hashed: at both ends on the way up, by the receiver on the way
 * down.
 *
 * As a program, `bare_copy.ts sync|async|hash serve FOLDER SIZE` says its port, and `bare_copy.ts sync|async|hash
 * up|down FILE SIZE PORT` carries one file, up to `FOLDER/up` or down from there.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { dial, writeAll } from "./dialogue.ts";
import { type Carried, CARRY_MS, type FilePeer, keepFirst, type Way } from "./file_peer.ts";
import { type Process, startProcess } from "./process.ts";

const PIECE_BYTES = 256 * 1024;
/** For what is hashed: what was read last is in the processor's cache, and much is received at a time. */
const HASHED_BYTES = { send: 64 * 1024, receive: 1024 * 1024 };
const [UP, DOWN, DONE] = [1, 2, 3];

/** How calls on files are made, and whether there are hashes. */
type Calls = "async" | "sync" | "hash";

function run(calls: Calls, args: readonly string[], output: string): Process {
  return startProcess(Deno.execPath(), {
    args: ["run", "--no-prompt", "-A", new URL(import.meta.url).pathname, calls, ...args],
    output,
    talks: true,
  });
}

/** The peer. */
export function bareCopy(name: string, calls: Calls): FilePeer {
  return {
    name,
    async start({ source, size, folder }) {
      const server = run(calls, ["serve", folder, String(size)], `${folder}/server`);
      const [, port] = await server.line(/^port (\d+)$/m);
      return {
        async carry(way: Way): Promise<Carried> {
          const path = way === "up" ? source : `${folder}/down`;
          const client = run(calls, [way, path, String(size), port], `${folder}/client`);
          await client.line(/^connected$/m);
          const before = { server: server.cpuSeconds(), client: client.cpuSeconds() };
          await client.say("begin");
          const [, seconds] = await client.line(/^took ([\d.]+)$/m, CARRY_MS);
          const carried = {
            seconds: Number(seconds),
            serverCpu: server.cpuSeconds() - before.server,
            clientCpu: client.cpuSeconds() - before.client,
          };
          await client.stop();
          if (way === "down") Deno.removeSync(path);
          else keepFirst(`${folder}/up`, `${folder}/kept`);
          return carried;
        },
        stop: () => server.stop(),
      };
    },
  };
}

/** Copies so many bytes from a file to a socket. */
async function send(
  calls: Calls,
  { path, hashed }: { path: string; hashed: boolean },
  conn: Deno.TcpConn,
): Promise<void> {
  using file = await Deno.open(path);
  const piece = new Uint8Array(calls === "hash" ? HASHED_BYTES.send : PIECE_BYTES);
  const hash = calls === "hash" && hashed ? createHash("sha256") : undefined;
  for (;;) {
    const count = calls === "async" ? await file.read(piece) : file.readSync(piece);
    if (count === null) break;
    hash?.update(piece.subarray(0, count));
    await writeAll(conn, piece.subarray(0, count));
  }
  hash?.digest();
}

/** Copies so many bytes from a socket to a file. */
async function receive(
  calls: Calls,
  { path, size }: { path: string; size: number },
  conn: Deno.TcpConn,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  const piece = new Uint8Array(calls === "hash" ? HASHED_BYTES.receive : PIECE_BYTES);
  const hash = calls === "hash" ? createHash("sha256") : undefined;
  for (let left = size; left > 0;) {
    const count = await conn.read(piece);
    if (count === null) throw new Error("the other end is gone");
    left -= count;
    hash?.update(piece.subarray(0, count));
    for (let rest = piece.subarray(0, count); rest.length > 0;) {
      rest = rest.subarray(calls === "async" ? await file.write(rest) : file.writeSync(rest));
    }
  }
  hash?.digest();
}

async function serve(calls: Calls, folder: string, size: number): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(`port ${listener.addr.port}`);
  for (;;) {
    using conn = await listener.accept();
    const way = new Uint8Array(1);
    await conn.read(way);
    if (way[0] === DOWN) await send(calls, { path: `${folder}/kept`, hashed: false }, conn);
    else await receive(calls, { path: `${folder}/up`, size }, conn);
    await writeAll(conn, new Uint8Array([DONE]));
  }
}

async function carry(
  calls: Calls,
  { way, path, size, port }: { way: string; path: string; size: number; port: number },
): Promise<void> {
  const conn = await dial(port);
  console.log("connected");
  await Deno.stdin.read(new Uint8Array(16));
  const begun = performance.now();
  await writeAll(conn, new Uint8Array([way === "up" ? UP : DOWN]));
  if (way === "up") await send(calls, { path, hashed: true }, conn);
  else await receive(calls, { path, size }, conn);
  await conn.read(new Uint8Array(1));
  console.log(`took ${(performance.now() - begun) / 1000}`);
  // It stays until its time on a processor was looked at.
  setInterval(() => {}, CARRY_MS);
}

if (import.meta.main) {
  const [calls, what, path, size, port] = Deno.args;
  if (what === "serve") await serve(calls as Calls, path, Number(size));
  else await carry(calls as Calls, { way: what, path, size: Number(size), port: Number(port) });
}
