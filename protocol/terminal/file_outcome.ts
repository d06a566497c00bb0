/**
 * What comes of the verbs about files (see outcome.ts).
 *
 * @module
 */

import type { FoundFileRow } from "../forum/reply.ts";

/** A file that was shared. */
export interface SharedFile {
  readonly thread: number;
  readonly name: string;
  readonly seq: number;
  readonly size: number;
  readonly sha256: string;
  /** When, in ms since 1970. */
  readonly at: number;
}

/** A file that was saved here. */
export interface SavedFile {
  readonly thread: number;
  /** What it is called in the thread. */
  readonly name: string;
  /** Where it is now. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** How a file goes from user to user: straight from machine to machine, or through the server. */
export type Via = "direct" | "relayed";

/** A file that was sent straight to another user. */
export interface SentFile {
  /** Who has it. */
  readonly user: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly via: Via;
}

/** A file that another user has sent. */
export interface TakenFile {
  readonly by: string;
  /** What it is called by who has sent it. */
  readonly name: string;
  /** Where it is now. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly via: Via;
}

/** A file that another user wants to send. */
export interface ListedOffer {
  /** What `/accept` and `/decline` call it. */
  readonly number: number;
  readonly by: string;
  readonly name: string;
  readonly size: number;
  readonly type: string;
  readonly sha256: string;
  /** Until when the answer is waited for, in ms since 1970. */
  readonly until: number;
}

/** What a pattern stood for. */
export interface Several<F> {
  readonly files: readonly F[];
}

/** Of several files, one with which it did not go well. */
export interface RefusedFile {
  readonly file: string;
  readonly code: number;
  /** The status by name. */
  readonly name: string;
  readonly text: string;
}

/** What is on its way for one line: a file, or several one after another. */
export interface Transfer {
  /** What `/cancel` calls it. */
  readonly number: number;
  readonly command: "UPD" | "DWN" | "/accept";
  /** `null` while it is looked up, and for what goes straight to a user. */
  readonly thread: number | null;
  /** The file that is on its way now; at first what was asked for. */
  readonly name: string;
  /** Whether it has not begun: it is looked up or looked at, or other files go first. */
  readonly waiting: boolean;
  /** How many of its bytes are through. */
  readonly bytes: number;
  readonly size: number;
  /** Bytes a second, lately; `null` while that is not known. */
  readonly rate: number | null;
  /** Of what goes straight from user to user, once it has begun. */
  readonly via?: Via;
  /** Which of the line's files it is, from 1, and how many there are; 0 while they are looked up. */
  readonly place: number;
  readonly count: number;
}

/** The results of the verbs about files. */
export interface FileResults {
  UPD: SharedFile | SentFile | Several<SharedFile | SentFile>;
  DWN: SavedFile | Several<SavedFile>;
  RMF: { thread: number; name: string; seq: number };
  FLS: { thread?: number; files: FoundFileRow[]; more: boolean };
  "/transfers": { transfers: readonly Transfer[] };
  "/cancel": Transfer;
  "/offers": { offers: readonly ListedOffer[] };
  "/accept": TakenFile;
  "/decline": { by: string; name: string };
  "/always": { user: string };
  /** Whether this user's files were taken without asking until now. */
  "/ask": { user: string; changed: boolean };
}

/** The verbs about files. */
export type FileVerb = keyof FileResults;
/** Those that concern files on their way between a forum and a machine: whoever carries files runs them. */
export type CarryVerb = Exclude<FileVerb, "RMF" | "FLS">;
