/**
 * Packets: what one datagram is, byte for byte (docs/PROTOCOL.md, "Datagrams").
 *
 * ```text
 * DATA   0x40|phase<<2 · dcid8 · pn32 · ciphertext · tag16
 * INIT   0xC1 · ver · dcid8 · scid8 · offer16 · cookieLen · cookie32? · e32 · {params}+16 · 0… · mac16
 * RESP   0xC2 · ver · dcid8 · scid8 · e32 · {params}+16
 * RETRY  0xC3 · ver · dcid8 · scid8 · cookie32 · mac16
 * PUNCH  0xC4 · ver · offer16 · nonce8 · seenAddr18 · mac16        PONG 0xC5, likewise
 * ASK    0xC6 · ver · nonce8 · 0…                                  KEY  0xC7 · ver · nonce8 · key32
 * RESET  0xC8 · ver · cid8 · token8
 * WHERE  0xC9 · ver · nonce8 · 0…                                  HERE 0xCA · ver · nonce8 · address18
 * ```
 *
 * INIT and ASK always have 1200 bytes, and WHERE as many as HERE, so that no answer is larger than what asked for it. A connection id is a
 * number below 2⁵³ in eight bytes, and most of what strangers send fails on that already.
 *
 * @module
 */

import { readUint64, writeUint32, writeUint64 } from "./integer.ts";
import { KEY_BYTES, TAG_BYTES } from "./suite.ts";

/** The version of what travels. */
export const DATAGRAM_VERSION = 1;
/** The size that every path must carry, and that INIT and ASK have. */
export const DATAGRAM_BYTES_MIN = 1200;
/** The largest datagram that is ever sent: what Ethernet carries with IPv4. */
export const DATAGRAM_BYTES_MAX = 1472;
/** Bytes of DATA before the ciphertext; they are authenticated with it. */
export const DATA_HEADER_BYTES = 13;
/** What a DATA packet adds to its frames. */
export const DATA_OVERHEAD = DATA_HEADER_BYTES + TAG_BYTES;
/** Bytes of an offer's name. */
export const OFFER_BYTES = 16;
/** Bytes of a cookie. */
export const COOKIE_BYTES = 32;
/** Bytes of a message authentication code before cryptography. */
export const MAC_BYTES = 16;
/** Bytes of an address as PUNCH and PONG carry it. */
export const ADDRESS_BYTES = 18;
/** Bytes of the parameters, filled up with zeros. */
export const PARAMS_BYTES = 128;

/** The first byte of each kind; DATA has its phase in the third lowest bit. */
export const PACKET_TYPE = {
  data: 0x40,
  init: 0xc1,
  resp: 0xc2,
  retry: 0xc3,
  punch: 0xc4,
  pong: 0xc5,
  ask: 0xc6,
  key: 0xc7,
  reset: 0xc8,
  where: 0xc9,
  here: 0xca,
} as const;

const PHASE_BIT = 0x04;
/** Where the connection ids of long headers stand. */
const DCID_AT = 2;
const SCID_AT = 10;
/** e32 and the sealed parameters: one Noise message. */
export const NOISE_MESSAGE_BYTES: number = KEY_BYTES + PARAMS_BYTES + TAG_BYTES;

/** Bytes of the kinds that have a fixed size. */
export const PACKET_BYTES = {
  resp: 18 + NOISE_MESSAGE_BYTES,
  retry: 18 + COOKIE_BYTES + MAC_BYTES,
  punch: 2 + OFFER_BYTES + 8 + ADDRESS_BYTES + MAC_BYTES,
  key: 10 + KEY_BYTES,
  reset: 18,
  where: 10 + ADDRESS_BYTES,
} as const;

/** INIT, parsed: views into the datagram. */
export interface InitPacket {
  readonly type: "init";
  readonly dcid: number;
  readonly scid: number;
  /** All zero where a client wants a server. */
  readonly offer: Uint8Array;
  /** Empty, or 32 bytes. */
  readonly cookie: Uint8Array;
  /** The Noise message. */
  readonly noise: Uint8Array;
  readonly mac: Uint8Array;
  /** What the code authenticates. */
  readonly authenticated: Uint8Array;
}

