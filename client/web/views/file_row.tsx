/**
 * A file in the timeline: who shared what, its picture if it is one, and how to get it.
 *
 * @module
 */

import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { useForum } from "../app.ts";
import { momentText, sizeText, timeText } from "../state/format.ts";
import { mayPreview } from "../state/previews.ts";
import { routeHash } from "../state/route.ts";
import type { FileItem } from "../state/timeline.ts";
import { Avatar } from "./avatar.tsx";
import { Dialog } from "./dialog.tsx";
import { Icon, IconButton } from "./icons.tsx";

/** A file that was shared. */
export function FileRowView(
  { item, thread, setOff }: { item: FileItem; thread: number; setOff: boolean },
) {
  const forum = useForum();
  const { by, at, name, size, seq } = item;
  const row = forum.openRow.value;
  const mine = by === forum.me;
  const mayRemove = mine ||
    (row?.direct === false && (row.owner === forum.me || forum.role.value !== "member"));

  function remove(): void {
    void forum.attempt(
      forum.client.command<"withdraw">({ op: "withdraw", thread, file: seq }),
    );
  }

  return (
    <article
      class={setOff ? "message set-off" : "message"}
      aria-label={`${by} shared ${name}`}
      tabIndex={-1}
      data-seq={seq}
    >
      <Avatar name={by} />
      <div class="content">
        <header>
          <strong>{by}</strong>
          <span class="small">shared a file</span>
          <a class="time" href={routeHash({ at: "thread", thread, seq })} title={momentText(at)}>
            <time dateTime={new Date(at).toISOString()}>{timeText(at)}</time>
          </a>
        </header>
        {mayPreview(item) && <Picture item={item} thread={thread} />}
        <div class="file">
          <Icon name="file" />
          <span class="file-text">
            <strong dir="auto" title={name}>{name}</strong>
            <span class="small">{sizeText(size)}</span>
          </span>
          <IconButton
            icon="download"
            label={`Download ${name}`}
            onClick={() => forum.transfers.save(thread, item)}
          />
          {mayRemove && <IconButton icon="remove" label={`Take ${name} out`} onClick={remove} />}
        </div>
      </div>
    </article>
  );
}

/** A picture, once its bytes have come and are what they should be. */
function Picture({ item, thread }: { item: FileItem; thread: number }) {
  const { previews } = useForum();
  const [url, setUrl] = useState<string | undefined>();
  const [gone, setGone] = useState(false);
  const large = useSignal(false);
  useEffect(() => {
    let away = false;
    previews.get(thread, item).then(
      (made) => {
        if (away) return;
        if (made === undefined) setGone(true);
        else setUrl(made);
      },
      () => !away && setGone(true),
    );
    return () => away = true;
  }, [item.sha256]);
  if (gone) return null;
  if (url === undefined) return <div class="picture loading-picture" />;
  return (
    <>
      <button
        type="button"
        class="picture"
        aria-label={`Show ${item.name} large`}
        onClick={() => large.value = true}
      >
        <img src={url} alt={item.name} onError={() => setGone(true)} />
      </button>
      {large.value && (
        <Dialog
          title={item.name}
          class="lightbox"
          onClose={() => large.value = false}
        >
          <img src={url} alt={item.name} />
        </Dialog>
      )}
    </>
  );
}
