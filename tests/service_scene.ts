/**
 * The service in tests: real, in virtual time, with work that is done and bytes that travel only when a
 * test says so.
 *
 * @module
 */

import { assert } from "@std/assert";
import { encodeBase64 } from "../protocol/base64.ts";
import {
  type ClientConnection,
  type ClientTransition,
  createClientConnection,
} from "../protocol/client_connection.ts";
import type { Command } from "../protocol/forum/command.ts";
import type { Refused } from "../protocol/body.ts";
import type { ChannelBinding } from "../protocol/scram.ts";
import type { StatusName } from "../protocol/status.ts";
import { createVerifier } from "../protocol/verifier.ts";
import type { Activity } from "../server/activity.ts";
import type { BlobStore } from "../server/blob/blob_store.ts";
import { createMemoryDisk, type MemoryDisk } from "../server/blob/memory_disk.ts";
import { openMemoryStore } from "../server/blob/memory_store.ts";
import type { Log } from "../server/log/log.ts";
import { openSqliteLog } from "../server/log/sqlite_log.ts";
import { createService, type Service, type ServiceOptions } from "../server/service.ts";
import type { Session } from "../server/session.ts";

/** What may be otherwise than usual. */
export interface SceneOptions extends Partial<ServiceOptions> {
  /** The room on its disk. */
  readonly maxBytes?: number;
}

/** A service whose deferred work is done when a test says so. */
export class Scene {
  readonly log: Log;
  readonly service: Service;
  readonly disk: MemoryDisk = createMemoryDisk();
  readonly blobs: BlobStore;
  readonly #deferred: (() => void)[] = [];
  #bytes = 0;
  readonly activities: Activity[] = [];
  now = 0;

