/**
 * The conversation over datagrams that the specification shows: a client calls a server, each says its first
 * line, and the client closes. All that is chosen by chance is fixed, so every byte follows.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { DatagramConnection } from "../../protocol/datagram/connection.ts";
import { createEndpoint, type Endpoint } from "../../protocol/datagram/endpoint.ts";
import { nobleSuite as suite } from "../../protocol/datagram/noble_suite.ts";
import { createNoise } from "../../protocol/datagram/noise.ts";
import { OpeningKey } from "../../protocol/datagram/packet_keys.ts";
import {
  DATA_OVERHEAD,
  DATAGRAM_VERSION,
  type InitPacket,
  isDataPacket,
  MAC_BYTES,
  parseHandshakePacket,
  phaseOf,
  type RespPacket,
  writeDataHeader,
} from "../../protocol/datagram/packet.ts";
import { parseParams } from "../../protocol/datagram/params.ts";
import { concatenate, createKeyPair, hkdfExpand } from "../../protocol/datagram/suite.ts";
import { readUint32, writeUint64 } from "../../protocol/datagram/integer.ts";
import { BANNER, PREFACE } from "../../protocol/message.ts";

/** Bytes that count up stand in for chance. */
function counting(first: number): (out: Uint8Array) => void {
  let next = first;
  return (out) => {
    for (let at = 0; at < out.length; at++) out[at] = next++;
  };
}

/** The server's static keys. */
export const SERVER_KEY = createKeyPair({ random: counting(0xa0), suite });

/** What the tokens of RESET are made with. */
const RESET_SECRETS = {
  C: new Uint8Array(32).fill(0xc0),
  S: new Uint8Array(32).fill(0xe0),
} as const;

const PATHS = { C: "192.0.2.1:1000", S: "192.0.2.2:5000" } as const;

/** One datagram of the conversation. */
export interface Said {
  readonly side: "C" | "S";
  readonly bytes: Uint8Array;
}

/** One end of the conversation, and what its owner does. */
export class DatagramEnd {
  readonly endpoint: Endpoint;
  readonly #side: "C" | "S";
  #connection: DatagramConnection | undefined;
  #read = "";

