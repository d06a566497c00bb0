/**
 * What a forum refuses, as an error.
 *
 * @module
 */

import type { Refused } from "../protocol/body.ts";

/** A refusal from the server, or the end of the session. */
export class ForumError extends Error {
  /** The status code. */
  readonly code: number;
  /** The status name, as `no-thread`. */
  override readonly name: string;
  /** Facts for programs, as `{ wait: 10000 }`. */
  readonly detail: Refused["detail"];

  /** Wraps what the server said. */
  constructor({ code, name, text, detail }: Refused) {
    super(text);
    this.code = code;
    this.name = name;
    this.detail = detail;
  }
}
