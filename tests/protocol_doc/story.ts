/**
 * The commands of the specification, played: one user sends them in their order to the real service over
 * a log in memory, with clocks and randomness that never vary. What comes back are the replies that the
 * specification shows.
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { Buffer } from "node:buffer";
import { encodeBase64 } from "../../protocol/base64.ts";
import { type ClientConnection, createClientConnection } from "../../protocol/client_connection.ts";
import { createVerifier, saltPassword, type Verifier } from "../../protocol/verifier.ts";
import type { Command } from "../../protocol/forum/command.ts";
import { STATUS } from "../../protocol/status.ts";
import type { ForumEvent } from "../../protocol/forum/event.ts";
import type { DownloadOpened, UploadOpened } from "../../protocol/forum/reply.ts";
import { FRAME_HEADER_BYTES } from "../../protocol/frame.ts";
import { WINDOW_BYTES } from "../../protocol/transfer/receiver.ts";
import type { TransferEvent } from "../../protocol/transfer/transfers.ts";
import { keepAdminVerifier } from "../../server/admin.ts";
import { createMemoryDisk } from "../../server/blob/memory_disk.ts";
import { openMemoryStore } from "../../server/blob/memory_store.ts";
import { openSqliteLog } from "../../server/log/sqlite_log.ts";
import { createService } from "../../server/service.ts";
import type { Session } from "../../server/session.ts";

/** The admin password of the story. */
export const ADMIN_PASSWORD = "size matters not";

/** The user who asks, and others who have accounts. */
const USERS = ["Yoda", "Ann", "Bob"] as const;
/** Who comes when files go from user to user: declines what is offered, and offers something in turn. */
const PEER = "Cid";

/** The bytes of the file that is shared. */
const CONTENT = new TextEncoder().encode("Do or do not. There is no try.");

/** When the story begins, in ms since 1970; every command comes a second later than the one before. */
const BEGIN = 1_700_000_000_000;

function verifier(password: string): Verifier {
  const salt = Uint8Array.from({ length: 16 }, (_, at) => at);
  return createVerifier(saltPassword(password, salt, 4096), salt, 4096);
}

/** What a story brings. */
export interface Story {
  /** The body of the reply to each command: of DONE, or of REFUSED. */
  readonly replies: readonly object[];
  /** The events as they happened, and after them those whose texts are erased at the end. */
  readonly events: readonly ForumEvent[];
}

/** Does what a client's end of a transfer has to do. */
function carry({ transfers }: ClientConnection, event: TransferEvent): void {
  const { id } = event;
  switch (event.what) {
    case "wanted": {
      const frame = new Uint8Array(FRAME_HEADER_BYTES + event.bytes);
      frame.set(CONTENT, FRAME_HEADER_BYTES);
      transfers.provide(id, frame);
      return transfers.end(id, { sha256: createSha256(CONTENT) });
    }
    case "data":
      return transfers.stored(id, event.raw ?? event.bytes.length);
    case "finish":
      return transfers.has(id) ? transfers.kept(id, event.finish) : undefined;
  }
}

function createSha256(bytes: Uint8Array): string {
  return Buffer.from(sha256(bytes)).toString("hex");
}

