/**
 * The list of threads and conversations.
 *
 * @module
 */

import { useApp, useForum } from "../app.ts";
import type { ThreadRow } from "../../../protocol/forum/reply.ts";
import { routeHash } from "../state/route.ts";
import { sorted, titleOf } from "../state/thread_list.ts";
import { Avatar } from "./avatar.tsx";
import { Icon, IconButton } from "./icons.tsx";

/** Threads, conversations, and who uses the page. */
export function Sidebar() {
  const { overlay, navigation, account } = useApp();
  const forum = useForum();
  const { threads, conversations } = sorted(forum.rows.value);
  return (
    <nav class="sidebar" aria-label="Threads">
      <header>
        <a class="brand" href="#/">
          <span class="mark small" aria-hidden="true">
            <span />
            <span />
            <span />
          </span>
          Forum
        </a>
      </header>
      <form
        role="search"
        class="search-form"
        onSubmit={(event) => {
          event.preventDefault();
          const words = String(new FormData(event.currentTarget).get("words") ?? "").trim();
          overlay.value = "none";
          if (words !== "") navigation.go({ at: "search", words });
        }}
      >
        <Icon name="search" />
        <input
          id="search"
          name="words"
          type="search"
          placeholder="Search"
          aria-label="Search titles and messages"
          maxLength={200}
        />
        <kbd aria-hidden="true">Ctrl K</kbd>
      </form>
      <div class="threads">
        <section aria-labelledby="threads-title">
          <div class="section-head">
            <h2 id="threads-title">Threads</h2>
            <IconButton
              icon="add"
              label="New thread"
              onClick={() => overlay.value = "new-thread"}
            />
          </div>
          <ul>{threads.map((row) => <ThreadLink key={row.thread} row={row} />)}</ul>
          {!forum.listed.value && <p class="hint">Loading…</p>}
          {forum.moreThreads.value && (
            <button
              type="button"
              class="quiet"
              onClick={() => void forum.listMore()}
            >
              Show more threads
            </button>
          )}
        </section>
        <section aria-labelledby="conversations-title">
          <div class="section-head">
            <h2 id="conversations-title">Private messages</h2>
          </div>
          <ul>{conversations.map((row) => <ThreadLink key={row.thread} row={row} />)}</ul>
          {conversations.length === 0 && (
            <p class="hint">Choose somebody on the right to talk to them alone.</p>
          )}
        </section>
      </div>
      <footer class="me">
        <Avatar name={forum.me} on={forum.connection.value === "online"} />
        <span class="me-name">
          <strong>{forum.me}</strong>
          <span>{forum.role.value === "member" ? "Signed in" : forum.role.value}</span>
        </span>
        <IconButton
          icon="settings"
          label="Settings"
          onClick={() => overlay.value = "settings"}
        />
        <IconButton icon="leave" label="Sign out" onClick={() => void account.signOut()} />
      </footer>
    </nav>
  );
}

function ThreadLink({ row }: { row: ThreadRow }) {
  const { navigation, overlay } = useApp();
  const { me, presence } = useForum();
  const route = navigation.route.value;
  const here = route.at === "thread" && route.thread === row.thread;
  const title = titleOf(row, me);
  const typing = presence.typing.value.some(({ thread }) => thread === row.thread);
  const count = row.unread >= 1000 ? "999+" : row.unread;
  const loud = row.mentions > 0 || row.direct;
  return (
    <li>
      <a
        href={routeHash({ at: "thread", thread: row.thread })}
        class={row.unread > 0 ? "thread unread" : "thread"}
        aria-current={here ? "page" : undefined}
        onClick={() => overlay.value = "none"}
      >
        {row.direct
          ? <Avatar name={title} on={presence.on.value.includes(title)} />
          : <Icon name={row.private ? "lock" : "hash"} />}
        <span class="title" dir="auto">{title}</span>
        {typing && <span class="dots" aria-label="somebody is typing" role="img" />}
        {row.unread > 0 && (
          <span class={loud ? "badge loud" : "badge"}>
            {row.mentions > 0 && !row.direct ? `@${row.mentions}` : count}
            <span class="unseen">
              {row.mentions > 0 ? ` unread, ${row.mentions} mention you` : " unread"}
            </span>
          </span>
        )}
      </a>
    </li>
  );
}
