/**
 * What a search has found.
 *
 * @module
 */

import { useEffect } from "preact/hooks";
import { useApp, useForum } from "../app.ts";
import { briefText, momentText } from "../state/format.ts";
import { routeHash } from "../state/route.ts";
import { titleOf } from "../state/thread_list.ts";
import { Avatar } from "./avatar.tsx";
import { Icon, IconButton } from "./icons.tsx";

/** Results for some words. */
export function SearchView({ words }: { words: string }) {
  const { overlay, navigation } = useApp();
  const { search, me, rows } = useForum();
  useEffect(() => void search.run(words), [words]);
  const found = search.found.value;
  const nameOf = (thread: number) => {
    const row = rows.value.get(thread);
    return row && titleOf(row, me);
  };
  const none = found !== undefined && found.threads.length + found.messages.length === 0;
  return (
    <main class="results" aria-labelledby="results-title">
      <header class="bar">
        <span class="phone-only">
          <IconButton icon="menu" label="Threads" onClick={() => overlay.value = "threads"} />
        </span>
        <Icon name="search" />
        <h1 id="results-title">
          Search for “<bdi>{words}</bdi>”
        </h1>
        <IconButton
          icon="close"
          label="Close the search"
          onClick={() => navigation.go({ at: "home" })}
        />
      </header>
      <div
        class="results-list"
        aria-busy={search.busy.value}
        tabIndex={0}
        role="region"
        aria-label="Results"
      >
        <p role="status" class="hint">
          {search.busy.value
            ? "Looking…"
            : search.fault.value !== ""
            ? search.fault.value
            : none
            ? "Nothing was found. Try fewer or other words."
            : found !== undefined
            ? `${counted(found.messages.length, "message", found.more)}, ${
              counted(found.threads.length, "thread")
            }`
            : ""}
        </p>
        {found?.threads.map((row) => (
          <a
            key={`t${row.thread}`}
            class="result"
            href={routeHash({ at: "thread", thread: row.thread })}
          >
            <Icon name={row.private ? "lock" : "hash"} />
            <span class="result-text">
              <strong dir="auto">{titleOf(row, me)}</strong>
              <span class="small">{row.messages} messages</span>
            </span>
          </a>
        ))}
        {found?.messages.map((row) => (
          <a
            key={`${row.thread}/${row.seq}`}
            class="result"
            href={routeHash({ at: "thread", thread: row.thread, seq: row.seq })}
          >
            <Avatar name={row.by} />
            <span class="result-text">
              <span class="small">
                <strong>{row.by}</strong> in {nameOf(row.thread) ?? row.title} ·{" "}
                <time title={momentText(row.at)}>{briefText(row.at, Date.now())}</time>
              </span>
              <span class="excerpt" dir="auto">
                <Marked text={row.text} words={words} />
              </span>
            </span>
          </a>
        ))}
      </div>
    </main>
  );
}

function counted(count: number, what: string, more = false): string {
  return `${count}${more ? " or more" : ""} ${what}${count === 1 && !more ? "" : "s"}`;
}

/** So much of a text is shown around what was found. */
const EXCERPT = 240;

/** A piece of a text with the words set off. */
function Marked({ text, words }: { text: string; words: string }) {
  const wanted = words.split(/\s+/).filter((word) => word !== "").map((word) =>
    word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
  );
  const pattern = new RegExp(`(${wanted.join("|")})`, "iu");
  const at = Math.max(0, text.search(pattern) - 60);
  const piece = `${at > 0 ? "…" : ""}${text.slice(at, at + EXCERPT)}`;
  return (
    <>
      {piece.split(new RegExp(pattern, "giu")).map((part, place) =>
        place % 2 === 1 ? <mark key={place}>{part}</mark> : part
      )}
    </>
  );
}
