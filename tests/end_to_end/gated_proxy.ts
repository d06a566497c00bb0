/**
 * A TCP proxy with a gate: it lets so many bytes through and keeps the others back, so that a transfer stands
 * still where a test wants it. It counts what has passed.
 *
 * @module
 */

import type { PeerAddress } from "./raw_peer.ts";

/** Which way bytes go: `up` to the server, `down` from it. */
export type Direction = "up" | "down";

/** A proxy. */
export interface GatedProxy extends PeerAddress {
  /** How many connections were opened. */
  readonly links: number;
  /** How many bytes have passed. */
  passed(direction: Direction): number;
  /** Lets so many bytes more pass; resolves when they have, and nothing passes after them. */
  let(direction: Direction, count: number): Promise<void>;
  /** Lets everything pass. */
  open(): void;
  /** Breaks all connections. */
  cut(): void;
  close(): void;
}

class Gate {
  passed = 0;
  /** Up to here bytes pass. */
  #upto = Infinity;
  #moved = Promise.withResolvers<void>();

  async let(count: number): Promise<void> {
    const upto = this.passed + count;
    this.#set(upto);
    while (this.passed < upto) await this.#moved.promise;
  }

  open(): void {
    this.#set(Infinity);
  }

  #set(upto: number): void {
    this.#upto = upto;
    this.#tell();
  }

  #tell(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /** How many of so many bytes may pass now; waits until some may. */
  async admit(count: number): Promise<number> {
    while (this.passed >= this.#upto) await this.#moved.promise;
    return Math.min(count, this.#upto - this.passed);
  }

  pass(count: number): void {
    this.passed += count;
    this.#tell();
  }
}

class Proxy implements GatedProxy {
  readonly hostname = "127.0.0.1";
  readonly #listener: Deno.TcpListener;
  readonly #target: PeerAddress;
  readonly #conns = new Set<Deno.Conn>();
  readonly #gates = { up: new Gate(), down: new Gate() };
  links = 0;

  constructor({ hostname, port }: PeerAddress) {
    this.#target = { hostname, port };
    this.#listener = Deno.listen({ hostname: this.hostname, port: 0 });
    this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  passed(direction: Direction): number {
    return this.#gates[direction].passed;
  }

  let(direction: Direction, count: number): Promise<void> {
    return this.#gates[direction].let(count);
  }

  open(): void {
    this.#gates.up.open();
    this.#gates.down.open();
  }

  cut(): void {
    for (const conn of this.#conns) this.#end(conn);
  }

  close(): void {
    this.cut();
    this.#listener.close();
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      this.links++;
      const far = await Deno.connect(this.#target);
      this.#conns.add(near).add(far);
      this.#carry(near, far, this.#gates.up);
      this.#carry(far, near, this.#gates.down);
    }
  }

  async #carry(from: Deno.Conn, to: Deno.Conn, gate: Gate): Promise<void> {
    const buffer = new Uint8Array(16 * 1024);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) break;
        for (let at = 0; at < count;) {
          const most = await gate.admit(count - at);
          const written = await to.write(buffer.subarray(at, at + most));
          at += written;
          gate.pass(written);
        }
      }
    } catch {
      // One side is gone.
    }
    this.#end(from);
    this.#end(to);
  }

  #end(conn: Deno.Conn): void {
    if (!this.#conns.delete(conn)) return;
    conn.close();
  }
}

/** Listens on a free port and passes everything on to a server, until it is told otherwise. */
export function openGatedProxy(target: PeerAddress): GatedProxy {
  return new Proxy(target);
}
