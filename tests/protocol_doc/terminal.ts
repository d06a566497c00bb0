/**
 * The sessions in text mode that the specification shows, played: what somebody types (`> `) goes to the real
 * service over a log in memory, with clocks and randomness that never vary, and what is said is written down. A
 * line behind `(Ann) ` is typed by somebody else at another terminal.
 *
 * @module
 */

import { createVerifier } from "../../protocol/verifier.ts";
import { keepAdminVerifier } from "../../server/admin.ts";
import { createMemoryDisk } from "../../server/blob/memory_disk.ts";
import { openMemoryStore } from "../../server/blob/memory_store.ts";
import { openSqliteLog } from "../../server/log/sqlite_log.ts";
import { createService } from "../../server/service.ts";
import type { Session } from "../../server/session.ts";

/** When a session begins, in ms since 1970; every line comes a second later than the one before. */
const BEGIN = 1_700_000_000_000;
/** Turns of the event loop after which nothing more is to be expected: salting is behind a few promises. */
const TURNS = 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Salting that costs nothing: as many bytes of the password's length. */
const salted = (password: string) => new Uint8Array(32).fill(password.length);

/** Plays a session again, and gives it with what is said now. */
export async function playTerminal(shown: string): Promise<string> {
  let clock = BEGIN;
  let bytes = 0;
  const log = openSqliteLog({ path: ":memory:", now: () => clock });
  const work: (() => void)[] = [];
  keepAdminVerifier(log, createVerifier(salted("size matters not"), new Uint8Array(16), 4096));
  const service = createService({
    log,
    blobs: openMemoryStore(createMemoryDisk(), { later: (run) => void work.push(run) }),
    random: (out) => out.fill(++bytes),
    clock: () => clock,
    registration: "open",
    lockout: {},
    singleSession: false,
    agent: "dfp-server/2.0",
    heartbeat: 15_000,
    idleTimeout: 0,
    text: {
      idleTimeout: 0,
      zone: "UTC",
      salt: ({ password }) => Promise.resolve(salted(password)),
    },
    activity: { record() {}, flush: () => Promise.resolve() },
    defer: (run) => void work.push(run),
    onShutdown: () => service.close("shutting-down", clock - BEGIN),
  });
  const sit = () => {
    const now = clock - BEGIN;
    return service.open({ source: "127.0.0.1", now, wake() {} });
  };
  const other = sit();
  let person = other;
  const read = (session: Session) => {
    let text = "";
    for (let part = session.peekTransmit(); part.length > 0; part = session.peekTransmit()) {
      text += decoder.decode(part);
      session.consumeTransmit(part.length);
    }
    return text;
  };
  const type = async (session: Session, line: string) => {
    clock += 1000;
    session.receive(encoder.encode(`${line}\n`), clock - BEGIN);
    let said = "";
    for (let turn = 0; turn < TURNS; turn++) {
      for (const run of work.splice(0)) run();
      await undefined;
      said += read(person);
      read(other);
    }
    return said.replaceAll("\r\n", "\n");
  };
  try {
    for (const line of ["Ann", "an apple", "an apple"]) await type(other, line);
    person = sit();
    let text = read(person).replaceAll("\r\n", "\n");
    for (const line of shown.split("\n")) {
      const [, mine, theirs] = /^(?:> ?(.*)|\(Ann\) (.*))$/.exec(line) ?? [];
      if (mine === undefined && theirs === undefined) continue;
      text += `${line}\n`;
      text += mine === undefined ? await type(other, theirs) : await type(person, mine);
    }
    return text;
  } finally {
    log.close();
  }
}