  constructor(side: "C" | "S") {
    this.#side = side;
    const random = counting(side === "C" ? 0x10 : 0x60);
    this.endpoint = createEndpoint({
      env: { random, suite },
      now: 0,
      reset: RESET_SECRETS[side],
      ...side === "S" && { static: SERVER_KEY },
    });
    if (side === "S") return;
    this.#connection = this.endpoint.connect(0, PATHS.S, {
      kind: "server",
      key: SERVER_KEY.public,
    });
    this.#connection.write(new TextEncoder().encode(PREFACE));
  }

  hear(bytes: Uint8Array): void {
    this.endpoint.receive(0, this.#side === "C" ? PATHS.S : PATHS.C, bytes);
    for (let what = this.endpoint.next(); what !== undefined; what = this.endpoint.next()) {
      if (what.kind === "accepted") {
        this.#connection = what.connection;
        this.#connection.write(new TextEncoder().encode(BANNER));
      }
      if (what.kind !== "readable") continue;
      const chunk = what.connection.read(100)!;
      this.#read += new TextDecoder().decode(chunk);
      // The client has what it came for.
      if (this.#side === "C" && this.#read === BANNER) what.connection.close(0);
    }
  }

  /** Everything that it sends now. */
  say(): Said[] {
    const out = new Uint8Array(1472);
    const said: Said[] = [];
    for (let sent = this.endpoint.transmit(0, out); sent !== undefined;) {
      said.push({ side: this.#side, bytes: out.slice(0, sent.length) });
      sent = this.endpoint.transmit(0, out);
    }
    return said;
  }
}

/** Lets both talk until they fall silent. */
export function playDatagrams(): Said[] {
  const [client, server] = [new DatagramEnd("C"), new DatagramEnd("S")];
  const all: Said[] = [];
  for (let turn = 0; turn < 10; turn++) {
    const [speaker, listener] = turn % 2 === 0 ? [client, server] : [server, client];
    for (const said of speaker.say()) {
      all.push(said);
      listener.hear(said.bytes);
    }
  }
  return all;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
/** So many bytes of the listing stand in a line. */
const LINE_BYTES = 32;
/** From so many zeros on they are counted instead. */
const ZEROS_MIN = 16;

/** Writes the conversation down: the side, the kind, and its bytes; long rows of zeros are counted. */
export function datagramListing(all: readonly Said[]): string {
  return all.map(({ side, bytes }) => {
    const kind = isDataPacket(bytes) ? "DATA" : parseHandshakePacket(bytes)!.type.toUpperCase();
    const zeros = new RegExp(`(?:00){${ZEROS_MIN},}`, "g");
    const text = hex(bytes).replace(
      zeros,
      (row, at: number) => at % 2 === 0 ? ` 00*${row.length / 2} ` : row,
    );
    const lines = text.trim().split(" ").flatMap((part) =>
      part.includes("*") ? [part] : part.match(new RegExp(`.{1,${2 * LINE_BYTES}}`, "g")) ?? []
    );
    return `${side} ${kind} ${bytes.length}\n${lines.map((line) => `  ${line}\n`).join("")}`;
  }).join("");
}

/** Reads a listing. */
export function readDatagrams(listing: string): Said[] {
  return listing.split(/^(?=[CS] )/m).map((part) => {
    const [head, ...lines] = part.trimEnd().split("\n");
    const text = lines.map((line) => line.trim())
      .map((line) => line.replace(/^00\*(\d+)$/, (_, count) => "00".repeat(Number(count))))
      .join("");
    return { side: head[0] as "C" | "S", bytes: Uint8Array.from(Buffer.from(text, "hex")) };
  });
}

/** What the server would say of an id if it had forgotten it. */
function serverReset(cid: number): Uint8Array {
  const endpoint = createEndpoint({
    env: { random: counting(0), suite },
    now: 0,
    static: SERVER_KEY,
    reset: RESET_SECRETS.S,
  });
  const data = new Uint8Array(DATA_OVERHEAD + 1);
  writeDataHeader(data, { phase: 0, dcid: cid, number: 0 });
  endpoint.receive(0, PATHS.C, data);
  const out = new Uint8Array(1472);
  return out.slice(0, endpoint.transmit(0, out)!.length);
}

/** What the bytes of the conversation are made from, and what they hold: computed step by step. */
export function datagramValues(): Record<string, string> {
  const all = playDatagrams();
  const init = parseHandshakePacket(all[0].bytes) as InitPacket;
  const resp = parseHandshakePacket(all[1].bytes) as RespPacket;
  // The client's first random bytes are its id and that of INIT; then comes the secret.
  const client = counting(0x10);
  const ids = new Uint8Array(16);
  client(ids);
  const clientEphemeral = new Uint8Array(32);
  client(clientEphemeral);
  const cids = new Uint8Array(16);
  writeUint64(cids, 0, init.dcid);
  writeUint64(cids, 8, init.scid);
  const prologue = concatenate(
    "DFP/2 datagram",
    Uint8Array.of(DATAGRAM_VERSION),
    cids,
    init.offer,
  );
  const noise = createNoise({
    suite,
    pattern: "NK",
    role: "initiator",
    prologue,
    ephemeral: clientEphemeral,
    remoteStatic: SERVER_KEY.public,
  });
  const mac = suite.hash(concatenate("dfp2 mac", SERVER_KEY.public));
  // What cannot be known from outside is right if the server's answer can be read with it.
  const serverNoise = createNoise({
    suite,
    pattern: "NK",
    role: "responder",
    prologue,
    ephemeral: new Uint8Array(32).fill(1),
    static: SERVER_KEY,
  });
  const clientParams = serverNoise.read(init.noise)!;
  noise.write(clientParams);
  const serverParams = noise.read(resp.noise)!;
  const { initiator, responder, hash } = noise.split();
  const keys = { C: new OpeningKey(suite, initiator), S: new OpeningKey(suite, responder) };
  const frames = all.filter(({ bytes }) => isDataPacket(bytes)).map(({ side, bytes }) => {
    const plain = new Uint8Array(bytes.length - DATA_OVERHEAD);
    if (!keys[side].open(bytes, phaseOf(bytes), readUint32(bytes, 9), plain, 0, 0)) {
      throw new Error("a packet of the conversation is not genuine");
    }
    return [side, hex(plain)] as const;
  });
  const params = (bytes: Uint8Array) => hex(bytes).replace(/(00)+$/, "") + " 00…";
  if (parseParams(clientParams)?.cid !== init.scid) throw new Error("the parameters are others");
  return {
    "server static secret": hex(SERVER_KEY.secret),
    "server static public": hex(SERVER_KEY.public),
    "mac key": hex(mac),
    "mac of INIT": hex(suite.hmac(mac, init.authenticated).subarray(0, MAC_BYTES)),
    "client ephemeral secret": hex(clientEphemeral),
    prologue: hex(prologue),
    "client parameters": params(clientParams),
    "server parameters": params(serverParams),
    "server reset secret": hex(RESET_SECRETS.S),
    "RESET for the server's id": hex(serverReset(resp.scid)),
    "handshake hash": hex(hash),
    "client secret": hex(initiator),
    "client key": hex(hkdfExpand(suite, initiator, "dfp2 key", 32)),
    "client IV": hex(hkdfExpand(suite, initiator, "dfp2 iv", 12)),
    "client next secret": hex(hkdfExpand(suite, initiator, "dfp2 next", 32)),
    "server secret": hex(responder),
    ...Object.fromEntries(
      frames.map(([side, text], at) => [`frames of DATA ${at + 1} (${side})`, text]),
    ),
  };
}
