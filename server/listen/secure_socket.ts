/**
 * TLS on the server's side of a socket that was accepted by us.
 *
 * The runtime's own Deno.listenTls would be leaner (15 KiB for an idle connection against 35), but a
 * connection of it that never agrees on keys cannot be closed, so whoever says nothing would keep a
 * descriptor for ever; nor can its certificate be changed, nor its packets be sent without delay. So
 * node:tls does the talking here, and the bytes underneath pass through our hands: it has no back-pressure
 * of its own, so what comes is only read while there is room, and a write ends when the socket has it.
 *
 * @module
 */

import { Duplex } from "node:stream";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { Certificate } from "./certificate.ts";
import { closeSocket, type Socket, socketTransport, writeAll } from "./transport.ts";

/** How long a client may take to agree on keys, in ms. */
export const HANDSHAKE_TIMEOUT = 10_000;
/** With so many bytes that nobody has read yet, no more are taken from the socket. */
const UNREAD_MAX = 64 * 1024;

/** Prepares a certificate for use. Throws if it cannot be used. */
export function secureContext({ cert, key }: Certificate): SecureContext {
  return createSecureContext({ cert, key, minVersion: "TLSv1.2" });
}

class SecureSocket implements Socket {
  readonly #raw: Socket;
  /** The bytes as they travel. */
  readonly #wire: Duplex;
  readonly #tls: TLSSocket;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  /** Nothing more can be read. */
  #ended = false;
  /** Nothing more can be written either. */
  #over = false;
  /** Those who wait for something that may never come once it is over. */
  readonly #waiting = new Set<() => void>();
  #fault: Error | undefined;
  #arrived: (() => void) | undefined;
  #taken: (() => void) | undefined;
  #written: (() => void) | undefined;

  constructor(raw: Socket, context: SecureContext) {
    this.#raw = raw;
    this.#wire = new Duplex({
      read() {},
      write: (bytes: Uint8Array, _encoding, done) => {
        writeAll(raw, bytes).then(() => done(), done).finally(() => this.#written?.());
      },
      final: (done) => {
        raw.closeWrite().then(() => done(), () => done());
      },
      destroy: (error, done) => {
        closeSocket(raw);
        done(error);
      },
    });
    this.#wire.on("error", (fault) => this.#fail(fault));
    // The types know sockets of Node only; any stream will do.
    const wire = this.#wire as unknown as ConstructorParameters<typeof TLSSocket>[0];
    this.#tls = new TLSSocket(wire, { isServer: true, secureContext: context });
    const late = setTimeout(() => this.close(), HANDSHAKE_TIMEOUT);
    this.#tls.on("secure", () => clearTimeout(late));
    this.#tls.on("data", (bytes: Uint8Array) => this.#take(bytes));
    this.#tls.on("end", () => this.#end());
    this.#tls.on("error", (fault) => this.#fail(fault));
    this.#tls.on("close", () => {
      clearTimeout(late);
      this.#end();
      this.#release();
    });
    this.#pump();
  }

  #take(bytes: Uint8Array): void {
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    this.#arrived?.();
  }

  #end(): void {
    this.#ended = true;
    this.#arrived?.();
    this.#taken?.();
  }

  /** Lets nobody wait for what will not come. */
  #release(): void {
    this.#written?.();
    for (const done of this.#waiting) done();
  }

  #fail(fault: Error): void {
    this.#fault ??= fault;
    this.close();
  }

  /** Takes bytes from the socket while there is room for them. */
  async #pump(): Promise<void> {
    const raw = socketTransport(this.#raw);
    try {
      while (!this.#ended) {
        while (this.#unreadBytes >= UNREAD_MAX && !this.#ended) {
          await new Promise<void>((resolve) => this.#taken = resolve);
        }
        const bytes = await raw.read();
        if (bytes === null) {
          this.#wire.push(null);
          return;
        }
        this.#wire.push(bytes.slice());
      }
    } catch (fault) {
      this.#fail(fault as Error);
    }
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#unread.length === 0) {
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#arrived = resolve);
    }
    const [first] = this.#unread;
    const count = Math.min(first.length, into.length);
    into.set(first.subarray(0, count));
    if (count === first.length) this.#unread.shift();
    else this.#unread[0] = first.subarray(count);
    this.#unreadBytes -= count;
    if (this.#unreadBytes < UNREAD_MAX) this.#taken?.();
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    let fault: Error | null | undefined;
    if (!this.#over) {
      await this.#unlessOver((done) =>
        this.#tls.write(bytes, (failure) => {
          fault = failure;
          done();
        })
      );
    }
    // That it is encrypted does not mean that it has gone.
    while (this.#wire.writableLength > 0 && !this.#over && !this.#wire.destroyed) {
      await new Promise<void>((resolve) => this.#written = resolve);
    }
    // Nor does it say by itself that it could not go.
    if (fault || this.#over || this.#wire.destroyed) {
      throw this.#fault ?? this.#wire.errored ?? new Error("the connection is closed");
    }
    return bytes.length;
  }

  /** A stream that is destroyed does not always say that it has ended: so its close counts as well. */
  closeWrite(): Promise<void> {
    if (this.#over) return Promise.resolve();
    return this.#unlessOver((done) => this.#tls.end(done));
  }

  /** Begins something, and resolves when it is done or all is over. */
  #unlessOver(begin: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      begin(done);
    });
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#end();
    this.#release();
    this.#tls.destroy();
    this.#wire.destroy();
    closeSocket(this.#raw);
  }
}

/** Speaks TLS on a socket. */
export function secureSocket(raw: Socket, context: SecureContext): Socket {
  return new SecureSocket(raw, context);
}