  constructor({ maxBytes, ...more }: SceneOptions = {}) {
    this.log = openSqliteLog({
      path: ":memory:",
      now: () => this.now,
      onFault() {},
      ...maxBytes !== undefined && { maxBytes },
    });
    this.blobs = openMemoryStore(this.disk, {
      later: (run) => this.#deferred.push(run),
      now: () => this.now,
    });
    this.service = createService({
      log: this.log,
      blobs: this.blobs,
      random: (out) => out.fill(++this.#bytes),
      clock: () => this.now,
      registration: "open",
      lockout: {},
      singleSession: false,
      agent: "test",
      heartbeat: 0,
      idleTimeout: 0,
      activity: {
        record: (activity) => this.activities.push(activity),
        flush: () => Promise.resolve(),
      },
      defer: (run) => this.#deferred.push(run),
      onShutdown() {},
      ...more,
    });
  }

  /** Does what was put off. */
  settle(): void {
    for (let run = this.#deferred.shift(); run !== undefined; run = this.#deferred.shift()) run();
  }

  close(): void {
    this.service.close("shutting-down", this.now);
    this.settle();
    this.log.close();
  }
}

const SALT = new Uint8Array(16);
/** Everybody's password, salted. */
const SALTED = new Uint8Array(32).fill(1);
const VERIFIER = createVerifier(SALTED, SALT, 4096);

/** What each end can bind to: the client's, and the server's. */
export interface Channels {
  readonly here?: ChannelBinding;
  readonly there?: ChannelBinding;
}

/** A client on a stream that carries bytes only when a test says so. */
export class Caller {
  readonly #scene: Scene;
  readonly session: Session;
  readonly client: ClientConnection;
  readonly heard: ClientTransition[] = [];
  /** So many bytes are read at a time at the most, where the session has a place for them. */
  readMost = Infinity;
  /** Is told what is heard, before anything more is. */
  watcher: (what: ClientTransition) => void = () => {};

  constructor(scene: Scene, source = "here", exposed = false, channels: Channels = {}) {
    this.#scene = scene;
    const { now } = scene;
    const { here, there } = channels;
    const bound = there !== undefined && { binding: there };
    this.session = scene.service.open({ source, exposed, now, wake() {}, ...bound });
    this.client = createClientConnection({
      random: (out) => out.fill(7),
      now,
      agent: "test",
      ...here !== undefined && { binding: here },
    });
  }

  /** Asks to register; the answer is heard later. */
  ask(user: string): void {
    const registration = {
      user,
      salt: encodeBase64(SALT),
      iterations: VERIFIER.iterations,
      storedKey: encodeBase64(VERIFIER.storedKey),
      serverKey: encodeBase64(VERIFIER.serverKey),
    };
    this.client.register(registration, this.#scene.now);
    this.talk();
  }

  /** Makes an account and gives its token. */
  register(user: string): string {
    this.ask(user);
    return this.#token();
  }

  /** Signs in with the password and gives the token. */
  login(user: string): string {
    this.#prove(user, SALTED);
    return this.#token();
  }

  #token(): string {
    const granted = this.heard.find(({ kind }) => kind === "granted");
    assert(granted?.kind === "granted" && granted.granted.token !== undefined);
    return granted.granted.token;
  }

  say(...commands: Command[]): void {
    commands.forEach((command, at) => this.client.command(at + 1, command));
  }

  /** What the client has written reaches the server. */
  send(): void {
    while (this.session.wantsRead) {
      const place = this.session.readInto()?.subarray(0, this.readMost);
      const chunk = this.#written(place ?? new Uint8Array(this.client.peekTransmit().length));
      if (chunk.length === 0) return;
      this.session.receive(chunk, this.#scene.now);
    }
  }

  /** What the client has written, as far as there is room for it. */
  #written(into: Uint8Array): Uint8Array {
    let count = 0;
    while (count < into.length) {
      const bytes = this.client.peekTransmit().subarray(0, into.length - count);
      if (bytes.length === 0) break;
      into.set(bytes, count);
      this.client.consumeTransmit(bytes.length);
      count += bytes.length;
    }
    return into.subarray(0, count);
  }

  /** What the server has written reaches the client. */
  read(): void {
    for (let bytes = this.session.peekTransmit(); bytes.length > 0;) {
      this.client.receive(bytes.slice(), this.#scene.now);
      this.session.consumeTransmit(bytes.length);
      this.drain();
      bytes = this.session.peekTransmit();
    }
  }

  /** Hears what the client tells. */
  drain(): void {
    for (let what = this.client.next(); what !== undefined; what = this.client.next()) {
      this.heard.push(what);
      this.watcher(what);
    }
  }

  /** Back and forth, until both are quiet. */
  talk(): void {
    let before: number;
    do {
      before = this.heard.length;
      this.send();
      this.#scene.settle();
      this.read();
    } while (this.heard.length > before);
  }

  /** Tries to sign in with a password that fits nobody, unless it is refused before. */
  guess(user: string): void {
    this.#prove(user, new Uint8Array(32));
  }

  #prove(user: string, salted: Uint8Array): void {
    this.client.login(user, this.#scene.now);
    this.talk();
    if (this.client.state !== "hashing") return;
    this.client.provideSaltedPassword(salted, this.#scene.now);
    this.talk();
  }

  /** The refusals of signing in so far. */
  denials(): Refused[] {
    return this.heard.flatMap((what) => what.kind === "denied" ? [what.refused] : []);
  }

  /** Why the connection ended, as the server said it; `undefined` while it has not. */
  ending(): StatusName | undefined {
    const last = this.heard.find(({ kind }) => kind === "closing");
    return last?.kind === "closing" ? last.ending.status : undefined;
  }

  /** The number of each answered command with what became of it. */
  answers(): Map<number, string> {
    return new Map(
      this.heard.flatMap((what): [number, string][] =>
        what.kind === "done"
          ? [[what.id, "done"]]
          : what.kind === "refused"
          ? [[what.id, what.refused.name]]
          : []
      ),
    );
  }
}

/** Plays on a scene, and closes it. */
export function withScene(test: (scene: Scene) => void, options?: SceneOptions): void {
  const scene = new Scene(options);
  try {
    test(scene);
  } finally {
    scene.close();
  }
}
