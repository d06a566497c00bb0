/**
 * The forum as one signed-in person sees it: what happens goes in, signals that views are drawn from come
 * out. It knows nothing of a document, so it runs wherever ForumClient does.
 *
 * @module
 */

import { batch, computed, signal } from "@preact/signals";
import {
  type ForumEvent,
  scopeThread,
  threadScope,
  userScope,
} from "../../../protocol/forum/event.ts";
import type { FoundFileRow, MessageRow, ThreadRow } from "../../../protocol/forum/reply.ts";
import { fold } from "../../../protocol/text.ts";
import type { ClientEvent, ForumClient } from "../../forum_client.ts";
import { createDrafts, type Store } from "./keeping.ts";
import { type OpenThread, openThread } from "./open_thread.ts";
import { createOutbox } from "./outbox.ts";
import type { PeerTransfers } from "./peer_transfers.ts";
import { createPresence } from "./presence.ts";
import { createSearch } from "./search.ts";
import {
  conversationWith,
  type ThreadRows,
  titleOf,
  totals,
  withChange,
  withoutRow,
  withRows,
  withThreadEvent,
} from "./thread_list.ts";
import { createTransfers, type Transfers } from "./transfers.ts";

/** How the connection is. */
export type Connection = "online" | "offline" | "closed";

/** Something that a person may want to be told of. */
export interface Alert {
  readonly thread: number;
  readonly seq: number;
  readonly title: string;
  readonly by: string;
  readonly text: string;
}

/** A message as far as it matters whether somebody is spoken to. */
type Spoken = Pick<MessageRow, "seq" | "by" | "text"> & { readonly mentions?: readonly string[] };

/** What a forum works with. */
export interface ForumOptions {
  readonly client: ForumClient;
  /** Keeps drafts for long. */
  readonly lasting: Store;
  /** Keeps what was not sent while this page lasts, over its reloads. */
  readonly passing: Store;
  /** ms since 1970. */
  readonly clock: () => number;
  readonly newKey: () => string;
  readonly after: (ms: number, act: () => void) => void;
  /** Hands a whole file to the person. */
  readonly hand: (blob: Blob, name: string) => void;
  /** Tells the person, who looks elsewhere. */
  readonly alert: (alert: Alert) => void;
  /** Takes part in files from user to user, once their parts are loaded. */
  readonly openPeers?: (transfers: Transfers) => Promise<PeerTransfers>;
  /** It is over. */
  readonly closed: (why: { readonly name: string; readonly text: string }) => void;
}

/** So many threads, the most recently active ones, are listed and followed from the start. */
const LISTED = 400;
/** Read marks are told after so many ms, the last one only. */
const MARK_DELAY = 250;
/** Others are told at most so often that somebody types, in ms. */
const TYPING_EVERY = 2500;
const FILES = 100;

