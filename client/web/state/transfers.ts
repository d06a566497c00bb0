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

/** Where a transfer stands. */
export type TransferState = "running" | "stopped" | "failed" | "done";

/** A file on its way. */
export interface Transfer {
  readonly id: number;
  readonly direction: "up" | "down";
  readonly thread: number;
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
}

/** What transfers work with. */
export interface TransfersOptions {
  readonly client: Pick<ForumClient, "upload" | "download">;
  /** Hands a whole file to the person. */
  readonly hand: (blob: Blob, name: string) => void;
}

/** So many bytes are gathered before they become a part of a Blob, which a browser may keep on disk. */
const PART_BYTES = 4 * 1024 * 1024;

/** What runs, and how it begins again. */
interface Run {
  readonly begin: (signal: AbortSignal) => Promise<void>;
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

  function add(
    what: Pick<Transfer, "direction" | "thread" | "name" | "size">,
    begin: (id: number, signal: AbortSignal) => Promise<void>,
  ): void {
    const id = ++lastId;
    list.value = [...list.value, { ...what, id, done: 0, state: "running" }];
    const run = { begin: (signal: AbortSignal) => begin(id, signal), abort: new AbortController() };
    runs.set(id, run);
    void start(id, run);
  }

  async function start(id: number, run: Run): Promise<void> {
    const { signal } = run.abort;
    try {
      await run.begin(signal);
      runs.delete(id);
      // What has come up is in the timeline.
      const { direction } = list.value.find((one) => one.id === id) ?? {};
      if (direction === "up") list.value = list.value.filter((one) => one.id !== id);
      else change(id, { state: "done" });
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
    let chunks: Uint8Array[] = [];
    let size = 0;
    const gather = () => {
      if (size > 0) parts.push(new Blob(chunks as BlobPart[]));
      [chunks, size] = [[], 0];
    };
    const reader = file.stream.getReader();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        chunks.push(value);
        size += value.length;
        if (size >= PART_BYTES) gather();
      }
    } finally {
      // What has come stays, also of what breaks off.
      gather();
    }
    return new Blob(parts);
  }

  return {
    list,
    upload(thread, file) {
      const { name, size, lastModified: modified } = file;
      const type = file.type.split(";")[0] || mediaType(name);
      add({ direction: "up", thread, name, size }, async (id, signal) => {
        await client.upload({
          thread,
          name,
          content: file,
          type,
          modified,
          deflate: true,
          signal,
          onProgress: (done) => change(id, { done }),
        });
      });
    },
    save(thread, row) {
      const { name, size } = row;
      let parts: Blob[] = [];
      add({ direction: "down", thread, name, size }, async (id, signal) => {
        const told = (done: number) => change(id, { done });
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
