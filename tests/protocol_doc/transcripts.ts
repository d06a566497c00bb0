/**
 * The transcripts of the specification: what both ends send, byte for byte, when randomness is fixed.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { CATALOGUE } from "../../protocol/catalogue.ts";
import { createClientConnection } from "../../protocol/client_connection.ts";
import { FRAME_PAYLOAD_MAX } from "../../protocol/message.ts";
import { createServerConnection } from "../../protocol/server_connection.ts";
import { TEXT_LIMITS } from "../../protocol/text.ts";
import { LIMIT_DEFAULTS } from "../../server/limits.ts";
import { RANDOM, scramValues, SIGN_IN, verifierOfSignIn } from "./sign_in.ts";

/** One side's text line or frame in a transcript. */
export interface Step {
  readonly side: "C" | "S";
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads a transcript: `C "text"`, or `S length type id payload`. */
export function readTranscript(text: string): Step[] {
  return text.trimEnd().split("\n").map((line) => {
    const [, side, rest] = /^([CS]) +(.*)$/.exec(line) ?? [];
    if (rest?.startsWith('"')) {
      return { side: side as "C" | "S", bytes: encoder.encode(JSON.parse(rest)) };
    }
    const match = /^([0-9a-f]{6}) ([0-9a-f]{2}) ([0-9a-f]{8}) ?(.*)$/.exec(rest ?? "");
    if (match === null) throw new Error(`no line of a transcript: ${line}`);
    const header = Uint8Array.from(
      match.slice(1, 4).join("").match(/../g)!,
      (h) => parseInt(h, 16),
    );
    return {
      side: side as "C" | "S",
      bytes: Uint8Array.of(...header, ...encoder.encode(match[4])),
    };
  });
}

/** Writes what one side has sent as lines of a transcript. */
function writeTranscript(side: "C" | "S", bytes: Uint8Array): string {
  let lines = "";
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === 0x44) {
      const end = bytes.indexOf(0x0a, at) + 1;
      lines += `${side} ${JSON.stringify(decoder.decode(bytes.subarray(at, end)))}\n`;
      at = end;
    } else {
      const hex = Buffer.from(bytes.subarray(at, at + 8)).toString("hex");
      const length = parseInt(hex.slice(0, 6), 16);
      const payload = decoder.decode(bytes.subarray(at + 8, at + 8 + length));
      lines +=
        `${side} ${hex.slice(0, 6)} ${hex.slice(6, 8)} ${hex.slice(8)} ${payload}`.trimEnd() +
        "\n";
      at += 8 + length;
    }
  }
  return lines;
}

/** Both ends of the connections that the transcripts show. */
export function transcriptEnds() {
  const server = createServerConnection({
    random: RANDOM.server,
    now: 0,
    time: 1_700_000_000_000,
    welcome: {
      server: "dfp-server/2.0",
      limits: {
        frame: FRAME_PAYLOAD_MAX,
        text: TEXT_LIMITS.bodyBytes,
        commands: LIMIT_DEFAULTS.commands,
      },
      heartbeat: 15_000,
      mechanisms: ["SCRAM-SHA-256"],
      registration: "open",
    },
  });
  const client = createClientConnection({ random: RANDOM.client, now: 0, agent: "example/1.0" });
  return { client, server };
}

/** The token of the transcripts: 32 bytes, in base64. */
export const TOKEN = Buffer.from(Uint8Array.from({ length: 32 }, (_, at) => 0xc0 + at))
  .toString("base64");

type Ends = ReturnType<typeof transcriptEnds>;

/** What the programs around the two ends do in each transcript. */
export const TRANSCRIPTS: Record<string, {
  readonly begin: (client: Ends["client"]) => void;
  readonly end?: (client: Ends["client"]) => void;
}> = {
  "sign-in": {
    begin: (client) => client.login(SIGN_IN.user, 0),
    end: (client) => client.close("goodbye", 0),
  },
  resume: {
    begin(client) {
      client.resume(TOKEN, 0);
      client.command(1, { op: "follow", scope: "thread/2", after: 6 });
    },
  },
};

/** What a program does when a connection tells it something: the answers in the transcripts. */
export function answer({ client, server }: Ends): void {
  for (let what = server.next(); what !== undefined; what = server.next()) {
    if (what.kind === "verifier-wanted") server.provideVerifier(verifierOfSignIn(), 0);
    else if (what.kind === "proved") {
      server.grant({ user: "Yoda", role: "member", token: TOKEN }, 0);
    } else if (what.kind === "resume-wanted") server.grant({ user: "Yoda", role: "member" }, 0);
    else if (what.kind === "command") {
      server.done(what.id, '{"head":7}');
      server.sendEvents(encodeEvent());
    }
  }
  for (let what = client.next(); what !== undefined; what = client.next()) {
    if (what.kind === "password-wanted") {
      client.provideSaltedPassword(scramValues().saltedPassword, 0);
    }
  }
}

function encodeEvent(): Uint8Array {
  const json = JSON.stringify({
    scope: "thread/2",
    seq: 7,
    at: 1_700_000_000_000,
    by: "Ann",
    kind: "message.posted",
    text: "You came back.",
    number: 3,
  });
  const payload = encoder.encode(json);
  return Uint8Array.of(0, 0, payload.length, CATALOGUE.event.type, 0, 0, 0, 2, ...payload);
}

/** Takes all that an end wants to write. */
export function takeAll(end: Ends["client"] | Ends["server"]): Uint8Array {
  const bytes: number[] = [];
  while (end.pendingTransmit > 0) {
    const chunk = end.peekTransmit();
    bytes.push(...chunk);
    end.consumeTransmit(chunk.length);
  }
  return Uint8Array.from(bytes);
}

/** Lets both ends talk, and writes down what they say. */
export function playTranscript(name: string): string {
  const ends = transcriptEnds();
  const { client, server } = ends;
  const { begin, end } = TRANSCRIPTS[name];
  begin(client);
  let lines = "";
  let parted = false;
  for (;;) {
    const said = takeAll(client);
    lines += writeTranscript("C", said);
    if (said.length > 0) server.receive(said, 0);
    answer(ends);
    const heard = takeAll(server);
    lines += writeTranscript("S", heard);
    if (heard.length > 0) client.receive(heard, 0);
    answer(ends);
    if (said.length + heard.length > 0) continue;
    if (parted || end === undefined) return lines;
    parted = true;
    end(client);
  }
}
