/**
 * The composer: where one writes, answers and edits.
 *
 * @module
 */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useApp, useForum } from "../app.ts";
import { begunAt, completed, namesFor } from "../state/completion.ts";
import { lastOwn, type MessageItem } from "../state/timeline.ts";
import { EmojiPicker } from "./emoji_picker.tsx";
import { Icon, IconButton } from "./icons.tsx";
import { TransferList } from "./transfer_list.tsx";

/** What is being written. */
export type Writing =
  | { readonly as: "new" }
  | { readonly as: "reply"; readonly message: MessageItem }
  | { readonly as: "edit"; readonly message: MessageItem };

/** Where it goes. */
export interface ComposerProps {
  readonly thread?: number;
  /** Somebody with whom there is no conversation yet. */
  readonly user?: string;
  readonly title: string;
  readonly writing: Signal<Writing>;
  readonly share: (files: Iterable<File>) => void;
}

/** So many completions are offered. */
const OFFERED = 8;
/** The field grows up to this height, in pixels. */
const TALLEST = 260;

interface Offer {
  readonly by: string;
  readonly label: string;
}

/** The field with what belongs to it. */
export function Composer({ thread, user, title, writing, share }: ComposerProps) {
  const app = useApp();
  const forum = useForum();
  const place = thread === undefined ? `@${user}` : `${thread}`;
  const [text, setText] = useState(() => forum.drafts.get(place));
  const [caret, setCaret] = useState(text.length);
  const [chosen, setChosen] = useState(0);
  const [dismissed, setDismissed] = useState(-1);
  const picking = useSignal(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const wantedCaret = useRef<number | undefined>(undefined);
  const { as } = writing.value;
  const message = writing.value.as === "new" ? undefined : writing.value.message;

  // An edit begins with the text as it is, and leaves the draft alone.
  const edited = as === "edit" ? message!.seq : 0;
  const before = useRef(edited);
  useLayoutEffect(() => {
    if (edited === before.current) return;
    before.current = edited;
    put(edited === 0 ? forum.drafts.get(place) : message!.text);
  }, [edited]);

  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) field.current!.focus();
  }, []);

  useLayoutEffect(() => {
    const element = field.current!;
    element.style.height = "auto";
    element.style.height = `${Math.min(TALLEST, element.scrollHeight)}px`;
    if (wantedCaret.current !== undefined) {
      element.setSelectionRange(wantedCaret.current, wantedCaret.current);
      wantedCaret.current = undefined;
    }
  }, [text]);

  function put(next: string, at = next.length): void {
    setText(next);
    setCaret(at);
    setChosen(0);
    wantedCaret.current = at;
  }

  function type(next: string, at: number): void {
    wantedCaret.current = undefined;
    setText(next);
    setCaret(at);
    setChosen(0);
    if (as === "edit") return;
    forum.drafts.set(place, next);
    if (next !== "" && thread !== undefined) forum.typing(thread);
  }

  const begun = begunAt(text, caret);
  const offers = begun === undefined || begun.from === dismissed ? [] : offersFor();

  function offersFor(): Offer[] {
    if (begun!.kind === "emoji") {
      app.emoji.want();
      return (app.emoji.value?.emojiFor(begun!.word, OFFERED) ?? [])
        .map(({ name, emoji }) => ({ by: emoji, label: `${emoji} :${name}:` }));
    }
    const names = new Set(forum.presence.on.value);
    for (const name of forum.openRow.value?.members ?? []) names.add(name);
    for (const item of forum.open.value?.timeline.value.items ?? []) names.add(item.by);
    names.delete(forum.me);
    return namesFor(begun!.word, [...names], OFFERED)
      .map((name) => ({ by: `@${name}`, label: `@${name}` }));
  }

  function take(offer: Offer): void {
    const next = completed(text, caret, { begun: begun!, by: offer.by });
    put(next.text, next.caret);
    if (as !== "edit") forum.drafts.set(place, next.text);
    field.current!.focus();
  }

  function giveUp(): void {
    writing.value = { as: "new" };
  }

  function send(): void {
    if (text.trim() === "") return;
    if (as === "edit") {
      const edited = message!;
      giveUp();
      if (edited.text === text || thread === undefined) return;
      void forum.attempt(
        forum.client.command<"edit">({ op: "edit", thread, message: edited.seq, text }),
      );
      return;
    }
    const reply = as === "reply" ? { reply: message!.seq } : {};
    forum.outbox.send({ to: thread === undefined ? { user: user! } : { thread }, text, ...reply });
    forum.drafts.set(place, "");
    put("");
    giveUp();
  }

  function press(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (offers.length > 0) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) {
        event.preventDefault();
        return setChosen((chosen + step + offers.length) % offers.length);
      }
      if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") {
        event.preventDefault();
        return take(offers[chosen]);
      }
      if (event.key === "Escape") {
        event.stopPropagation();
        return setDismissed(begun!.from);
      }
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      return send();
    }
    if (event.key === "Escape" && as !== "new") {
      event.stopPropagation();
      return giveUp();
    }
    if (event.key === "ArrowUp" && text === "" && as === "new" && forum.open.value !== undefined) {
      const last = lastOwn(forum.open.value.timeline.value, forum.me);
      if (last === undefined) return;
      event.preventDefault();
      writing.value = { as: "edit", message: last };
    }
  }

  function paste(event: ClipboardEvent): void {
    const files = [...event.clipboardData?.files ?? []];
    if (files.length === 0 || thread === undefined) return;
    event.preventDefault();
    share(files);
  }

  const list = "completions";
  return (
    <div class="composer">
      <TransferList {...thread !== undefined && { thread }} />
      {message !== undefined && (
        <div class="about">
          <Icon name={as === "edit" ? "edit" : "reply"} />
          <span dir="auto">
            {as === "edit" ? "Editing your message" : (
              <>
                Reply to <strong>{message.by}</strong>
              </>
            )}
            {as === "reply" && <span class="quote">{message.text.slice(0, 120)}</span>}
          </span>
          <IconButton icon="close" label="Give up" onClick={giveUp} />
        </div>
      )}
      {offers.length > 0 && (
        <ul class="offers" id={list} role="listbox" aria-label="Completions">
          {offers.map((offer, at) => (
            <li
              key={offer.label}
              id={`${list}-${at}`}
              role="option"
              aria-selected={at === chosen}
              onPointerDown={(event) => {
                event.preventDefault();
                take(offer);
              }}
            >
              {offer.label}
            </li>
          ))}
        </ul>
      )}
      {picking.value && (
        <EmojiPicker
          choose={(emoji) => {
            picking.value = false;
            const next = text.slice(0, caret) + emoji + text.slice(caret);
            put(next, caret + emoji.length);
            if (as !== "edit") forum.drafts.set(place, next);
            field.current!.focus();
          }}
          onClose={() => {
            picking.value = false;
            field.current!.focus();
          }}
        />
      )}
      <div class="writing">
        <IconButton
          icon="attach"
          label="Share files"
          disabled={thread === undefined}
          onClick={() => chooser.current!.click()}
        />
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          aria-label="Files to share"
          onChange={(event) => {
            share([...event.currentTarget.files ?? []]);
            event.currentTarget.value = "";
          }}
        />
        <textarea
          id="composer"
          ref={field}
          rows={1}
          dir="auto"
          value={text}
          placeholder={`Message ${title}`}
          aria-label={`Message ${title}`}
          aria-autocomplete="list"
          aria-controls={offers.length > 0 ? list : undefined}
          aria-activedescendant={offers.length > 0 ? `${list}-${chosen}` : undefined}
          onInput={(event) => type(event.currentTarget.value, event.currentTarget.selectionStart)}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
          onKeyDown={press}
          onPaste={paste}
        />
        <IconButton icon="react" label="Emoji" onClick={() => picking.value = !picking.value} />
        <IconButton
          icon="send"
          label={as === "edit" ? "Save" : "Send"}
          class="send"
          disabled={text.trim() === ""}
          onClick={send}
        />
      </div>
    </div>
  );
}
