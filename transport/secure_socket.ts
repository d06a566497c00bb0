/**
 * TLS on a socket that was accepted or dialled by us.
 *
 * The runtime's own Deno.listenTls and Deno.connectTls would be leaner (15 KiB for an idle connection
 * against 35), but a connection of theirs that never agrees on keys cannot be closed, so whoever says
 * nothing would keep a descriptor for ever; nor can a listener's certificate be changed, nor its packets be
 * sent without delay. So node:tls does the talking here, and the bytes underneath pass through our hands: it
 * has no back-pressure of its own, so what comes is only read while there is room, and a write ends when the
 * socket has it.
 *
 * @module
 */

import { isIP } from "node:net";
import { Duplex } from "node:stream";
import {
  connect,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  TLSSocket,
} from "node:tls";
import { closeSocket, type Socket, socketTransport, writeAll } from "./socket.ts";

/** How long a client may take to agree on keys, in ms. */
export const HANDSHAKE_TIMEOUT = 10_000;
const MIN_VERSION = "TLSv1.2";
/** With so many bytes that nobody has read yet, no more are taken from the socket. */
const UNREAD_MAX = 64 * 1024;

/** Prepares a certificate and its key, in PEM, for use. Throws if they cannot be used. */
export function secureContext(
  { cert, key }: { readonly cert: string; readonly key: string },
): SecureContext {
  return createSecureContext({ cert, key, minVersion: MIN_VERSION });
}

/** A TLS socket over any stream: the types know sockets of Node only. */
type Begin = (wire: ConstructorParameters<typeof TLSSocket>[0]) => TLSSocket;

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

  constructor(raw: Socket, begin: Begin) {
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
    this.#tls = begin(this.#wire as unknown as Parameters<Begin>[0]);
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

  /** Resolves when a server has shown a certificate that is good; rejects if it has not, or if this is closed. */
  handshake(): Promise<void> {
    let secure = false;
    this.#tls.once("secureConnect", () => secure = true);
    return this.#unlessOver((done) => this.#tls.once("secureConnect", done)).then(() => {
      if (!secure) throw this.#fault ?? new Error("the connection is closed");
    });
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
      // Where it was closed here, why it was is told by who closed it.
      if (!this.#wire.destroyed) this.#fail(fault as Error);
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

/** Speaks TLS on a socket that was accepted. */
export function secureSocket(raw: Socket, secureContext: SecureContext): Socket {
  return new SecureSocket(raw, (wire) => new TLSSocket(wire, { isServer: true, secureContext }));
}

/** Whom a client wants at the other end. */
export interface SecureServer {
  /** The name or the address that was dialled: the certificate must be for it. */
  readonly hostname: string;
  /**
   * Certificates of authorities, in PEM, that count beside the system's own; without the right to `sys`, which these
   * need, instead of them.
   */
  readonly caCerts: readonly string[];
}

/** The authorities of the system; none where the program may not ask for them, and nobody is to be asked for that. */
function knownAuthorities(): readonly string[] {
  // The types do not know of it yet.
  const asking = { name: "sys", kind: "ca" } as unknown as Deno.SysPermissionDescriptor;
  const { state } = Deno.permissions.querySync(asking);
  return state === "granted" ? getCACertificates("default") : [];
}

/**
 * Speaks TLS on a socket that was dialled; rejects if the server has no certificate that is good for its name, or
 * agrees on no keys in time. Where the signal is aborted meanwhile, the socket is closed at once.
 */
export async function secureClient(
  raw: Socket,
  { hostname, caCerts }: SecureServer,
  signal?: AbortSignal,
): Promise<Socket> {
  const socket = new SecureSocket(raw, (wire) =>
    connect({
      socket: wire,
      host: hostname,
      ...isIP(hostname) === 0 && { servername: hostname },
      // What is given stands instead of the system's own, so these are named as well.
      ...caCerts.length > 0 && { ca: [...knownAuthorities(), ...caCerts] },
      minVersion: MIN_VERSION,
      // Whatever the environment says.
      rejectUnauthorized: true,
    }));
  const giveUp = () => socket.close();
  if (signal?.aborted) giveUp();
  signal?.addEventListener("abort", giveUp);
  try {
    // Whoever is no good is found out here, and not when something is sent.
    await socket.handshake();
    return socket;
  } catch (error) {
    socket.close();
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}
