/**
 * What a client tells as plain text: events of the forum, and what becomes of the connection.
 *
 * @module
 */

import { scopeThread } from "../../protocol/forum/event.ts";
import { eventRenderer, type EventRenderOptions } from "../../protocol/terminal/render_event.ts";
import { failedText } from "../../protocol/terminal/render_outcome.ts";
import { nameText, sizeText } from "../../protocol/terminal/style.ts";
import { visibleLine, visibleText } from "../../protocol/terminal/visible.ts";
import type { ClientEvent } from "../forum_client.ts";

/** Makes the function that turns what happens into a line, or `undefined` for what needs none. */
export function clientEventRenderer(
  options: EventRenderOptions,
): (event: ClientEvent) => string | undefined {
  const { directory, paint, joined } = options;
  const forum = eventRenderer(options);
  return (event) => {
    switch (event.type) {
      case "event":
        return forum.event(event.event);
      case "notice":
        return forum.notice(event.notice);
      case "offer": {
        const { by, name, size } = event.offer;
        const what = `${visibleLine(name)} (${sizeText(size)})`;
        return `${nameText(by, paint)} offers you ${what}: /accept, /decline, or /always @${
          visibleLine(by)
        }`;
      }
      case "offer-ended": {
        const { by, name } = event.offer;
        return paint("quiet", `${visibleLine(name)} from ${visibleLine(by)}: ${failedText(event)}`);
      }
      case "peer-key": {
        const text = `${visibleLine(event.user)} sends files with another key than before: from ` +
          "another machine, or somebody is in between. Ask them.";
        return paint("fault", text);
      }
      case "offline":
        return paint("fault", `Connection lost: ${visibleText(event.text)} Trying again…`);
      case "online":
        return "The connection is back.";
      case "unfollowed": {
        const thread = scopeThread(event.scope);
        // Of a removed thread and the like, the event before this one has told.
        if (thread !== 0 && !joined.all.includes(thread)) return undefined;
        const what = visibleLine(thread === 0 ? event.scope : directory.label(thread));
        return paint("fault", `${what} is followed no longer: ${failedText(event)}`);
      }
      case "closed":
        return paint("fault", `The session has ended: ${failedText(event)}`);
    }
  };
}
