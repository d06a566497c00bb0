/**
 * The credentials file of the older systems: a user and a password a line (DESIGN §9, seed 002). New
 * names get an account at start; those that exist keep the password that they have.
 *
 * @module
 */

import { encodeBase64 } from "../protocol/base64.ts";
import { decideRegistration, isRefusal } from "../protocol/forum/decide.ts";
import { checkName, checkPassword, fold } from "../protocol/text.ts";
import type { Log } from "./log/log.ts";
import { verifierOf } from "./password.ts";

/** One line of the file. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Reads the file's text; complaints name their lines. Blank lines and lines with `#` in front are skipped. */
export function parseCredentials(text: string): { entries: Credentials[]; complaints: string[] } {
  const entries: Credentials[] = [];
  const complaints: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const match = /^\s*(\S+)\s+(.*\S)\s*$/.exec(line);
    const user = match === null
      ? { complaint: "a name and a password are needed" }
      : checkName(match[1]);
    const password = match === null ? "" : checkPassword(match[2]);
    const complaint = typeof user !== "string"
      ? user.complaint
      : typeof password !== "string"
      ? password.complaint
      : undefined;
    if (complaint !== undefined) complaints.push(`line ${index + 1}: ${complaint}`);
    else entries.push({ user: user as string, password: match![2] });
  }
  return { entries, complaints };
}

/** Makes the accounts that are not there yet, and says how many those were. */
export async function importCredentials(
  log: Log,
  entries: readonly Credentials[],
  clock: () => number,
): Promise<number> {
  let made = 0;
  for (const { user, password } of entries) {
    if (log.view.user(fold(user)) !== undefined) continue;
    const { salt, iterations, storedKey, serverKey } = await verifierOf(password);
    const registration = {
      user,
      salt: encodeBase64(salt),
      iterations,
      storedKey: encodeBase64(storedKey),
      serverKey: encodeBase64(serverKey),
    };
    log.transact((tx) => {
      const decided = decideRegistration(tx.view, registration, clock());
      if (isRefusal(decided)) throw new Error(`${user}: ${decided.status}`);
      tx.append(decided.events);
      made++;
    }, (failure) => {
      if (failure !== undefined) throw new Error(`${user} was not imported: ${failure.status}`);
    });
  }
  return made;
}