/** Sends the commands and gives what comes of it. */
export function playStory(commands: readonly Command[]): Story {
  let clock = BEGIN;
  let first = 0x80;
  const random = (out: Uint8Array) => out.forEach((_, at) => out[at] = first + at);
  const log = openSqliteLog({ path: ":memory:", now: () => clock });
  try {
    keepAdminVerifier(log, verifier(ADMIN_PASSWORD));
    const work: (() => void)[] = [];
    const service = createService({
      log,
      blobs: openMemoryStore(createMemoryDisk(), { later: (run) => void work.push(run) }),
      random,
      clock: () => clock,
      registration: "open",
      lockout: {},
      singleSession: false,
      agent: "dfp-server/2.0",
      heartbeat: 15_000,
      idleTimeout: 0,
      activity: { record() {}, flush: () => Promise.resolve() },
      defer: (run) => void work.push(run),
      onShutdown() {},
    });
    const events: ForumEvent[] = [];
    const publish = log.onEntries;
    log.onEntries = (entries) => {
      events.push(...entries.map(({ event }) => event));
      publish(entries);
    };
    const signIn = (user: string): [ClientConnection, Session] => {
      const session = service.open({ source: "192.0.2.1", now: 0, wake() {} });
      const client = createClientConnection({ random, now: 0, agent: "example/1.0" });
      const { salt, iterations, storedKey, serverKey } = verifier("do or do not");
      client.register({
        user,
        salt: encodeBase64(salt),
        iterations,
        storedKey: encodeBase64(storedKey),
        serverKey: encodeBase64(serverKey),
      }, 0);
      return [client, session];
    };
    /** Begins a transfer, if that is what a reply lets it do. */
    const open = (client: ClientConnection, id: number, reply: object) => {
      if (!("offset" in reply)) return;
      if ("upto" in reply) {
        client.transfers.send(id, { size: CONTENT.length, ...reply as UploadOpened });
      } else {
        const { size, offset } = reply as DownloadOpened;
        client.transfers.receive(id, { size, offset, window: WINDOW_BYTES });
      }
    };
    const talk = (client: ClientConnection, session: Session): object | undefined => {
      let reply: object | undefined;
      for (let moved = true; moved;) {
        moved = work.length > 0;
        for (const run of work.splice(0)) run();
        for (let what = client.next(); what !== undefined; what = client.next()) {
          if (what.kind === "done") {
            reply = what.result;
            open(client, what.id, what.result);
          } else if (what.kind === "transfer") carry(client, what.event);
          else if (what.kind === "refused") reply = what.refused;
        }
        const said = client.peekTransmit();
        const heard = session.peekTransmit();
        if (said.length > 0) {
          session.receive(said.slice(), 0);
          client.consumeTransmit(said.length);
        }
        if (heard.length > 0) {
          client.receive(heard.slice(), 0);
          session.consumeTransmit(heard.length);
        }
        moved ||= said.length + heard.length > 0;
      }
      return reply;
    };
    for (const user of USERS.slice(1)) {
      const [client, session] = signIn(user);
      talk(client, session);
      session.receiveBreak(0);
    }
    const [client, session] = signIn(USERS[0]);
    talk(client, session);
    let peer: [ClientConnection, Session] | undefined;
    /** Lets the peer do its part, if there is something for it. */
    const answer = () => {
      if (peer === undefined) return;
      const offered: string[] = [];
      const [other, theirs] = peer;
      for (let bytes = theirs.peekTransmit(); bytes.length > 0; bytes = theirs.peekTransmit()) {
        other.receive(bytes.slice(), 0);
        theirs.consumeTransmit(bytes.length);
      }
      for (let what = other.next(); what !== undefined; what = other.next()) {
        if (what.kind === "notice" && what.notice.kind === "offer") offered.push(what.notice.offer);
      }
      for (const offer of offered) {
        other.command(2, { op: "conclude", offer, code: STATUS.declined.code });
        const sha256 = createSha256(CONTENT);
        const facts = { name: "try.txt", size: CONTENT.length, sha256 };
        other.command(3, { op: "offer", user: USERS[0], ...facts });
      }
      talk(other, theirs);
    };
    const replies = commands.map((command, index) => {
      clock += 1000;
      if (command.op === "announce") {
        // Its token must be another one.
        first = 0x40;
        peer = signIn(PEER);
        talk(...peer);
        first = 0x80;
        const publicKey = encodeBase64(new Uint8Array(32).fill(9));
        peer[0].command(1, { op: "announce", publicKey, offers: true });
        talk(...peer);
      }
      answer();
      client.command(index + 1, command);
      const reply = talk(client, session);
      if (reply === undefined) throw new Error(`no reply to ${JSON.stringify(command)}`);
      return reply;
    });
    for (const scope of new Set(events.map(({ scope }) => scope))) {
      for (const { json } of log.entries(scope, 0, { count: 1000, bytes: 1_000_000 })) {
        const event: ForumEvent = JSON.parse(json);
        if ("erased" in event) events.push(event);
      }
    }
    return { replies, events };
  } finally {
    log.close();
  }
}
