/**
 * Replies: what DONE carries for each command (docs/PROTOCOL.md, "Commands").
 *
 * @module
 */

import type { Op } from "./command.ts";
import type { Role } from "./event.ts";

/** A thread as the lists show it. */
export interface ThreadRow {
  /** The thread's number. */
  readonly thread: number;
  /** As it is shown. */
  readonly title: string;
  /** The owner's name; `""` for the server's own. */
  readonly owner: string;
  /** Whether only its members may see it. */
  readonly private: boolean;
  /** Whether it is a conversation of two. */
  readonly direct: boolean;
  /** The members' names, of a private thread. */
  readonly members?: string[];
  /** When it was opened, in ms since 1970 UTC. */
  readonly at: number;
  /**
   * When the newest message came, in ms since 1970 UTC; before the first one, when it was opened.
   */
  readonly lastAt: number;
  /** How many living messages. */
  readonly messages: number;
  /** The last sequence number of its scope. */
  readonly head: number;
  /** Up to where the asking user has read. */
  readonly read: number;
  /** Living messages of others after that, counted to at most 1,000. */
  readonly unread: number;
  /** How many of them name the asking user, counted to at most 1,000. */
  readonly mentions: number;
}

/** A living message as a page shows it. */
export interface MessageRow {
  /** Its identity. */
  readonly seq: number;
  /** Its place among the living messages of its thread, from 1. */
  readonly number: number;
  /** The author's name. */
  readonly by: string;
  /** When it was posted, in ms since 1970 UTC. */
  readonly at: number;
  /** The present text, at most 64 KiB of UTF-8. */
  readonly text: string;
  /** When it was last edited, in ms since 1970 UTC; absent if never. */
  readonly editedAt?: number;
  /** The `seq` of the message that it answers. */
  readonly reply?: number;
  /** Who reacted how; absent if nobody did. */
  readonly reactions?: { emoji: string; users: string[] }[];
}

/** A message outside its thread: found, or listed by time. */
export interface FoundRow extends MessageRow {
  /** The number of its thread. */
  readonly thread: number;
  /** The title of its thread. */
  readonly title: string;
}

/** A living file as a page shows it. */
export interface FileRow {
  /** Its identity: the `seq` of its sharing. */
  readonly seq: number;
  /** What it is called: a label, never a path. */
  readonly name: string;
  /** Who shared it, by name. */
  readonly by: string;
  /** When it was shared, in ms since 1970 UTC. */
  readonly at: number;
  /** How many bytes it has. */
  readonly size: number;
  /** Its media type, as who shared it has said. */
  readonly type: string;
  /** SHA-256 of all its bytes, in lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** A file outside its thread, as lists of files show it. */
export interface FoundFileRow extends FileRow {
  /** The number of its thread. */
  readonly thread: number;
  /** The title of its thread. */
  readonly title: string;
}

/** An upload may begin or go on. */
export interface UploadOpened {
  /** The first byte that is wanted: 0, or where a broken upload of the same file has come to. */
  readonly offset: number;
  /** Up to which byte, not included, may be sent before the server allows more. */
  readonly upto: number;
  /** Whether the bytes may come deflated. */
  readonly deflate: boolean;
}

/** A file is there, whole. */
export interface UploadKept {
  /** Its identity: the `seq` of its sharing. */
  readonly file: number;
  /** When it was shared, in ms since 1970 UTC. */
  readonly at: number;
  /** SHA-256 of all its bytes, in lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** What a download brings. */
export interface DownloadOpened extends FileRow {
  /** The first byte that comes. */
  readonly offset: number;
  /** Whether the bytes may come deflated. */
  readonly deflate: boolean;
}

/** Somebody who is on. */
export interface UserRow {
  /** The name, for showing. */
  readonly user: string;
  /** The role now. */
  readonly role: Role;
  /** Since when, in ms since 1970 UTC. */
  readonly since: number;
  /** On how many connections. */
  readonly sessions: number;
}

/** What a page of a thread holds. */
export interface Page {
  /** The thread as it is now. */
  readonly thread: ThreadRow;
  /** Oldest first. */
  readonly messages: MessageRow[];
  /** Whether there is more in the direction that was asked for. */
  readonly more: boolean;
  /**
   * Files of the page's stretch of the thread, oldest first: those that were shared before the message
   * that comes after the page, but not before its first one. A page without an earlier message begins with
   * the thread.
   */
  readonly files: FileRow[];
  /** There are older files in the stretch than those; `files` lists all. */
  readonly filesMore?: true;
}

/** The reply of what is simply done: an object without fields. */
export type Empty = Readonly<Record<string, never>>;

/** The reply to each command. */
export interface Replies {
  /** The number of the new thread. */
  create: { thread: number };
  /** Nothing to tell. */
  remove: Empty;
  /** The identity of the message, its place among the living ones, and when it was posted. */
  post: { seq: number; number: number; at: number };
  /** The entry that holds the new text, and when it was written. */
  edit: { seq: number; at: number };
  /** The entry that deletes. */
  delete: { seq: number };
  /** Nothing to tell. */
  react: Empty;
  /** The thread of the conversation, and the message in it as for `post`. */
  tell: { thread: number; seq: number; number: number; at: number };
  /** Nothing to tell. */
  invite: Empty;
  /** Nothing to tell. */
  expel: Empty;
  /** Up to where is read now: what was said, or more if it was more before. */
  mark: { upto: number };
  /** Where to go on; or the file, if it is there already or was done under this key. */
  upload: UploadOpened | UploadKept;
  /** Nothing to tell. */
  withdraw: Empty;
  /** Nothing to tell. */
  role: Empty;
  /** Nothing to tell. */
  ban: Empty;
  /** Nothing to tell. */
  credential: Empty;
  /** The rows, most recently active first, and whether there are more. */
  threads: { threads: ThreadRow[]; more: boolean };
  /** The thread of that title. */
  find: { thread: ThreadRow };
  /** A page of messages, oldest first. */
  read: Page;
  /** The messages, oldest change first, and whether there are more. */
  since: { messages: FoundRow[]; more: boolean };
  /** What was found, newest first, and whether there is more. */
  search: { threads: ThreadRow[]; messages: FoundRow[]; more: boolean };
  /** The rows, newest first, and whether there are more. */
  files: { files: FoundFileRow[]; more: boolean };
  /** The file, and what comes of it. */
  download: DownloadOpened;
  /** Who is on, the longest first, and whether there are more. */
  users: { users: UserRow[]; more: boolean };
  /** The last sequence number of the scope; what comes after the place asked for follows as events. */
  follow: { head: number };
  /** Nothing to tell. */
  unfollow: Empty;
  /** Who is on, as for `users`. */
  watch: { users: UserRow[]; more: boolean };
  /** Nothing to tell. */
  typing: Empty;
  /** Nothing to tell. */
  logout: Empty;
  /** SCRAM's challenge. */
  prove: { scram: string };
  /** SCRAM's server-final message. */
  admin: { scram: string };
  /** UDP ports of the server that tell a client its address, none or two. */
  announce: { udp: number[] };
  /** The offer's name, the other user's as it was registered, and until when an answer is waited for. */
  offer: { offer: string; user: string; until: number };
  /** Nothing to tell. */
  accept: Empty;
  /** Nothing to tell. */
  reach: Empty;
  /** Nothing to tell. */
  conclude: Empty;
}

/** The reply to one command. */
export type Reply<O extends Op> = Replies[O];
