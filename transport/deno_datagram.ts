/**
 * Datagrams in Deno: couples an endpoint to a UDP socket (DATAGRAM §5), and its connections to promises. It only
 * moves bytes and keeps time; everything else is the endpoint's.
 *
 * Receiving goes into one buffer, which costs a fifth of what the socket's own does. What leaves the endpoint in one
 * go is handed to the socket in one go. Needs `--unstable-net`.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { CLOSE_CODES, type DatagramEnding } from "../protocol/datagram/close_code.ts";
import type { DatagramConnection, DatagramStats } from "../protocol/datagram/connection.ts";
import {
  createEndpoint,
  type Endpoint,
  type EndpointTransition,
} from "../protocol/datagram/endpoint.ts";
import type { EndpointOptions } from "../protocol/datagram/endpoint_options.ts";
import type { Peer } from "../protocol/datagram/handshake.ts";
import { DATAGRAM_BYTES_MAX } from "../protocol/datagram/packet.ts";
import { hkdfExpand, KEY_BYTES, type KeyPair } from "../protocol/datagram/suite.ts";
import { nodeEnv } from "./node_suite.ts";

/** A connection that has ended otherwise than it should. */
export class DatagramClosed extends Error {
  readonly ending: DatagramEnding;

  constructor(ending: DatagramEnding) {
    super(ending.text);
    this.name = "DatagramClosed";
    this.ending = ending;
  }
}

/** A stream of bytes over datagrams. It has the form that the client's dialling wants. */
export interface DatagramStream {
  readonly connection: DatagramConnection;
  /** The path in use. */
  readonly path: string;
  /** What stands for the handshake, to bind to. */
  readonly handshakeHash: Uint8Array;
  /** Reads some bytes into the array; `null` is the end. Rejects once the connection is over. */
  read(into: Uint8Array): Promise<number | null>;
  /** Reads some bytes without copying: a view, valid until the next call. `null` is the end. */
  take(max: number): Promise<Uint8Array | null>;
  /** Writes some of the bytes and says how many. Rejects once the connection is over. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends our stream; resolves when everything has arrived. */
  finish(): Promise<void>;
  /** Closes it; what is pending fails. Closing twice does nothing. */
  close(code?: number, reason?: string): void;
  /** Ends our stream, waits until everything has arrived, but no longer than so many ms, and closes. */
  part(within: number): Promise<void>;
  stats(): DatagramStats;
}

/** What a socket is opened with. */
export interface DatagramSocketOptions extends Partial<Omit<EndpointOptions, "now">> {
  readonly hostname?: string;
  /** 0 takes a free one. */
  readonly port?: number;
  /** Called with each connection that a peer has made. */
  readonly onAccept?: (stream: DatagramStream) => void;
  /** Called with what happened that is no connection's: keys and punches. */
  readonly onTransition?: (transition: EndpointTransition) => void;
}

/** An open UDP socket with its endpoint. */
export interface DatagramSocket {
  /** As `127.0.0.1:5000`. */
  readonly address: string;
  readonly port: number;
  readonly endpoint: Endpoint;
  /** Calls a peer; rejects if it is not reached. */
  connect(path: string, peer: Peer): Promise<DatagramStream>;
  /** Asks a server for its key, which proves nothing yet, until it answers; rejects when the signal comes. */
  ask(path: string, signal: AbortSignal): Promise<Uint8Array>;
  /** To be called after anything was done with the endpoint or a connection itself. */
  wake(): void;
  /** The time of the endpoint, in ms. */
  now(): number;
  /** Closes all connections, says so to their peers, and then the socket. */
  close(): Promise<void>;
}

/** Datagrams are received into it: large enough for any. */
const RECEIVE_BYTES = 2048;
/** What may leave the endpoint in one go. */
const SEND_BYTES = 16 * DATAGRAM_BYTES_MAX;
/** So many datagrams are received at most before something is told or sent again. */
const RECEIVE_BURST = 16;
/** A server that does not tell its key is asked again after so long, in ms. */
const ASK_AGAIN_MS = 300;

function pathOf({ hostname, port }: Deno.NetAddr): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function addressOf(path: string): Deno.NetAddr {
  const at = path.lastIndexOf(":");
  const hostname = path.slice(0, at).replace(/^\[|\]$/g, "");
  return { transport: "udp", hostname, port: Number(path.slice(at + 1)) };
}

/** A server that starts again on the same port can tell its clients that it has forgotten them. */
function resetSecret({ secret }: KeyPair, port: number): Uint8Array {
  return hkdfExpand(nodeEnv.suite, secret, `dfp2 reset ${port}`, KEY_BYTES);
}

type Waiter = () => void;
const nothing = () => {};

class Stream implements DatagramStream {
  readonly connection: DatagramConnection;
  readonly #wake: () => void;
  readonly #soon: () => void;
  readonly #now: () => number;
  #readers: Waiter[] = [];
  #writers: Waiter[] = [];
  #ending: DatagramEnding | undefined;
  handshakeHash: Uint8Array = new Uint8Array(0);

