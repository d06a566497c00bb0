/**
 * The handshake of a connection: one round trip, or two where the server asks for a cookie (DATAGRAM §1 and §2).
 *
 * A client that knows the server's static key uses Noise NK; two peers for whom a forum server vouches use KKpsk0,
 * with a secret that the server has given both. Either way INIT carries a code from what both know before any
 * costly arithmetic, so strangers cost nothing.
 *
 * @module
 */

import { type ChannelBinding, equalBytes } from "../scram.ts";
import { writeUint64 } from "./integer.ts";
import { createNoise, type Noise, type NoiseResult } from "./noise.ts";
import {
  DATAGRAM_VERSION,
  encodeInit,
  encodeResp,
  encodeRetry,
  type InitPacket,
  type Mac,
  MAC_BYTES,
  OFFER_BYTES,
  type RespPacket,
  type RetryPacket,
} from "./packet.ts";
import { encodeParams, type Params, parseParams } from "./params.ts";
import { concatenate, type Env, KEY_BYTES, type KeyPair, type Suite } from "./suite.ts";

/** Whom a client calls: a server whose key it knows. */
export interface ServerPeer {
  /** Tells it from an offer. */
  readonly kind: "server";
  /** The server's static public key. */
  readonly key: Uint8Array;
}

/** A user with whom the forum server has put us in touch. */
export interface OfferPeer {
  /** Tells it from a server. */
  readonly kind: "offer";
  /** The name of the offer, 16 bytes, not all zero. */
  readonly offer: Uint8Array;
  /** The secret that the server gave both, 32 bytes. */
  readonly secret: Uint8Array;
  /** Our static keys, for which the server vouches to the peer. */
  readonly static: KeyPair;
  /** The peer's static public key. */
  readonly key: Uint8Array;
  /** What both must agree on besides: the two users, the file's name, size and hash. */
  readonly context: Uint8Array;
}

/**
 * Checks that an offer has a name and a secret.
 *
 * @throws RangeError if it has not.
 */
export function expectOffer({ offer, secret }: OfferPeer): void {
  if (offer.length !== OFFER_BYTES || offer.every((byte) => byte === 0)) {
    throw new RangeError(`an offer is named by ${OFFER_BYTES} bytes that are not all zero`);
  }
  if (secret.length !== KEY_BYTES) throw new RangeError("the secret of an offer has 32 bytes");
}

/** The other end of a handshake. */
export type Peer = ServerPeer | OfferPeer;

/** What a handshake gives. */
export interface Handshaken extends NoiseResult {
  readonly params: Params;
}

/** Where a client wants a server, the offer is all zero. */
export const NO_OFFER: Uint8Array = new Uint8Array(OFFER_BYTES);
/** So often a client sends its INIT anew for a cookie. */
export const RETRIES_MAX = 3;

const NOTHING = new Uint8Array(0);

/** What sign-in is bound to over datagrams (RFC 5802 §6): whoever stands in between has another hash. */
export function handshakeBinding(hash: Uint8Array): ChannelBinding {
  return { type: "dfp-noise", data: hash };
}

/** The key of the codes of a server's handshakes. */
export function serverMac(suite: Suite, serverKey: Uint8Array): Mac {
  const key = suite.hash(concatenate("dfp2 mac", serverKey));
  return (authenticated) => suite.hmac(key, authenticated);
}

/** The key of the codes of an offer's handshakes. */
export function offerMac(suite: Suite, secret: Uint8Array): Mac {
  const key = suite.hmac(secret, concatenate("dfp2 mac"));
  return (authenticated) => suite.hmac(key, authenticated);
}

/** The code of an INIT. */
export function isGenuine(mac: Mac, packet: InitPacket): boolean {
  return equalBytes(mac(packet.authenticated).subarray(0, MAC_BYTES), packet.mac);
}

/** What both sides mix in before anything else. */
function prologue(
  { dcid, scid, offer }: Pick<InitPacket, "dcid" | "scid" | "offer">,
  context: Uint8Array,
): Uint8Array {
  const ids = new Uint8Array(16);
  writeUint64(ids, 0, dcid);
  writeUint64(ids, 8, scid);
  return concatenate("DFP/2 datagram", Uint8Array.of(DATAGRAM_VERSION), ids, offer, context);
}