/** RESP, parsed. */
export interface RespPacket {
  readonly type: "resp";
  readonly dcid: number;
  readonly scid: number;
  readonly noise: Uint8Array;
}

/** RETRY, parsed. */
export interface RetryPacket {
  readonly type: "retry";
  readonly dcid: number;
  readonly scid: number;
  readonly cookie: Uint8Array;
  readonly mac: Uint8Array;
  readonly authenticated: Uint8Array;
}

/** PUNCH or PONG, parsed. */
export interface PunchPacket {
  readonly type: "punch" | "pong";
  readonly offer: Uint8Array;
  readonly nonce: Uint8Array;
  readonly seen: Uint8Array;
  readonly mac: Uint8Array;
  readonly authenticated: Uint8Array;
}

/** ASK, parsed. */
export interface AskPacket {
  readonly type: "ask";
  readonly nonce: Uint8Array;
}

/** KEY, parsed. */
export interface KeyPacket {
  readonly type: "key";
  readonly nonce: Uint8Array;
  readonly key: Uint8Array;
}

/** RESET, parsed. */
export interface ResetPacket {
  readonly type: "reset";
  /** The id that a DATA packet was sent to. */
  readonly cid: number;
  /** What whoever gave that id told with it. */
  readonly token: number;
}

/** WHERE, parsed. */
export interface WherePacket {
  readonly type: "where";
  readonly nonce: Uint8Array;
}

/** HERE, parsed. */
export interface HerePacket {
  readonly type: "here";
  readonly nonce: Uint8Array;
  /** Where WHERE came from. */
  readonly seen: Uint8Array;
}

/** Everything but DATA. */
export type HandshakePacket =
  | InitPacket
  | RespPacket
  | RetryPacket
  | PunchPacket
  | AskPacket
  | KeyPacket
  | ResetPacket
  | WherePacket
  | HerePacket;

/** Whether a datagram has the form of a DATA packet with at least one byte of frames. */
export function isDataPacket(datagram: Uint8Array): boolean {
  return datagram.length > DATA_OVERHEAD && (datagram[0] & ~PHASE_BIT) === PACKET_TYPE.data;
}

/** The phase of a DATA packet. */
export function phaseOf(datagram: Uint8Array): 0 | 1 {
  return (datagram[0] & PHASE_BIT) === 0 ? 0 : 1;
}

/** Whom a DATA packet is for, or −1. */
export function dataCid(datagram: Uint8Array): number {
  return readUint64(datagram, 1);
}

/** Writes the header of a DATA packet. */
export function writeDataHeader(
  into: Uint8Array,
  { phase, dcid, number }: { phase: 0 | 1; dcid: number; number: number },
): void {
  into[0] = PACKET_TYPE.data | (phase === 0 ? 0 : PHASE_BIT);
  writeUint64(into, 1, dcid);
  writeUint32(into, 9, number >>> 0);
}

/** Parses what is no DATA; `undefined` where it is nothing of ours. */
export function parseHandshakePacket(datagram: Uint8Array): HandshakePacket | undefined {
  if (datagram.length < 10 || datagram[1] !== DATAGRAM_VERSION) return undefined;
  switch (datagram[0]) {
    case PACKET_TYPE.init:
      return parseInit(datagram);
    case PACKET_TYPE.resp:
      return parseResp(datagram);
    case PACKET_TYPE.retry:
      return parseRetry(datagram);
    case PACKET_TYPE.punch:
      return parsePunch(datagram, "punch");
    case PACKET_TYPE.pong:
      return parsePunch(datagram, "pong");
    case PACKET_TYPE.ask:
      if (datagram.length !== DATAGRAM_BYTES_MIN || !isZero(datagram, 10)) return undefined;
      return { type: "ask", nonce: datagram.subarray(2, 10) };
    case PACKET_TYPE.key:
      if (datagram.length !== PACKET_BYTES.key) return undefined;
      return { type: "key", nonce: datagram.subarray(2, 10), key: datagram.subarray(10) };
    case PACKET_TYPE.reset:
      return parseReset(datagram);
    case PACKET_TYPE.where:
      if (datagram.length !== PACKET_BYTES.where || !isZero(datagram, 10)) return undefined;
      return { type: "where", nonce: datagram.subarray(2, 10) };
    case PACKET_TYPE.here:
      if (datagram.length !== PACKET_BYTES.where) return undefined;
      return { type: "here", nonce: datagram.subarray(2, 10), seen: datagram.subarray(10) };
    default:
      return undefined;
  }
}

