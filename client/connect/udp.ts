/**
 * A {@linkcode Dial} over UDP: an encrypted stream of datagrams (docs/PROTOCOL.md, "Datagrams"). It only moves
 * bytes, and knows servers again by their keys. Needs Deno with `--unstable-net`.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { handshakeBinding } from "../../protocol/datagram/handshake.ts";
import {
  type DatagramSocket,
  type DatagramStream,
  openDatagramSocket,
} from "../../transport/deno_datagram.ts";
import type { ByteStream, Dial } from "../byte_stream.ts";
import { type KnownServers, rememberInMemory, ServerKeyChanged } from "./known_servers.ts";
import type { TcpAddress } from "./tcp.ts";

/** Where the server listens, and how it is known. */
export interface UdpAddress extends TcpAddress {
  /** Its key, 32 bytes, where it is known for certain; then no other is taken. */
  readonly key?: Uint8Array;
  /** Where its key is remembered; for as long as the dial is used if nothing is said. */
  readonly knownServers?: KnownServers;
  /** Told, once it is proved and remembered, of a key that was met for the first time. */
  readonly onNewKey?: (key: Uint8Array) => void;
}

/** What waits to be sent, and what may have come and not been read, in bytes. */
const UNSENT = 128 * 1024;
const WINDOW = { initial: 1024 * 1024, max: 8 * 1024 * 1024 };
/** A server that is not heard of for so long is gone, in ms. */
const IDLE = 15_000;
/** So often a quiet server is asked for a sign of life, in ms: NATs forget quiet connections too. */
const KEEP_ALIVE = 5000;
/** Whoever does not answer a call for so long is asked for its key, in ms: it may be another by now. */
const DOUBT_AFTER = 700;
/** How long each address of the server is tried, in ms, all together. */
const DIAL_TIMEOUT = 9000;
/** How long the last bytes may take to arrive, in ms. */
const PARTING_TIMEOUT = 1000;

/**
 * Dials a server over UDP. What is dialled rejects when the server cannot be reached, and with
 * {@linkcode ServerKeyChanged} when it shows another key than before.
 *
 * @example
 * ```ts
 * import { dialUdp } from "./udp.ts";
 * import { openDatagramSocket } from "../../transport/deno_datagram.ts";
 * import { nodeEnv } from "../../transport/node_suite.ts";
 * import { createKeyPair } from "../../protocol/datagram/suite.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const server = openDatagramSocket({ static: createKeyPair(nodeEnv), onAccept: (stream) => stream.close() });
 * const dial = dialUdp({ hostname: "127.0.0.1", port: server.port });
 * const stream = await dial();
 * await stream.write(new Uint8Array([1]));
 * assertEquals(await stream.read(new Uint8Array(1)), null);
 * stream.close();
 * await server.close();
 * ```
 */
export function dialUdp(address: UdpAddress): Dial {
  const knownServers = address.knownServers ?? rememberInMemory();
  return async (signal) => {
    const hosts = await addressesOf(address.hostname);
    let failure: unknown;
    for (const host of hosts) {
      try {
        const timeout = AbortSignal.timeout(DIAL_TIMEOUT / hosts.length);
        const late = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
        return await dialAt(host, { ...address, knownServers, late });
      } catch (error) {
        if (error instanceof ServerKeyChanged || signal?.aborted) throw error;
        failure ??= error;
      }
    }
    throw failure;
  };
}

interface Host {
  readonly address: string;
  readonly family: number;
}

async function addressesOf(hostname: string): Promise<Host[]> {
  // Servers listen on IPv4 unless they are told otherwise.
  return await lookup(hostname, { all: true, order: "ipv4first" });
}

interface Attempt extends UdpAddress {
  readonly knownServers: KnownServers;
  readonly late: AbortSignal;
}

async function dialAt({ address, family }: Host, attempt: Attempt): Promise<ByteStream> {
  const { port, late } = attempt;
  const socket = openDatagramSocket({
    hostname: family === 6 ? "::" : "0.0.0.0",
    window: WINDOW,
    unsent: UNSENT,
    idle: IDLE,
    keepAlive: KEEP_ALIVE,
  });
  const path = family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  try {
    return byteStream(socket, await reach(socket, path, attempt));
  } catch (error) {
    await socket.close();
    throw late.aborted && error === late.reason ? new Error("nobody answers there by UDP") : error;
  }
}

/** Connects to the server that is known; one that is met for the first time is asked for its key. */
async function reach(
  socket: DatagramSocket,
  path: string,
  attempt: Attempt,
): Promise<DatagramStream> {
  const { late, knownServers } = attempt;
  const server = nameOf(attempt);
  const known = attempt.key ?? await knownServers.find(server);
  if (known !== undefined) {
    const place = attempt.key === undefined ? knownServers.place : undefined;
    const doubt = new AbortController();
    try {
      return await Promise.race([
        socket.connect(path, { kind: "server", key: known }),
        aborted(late),
        expectKey(socket, path, { server, known, place, until: doubt.signal }),
      ]);
    } finally {
      doubt.abort();
    }
  }
  const key = await socket.ask(path, late);
  const stream = await Promise.race([
    socket.connect(path, { kind: "server", key }),
    aborted(late),
  ]);
  // It has proved by now that the key is its own.
  await knownServers.remember(server, key);
  attempt.onNewKey?.(key);
  return stream;
}

/** Rejects if the server shows another key than it should. */
async function expectKey(
  socket: DatagramSocket,
  path: string,
  { until, ...expected }: {
    readonly server: string;
    readonly known: Uint8Array;
    readonly place: string | undefined;
    readonly until: AbortSignal;
  },
): Promise<never> {
  const ever = new Promise<never>(() => {});
  try {
    await sleep(DOUBT_AFTER, until);
    const shown = await socket.ask(path, until);
    if (shown.some((byte, at) => byte !== expected.known[at])) {
      throw new ServerKeyChanged({ ...expected, shown });
    }
  } catch (error) {
    if (error instanceof ServerKeyChanged) throw error;
    // It is over, one way or the other.
  }
  return await ever;
}

function sleep(ms: number, until: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    until.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(until.reason);
    });
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** The name under which a server is known. */
function nameOf({ hostname, port }: TcpAddress): string {
  const host = hostname.toLowerCase();
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function byteStream(socket: DatagramSocket, stream: DatagramStream): ByteStream {
  let open = true;
  return {
    binding: handshakeBinding(stream.handshakeHash),
    read: (into) => stream.read(into),
    write: (bytes) => stream.write(bytes),
    close() {
      if (!open) return;
      open = false;
      stream.part(PARTING_TIMEOUT).then(() => socket.close());
    },
  };
}
