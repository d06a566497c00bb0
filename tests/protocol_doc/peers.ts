/**
 * The values of an offer, from its secret to the frames of its file, as the specification shows them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { encodeAddress } from "../../protocol/datagram/address.ts";
import { offerMac, type OfferPeer } from "../../protocol/datagram/handshake.ts";
import { nobleSuite } from "../../protocol/datagram/noble_suite.ts";
import { encodeHere, encodeWhere } from "../../protocol/datagram/packet.ts";
import { PunchMachine } from "../../protocol/datagram/punch.ts";
import { concatenate } from "../../protocol/datagram/suite.ts";
import { FRAME_HEADER_BYTES } from "../../protocol/frame.ts";
import { offerContext } from "../../protocol/peer/offer_context.ts";
import {
  createReceivingStream,
  createSendingStream,
  PEER_TRANSFER,
  type PeerStream,
} from "../../protocol/peer/peer_stream.ts";
import { createRelayQueue } from "../../protocol/peer/relay_queue.ts";

const CONTENT = new TextEncoder().encode("Do or do not. There is no try.");
const SHA256 = Buffer.from(nobleSuite.hash(CONTENT)).toString("hex");
const OFFER = Uint8Array.from({ length: 16 }, (_, at) => 0x80 + at);
const SECRET = Uint8Array.from({ length: 32 }, (_, at) => 0xc0 + at);
const NONCE = Uint8Array.from({ length: 8 }, (_, at) => at + 1);
const CONTEXT = offerContext({
  by: "Cid",
  to: "Yoda",
  name: "try.txt",
  size: CONTENT.length,
  sha256: SHA256,
});

/** The PUNCH of a side, and the other's PONG. */
function punches(): { punch: Uint8Array; pong: Uint8Array } {
  const env = { suite: nobleSuite, random: (out: Uint8Array) => out.set(NONCE) };
  const none = new Uint8Array(32);
  const peer: OfferPeer = {
    kind: "offer",
    offer: OFFER,
    secret: SECRET,
    static: { secret: none, public: none },
    key: none,
    context: CONTEXT,
  };
  const path = "192.0.2.7:51820";
  const one = { path, delay: 0, own: true };
  const taker = new PunchMachine(env, { peer, role: "initiator", candidates: [one] }, 0);
  const offerer = new PunchMachine(env, { peer, role: "responder", candidates: [] }, 0);
  const punch = taker.transmit(0)!.packet;
  const nonce = punch.subarray(18, 26);
  const authenticated = punch.subarray(0, punch.length - 16);
  const mac = punch.subarray(punch.length - 16);
  offerer.receive(path, { type: "punch", offer: OFFER, nonce, seen: none, mac, authenticated }, 0);
  return { punch, pong: offerer.transmit(0)!.packet };
}

function written(stream: PeerStream): Uint8Array {
  const bytes = stream.peekTransmit().slice();
  stream.consumeTransmit(bytes.length);
  return bytes;
}

/** The frames of a file, in their order. */
function frames(): Record<string, Uint8Array> {
  const { length: size } = CONTENT;
  const sender = createSendingStream(size);
  const receiver = createReceivingStream({ size, offset: 14, window: 1000 });
  const credit = written(receiver);
  sender.receive(credit);
  while (sender.next() !== undefined);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + size - 14);
  frame.set(CONTENT.subarray(14), FRAME_HEADER_BYTES);
  sender.transfers.provide(PEER_TRANSFER, frame);
  sender.transfers.end(PEER_TRANSFER, { sha256: SHA256 });
  const data = written(sender);
  const finish = written(sender);
  receiver.receive(Uint8Array.of(...data, ...finish));
  while (receiver.next() !== undefined);
  receiver.transfers.stored(PEER_TRANSFER, size - 14);
  receiver.transfers.kept(PEER_TRANSFER, { sha256: SHA256 });
  return { credit, data, finish, kept: written(receiver) };
}

/** By name; bytes in hexadecimal. */
export function peerValues(): Record<string, string> {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  const key = (word: string) => hex(nobleSuite.hmac(SECRET, concatenate(word)));
  const { punch, pong } = punches();
  const queue = createRelayQueue();
  queue.push(3, punch);
  const { credit, data, finish, kept } = frames();
  const frame = (bytes: Uint8Array) => `${hex(bytes.subarray(0, 8))} ${text(bytes.subarray(8))}`;
  return {
    "offer": hex(OFFER),
    "secret": hex(SECRET),
    "context": hex(CONTEXT),
    "mac key of INIT": key("dfp2 mac"),
    "mac of nothing": hex(offerMac(nobleSuite, SECRET)(new Uint8Array(0)).subarray(0, 16)),
    "punch key of the taker": key("dfp2 punch initiator"),
    "punch key of the offerer": key("dfp2 punch responder"),
    "PUNCH of the taker": hex(punch),
    "PONG to it": hex(pong),
    "PUNCH in RELAY": hex(queue.pull()!),
    "WHERE": hex(encodeWhere(NONCE)),
    "HERE": hex(encodeHere({ nonce: NONCE, seen: encodeAddress("192.0.2.7:51820") })),
    "CREDIT of the taker": frame(credit),
    "DATA of the offerer": frame(data),
    "FINISH of the offerer": frame(finish),
    "FINISH of the taker": frame(kept),
  };
}
