/**
 * A refusal in full: the body of REFUSED, as it is sent, and as whoever asked is told of it.
 *
 * @module
 */

import type { Refused } from "./body.ts";
import { type Refusal, STATUS, statusName } from "./status.ts";

/** The body of REFUSED for a refusal. */
export function refusedBody({ status, text, detail }: Refusal): Refused {
  const { code, text: standard } = STATUS[status];
  return {
    code,
    name: status,
    text: text ?? standard,
    ...detail !== undefined && { detail },
  };
}

/** Whether the same may succeed after a while. */
export function canHelpLater({ code }: Refused): boolean {
  const name = statusName(code);
  return name !== undefined && STATUS[name].retry === "later";
}

/** What the other side has said by a code, as a refusal. */
export function refusedFor(code: number, reason: string): Refused {
  const name = statusName(code) ?? "cancelled";
  return { code, name, text: reason === "" ? STATUS[name].text : reason };
}
