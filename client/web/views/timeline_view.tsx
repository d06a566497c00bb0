/**
 * The timeline of the open thread.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { useForum } from "../app.ts";
import { dayText, sameDay } from "../state/format.ts";
import type { OpenThread } from "../state/open_thread.ts";
import { type Item, lastOwn, type MessageItem } from "../state/timeline.ts";
import { FileRowView } from "./file_row.tsx";
import { Icon } from "./icons.tsx";
import { MessageRowView } from "./message_row.tsx";
import { PendingRow } from "./pending_row.tsx";
import { WindowList } from "./window_list.tsx";

/** Messages of one author within so many ms stand together. */
const TOGETHER = 5 * 60_000;
/** How long a message that was gone to is set off, in ms. */
const SET_OFF = 2500;

/** What was said. */
export function TimelineView(
  { opened, reply, edit }: {
    opened: OpenThread;
    reply: (message: MessageItem) => void;
    edit: (message: MessageItem) => void;
  },
) {
  const forum = useForum();
  const { items, before, after } = opened.timeline.value;
  const keys = items.map(({ seq }) => seq);
  const [wish, setWish] = useState<{ readonly key: number | "end" } | undefined>();
  const [setOff, setSetOff] = useState<number | undefined>();
  const [atEnd, setAtEnd] = useState(true);
  const target = opened.target.value;
  const root = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (target === undefined) return;
    opened.target.value = undefined;
    setWish({ key: target });
    setSetOff(target);
  }, [target]);

  useEffect(() => {
    if (setOff === undefined) return;
    const timer = setTimeout(() => setSetOff(undefined), SET_OFF);
    return () => clearTimeout(timer);
  }, [setOff]);

  // What one has sent oneself is what one wants to see.
  const waiting = forum.outbox.waiting.value
    .filter(({ to }) => "thread" in to && to.thread === opened.thread);
  const sent = waiting.length;
  const before_ = useRef(sent);
  useEffect(() => {
    if (sent > before_.current) void toEnd();
    before_.current = sent;
  }, [sent]);

  async function toEnd(): Promise<void> {
    await opened.toEnd();
    setWish({ key: "end" });
  }

  function onEnd(end: boolean): void {
    forum.atEnd.value = end;
    if (end !== atEnd) setAtEnd(end);
    if (end) forum.seen();
  }

  /** Arrows go from message to message, also to those that are not drawn yet. */
  function press(event: KeyboardEvent): void {
    const at = (event.target as HTMLElement).closest<HTMLElement>("article");
    if (event.key === "Escape") return void toEnd();
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    if (at === null || event.target !== at) return;
    event.preventDefault();
    const all = [...root.current!.querySelectorAll<HTMLElement>("article")];
    const next = all[all.indexOf(at) + (event.key === "ArrowUp" ? -1 : 1)];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  }

  const unreadFrom = opened.readBefore.value;
  const firstUnread = items.findIndex((item) =>
    item.kind === "message" && item.seq > unreadFrom && item.by !== forum.me
  );
  const ownLast = lastOwn(opened.timeline.value, forum.me)?.seq;

  function row(place: number) {
    const item = items[place];
    const previous: Item | undefined = items[place - 1];
    const newDay = previous === undefined ? !before : !sameDay(previous.at, item.at);
    const compact = !newDay && previous?.kind === "message" && item.kind === "message" &&
      previous.by === item.by && item.at - previous.at < TOGETHER && item.reply === undefined &&
      place !== firstUnread;
    return (
      <>
        {newDay && (
          <p class="day">
            <span>{dayText(item.at, Date.now())}</span>
          </p>
        )}
        {place === firstUnread && unreadFrom > 0 && (
          <p class="new">
            <span>New</span>
          </p>
        )}
        {item.kind === "message"
          ? (
            <MessageRowView
              item={item}
              thread={opened.thread}
              compact={compact}
              last={item.seq === ownLast}
              setOff={item.seq === setOff}
              reply={reply}
              edit={edit}
            />
          )
          : item.kind === "file"
          ? <FileRowView item={item} thread={opened.thread} setOff={item.seq === setOff} />
          : (
            <p class="note" dir="auto">
              <strong>{item.by}</strong> {item.text}
            </p>
          )}
      </>
    );
  }

  const unread = forum.openRow.value?.unread ?? 0;
  const empty = items.length === 0 && !opened.loading.value && sent === 0;
  return (
    <div class="timeline" ref={root} onKeyDown={press}>
      {empty
        ? (
          <div class="empty">
            <Icon name="react" />
            <p>Nothing was said here yet. Say the first word.</p>
          </div>
        )
        : (
          <WindowList
            label="Messages"
            keys={keys}
            row={row}
            before={before}
            after={after}
            loadBefore={() => void opened.loadBefore()}
            loadAfter={() => void opened.loadAfter()}
            onEnd={onEnd}
            wish={wish}
            busy={opened.loading.value}
            tail={!after &&
              waiting.map((message) => <PendingRow key={message.key} message={message} />)}
          />
        )}
      {opened.loading.value && <div class="loading" role="status" aria-label="Loading" />}
      {(!atEnd || after) && items.length > 0 && (
        <button
          type="button"
          class="to-end"
          onClick={() => void toEnd()}
        >
          <Icon name="down" />
          {unread > 0 ? `${unread} new` : "To the end"}
        </button>
      )}
      <Announcer opened={opened} />
    </div>
  );
}

/** Reads out what comes in, for those who listen. */
function Announcer({ opened }: { opened: OpenThread }) {
  const { me } = useForum();
  const { recent } = opened.timeline.value;
  const last = recent.findLast((event) => event.kind === "message.posted" && event.by !== me);
  return (
    <p class="unseen" role="log" aria-live="polite">
      {last?.kind === "message.posted" ? `${last.by}: ${last.text.slice(0, 300)}` : ""}
    </p>
  );
}
