/**
 * What tests of files on their way share: bytes, turns of the event loop, and a link that notes what a carrier does.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { setImmediate } from "node:timers";
import type { CarrierLink } from "../client/files/carrier.ts";
import { createNumbers } from "./garbage.ts";

/** SHA-256 in hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** So many bytes that do not shrink, always the same. */
export function noise(size: number): Uint8Array<ArrayBuffer> {
  return createNumbers(size + 1).bytes(size) as Uint8Array<ArrayBuffer>;
}

/** Lets all that can happen without the outside happen: a turn of the event loop, which no clock holds back. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A link that notes what a carrier does. */
export class Noted implements CarrierLink {
  readonly given: { bytes: Uint8Array; raw?: number }[] = [];
  readonly ends: string[] = [];
  readonly failures: unknown[] = [];
  readonly cancels: string[] = [];
  stored_ = 0;
  readonly keeps: string[] = [];

  provide(frame: Uint8Array, raw?: number): void {
    // Whoever gives a frame must not change it before it has left.
    this.given.push({ bytes: frame, ...raw !== undefined && { raw } });
  }
  end(sha256: string): void {
    this.ends.push(sha256);
  }
  stored(count: number): void {
    this.stored_ += count;
  }
  kept(sha256: string): void {
    this.keeps.push(sha256);
  }
  cancel(status: string): void {
    this.cancels.push(status);
  }
  fail(error: unknown): void {
    this.failures.push(error);
  }
}