  constructor(
    connection: DatagramConnection,
    wake: () => void,
    soon: () => void,
    now: () => number,
  ) {
    this.connection = connection;
    this.#wake = wake;
    this.#soon = soon;
    this.#now = now;
  }

  get path(): string {
    return this.connection.path;
  }

  /** What happened to the connection. */
  hear(transition: EndpointTransition): void {
    if (transition.kind === "closed") this.#ending ??= transition.ending;
    this.#tell();
  }

  #tell(): void {
    const readers = this.#readers;
    const writers = this.#writers;
    this.#readers = [];
    this.#writers = [];
    for (const waiter of readers) waiter();
    for (const waiter of writers) waiter();
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (into.length === 0) return 0;
    const bytes = await this.take(into.length);
    if (bytes === null) return null;
    into.set(bytes);
    return bytes.length;
  }

  async take(max: number): Promise<Uint8Array | null> {
    for (;;) {
      const bytes = this.connection.read(max);
      if (bytes !== undefined) {
        this.#soon();
        return bytes;
      }
      if (this.connection.ended) return null;
      if (this.#ending !== undefined) {
        if (this.#ending.by === "peer" && this.#ending.code === 0) return null;
        throw new DatagramClosed(this.#ending);
      }
      await new Promise<void>((resolve) => this.#readers.push(resolve));
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    for (;;) {
      if (this.#ending !== undefined) throw new DatagramClosed(this.#ending);
      const count = this.connection.write(bytes);
      if (count > 0 || bytes.length === 0) {
        this.#wake();
        return count;
      }
      await new Promise<void>((resolve) => this.#writers.push(resolve));
    }
  }

  async finish(): Promise<void> {
    this.connection.finish();
    this.#wake();
    while (!this.connection.delivered) {
      if (this.#ending !== undefined) throw new DatagramClosed(this.#ending);
      await new Promise<void>((resolve) => this.#writers.push(resolve));
    }
  }

  close(code?: number, reason?: string): void {
    if (this.#ending !== undefined) return;
    this.connection.close(this.#now(), code, reason);
    // What is pending here does not wait until the peer knows as well.
    this.#ending = { by: "us", code: code ?? 0, text: reason ?? CLOSE_CODES.done.text };
    this.#tell();
    this.#wake();
  }

  async part(within: number): Promise<void> {
    const late = setTimeout(() => this.close(), within);
    // Whoever has gone already has nothing to wait for.
    await this.finish().catch(nothing);
    clearTimeout(late);
    this.close();
  }

  stats(): DatagramStats {
    return this.connection.stats();
  }
}

class Socket implements DatagramSocket {
  readonly endpoint: Endpoint;
  readonly #socket: Deno.DatagramConn;
  readonly #options: DatagramSocketOptions;
  readonly #streams = new Map<DatagramConnection, Stream>();
  readonly #opening = new Map<DatagramConnection, (ending?: DatagramEnding) => void>();
  readonly #asking = new Map<string, Set<(key: Uint8Array) => void>>();
  readonly #addresses = new Map<string, Deno.NetAddr>();
  readonly #out = new Uint8Array(SEND_BYTES);
  readonly #sent: Promise<void>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #awake: Waiter | undefined;
  #wanted = false;
  /** Whether a turn is asked for, and datagrams that came since the last one. */
  #asked = false;
  #came = 0;
  #closed = false;

  constructor(options: DatagramSocketOptions) {
    const { hostname = "127.0.0.1", port = 0 } = options;
    this.#options = options;
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname, port });
    this.endpoint = createEndpoint({
      env: nodeEnv,
      ...options.static !== undefined && { reset: resetSecret(options.static, this.port) },
      ...options,
      now: this.now(),
    });
    this.#receive();
    this.#sent = this.#send();
  }

  readonly now = (): number => performance.now();

  get address(): string {
    return pathOf(this.#socket.addr as Deno.NetAddr);
  }
  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  async connect(path: string, peer: Peer): Promise<DatagramStream> {
    const connection = this.endpoint.connect(this.now(), path, peer);
    const stream = this.#stream(connection);
    this.wake();
    const ending = await new Promise<DatagramEnding | undefined>((resolve) =>
      this.#opening.set(connection, resolve)
    );
    if (ending !== undefined) throw new DatagramClosed(ending);
    return stream;
  }

  async ask(path: string, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const asking = this.#asking.get(path) ?? new Set();
    this.#asking.set(path, asking.add(resolve));
    const aborted = () => reject(signal.reason);
    signal.addEventListener("abort", aborted);
    const again = () => {
      this.endpoint.ask(this.now(), path);
      this.wake();
    };
    again();
    const timer = setInterval(again, ASK_AGAIN_MS);
    try {
      return await promise;
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", aborted);
      asking.delete(resolve);
      if (asking.size === 0) this.#asking.delete(path);
    }
  }

  #stream(connection: DatagramConnection): Stream {
    const stream = new Stream(connection, () => this.wake(), () => this.#soon(), this.now);
    this.#streams.set(connection, stream);
    return stream;
  }

  wake(): void {
    this.#wanted = true;
    this.#awake?.();
  }

  /** What comes in one turn of the event loop is told, and answered, once. */
  #soon(): void {
    if (this.#asked) return;
    this.#asked = true;
    setImmediate(() => {
      this.#asked = false;
      if (!this.#closed) this.#turn();
    });
  }

  #turn(): void {
    this.#came = 0;
    this.#listen();
    this.wake();
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(RECEIVE_BYTES);
    let last: Deno.NetAddr | undefined;
    let path = "";
    while (!this.#closed) {
      try {
        const [datagram, address] = await this.#socket.receive(buffer);
        const { hostname, port } = address as Deno.NetAddr;
        // Nearly all come from where the last one came from.
        if (last?.hostname !== hostname || last.port !== port) {
          last = address as Deno.NetAddr;
          path = pathOf(last);
        }
        this.endpoint.receive(this.now(), path, datagram);
        this.#soon();
        // Owners and the sender have their turn between, or they would starve while much comes.
        if (++this.#came < RECEIVE_BURST) continue;
        this.#turn();
        await Promise.resolve();
      } catch {
        // The socket tells here that an earlier datagram reached nobody, or that it is closed.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }

  #listen(): void {
    for (let what = this.endpoint.next(); what !== undefined; what = this.endpoint.next()) {
      if (!("connection" in what)) {
        if (what.kind === "key") this.#asking.get(what.path)?.forEach((told) => told(what.key));
        this.#options.onTransition?.(what);
        continue;
      }
      const { connection } = what;
      const stream = this.#streams.get(connection) ?? this.#stream(connection);
      if (what.kind === "established" || what.kind === "accepted") {
        stream.handshakeHash = what.handshakeHash;
      }
      if (what.kind === "established") this.#opened(connection);
      if (what.kind === "closed") this.#opened(connection, what.ending);
      stream.hear(what);
      if (what.kind === "accepted") this.#options.onAccept?.(stream);
      if (what.kind === "closed") this.#streams.delete(connection);
    }
  }

  #opened(connection: DatagramConnection, ending?: DatagramEnding): void {
    this.#opening.get(connection)?.(ending);
    this.#opening.delete(connection);
  }

  /** Sends what there is to send, and sleeps until there is more. */
  async #send(): Promise<void> {
    while (!this.#closed) {
      this.#wanted = false;
      const due = this.endpoint.timeout();
      if (due !== undefined && due <= this.now()) this.endpoint.handleTimeout(this.now());
      for (;;) {
        const sent = this.endpoint.transmit(this.now(), this.#out);
        if (sent === undefined) break;
        const address = this.#address(sent.path);
        const sends: Promise<unknown>[] = [];
        for (let at = 0; at < sent.length; at += sent.segment) {
          const end = Math.min(sent.length, at + sent.segment);
          // What cannot be sent is lost, and lost packets are sent again.
          sends.push(this.#socket.send(this.#out.subarray(at, end), address).catch(nothing));
        }
        await (sends.length === 1 ? sends[0] : Promise.all(sends));
      }
      this.#listen();
      if (!this.#wanted) await this.#sleep();
    }
  }

  #address(path: string): Deno.NetAddr {
    let address = this.#addresses.get(path);
    if (address === undefined) {
      if (this.#addresses.size > 1000) this.#addresses.clear();
      this.#addresses.set(path, address = addressOf(path));
    }
    return address;
  }

  async #sleep(): Promise<void> {
    const due = this.endpoint.timeout();
    // A timer that fires too early is cheaper than one that is set anew for every packet.
    if (due !== undefined && due < this.#timerAt) {
      clearTimeout(this.#timer);
      this.#timerAt = due;
      this.#timer = setTimeout(() => {
        this.#timerAt = Infinity;
        this.wake();
      }, Math.max(0, due - this.now()));
    }
    await new Promise<void>((resolve) => this.#awake = resolve);
    this.#awake = undefined;
  }

  /** What has come is told first: nobody is accepted behind the end. */
  #part(): void {
    this.#listen();
    for (const stream of this.#streams.values()) stream.close();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#part();
    // One turn, in which CLOSE goes out.
    this.wake();
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#closed = true;
    this.#part();
    clearTimeout(this.#timer);
    this.wake();
    this.#socket.close();
    await this.#sent;
  }
}

/**
 * Opens a UDP socket; throws if the address cannot be had.
 *
 * @example
 * ```ts
 * import { openDatagramSocket } from "./deno_datagram.ts";
 * import { nodeEnv } from "./node_suite.ts";
 * import { createKeyPair } from "../protocol/datagram/suite.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const key = createKeyPair(nodeEnv);
 * const server = openDatagramSocket({ static: key, onAccept: (stream) => stream.write(new Uint8Array([42])) });
 * const client = openDatagramSocket({});
 * const stream = await client.connect(server.address, { kind: "server", key: key.public });
 * assertEquals(await stream.take(10), new Uint8Array([42]));
 * await client.close();
 * await server.close();
 * ```
 */
export function openDatagramSocket(options: DatagramSocketOptions): DatagramSocket {
  return new Socket(options);
}
