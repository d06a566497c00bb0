/**
 * The status codes: a number, a name, a sentence a person understands, and whether trying again can
 * help (docs/PROTOCOL.md, "Status codes"). The first four are the family's own, from the first DFP.
 *
 * @module
 */

/** One row of the table. */
export interface Status {
  /** The number that travels. */
  readonly code: number;
  /** What happened, and what to do. */
  readonly text: string;
  /** `later`: the same request may succeed after a while; `never`: it will not unless something changes. */
  readonly retry: "later" | "never";
}

/** Every status that DFP/2 knows, by name. */
export const STATUS = {
  "forum-begins": { code: 2024, text: "Interaction with the forum begins.", retry: "never" },
  "valid-command": { code: 2020, text: "The command is valid.", retry: "never" },
  "processing": { code: 132, text: "The command is being processed.", retry: "later" },
  "invalid-command": {
    code: 1024,
    text: "The command is not known. HLP lists those that are.",
    retry: "never",
  },

  "goodbye": { code: 2025, text: "The session ended as asked.", retry: "never" },

  "bad-field": { code: 1400, text: "A field is missing or wrong.", retry: "never" },
  "not-signed-in": { code: 1401, text: "Sign in first.", retry: "never" },
  "wrong-password": { code: 1402, text: "The name or the password is wrong.", retry: "never" },
  "not-allowed": { code: 1403, text: "Your role does not allow this.", retry: "never" },
  "no-thread": {
    code: 1404,
    text: "There is no such thread, or you may not see it.",
    retry: "never",
  },
  "no-message": { code: 1405, text: "There is no such message in this thread.", retry: "never" },
  "unknown-user": { code: 1406, text: "There is no user of that name.", retry: "never" },
  "no-file": { code: 1407, text: "There is no such file in this thread.", retry: "never" },
  "file-exists": {
    code: 1408,
    text: "A file of that name is in the thread already. Choose another name.",
    retry: "never",
  },
  "thread-exists": { code: 1409, text: "A thread of that title is there already.", retry: "never" },
  "user-exists": { code: 1410, text: "That user name is taken. Choose another.", retry: "never" },
  "already-logged-in": {
    code: 1411,
    text: "This account is signed in elsewhere, and this server allows one session an account.",
    retry: "later",
  },
  "not-author": { code: 1412, text: "Only the author of a message may do this.", retry: "never" },
  "not-owner": { code: 1413, text: "Only the owner of the thread may do this.", retry: "never" },
  "bad-name": { code: 1414, text: "The name or title cannot be used.", retry: "never" },
  "bad-text": { code: 1415, text: "The text cannot be used.", retry: "never" },
  "bad-position": {
    code: 1416,
    text: "You ask to follow from a place that this thread has not reached. Read it anew.",
    retry: "never",
  },
  "key-reused": {
    code: 1417,
    text: "The key belongs to another command. Use a new key for a new command.",
    retry: "never",
  },
  "no-change": { code: 1418, text: "It is so already.", retry: "never" },
  "full": { code: 1419, text: "There is no room for one more here.", retry: "never" },
  "quota": {
    code: 1420,
    text: "This is more than the limit allows. Take files out, or share smaller ones.",
    retry: "never",
  },
  "no-offer": { code: 1421, text: "There is no such offer, or it is over.", retry: "never" },
  "away": {
    code: 1422,
    text: "The user is not on, or their client takes no files.",
    retry: "later",
  },
  "locked-out": {
    code: 1423,
    text: "Too many wrong passwords. Wait, then try again.",
    retry: "later",
  },
  "rate": {
    code: 1429,
    text: "You change more than one user may in so short a time. Wait, then go on.",
    retry: "later",
  },
  "busy": {
    code: 1430,
    text: "Too much is under way. Wait for replies, then go on.",
    retry: "later",
  },
  "sign-in-rate": {
    code: 1431,
    text: "Too many sign in at the moment. Wait, then try again.",
    retry: "later",
  },
  "too-many-connections": {
    code: 1432,
    text: "This server has as many connections as it takes. Try again later.",
    retry: "later",
  },
  "too-many-from-address": {
    code: 1433,
    text: "There are too many connections from your address. Close one, or try again later.",
    retry: "later",
  },
  "too-many-unsigned": {
    code: 1434,
    text: "Too many connections have not signed in yet. Try again in a moment.",
    retry: "later",
  },
  "banned": { code: 1451, text: "This account is banned.", retry: "never" },
  "registration-closed": {
    code: 1452,
    text: "This server makes no new accounts. Ask its keeper for one.",
    retry: "never",
  },
  "expired": {
    code: 1453,
    text: "The session has expired. Sign in with the password.",
    retry: "never",
  },
  "insecure": {
    code: 1454,
    text: "This server takes no passwords over an open line. Use tls:// or ask its keeper.",
    retry: "never",
  },

  "bad-opening": {
    code: 1460,
    text: "The first line is not the preface DFP/2. Use a DFP client.",
    retry: "never",
  },
  "bad-version": {
    code: 1461,
    text: "The other side speaks another version of DFP.",
    retry: "never",
  },
  "too-large": {
    code: 1462,
    text: "The frame is larger than announced limits allow.",
    retry: "never",
  },
  "unknown-type": { code: 1463, text: "The frame has a type that is not known.", retry: "never" },
  "bad-message": { code: 1464, text: "The payload is not what its type needs.", retry: "never" },
  "unexpected": { code: 1465, text: "The message does not belong at this point.", retry: "never" },
  "cut-short": { code: 1466, text: "The stream ended in the middle of a frame.", retry: "later" },

  "bad-content": {
    code: 1470,
    text: "What arrived is not what its hash says. Send it again.",
    retry: "later",
  },
  "cancelled": { code: 1471, text: "The transfer was cancelled.", retry: "never" },
  "declined": { code: 1473, text: "The other side does not want it.", retry: "never" },
  "unanswered": { code: 1475, text: "The other side has not answered in time.", retry: "later" },
  "transfer-busy": {
    code: 1472,
    text: "Too many files are on their way. Wait for one to end, then try again.",
    retry: "later",
  },
  "overrun": {
    code: 1474,
    text: "More was sent than the other side allowed.",
    retry: "never",
  },

  "internal": { code: 1500, text: "The server met a fault of its own.", retry: "later" },
  "shutting-down": { code: 1503, text: "The server is shutting down.", retry: "later" },
  "storage-full": {
    code: 1507,
    text: "The server cannot store more at the moment. Reading goes on.",
    retry: "later",
  },
  "idle": {
    code: 1508,
    text: "Nothing was asked for too long. Sign in again when you need to.",
    retry: "never",
  },
  "silent": { code: 1509, text: "Nothing was heard for three heartbeats.", retry: "later" },
  "sign-in-timeout": { code: 1510, text: "Signing in took too long.", retry: "later" },
  "lost": { code: 1512, text: "The connection broke.", retry: "later" },
  "replaced": { code: 1511, text: "The session was ended elsewhere.", retry: "never" },
} as const satisfies Record<string, Status>;

/** The name of a status. */
export type StatusName = keyof typeof STATUS;

/** A refusal: a status with the sentence for this case. */
export interface Refusal {
  /** Which status. */
  readonly status: StatusName;
  /** A sentence for this case; without it, the table's own. */
  readonly text?: string;
  /** Facts for programs, as `{ wait: 10000 }`. */
  readonly detail?: { readonly wait?: number; readonly head?: number; readonly field?: string };
}

const names = new Map<number, StatusName>(
  (Object.keys(STATUS) as StatusName[]).map((name) => [STATUS[name].code, name]),
);

/**
 * The name of a code, or `undefined` for one that this version does not know.
 *
 * @example
 * ```ts
 * import { statusName } from "./status.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(statusName(1404), "no-thread");
 * ```
 */
export function statusName(code: number): StatusName | undefined {
  return names.get(code);
}

/** Makes a refusal. */
export function refuse(status: StatusName, text?: string, detail?: Refusal["detail"]): Refusal {
  return { status, ...text !== undefined && { text }, ...detail !== undefined && { detail } };
}
