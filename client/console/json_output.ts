/**
 * JSON lines: one object a line, for programs (DESIGN §9). `command` begins what became of a line,
 * `event` what happened meanwhile.
 *
 * @module
 */

import type { ClientEvent } from "../forum_client.ts";
import type { Outcome } from "../../protocol/terminal/outcome.ts";
import { visibleJson } from "../../protocol/terminal/visible.ts";

/**
 * An outcome as a line.
 *
 * @example
 * ```ts
 * import { outcomeJson } from "./json_output.ts";
 * import { failed } from "../../protocol/terminal/outcome.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   outcomeJson(failed("MSG", "no-thread", "No.")),
 *   '{"command":"MSG","ok":false,"code":1404,"name":"no-thread","text":"No."}',
 * );
 * ```
 */
export function outcomeJson(outcome: Outcome): string {
  const { command, ok, ...rest } = outcome;
  return visibleJson({ command, ok, ...rest });
}

/** What happened as a line: `{"event":"message.posted",…}`. */
export function eventJson(happened: ClientEvent): string {
  switch (happened.type) {
    case "event": {
      const { kind, ...fields } = happened.event;
      return visibleJson({ event: kind, ...fields });
    }
    case "notice": {
      const { kind, ...fields } = happened.notice;
      return visibleJson({ event: kind, ...fields });
    }
    default: {
      const { type, ...fields } = happened;
      return visibleJson({ event: type, ...fields });
    }
  }
}
