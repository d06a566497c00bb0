/**
 * People and files, beside what is said.
 *
 * @module
 */

import { useSignal } from "@preact/signals";
import { useApp, useForum } from "../app.ts";
import { briefText, momentText, sizeText } from "../state/format.ts";
import { titleOf } from "../state/thread_list.ts";
import { fold } from "../../../protocol/text.ts";
import { Avatar } from "./avatar.tsx";
import { Confirm } from "./confirm.tsx";
import { Icon, IconButton } from "./icons.tsx";
import { SendFile } from "./send_file.tsx";

/** Who is on, what was shared, and what can be done with the thread. */
export function Aside() {
  const { overlay } = useApp();
  const forum = useForum();
  return (
    <aside class="aside" aria-label="People and files">
      <header class="narrow-only">
        <h2>People and files</h2>
        <IconButton icon="close" label="Close" onClick={() => overlay.value = "none"} />
      </header>
      <People />
      {forum.open.value !== undefined && <Files />}
      {forum.openRow.value !== undefined && <ThreadActions />}
    </aside>
  );
}

function People() {
  const { navigation, overlay } = useApp();
  const forum = useForum();
  const on = forum.presence.on.value;
  const row = forum.openRow.value;
  const away = (row?.members ?? []).filter((name) => !on.includes(name));
  function talkTo(user: string): void {
    overlay.value = "none";
    const row = forum.conversation(user);
    navigation.go(
      row === undefined ? { at: "with", user } : { at: "thread", thread: row.thread },
    );
  }
  const person = (name: string, here: boolean) => (
    <li key={name} class="person-row">
      <button
        type="button"
        class="person"
        disabled={fold(name) === fold(forum.me)}
        title={fold(name) === fold(forum.me) ? undefined : `Write to ${name} alone`}
        onClick={() => talkTo(name)}
      >
        <Avatar name={name} on={here} />
        <span class="title">{name}</span>
        {fold(name) === fold(forum.me) && <span class="small">you</span>}
      </button>
      {here && fold(name) !== fold(forum.me) && <SendFile user={name} />}
    </li>
  );
  return (
    <section aria-labelledby="people-title">
      <h2 id="people-title">Here now · {on.length}</h2>
      <ul>{on.map((name) => person(name, true))}</ul>
      {away.length > 0 && (
        <>
          <h2>Away · {away.length}</h2>
          <ul>{away.map((name) => person(name, false))}</ul>
        </>
      )}
    </section>
  );
}

function Files() {
  const forum = useForum();
  const { thread } = forum.open.value!;
  const files = forum.files.value;
  return (
    <section aria-labelledby="files-title">
      <h2 id="files-title">Files</h2>
      {files.length === 0 && (
        <p class="hint">No files yet. Drop one anywhere here, paste it, or use the paperclip.</p>
      )}
      <ul class="file-list">
        {files.map((file) => (
          <li key={file.seq}>
            <button
              type="button"
              class="person"
              title={`${file.name}\n${momentText(file.at)}`}
              onClick={() => forum.transfers.save(thread, file)}
            >
              <Icon name="file" />
              <span class="file-text">
                <span class="title" dir="auto">{file.name}</span>
                <span class="small">
                  {sizeText(file.size)} · {file.by} · {briefText(file.at, Date.now())}
                </span>
              </span>
              <Icon name="download" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What its owner, members and moderators can do with a thread. */
function ThreadActions() {
  const forum = useForum();
  const { navigation } = useApp();
  const row = forum.openRow.value!;
  const { thread, owner } = row;
  const removing = useSignal(false);
  const mine = owner === forum.me;
  const mayRemove = owner !== "" && !row.direct && (mine || forum.role.value !== "member");
  const mayLeave = row.private && !row.direct && !mine;
  const mayInvite = row.private && !row.direct;
  if (!mayRemove && !mayLeave && !mayInvite) return null;

  async function act(done: Promise<unknown>, leave: boolean): Promise<void> {
    removing.value = false;
    if (await forum.attempt(done) !== undefined && leave) navigation.go({ at: "home" });
  }

  return (
    <section aria-labelledby="thread-title">
      <h2 id="thread-title">This thread</h2>
      <p class="small">
        {titleOf(row, forum.me)}, begun by {owner === "" ? "the server" : owner}
      </p>
      {mayInvite && (
        <form
          class="invite"
          onSubmit={(event) => {
            event.preventDefault();
            const form = event.currentTarget;
            const user = String(new FormData(form).get("user") ?? "").trim();
            form.reset();
            if (user !== "") {
              void act(forum.client.command<"invite">({ op: "invite", thread, user }), false);
            }
          }}
        >
          <input name="user" placeholder="Name" aria-label="Let somebody in" maxLength={64} />
          <button type="submit">Let in</button>
        </form>
      )}
      {mayLeave && (
        <button
          type="button"
          onClick={() =>
            void act(forum.client.command<"expel">({ op: "expel", thread, user: forum.me }), true)}
        >
          Leave this thread
        </button>
      )}
      {mayRemove && !removing.value && (
        <button
          type="button"
          class="danger"
          onClick={() => removing.value = true}
        >
          Remove this thread
        </button>
      )}
      {removing.value && (
        <Confirm
          label="Remove this thread?"
          question="Remove it with all that it holds?"
          act="Remove"
          onAct={() => void act(forum.client.command<"remove">({ op: "remove", thread }), true)}
          onClose={() => removing.value = false}
        />
      )}
    </section>
  );
}