/** Makes the forum of a client that is signed in. */
export function createForum(options: ForumOptions) {
  const { client, clock, after } = options;
  const me = client.user;
  const rows = signal<ThreadRows>(new Map());
  const moreThreads = signal(false);
  const listed = signal(false);
  const connection = signal<Connection>("online");
  const trouble = signal("");
  const role = signal(client.role);
  const open = signal<OpenThread | undefined>(undefined);
  /** Whether the person looks at the page, and at the end of the open thread. */
  const focused = signal(true);
  const atEnd = signal(true);
  const files = signal<readonly FoundFileRow[]>([]);
  /** Something that went wrong, to be shown for a while. */
  const complaint = signal("");
  const presence = createPresence();
  const followed = new Set<number>();
  const marks = new Map<number, number>();
  let typingAt = -Infinity;

  const outbox = createOutbox({
    client,
    store: options.passing,
    user: me,
    clock,
    newKey: options.newKey,
    after,
    posted({ text, reply }, { thread, seq, number, at }) {
      if (open.value?.thread !== thread) return;
      const answer = reply !== undefined && { reply };
      open.value.add({ kind: "message", seq, number, by: me, at, text, ...answer });
    },
  });
  const transfers = createTransfers({ client, hand: options.hand });
  const search = createSearch(client);
  const peers = signal<PeerTransfers | undefined>(undefined);
  let openingPeers = false;

  /** Takes part in files from user to user; what cannot be loaded now is loaded when the connection is back. */
  async function takePart(): Promise<void> {
    if (openingPeers || options.openPeers === undefined) return;
    openingPeers = true;
    try {
      peers.value = await options.openPeers(transfers);
    } catch {
      openingPeers = false;
    }
  }

  const openRow = computed(() =>
    open.value === undefined ? undefined : rows.value.get(open.value.thread)
  );

  /** Does something that may be refused, and says so. */
  async function attempt<T>(act: Promise<T>): Promise<T | undefined> {
    try {
      return await act;
    } catch (error) {
      complaint.value = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  }

  function follow(row: ThreadRow): void {
    const { thread, head } = row;
    if (followed.has(thread)) return;
    followed.add(thread);
    client.follow(threadScope(thread), head).catch(() => followed.delete(thread));
  }

  async function list(): Promise<void> {
    const { threads, more } = await client.command<"threads">({
      op: "threads",
      limit: LISTED,
      skip: rows.value.size,
    });
    rows.value = withRows(rows.value, threads);
    moreThreads.value = more;
    for (const row of threads) follow(row);
  }

  /** Asks the server about one thread; what was said in one that is new has not been told of yet. */
  async function refresh(thread: number, entered: boolean): Promise<void> {
    try {
      const page = await client.command<"read">({ op: "read", thread, limit: 1 });
      batch(() => {
        rows.value = withRows(rows.value, [page.thread]);
        follow(page.thread);
      });
      const last = page.messages.at(-1);
      if (entered && last !== undefined && last.seq > page.thread.read) tell(page.thread, last);
    } catch {
      rows.value = withoutRow(rows.value, thread);
    }
  }

  async function listFiles(thread: number): Promise<void> {
    const { files: found } = await client.command<"files">({ op: "files", thread, limit: FILES });
    if (open.value?.thread === thread) files.value = found;
  }

  async function start(): Promise<void> {
    const events = client.events();
    void (async () => {
      for await (const what of events) batch(() => take(what));
    })();
    await Promise.all([
      client.follow("directory"),
      client.follow(userScope(fold(me))),
      client.follow("accounts"),
      presence.learn(client.command<"watch">({ op: "watch", on: true })),
      list(),
    ]);
    outbox.resume();
    listed.value = true;
    void takePart();
  }

  function take(what: ClientEvent): void {
    switch (what.type) {
      case "event":
        return happened(what.event);
      case "notice":
        presence.take(what.notice, clock());
        if (what.notice.kind === "closing") trouble.value = what.notice.text;
        if (what.notice.kind === "typing") after(5100, () => presence.pass(clock()));
        return;
      case "offline":
        connection.value = "offline";
        trouble.value = what.text;
        return;
      case "online": {
        const again = connection.value !== "online";
        connection.value = "online";
        trouble.value = "";
        if (again && listed.value) void takePart();
        // Who came and went meanwhile was not told.
        if (again) {
          presence.learn(client.command<"users">({ op: "users" })).catch(() => {});
        }
        return;
      }
      case "offer":
      case "offer-ended":
      case "peer-key":
        return peers.value?.heard(what);
      case "unfollowed":
        return gone(scopeThread(what.scope));
      case "closed":
        connection.value = "closed";
        options.closed(what);
    }
  }

  function gone(thread: number): void {
    followed.delete(thread);
    rows.value = withoutRow(rows.value, thread);
    if (open.value?.thread === thread) {
      complaint.value = "This thread is no longer there.";
      open.value = undefined;
    }
  }

  function looking(thread: number): boolean {
    return focused.value && atEnd.value && open.value?.thread === thread;
  }

  function happened(event: ForumEvent): void {
    const thread = scopeThread(event.scope);
    const before = rows.value.get(thread);
    const kept = withThreadEvent(rows.value, event, { me, looking: looking(thread) });
    rows.value = kept.rows;
    if (kept.stale !== undefined) void refresh(kept.stale, event.kind === "thread.entered");
    if (open.value?.thread === thread) inOpenThread(open.value, event);
    switch (event.kind) {
      case "message.posted":
        presence.spoke(event.by, thread);
        if (before !== undefined && event.seq > before.read) tell(before, event);
        if (looking(thread)) mark(thread, event.seq);
        return;
      case "thread.created":
        return follow(rows.value.get(event.thread)!);
      case "thread.removed":
      case "thread.left":
        return gone(event.thread);
      case "user.role":
        if (event.user === me) role.value = event.role;
    }
  }

  function inOpenThread(opened: OpenThread, event: ForumEvent): void {
    opened.take(event);
    if (event.kind === "file.shared" || event.kind === "file.removed") {
      void listFiles(opened.thread).catch(() => {});
    }
  }

  /** Says that somebody was spoken to, unless that can be seen. */
  function tell(row: ThreadRow, message: Spoken): void {
    const meant = row.direct || message.mentions?.includes(fold(me));
    if (message.by === me || !meant || looking(row.thread)) return;
    const { thread } = row;
    const { seq, by, text } = message;
    options.alert({ thread, seq, title: titleOf(row, me), by, text });
  }

  function mark(thread: number, upto: number): void {
    const row = rows.value.get(thread);
    if (row === undefined) return;
    if (row.unread > 0 || row.mentions > 0) {
      rows.value = withChange(rows.value, thread, () => ({ unread: 0, mentions: 0 }));
    }
    if (upto <= row.read) return;
    const begin = marks.size === 0;
    marks.set(thread, Math.max(upto, marks.get(thread) ?? 0));
    if (!begin) return;
    after(MARK_DELAY, () => {
      const all = [...marks];
      marks.clear();
      for (const [thread, upto] of all) {
        client.command<"mark">({ op: "mark", thread, upto }).catch(() => {});
      }
    });
  }

  return {
    client,
    me,
    role,
    rows,
    listed,
    moreThreads,
    connection,
    trouble,
    complaint,
    open,
    openRow,
    files,
    focused,
    atEnd,
    presence,
    outbox,
    transfers,
    peers,
    search,
    drafts: createDrafts(options.lasting, me),
    totals: computed(() => totals(rows.value)),
    start,
    attempt,
    /** Lists more threads. */
    listMore: () => attempt(list()),
    /** Opens a thread, at its end or at a message. */
    async openAt(thread: number, seq?: number): Promise<void> {
      let opened = open.value;
      if (opened?.thread !== thread) {
        opened = openThread({
          client,
          thread,
          row(row) {
            if (!rows.value.has(thread)) rows.value = withRows(rows.value, [row]);
            follow(row);
          },
        });
        files.value = [];
        atEnd.value = seq === undefined;
        open.value = opened;
        void listFiles(thread).catch(() => {});
      }
      await (seq === undefined ? opened.toEnd() : opened.toMessage(seq));
    },
    /** Leaves the open thread. */
    leave(): void {
      open.value = undefined;
      files.value = [];
    },
    /** What is at the end of the open thread has been seen. */
    seen(): void {
      const row = openRow.value;
      if (row !== undefined && looking(row.thread) && open.value?.timeline.value.after === false) {
        mark(row.thread, row.head);
      }
    },
    /** Tells the others that something is being typed. */
    typing(thread: number): void {
      if (clock() - typingAt < TYPING_EVERY || connection.value !== "online") return;
      typingAt = clock();
      client.command<"typing">({ op: "typing", thread }).catch(() => {});
    },
    /** The thread of the conversation with somebody. */
    conversation: (user: string) => conversationWith(rows.value, user, me),
    /** Makes a thread; gives its number. */
    async create(title: string, members?: readonly string[]): Promise<number | undefined> {
      const made = await attempt(client.command<"create">({
        op: "create",
        title,
        ...members !== undefined && { private: true, members: [...members] },
      }));
      return made?.thread;
    },
  };
}

/** The forum as one signed-in person sees it. */
export type Forum = ReturnType<typeof createForum>;
