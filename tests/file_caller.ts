/**
 * A client of the service in tests that carries files: it gives what it is asked for, takes what comes, and
 * does the next thing only when a test says so.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { ClientTransition } from "../protocol/client_connection.ts";
import type { Command } from "../protocol/forum/command.ts";
import { FRAME_HEADER_BYTES } from "../protocol/frame.ts";
import { statusName } from "../protocol/status.ts";
import { join } from "./cuts.ts";
import { Caller, type Scene } from "./service_scene.ts";

/** What can be said of an upload beside its thread, which is the lobby. */
type UploadFields = Partial<Omit<Extract<Command, { op: "upload" }>, "op" | "size">>;

/** A file on its way. */
export interface CarriedFile {
  readonly id: number;
  /** What the server said last: it waits, is under way, was kept, or why it is over. */
  readonly state: string;
  /** Where it began, once it is under way. */
  readonly offset: number;
  /** What has come of a download. */
  readonly bytes: Uint8Array;
  /** The `seq` of an upload that was kept. */
  readonly file: number;
}

/** A client that carries files. */
export interface FileCaller {
  readonly caller: Caller;
  /** Begins an upload; with `hold` its last bytes and the end wait for `finish`. */
  upload(bytes: Uint8Array, fields?: UploadFields & { hold?: boolean; id?: number }): CarriedFile;
  /** Gives the rest of an upload that was held. */
  finish(file: CarriedFile): void;
  download(file: number, fields?: { upto?: number; offset?: number; id?: number }): CarriedFile;
  /** Gives a transfer up. */
  cancel(file: CarriedFile): void;
  /** Talks until both sides are quiet. */
  talk(): void;
  /** What was said goes to the server, and the server does nothing about it yet. */
  send(): void;
}

/** The SHA-256 of some bytes. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bytes that no other seed has. */
export function noise(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

interface Mine extends CarriedFile {
  state: string;
  offset: number;
  bytes: Uint8Array;
  file: number;
  readonly up: boolean;
  hold: boolean;
  position: number;
  wanted: number;
}

class Carrying implements FileCaller {
  readonly caller: Caller;
  readonly #files = new Map<number, Mine>();
  #lastId = 100;

  constructor(caller: Caller) {
    this.caller = caller;
    caller.watcher = (what) => this.#hear(what);
  }

  upload(
    bytes: Uint8Array,
    { hold = false, id = ++this.#lastId, ...fields }:
      & UploadFields
      & { hold?: boolean; id?: number } = {},
  ): CarriedFile {
    const file = this.#begin(id, { up: true, hold, bytes });
    this.caller.client.command(id, {
      op: "upload",
      thread: 1,
      name: `file ${id}`,
      key: `upload ${id}`,
      ...fields,
      size: bytes.length,
    });
    return file;
  }

  #begin(id: number, more: Pick<Mine, "up" | "hold" | "bytes">): Mine {
    const mine = { id, state: "waits", offset: 0, file: 0, position: 0, wanted: 0, ...more };
    this.#files.set(id, mine);
    return mine;
  }

  download(
    file: number,
    { upto = 1e9, offset = 0, id = ++this.#lastId } = {},
  ): CarriedFile {
    const carried = this.#begin(id, { up: false, hold: false, bytes: new Uint8Array(0) });
    this.caller.client.command(id, { op: "download", thread: 1, file, offset, upto });
    return carried;
  }

  finish({ id }: CarriedFile): void {
    const mine = this.#files.get(id)!;
    mine.hold = false;
    this.#give(mine);
  }

  cancel({ id }: CarriedFile): void {
    this.caller.client.transfers.cancel(id, "cancelled");
  }

  send(): void {
    this.caller.send();
  }

  talk(): void {
    let before: number;
    do {
      before = this.caller.heard.length;
      this.caller.drain();
      this.caller.talk();
    } while (this.caller.heard.length > before);
  }

  #hear(what: ClientTransition): void {
    const { transfers } = this.caller.client;
    if (what.kind === "refused") this.#refused(what.id, what.refused.name);
    if (what.kind === "done" && this.#files.has(what.id)) this.#opened(what.id, what.result);
    if (what.kind !== "transfer") return;
    const { event } = what;
    const mine = this.#files.get(event.id)!;
    switch (event.what) {
      case "wanted":
        mine.wanted += event.bytes;
        return this.#give(mine);
      case "data":
        mine.bytes = join([mine.bytes, event.bytes]);
        return transfers.stored(event.id, event.bytes.length);
      case "finish":
        if (!mine.up) transfers.kept(event.id, { sha256: event.finish.sha256 });
        else mine.file = event.finish.file!;
        mine.state = "kept";
        return;
      case "abort":
        mine.state = statusName(event.abort.code)!;
    }
  }

  #refused(id: number, name: string): void {
    const mine = this.#files.get(id);
    if (mine?.state === "waits") mine.state = name;
  }

  #opened(id: number, result: object): void {
    const mine = this.#files.get(id)!;
    const { offset, upto = 0, size = 0, file } = result as Record<string, number | undefined>;
    if (offset === undefined) {
      mine.state = "kept";
      mine.file = file!;
      return;
    }
    const { transfers } = this.caller.client;
    mine.state = "under way";
    mine.offset = mine.position = offset;
    if (mine.up) {
      transfers.send(id, { size: mine.bytes.length, offset, upto });
      this.#give(mine);
    } else transfers.receive(id, { size, offset, window: 1e9 });
  }

  #give(mine: Mine): void {
    const { transfers } = this.caller.client;
    const { id, bytes } = mine;
    const end = mine.hold ? Math.max(0, bytes.length - 1) : bytes.length;
    while (mine.wanted > 0 && mine.position < end) {
      const count = Math.min(mine.wanted, end - mine.position, 65_536);
      const frame = new Uint8Array(FRAME_HEADER_BYTES + count);
      frame.set(bytes.subarray(mine.position, mine.position + count), FRAME_HEADER_BYTES);
      transfers.provide(id, frame);
      mine.position += count;
      mine.wanted -= count;
    }
    if (mine.hold || mine.position < bytes.length || mine.state !== "under way") return;
    transfers.end(id, { sha256: sha256Of(bytes) });
  }
}

/** Signs somebody in who carries files: under a new account, or `again` on another link. */
export function fileCaller(scene: Scene, user: string, again?: "again"): FileCaller {
  const caller = new Caller(scene);
  if (again === undefined) caller.register(user);
  else caller.login(user);
  return new Carrying(caller);
}
