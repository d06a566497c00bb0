/**
 * The log: what the server keeps, behind an interface that SQLite fills here and a distributed log can
 * fill elsewhere (DESIGN §6 and §10).
 *
 * Changes go through {@linkcode Log.transact}: all commands that arrived together are decided, stored and
 * made durable as one unit; `done` is called when that has happened or failed, and only then may a reply
 * leave. An implementation may run the work again (when another node was first), so the work must do
 * nothing but call the transaction. Questions are answered from a read model that is always local.
 *
 * @module
 */

import type { Command } from "../../protocol/forum/command.ts";
import type { ForumEvent } from "../../protocol/forum/event.ts";
import type {
  FileRow,
  FoundFileRow,
  FoundRow,
  Page,
  ThreadRow,
} from "../../protocol/forum/reply.ts";
import type { Credential, View } from "../../protocol/forum/state.ts";
import type { LockoutRecord } from "../../protocol/lockout.ts";
import type { Refusal } from "../../protocol/status.ts";

/** One entry as it is kept: the payload of its EVENT frame. */
export interface Entry {
  readonly scope: string;
  readonly seq: number;
  /** The event as JSON text. */
  readonly json: string;
}

/** An entry that has just become durable. */
export interface Published extends Entry {
  readonly event: ForumEvent;
}

/** The reply that a key has brought. */
export interface KeptReply {
  /** What tells this command from another one; a repeat must have the same. */
  readonly fingerprint: string;
  /** The reply as JSON text. */
  readonly json: string;
}

/** A session that can be resumed. */
export interface Token {
  /** The folded name. */
  readonly user: string;
  /** Until when, in ms since 1970. */
  readonly expires: number;
}

/** An upload that a client says it wants to go on with. */
export interface WantedUpload {
  /** Folded. */
  readonly user: string;
  readonly thread: number;
  /** The file's name, folded. */
  readonly name: string;
  /** How many bytes it is to have: said, not sent. */
  readonly size: number;
  /** When the file was last changed at the client, in ms since 1970, if that was said. */
  readonly modified?: number;
  /** The hash that its content is to have, if that was said. */
  readonly sha256?: string;
}

/** An upload that has begun and is not finished. */
export interface UploadRecord extends WantedUpload {
  /** Under this number its bytes lie; never given twice. */
  readonly number: number;
  /** When it was last worked at, in ms since 1970. */
  readonly at: number;
}

/** One unit of work: everything in it lasts, or nothing. */
export interface Transaction {
  /** The forum, with what this transaction has appended. */
  readonly view: View;
  /** Appends events that decide has made, and applies them. */
  append(events: readonly ForumEvent[]): void;
  /** The reply that this user's key has brought before. */
  recall(user: string, key: string): KeptReply | undefined;
  /** Keeps a reply under this user's key for {@linkcode KEY_RETENTION}. */
  remember(user: string, key: string, reply: KeptReply): void;
  putToken(hash: string, token: Token): void;
  dropToken(hash: string): void;
  /** Drops all tokens of a user. */
  dropTokens(user: string): void;
  /** Drops those tokens of a user that were used longest ago, all but so many; says how many went. */
  trimTokens(user: string, most: number): number;
  /** Keeps a lock-out, or forgets it. */
  putLockout(id: string, record: LockoutRecord | undefined): void;
  /**
   * If more than so many lock-outs are kept, forgets those with the fewest failures, and among them the
   * oldest, down to nine tenths; says how many went.
   */
  trimLockouts(most: number): number;
  putSetting(name: string, value: string): void;
  /** Notes an upload that begins, and gives its number. */
  putUpload(upload: Omit<UploadRecord, "number">): number;
  /** An upload was worked at. */
  touchUpload(number: number, at: number): void;
  /** Forgets an upload, finished or not; its bytes may go once this unit is done. */
  dropUpload(number: number): void;
  /**
   * Forgets a content that {@linkcode Log.unreferenced} has told. False, and nothing is done, if a file has
   * it again.
   */
  forgetContent(sha256: string): boolean;
}

/** How long a command's key is remembered, in ms: a week. */
export const KEY_RETENTION = 7 * 24 * 60 * 60 * 1000;

/** What the server keeps. */
export interface Log {
  /** The forum as it is now. */
  readonly view: View;
  /**
   * Runs one unit of work and makes it durable. `done` gets `undefined`, or why nothing of it was kept
   * (`storage-full`, `internal`); after a failure the view is as before. Units are done in the order in
   * which they were given. Returns whether this unit is already in the view, so that the next one may be
   * given before this one is done.
   */
  transact(work: (tx: Transaction) => void, done: (failure: Refusal | undefined) => void): boolean;
  /** The last entry of a scope that is durable; the view may be ahead. 0 where there is none. */
  head(scope: string): number;
  /** Called with each unit's entries once they are durable, before `done`. */
  onEntries: (entries: readonly Published[]) => void;

  /**
   * Durable entries of a scope after `after`, in order: at most `count`, and no more once `bytes` are
   * reached.
   */
  entries(scope: string, after: number, most: { count: number; bytes: number }): Entry[];

  credential(user: string): Credential | undefined;
  token(hash: string): Token | undefined;
  lockout(id: string): LockoutRecord | undefined;
  setting(name: string): string | undefined;

  /** Rows as this user (folded) sees them. The caller has asked `maySee`. */
  threadRow(user: string, thread: number): ThreadRow | undefined;
  threads(
    user: string,
    page: { skip: number; limit: number },
  ): { threads: ThreadRow[]; more: boolean };
  page(user: string, question: Extract<Command, { op: "read" }>): Page;
  since(
    user: string,
    question: Extract<Command, { op: "since" }>,
  ): { messages: FoundRow[]; more: boolean };
  search(
    user: string,
    question: Extract<Command, { op: "search" }>,
  ): { threads: ThreadRow[]; messages: FoundRow[]; more: boolean };

  /** The row of one file. The caller has asked `maySee`. */
  fileRow(thread: number, file: number): FileRow | undefined;
  /** Files that this user may see, newest first. */
  files(
    user: string,
    question: Extract<Command, { op: "files" }>,
  ): { files: FoundFileRow[]; more: boolean };

  /**
   * At most so many contents that no file has any more, and never will again unless it is uploaded anew:
   * what took the last file lasts, whatever happens to the machine. Their bytes may be freed. Ask
   * {@linkcode View.hasContent} in the moment of doing it, and then forget them.
   */
  unreferenced(count: number): string[];
  upload(number: number): UploadRecord | undefined;
  /** The newest unfinished upload that was begun with just these words. */
  findUpload(wanted: WantedUpload): UploadRecord | undefined;
  /** How many unfinished uploads a user has, and how many bytes they are to have. */
  uploadsOf(user: string): { count: number; bytes: number };
  /** The bytes that all unfinished uploads are to have. */
  readonly uploadBytes: number;
  /** Unfinished uploads that were last worked at before a moment, the oldest first. */
  staleUploads(before: number, count: number): UploadRecord[];

  /** Does a little of what can wait (search index, expired keys and tokens); true while more waits. */
  tidy(now: number): boolean;
  /** One line a record, for the digest of state.ts. */
  lines(): Iterable<string>;
  close(): void;
}
