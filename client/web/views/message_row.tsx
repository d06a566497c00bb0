/**
 * A message, and what can be done with it.
 *
 * @module
 */

import { useSignal } from "@preact/signals";
import { useApp, useForum } from "../app.ts";
import { momentText, namesText, narrowTimeText, timeText } from "../state/format.ts";
import { routeHash } from "../state/route.ts";
import type { MessageItem } from "../state/timeline.ts";
import { Avatar } from "./avatar.tsx";
import { Body } from "./body.tsx";
import { Confirm } from "./confirm.tsx";
import { EmojiPicker } from "./emoji_picker.tsx";
import { Icon, IconButton } from "./icons.tsx";

/** How a message is shown. */
export interface MessageRowProps {
  readonly item: MessageItem;
  readonly thread: number;
  /** It stands under another one of the same author. */
  readonly compact: boolean;
  /** It is one's own last one, that the keyboard finds first. */
  readonly last: boolean;
  readonly setOff: boolean;
  readonly reply: (message: MessageItem) => void;
  readonly edit: (message: MessageItem) => void;
}

/** Reactions that are at hand. */
const AT_HAND = ["👍", "❤️", "😄"];

/** A message. */
export function MessageRowView(props: MessageRowProps) {
  const { item, thread, compact, setOff, reply, edit } = props;
  const forum = useForum();
  const { me, role } = forum;
  const picking = useSignal(false);
  const deleting = useSignal(false);
  const { seq, by, at, text, editedAt, reactions = [] } = item;
  const mine = by === me;
  const row = forum.openRow.value;
  const mayDelete = mine || (role.value !== "member" && row?.direct === false);

  function react(emoji: string): void {
    picking.value = false;
    const on = !reactions.some((one) => one.emoji === emoji && one.users.includes(me));
    void forum.attempt(
      forum.client.command<"react">({ op: "react", thread, message: seq, emoji, on }),
    );
  }

  function remove(): void {
    deleting.value = false;
    void forum.attempt(forum.client.command<"delete">({ op: "delete", thread, message: seq }));
  }

  async function copyLink(): Promise<void> {
    const url = new URL(routeHash({ at: "thread", thread, seq }), location.href);
    try {
      await navigator.clipboard.writeText(url.href);
      forum.complaint.value = "The link is copied.";
    } catch {
      // Pages without TLS have no clipboard.
      forum.complaint.value = "It cannot be copied here. The time of the message is its link.";
    }
  }

  function press(event: KeyboardEvent): void {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const act = {
      r: () => reply(item),
      e: () => mine && edit(item),
      "+": () => picking.value = true,
      c: copyLink,
      Delete: () => mayDelete && (deleting.value = true),
    }[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  }

  return (
    <article
      class={`message${compact ? " compact" : ""}${setOff ? " set-off" : ""}`}
      aria-label={`${by}, ${timeText(at)}`}
      tabIndex={-1}
      data-seq={seq}
      onKeyDown={press}
    >
      {compact
        ? <time class="side-time" title={momentText(at)}>{narrowTimeText(at)}</time>
        : <Avatar name={by} />}
      <div class="content">
        {item.reply !== undefined && <Answered seq={item.reply} thread={thread} />}
        {!compact && (
          <header>
            <strong>{by}</strong>
            <a class="time" href={routeHash({ at: "thread", thread, seq })} title={momentText(at)}>
              <time dateTime={new Date(at).toISOString()}>{timeText(at)}</time>
            </a>
          </header>
        )}
        <div dir="auto">
          <Body text={text} />
          {editedAt !== undefined && (
            <span class="edited" title={momentText(editedAt)}>(edited)</span>
          )}
        </div>
        {reactions.length > 0 && (
          <div class="reactions">
            {reactions.map(({ emoji, users }) => (
              <Reaction key={emoji} emoji={emoji} users={users} react={react} />
            ))}
          </div>
        )}
        {deleting.value && (
          <Confirm
            label="Delete this message?"
            question="Delete this message for everybody?"
            act="Delete"
            onAct={remove}
            onClose={() => deleting.value = false}
          />
        )}
        {picking.value && <EmojiPicker choose={react} onClose={() => picking.value = false} />}
      </div>
      <div
        class={picking.value ? "actions open" : "actions"}
        role="group"
        aria-label="Message actions"
      >
        {AT_HAND.map((emoji) => (
          <button
            key={emoji}
            type="button"
            class="icon-button emoji"
            aria-label={`React with ${emoji}`}
            onClick={() => react(emoji)}
          >
            {emoji}
          </button>
        ))}
        <IconButton icon="react" label="Choose a reaction" onClick={() => picking.value = true} />
        <IconButton icon="reply" label="Reply" onClick={() => reply(item)} />
        {mine && <IconButton icon="edit" label="Edit" onClick={() => edit(item)} />}
        <IconButton icon="link" label="Copy link" onClick={copyLink} />
        {mayDelete && (
          <IconButton
            icon="remove"
            label="Delete"
            onClick={() => deleting.value = true}
          />
        )}
      </div>
    </article>
  );
}

function Reaction(
  { emoji, users, react }: {
    emoji: string;
    users: readonly string[];
    react: (emoji: string) => void;
  },
) {
  const { emoji: table } = useApp();
  const { me } = useForum();
  if (emoji.startsWith(":")) table.want();
  const shown = table.value?.reactionText(emoji) ?? emoji;
  return (
    <button
      type="button"
      class={users.includes(me) ? "reaction mine" : "reaction"}
      aria-pressed={users.includes(me)}
      title={namesText(users)}
      onClick={() => react(emoji)}
    >
      <span>{shown}</span> {users.length}
      <span class="unseen">by {namesText(users)}</span>
    </button>
  );
}

/** The message that was answered, in a line. */
function Answered({ seq, thread }: { seq: number; thread: number }) {
  const { open } = useForum();
  const { navigation } = useApp();
  const there = open.value?.timeline.value.items.find((item) => item.seq === seq);
  return (
    <a
      class="answered"
      href={routeHash({ at: "thread", thread, seq })}
      onClick={(event) => {
        event.preventDefault();
        navigation.go({ at: "thread", thread, seq });
      }}
    >
      <Icon name="reply" />
      {there?.kind === "message"
        ? (
          <>
            <strong>{there.by}</strong> <span dir="auto">{there.text.slice(0, 140)}</span>
          </>
        )
        : <span>an earlier message</span>}
    </a>
  );
}
