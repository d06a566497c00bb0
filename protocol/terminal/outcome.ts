/**
 * Outcomes: what became of a line, for whoever shows it. A result is what `--json` prints, and holds
 * all that the plain text needs.
 *
 * @module
 */

import type { Role } from "../forum/event.ts";
import type { FoundRow, Page, Reply, ThreadRow, UserRow } from "../forum/reply.ts";
import { type Refusal, STATUS, type StatusName, statusName } from "../status.ts";
import type { Verb } from "../verbs.ts";
import type { FileResults, RefusedFile, SavedFile, SentFile, SharedFile } from "./file_outcome.ts";

/** A message that was posted, and where. */
export interface Posted {
  readonly thread: number;
  readonly seq: number;
  readonly number: number;
  /** When, in ms since 1970. */
  readonly at: number;
}

/** A message that something was done to. */
export interface Touched {
  readonly thread: number;
  /** The message's `seq`, and the number by which it was meant. */
  readonly message: number;
  readonly number: number;
}

/** A verb as the help shows it. */
export interface VerbHelp {
  readonly verb: Verb;
  readonly also: readonly string[];
  /** How it is written. */
  readonly usage: string;
  readonly help: string;
  readonly more?: string;
}

/** The result of each verb. */
export interface Results extends FileResults {
  CRT: { thread: number; title: string };
  LST: { threads: ThreadRow[]; more: boolean };
  RDT: Page & { readonly from?: number };
  MSG: Posted;
  EDT: Touched & Reply<"edit">;
  DLT: Touched & Reply<"delete">;
  RMV: { thread: number; label: string };
  RDM: { since: number; messages: FoundRow[]; more: boolean };
  ATU: { users: UserRow[] };
  JIN: { thread: number; head: number };
  LVE: { thread: number };
  PRV: Posted & { readonly user: string };
  SRC: Reply<"search"> & { readonly words: string };
  "/reply": Posted;
  "/react": Touched & { readonly emoji: string; readonly on: boolean };
  "/private": { thread: number; title: string };
  "/invite": { thread: number; user: string };
  "/expel": { thread: number; user: string };
  "/mark": { thread: number; upto: number };
  "/role": { user: string; role: Role };
  "/ban": { user: string; on: boolean };
  "/unban": { user: string; on: boolean };
  "/admin": { role: Role };
  "/password": Record<string, never>;
  SHT: Record<string, never>;
  XIT: Record<string, never>;
  HLP: { verbs: VerbHelp[] };
}

/** The verbs that this version can run. */
export type RunnableVerb = keyof Results;

/** A verb that was done. */
export type Done<V extends RunnableVerb = RunnableVerb> = {
  [K in V]: { readonly ok: true; readonly command: K; readonly result: Results[K] };
}[V];

/** A line that was refused, by the server or before it got there. */
export interface Failed {
  readonly ok: false;
  /** The verb, or the word that stands where a verb should. */
  readonly command: string;
  readonly code: number;
  /** The status by name. */
  readonly name: string;
  /** A sentence for a person. */
  readonly text: string;
  readonly detail?: Refusal["detail"];
  /** Of several files: those with which it went well… */
  readonly files?: readonly (SharedFile | SentFile | SavedFile)[];
  /** …and those with which it did not. */
  readonly refused?: readonly RefusedFile[];
}

/** What became of a line. */
export type Outcome = Done | Failed;

/** A refusal that this client makes itself; it ends the verb under way. */
export class Refusing extends Error {
  readonly status: StatusName;

  constructor(status: StatusName, text: string) {
    super(text);
    this.status = status;
  }
}

/** The failure of a command with a status of this protocol. */
export function failed(command: string, status: StatusName, text?: string): Failed {
  const entry = STATUS[status];
  return { ok: false, command, code: entry.code, name: status, text: text ?? entry.text };
}

/** The facts of an error that carries a status: the shape of what a forum client rejects with. */
export interface StatusError extends Error {
  readonly code: number;
  readonly detail?: Refusal["detail"];
}

/** Whether an error is a refusal of the server. */
export function isStatusError(error: unknown): error is StatusError {
  return error instanceof Error && "code" in error && typeof error.code === "number";
}

/** What a command was refused with; anything else that went wrong is thrown on. */
export function failure(command: string, error: unknown): Failed {
  if (error instanceof Refusing) return failed(command, error.status, error.message);
  if (!isStatusError(error)) throw error;
  const { code, message, detail } = error;
  const name = statusName(code) ?? error.name;
  return { ok: false, command, code, name, text: message, ...detail && { detail } };
}
