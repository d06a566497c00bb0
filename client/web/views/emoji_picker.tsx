/**
 * Choosing an emoji. The table is loaded when it is first wanted.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { useApp } from "../app.ts";

const SHOWN = 300;

/** A field to search in, and the emoji that fit. */
export function EmojiPicker(
  { choose, onClose }: { choose: (emoji: string) => void; onClose: () => void },
) {
  const [word, setWord] = useState("");
  const root = useRef<HTMLDivElement>(null);
  const { emoji } = useApp();
  const table = emoji.value;
  useEffect(() => {
    emoji.want();
    root.current!.querySelector("input")!.focus();
    const outside = (event: PointerEvent) => {
      if (!root.current!.contains(event.target as Node)) onClose();
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, []);
  const found = table === undefined
    ? []
    : word === ""
    ? table.EMOJI
    : table.emojiFor(word.replaceAll(":", ""), SHOWN);
  return (
    <div
      ref={root}
      class="picker"
      role="dialog"
      aria-label="Emoji"
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") onClose();
      }}
    >
      <input
        type="search"
        placeholder="Find an emoji"
        aria-label="Find an emoji"
        value={word}
        onInput={(event) => setWord(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || found.length === 0) return;
          event.preventDefault();
          choose(found[0].emoji);
        }}
      />
      <div class="picker-grid">
        {found.map(({ name, emoji }) => (
          <button
            key={name}
            type="button"
            aria-label={name.replaceAll("_", " ")}
            title={`:${name}:`}
            onClick={() => choose(emoji)}
          >
            {emoji}
          </button>
        ))}
      </div>
    </div>
  );
}