function parseInit(datagram: Uint8Array): InitPacket | undefined {
  if (datagram.length !== DATAGRAM_BYTES_MIN) return undefined;
  const dcid = readUint64(datagram, DCID_AT);
  const scid = readUint64(datagram, SCID_AT);
  const cookieBytes = datagram[18 + OFFER_BYTES];
  if (dcid < 0 || scid < 0 || (cookieBytes !== 0 && cookieBytes !== COOKIE_BYTES)) return undefined;
  const cookieAt = 19 + OFFER_BYTES;
  const noiseAt = cookieAt + cookieBytes;
  const macAt = datagram.length - MAC_BYTES;
  return {
    type: "init",
    dcid,
    scid,
    offer: datagram.subarray(18, 18 + OFFER_BYTES),
    cookie: datagram.subarray(cookieAt, noiseAt),
    noise: datagram.subarray(noiseAt, noiseAt + NOISE_MESSAGE_BYTES),
    mac: datagram.subarray(macAt),
    authenticated: datagram.subarray(0, macAt),
  };
}

function parseResp(datagram: Uint8Array): RespPacket | undefined {
  if (datagram.length !== PACKET_BYTES.resp) return undefined;
  const dcid = readUint64(datagram, DCID_AT);
  const scid = readUint64(datagram, SCID_AT);
  if (dcid < 0 || scid < 0) return undefined;
  return { type: "resp", dcid, scid, noise: datagram.subarray(18) };
}

function parseRetry(datagram: Uint8Array): RetryPacket | undefined {
  if (datagram.length !== PACKET_BYTES.retry) return undefined;
  const dcid = readUint64(datagram, DCID_AT);
  const scid = readUint64(datagram, SCID_AT);
  if (dcid < 0 || scid < 0) return undefined;
  const macAt = 18 + COOKIE_BYTES;
  return {
    type: "retry",
    dcid,
    scid,
    cookie: datagram.subarray(18, macAt),
    mac: datagram.subarray(macAt),
    authenticated: datagram.subarray(0, macAt),
  };
}

function parsePunch(datagram: Uint8Array, type: "punch" | "pong"): PunchPacket | undefined {
  if (datagram.length !== PACKET_BYTES.punch) return undefined;
  const nonceAt = 2 + OFFER_BYTES;
  const seenAt = nonceAt + 8;
  const macAt = seenAt + ADDRESS_BYTES;
  return {
    type,
    offer: datagram.subarray(2, nonceAt),
    nonce: datagram.subarray(nonceAt, seenAt),
    seen: datagram.subarray(seenAt, macAt),
    mac: datagram.subarray(macAt),
    authenticated: datagram.subarray(0, macAt),
  };
}

function parseReset(datagram: Uint8Array): ResetPacket | undefined {
  if (datagram.length !== PACKET_BYTES.reset) return undefined;
  const cid = readUint64(datagram, 2);
  const token = readUint64(datagram, 10);
  return cid < 0 || token < 0 ? undefined : { type: "reset", cid, token };
}

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}

function longHeader(bytes: number, type: number, dcid: number, scid: number): Uint8Array {
  const packet = new Uint8Array(bytes);
  packet[0] = type;
  packet[1] = DATAGRAM_VERSION;
  writeUint64(packet, DCID_AT, dcid);
  writeUint64(packet, SCID_AT, scid);
  return packet;
}

/** A code over everything before it. */
export type Mac = (authenticated: Uint8Array) => Uint8Array;

