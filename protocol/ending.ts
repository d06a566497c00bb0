/**
 * How a connection ends, with the sentence of its status where there is no other.
 *
 * @module
 */

import type { Ending } from "./connection.ts";
import { STATUS, type StatusName } from "./status.ts";

/** Makes an ending. */
export function ending(status: StatusName, text: string = STATUS[status].text): Ending {
  return { status, text };
}
