/**
 * Files on their way: how far each is, and giving up and going on with them. Breaks of the connection are
 * ForumClient's business; what somebody has stopped, or what was refused, is gone on with here.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { FileRow } from "../../../protocol/forum/reply.ts";
import { sourceOf } from "../../files/file_source.ts";
import { mediaType } from "../../files/media_type.ts";
import type { ForumClient } from "../../forum_client.ts";
import type { Via } from "../../peer/peer_host.ts";
import { gatherParts } from "./parts.ts";

/** Where a transfer stands. */
export type TransferState = "running" | "stopped" | "failed" | "done";

/** A file on its way. */
export interface Transfer {
  readonly id: number;
  readonly direction: "up" | "down";
  /** Where it is shared; a file from user to user is in no thread. */
  readonly thread?: number;
  /** The other user of a file from user to user. */
  readonly user?: string;
  /** What such a file is busy with. */
  readonly phase?: "reading" | "waiting" | "moving";
  /** How it travels. */
  readonly via?: Via;
  readonly name: string;
  readonly size: number;
  /** Bytes that are through. */
  readonly done: number;
  readonly state: TransferState;
  /** Why it failed. */
  readonly fault?: string;
}

/** All of them. */
export interface Transfers {
  readonly list: { readonly value: readonly Transfer[] };
  /** Shares a file in a thread. */
  upload(thread: number, file: File): void;
  /** Gets a file and hands it to the browser, to be saved. */
  save(thread: number, row: FileRow): void;
  /** Gets a file whole, without a place in the list; rejects if that cannot be. */
  fetch(thread: number, row: FileRow, signal: AbortSignal): Promise<Blob>;
  /** Stops a transfer. */
  stop(id: number): void;
  /** Goes on with one that was stopped or has failed, where it was. */
  resume(id: number): void;
  /** Takes one out of the list; it is stopped if it runs. */
  dismiss(id: number): void;
  /** Adds one of another kind, by what begins it and begins it again; gives its id. */
  add(what: NewTransfer, begin: BeginTransfer): number;
}

/** A file whose way begins. */
export type NewTransfer = Pick<
  Transfer,
  "direction" | "thread" | "user" | "name" | "size" | "phase"
>;

/** Brings a file to its end, and tells how it fares. */
export type BeginTransfer = (
  signal: AbortSignal,
  tell: (what: Partial<Pick<Transfer, "done" | "phase" | "via">>) => void,
  id: number,
) => Promise<void>;

/** What transfers work with. */
export interface TransfersOptions {
  readonly client: Pick<ForumClient, "upload" | "download">;
  /** Hands a whole file to the person. */
  readonly hand: (blob: Blob, name: string) => void;
}

/** What runs, and how it begins again. */
interface Run {
  readonly begin: BeginTransfer;
  abort: AbortController;
}

/** Makes an empty list. */
export function createTransfers({ client, hand }: TransfersOptions): Transfers {
  const list = signal<readonly Transfer[]>([]);
  const runs = new Map<number, Run>();
  let lastId = 0;

  function change(id: number, what: Partial<Transfer>): void {
    list.value = list.value.map((transfer) =>
      transfer.id === id ? { ...transfer, ...what } : transfer
    );
  }

  function add(what: NewTransfer, begin: BeginTransfer): number {
    const id = ++lastId;
    list.value = [...list.value, { ...what, id, done: 0, state: "running" }];
    const run = { begin, abort: new AbortController() };
    runs.set(id, run);
    void start(id, run);
    return id;
  }

  async function start(id: number, run: Run): Promise<void> {
    const { signal } = run.abort;
    try {
      await run.begin(signal, (what) => change(id, what), id);
      runs.delete(id);
      // What has come up is in the timeline.
      const { direction, user } = list.value.find((one) => one.id === id) ?? {};
      if (direction === "up" && user === undefined) {
        list.value = list.value.filter((one) => one.id !== id);
      } else change(id, { state: "done" });
    } catch (error) {
      if (signal.aborted) change(id, { state: "stopped" });
      else {
        const fault = error instanceof Error ? error.message : String(error);
        change(id, { state: "failed", fault });
      }
    }
  }

  /** Brings a file after what is there of it, part by part. */
  async function bring(
    { thread, row, parts, signal, told }: {
      thread: number;
      row: FileRow;
      parts: Blob[];
      signal: AbortSignal;
      told: (bytes: number) => void;
    },
  ): Promise<Blob> {
    const have = new Blob(parts);
    const file = await client.download({
      thread,
      file: row.seq,
      deflate: true,
      signal,
      onProgress: told,
      ...have.size > 0 && { have: sourceOf(have) },
    });
    await gatherParts(file.stream, parts);
    return new Blob(parts);
  }

  return {
    list,
    add,
    upload(thread, file) {
      const { name, size, lastModified: modified } = file;
      const type = file.type.split(";")[0] || mediaType(name);
      add({ direction: "up", thread, name, size }, async (signal, tell) => {
        await client.upload({
          thread,
          name,
          content: file,
          type,
          modified,
          deflate: true,
          signal,
          onProgress: (done) => tell({ done }),
        });
      });
    },
    save(thread, row) {
      const { name, size } = row;
      let parts: Blob[] = [];
      add({ direction: "down", thread, name, size }, async (signal, tell) => {
        const told = (done: number) => tell({ done });
        const blob = await bring({ thread, row, parts, signal, told });
        parts = [];
        hand(blob, name);
      });
    },
    fetch: (thread, row, signal) => bring({ thread, row, parts: [], signal, told: () => {} }),
    stop: (id) => runs.get(id)?.abort.abort(),
    resume(id) {
      const run = runs.get(id);
      if (run === undefined || list.value.find((one) => one.id === id)?.state === "running") return;
      run.abort = new AbortController();
      const { fault: _, ...rest } = list.value.find((one) => one.id === id)!;
      list.value = list.value.map((one) => one.id === id ? { ...rest, state: "running" } : one);
      void start(id, run);
    },
    dismiss(id) {
      runs.get(id)?.abort.abort();
      runs.delete(id);
      list.value = list.value.filter((one) => one.id !== id);
    },
  };
}