/** Encodes INIT. */
export function encodeInit(
  { dcid, scid, offer, cookie, noise }: Pick<
    InitPacket,
    "dcid" | "scid" | "offer" | "cookie" | "noise"
  >,
  mac: Mac,
): Uint8Array {
  const packet = longHeader(DATAGRAM_BYTES_MIN, PACKET_TYPE.init, dcid, scid);
  packet.set(offer, 18);
  packet[18 + OFFER_BYTES] = cookie.length;
  packet.set(cookie, 19 + OFFER_BYTES);
  packet.set(noise, 19 + OFFER_BYTES + cookie.length);
  return sign(packet, mac);
}

/** Encodes RESP. */
export function encodeResp(
  { dcid, scid, noise }: Pick<RespPacket, "dcid" | "scid" | "noise">,
): Uint8Array {
  const packet = longHeader(PACKET_BYTES.resp, PACKET_TYPE.resp, dcid, scid);
  packet.set(noise, 18);
  return packet;
}

/** Encodes RETRY. */
export function encodeRetry(
  { dcid, scid, cookie }: Pick<RetryPacket, "dcid" | "scid" | "cookie">,
  mac: Mac,
): Uint8Array {
  const packet = longHeader(PACKET_BYTES.retry, PACKET_TYPE.retry, dcid, scid);
  packet.set(cookie, 18);
  return sign(packet, mac);
}

/** Encodes PUNCH or PONG. */
export function encodePunch(
  { type, offer, nonce, seen }: Pick<PunchPacket, "type" | "offer" | "nonce" | "seen">,
  mac: Mac,
): Uint8Array {
  const packet = new Uint8Array(PACKET_BYTES.punch);
  packet[0] = PACKET_TYPE[type];
  packet[1] = DATAGRAM_VERSION;
  packet.set(offer, 2);
  packet.set(nonce, 2 + OFFER_BYTES);
  packet.set(seen, 10 + OFFER_BYTES);
  return sign(packet, mac);
}

/** Encodes ASK. */
export function encodeAsk(nonce: Uint8Array): Uint8Array {
  const packet = new Uint8Array(DATAGRAM_BYTES_MIN);
  packet[0] = PACKET_TYPE.ask;
  packet[1] = DATAGRAM_VERSION;
  packet.set(nonce, 2);
  return packet;
}

/** Encodes KEY. */
export function encodeKey({ nonce, key }: Pick<KeyPacket, "nonce" | "key">): Uint8Array {
  const packet = new Uint8Array(PACKET_BYTES.key);
  packet[0] = PACKET_TYPE.key;
  packet[1] = DATAGRAM_VERSION;
  packet.set(nonce, 2);
  packet.set(key, 10);
  return packet;
}

/** Encodes RESET. */
export function encodeReset({ cid, token }: Pick<ResetPacket, "cid" | "token">): Uint8Array {
  const packet = new Uint8Array(PACKET_BYTES.reset);
  packet[0] = PACKET_TYPE.reset;
  packet[1] = DATAGRAM_VERSION;
  writeUint64(packet, 2, cid);
  writeUint64(packet, 10, token);
  return packet;
}

/** Encodes WHERE. */
export function encodeWhere(nonce: Uint8Array): Uint8Array {
  const packet = new Uint8Array(PACKET_BYTES.where);
  packet[0] = PACKET_TYPE.where;
  packet[1] = DATAGRAM_VERSION;
  packet.set(nonce, 2);
  return packet;
}

/** Encodes HERE. */
export function encodeHere({ nonce, seen }: Pick<HerePacket, "nonce" | "seen">): Uint8Array {
  const packet = encodeWhere(nonce);
  packet[0] = PACKET_TYPE.here;
  packet.set(seen, 10);
  return packet;
}

function sign(packet: Uint8Array, mac: Mac): Uint8Array {
  const at = packet.length - MAC_BYTES;
  packet.set(mac(packet.subarray(0, at)).subarray(0, MAC_BYTES), at);
  return packet;
}