function ephemeralKey({ random }: Env): Uint8Array {
  const secret = new Uint8Array(KEY_BYTES);
  random(secret);
  return secret;
}

/** The initiator's half. */
export class Initiator {
  readonly #noise: Noise;
  readonly #mac: Mac;
  readonly #init: Pick<InitPacket, "dcid" | "scid" | "offer" | "noise">;
  #cookie = NOTHING;
  #sentMac = NOTHING;
  #retries = 0;
  #isThrough = false;

  constructor(env: Env, peer: Peer, ids: { dcid: number; scid: number }, params: Params) {
    const { suite } = env;
    const offer = peer.kind === "offer" ? peer.offer : NO_OFFER;
    const common = {
      suite,
      role: "initiator",
      ephemeral: ephemeralKey(env),
      remoteStatic: peer.key,
    } as const;
    this.#mac = peer.kind === "offer" ? offerMac(suite, peer.secret) : serverMac(suite, peer.key);
    this.#noise = createNoise(
      peer.kind === "offer"
        ? {
          ...common,
          pattern: "KKpsk0",
          prologue: prologue({ ...ids, offer }, peer.context),
          static: peer.static,
          psk: peer.secret,
        }
        : { ...common, pattern: "NK", prologue: prologue({ ...ids, offer }, NOTHING) },
    );
    this.#init = { ...ids, offer, noise: this.#noise.write(encodeParams(params)) };
  }

  /** The INIT to send. */
  init(): Uint8Array {
    const packet = encodeInit({ ...this.#init, cookie: this.#cookie }, this.#mac);
    this.#sentMac = packet.slice(packet.length - MAC_BYTES);
    return packet;
  }

  /** Takes a RETRY; false where it does not answer our INIT. */
  retry({ dcid, scid, cookie, mac, authenticated }: RetryPacket): boolean {
    if (dcid !== this.#init.scid || scid !== this.#init.dcid) return false;
    if (this.#retries >= RETRIES_MAX) return false;
    const genuine = this.#mac(concatenate(authenticated, this.#sentMac)).subarray(0, MAC_BYTES);
    if (!equalBytes(genuine, mac)) return false;
    this.#retries++;
    this.#cookie = cookie.slice();
    return true;
  }

  /** Takes a RESP: what the handshake gives, or `undefined` where it is not genuine. */
  response({ noise }: RespPacket): Handshaken | undefined {
    if (this.#isThrough) return undefined;
    const payload = this.#noise.read(noise);
    if (payload === undefined) return undefined;
    this.#isThrough = true;
    // The id within counts: that in the header could have been changed on its way.
    const params = parseParams(payload);
    return params && { ...this.#noise.split(), params };
  }
}

/** What a responder answers with. */
export interface Responder {
  /** Our static keys. */
  readonly static: KeyPair;
  /** Who calls, where it is an offer. */
  readonly offer?: OfferPeer;
}

/** An answered INIT. */
export interface Answer extends Handshaken {
  readonly resp: Uint8Array;
}

/** Answers an INIT whose code is genuine; `undefined` where the rest of it is not. */
export function answerInit(
  env: Env,
  { static: own, offer }: Responder,
  init: InitPacket,
  params: Params,
): Answer | undefined {
  const common = {
    suite: env.suite,
    role: "responder",
    ephemeral: ephemeralKey(env),
    static: own,
    prologue: prologue(init, offer?.context ?? NOTHING),
  } as const;
  const noise = createNoise(
    offer === undefined
      ? { ...common, pattern: "NK" }
      : { ...common, pattern: "KKpsk0", remoteStatic: offer.key, psk: offer.secret },
  );
  const payload = noise.read(init.noise);
  const theirs = payload && parseParams(payload);
  if (theirs === undefined || theirs.cid !== init.scid) return undefined;
  const resp = encodeResp({
    dcid: init.scid,
    scid: params.cid,
    noise: noise.write(encodeParams(params)),
  });
  return { ...noise.split(), params: theirs, resp };
}

/** The RETRY that asks for an INIT with this cookie. */
export function retryFor(init: InitPacket, cookie: Uint8Array, mac: Mac): Uint8Array {
  return encodeRetry(
    { dcid: init.scid, scid: init.dcid, cookie },
    (authenticated) => mac(concatenate(authenticated, init.mac)),
  );
}
