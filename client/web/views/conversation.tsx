/**
 * A thread: what was said in it, and what one says oneself.
 *
 * @module
 */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useApp, useForum } from "../app.ts";
import { namesText } from "../state/format.ts";
import type { Route } from "../state/route.ts";
import { titleOf } from "../state/thread_list.ts";
import type { MessageItem } from "../state/timeline.ts";
import { Avatar } from "./avatar.tsx";
import { Composer, type Writing } from "./composer.tsx";
import { Icon, IconButton } from "./icons.tsx";
import { SendFile } from "./send_file.tsx";
import { TimelineView } from "./timeline_view.tsx";

/** The open thread, or somebody with whom there is no conversation yet. */
export function Conversation({ route }: { route: Route }) {
  const app = useApp();
  const forum = useForum();
  const writing = useSignal<Writing>({ as: "new" });
  const dropping = useSignal(false);
  const opened = forum.open.value;
  const row = forum.openRow.value;
  const stranger = route.at === "with" ? route.user : undefined;
  const thread = opened?.thread;
  useEffect(() => void (writing.value = { as: "new" }), [thread, stranger]);

  const title = stranger ?? (row === undefined ? "" : titleOf(row, forum.me));
  const direct = stranger !== undefined || row?.direct === true;
  const on = forum.presence.on.value;
  const subtitle = direct
    ? (on.includes(title) ? "is here" : "is not here now")
    : row?.private
    ? `private · ${namesText(row.members ?? [])}`
    : row === undefined
    ? ""
    : `${row.messages} ${row.messages === 1 ? "message" : "messages"}`;

  function share(files: Iterable<File>): void {
    if (thread === undefined) return;
    for (const file of files) forum.transfers.upload(thread, file);
  }

  return (
    <main
      class={dropping.value ? "conversation dropping" : "conversation"}
      aria-label={title}
      onDragOver={(event) => {
        if (thread === undefined || !event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        dropping.value = true;
      }}
      onDragLeave={(event) => {
        if (event.relatedTarget === null) dropping.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        dropping.value = false;
        share(event.dataTransfer?.files ?? []);
      }}
    >
      <header class="bar">
        <span class="phone-only">
          <IconButton icon="menu" label="Threads" onClick={() => app.overlay.value = "threads"} />
        </span>
        {direct
          ? <Avatar name={title} on={on.includes(title)} />
          : <Icon name={row?.private ? "lock" : "hash"} />}
        <div class="bar-title">
          <h1 dir="auto">{title}</h1>
          <p>{subtitle}</p>
        </div>
        {direct && on.includes(title) && <SendFile user={title} />}
        <span class="narrow-only">
          <IconButton
            icon="people"
            label="People and files"
            onClick={() => app.overlay.value = app.overlay.value === "people" ? "none" : "people"}
          />
        </span>
      </header>
      {stranger !== undefined
        ? (
          <div class="empty">
            <Avatar name={stranger} />
            <p>
              Nothing was said yet between you and{" "}
              <strong>{stranger}</strong>. Only the two of you will see it.
            </p>
          </div>
        )
        : opened === undefined
        ? <div class="empty" />
        : opened.fault.value !== undefined
        ? (
          <div class="empty">
            <p>{opened.fault.value}</p>
          </div>
        )
        : (
          <TimelineView
            key={opened.thread}
            opened={opened}
            reply={(message: MessageItem) => {
              writing.value = { as: "reply", message };
              focusComposer();
            }}
            edit={(message: MessageItem) => {
              writing.value = { as: "edit", message };
              focusComposer();
            }}
          />
        )}
      <TypingLine thread={thread} />
      {(stranger !== undefined || opened?.fault.value === undefined) && (
        <Composer
          key={stranger === undefined ? `t${thread}` : `@${stranger}`}
          {...thread !== undefined && { thread }}
          {...stranger !== undefined && { user: stranger }}
          title={title}
          writing={writing}
          share={share}
        />
      )}
      {dropping.value && <div class="drop-hint">Drop files to share them here</div>}
    </main>
  );
}

/** Puts the caret where one writes. */
export function focusComposer(): void {
  document.querySelector<HTMLElement>("#composer")?.focus();
}

function TypingLine({ thread }: { thread: number | undefined }) {
  const { presence, me } = useForum();
  const names = presence.typing.value
    .filter((one) => one.thread === thread && one.user !== me).map(({ user }) => user);
  return (
    <p class="typing" role="status">
      {names.length > 0 && (
        <>
          <span class="dots" aria-hidden="true" />
          {namesText(names)} {names.length === 1 ? "is" : "are"} typing…
        </>
      )}
    </p>
  );
}
