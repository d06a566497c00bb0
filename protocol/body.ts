/**
 * The bodies of the messages: what the payload of each kind says, as types (docs/PROTOCOL.md,
 * "Messages"). catalogue.ts has the rules that check them.
 *
 * @module
 */

import type { Command } from "./forum/command.ts";
import type { ForumEvent, Role, UnknownEvent } from "./forum/event.ts";

/** First from the client. */
export interface Hello {
  /** The version that the client speaks; this one is 2. */
  readonly version: number;
  /** Program and version, as `dfp-console/2.0`. */
  readonly agent: string;
  /** What the client can do beyond the basics; nothing is defined yet. */
  readonly features: string[];
}

/** What the server allows. */
export interface Limits {
  /** Largest payload of a frame, bytes. */
  readonly frame: number;
  /** Largest body of a message, bytes of UTF-8. */
  readonly text: number;
  /** Commands of one connection that may wait for their replies. */
  readonly commands: number;
}

/** The server's answer to HELLO. */
export interface Welcome {
  /** The version that both speak from here on; this one is 2. */
  readonly version: number;
  /** Program and version of the server. */
  readonly server: string;
  /** What the client must keep to. */
  readonly limits: Limits;
  /** After so many ms of silence the other side is asked for a sign of life. */
  readonly heartbeat: number;
  /** Ways to sign in, best first. */
  readonly mechanisms: string[];
  /** Whether REGISTER may make an account. */
  readonly registration: "open" | "closed";
  /** Type of channel binding that SCRAM must use here; absent where there is none. */
  readonly binding?: string;
  /** The server's clock, ms since 1970. */
  readonly time: number;
}

/** One of SCRAM's messages, as RFC 5802 writes it. */
export interface Scram {
  /** At most 2,048 characters. */
  readonly scram: string;
}

/** Signing in has succeeded. */
export interface Granted {
  /** SCRAM's server-final message, when a password was proved: check it. */
  readonly scram?: string;
  /** The name as it was registered, in its own case. */
  readonly user: string;
  /** The scope of what concerns this user only, to be followed. */
  readonly scope: string;
  /** The role now; events of `accounts` tell when it changes. */
  readonly role: Role;
  /** Secret that signs in again by RESUME; absent where that is not offered. */
  readonly token?: string;
}

/** A new account. Bytes are base64; the password never travels. */
export interface Register {
  /** The name that is wished for, at most 32 code points. */
  readonly user: string;
  /** 16 random bytes in base64. */
  readonly salt: string;
  /** The rounds of PBKDF2, from 4,096 to 10,000,000. */
  readonly iterations: number;
  /** SCRAM's StoredKey, 32 bytes in base64. */
  readonly storedKey: string;
  /** SCRAM's ServerKey, 32 bytes in base64. */
  readonly serverKey: string;
}

/** Signing in with a token. */
export interface Resume {
  /** As GRANTED gave it. */
  readonly token: string;
}

/** A reply that grants: the fields that reply.ts names for the command. */
export type Done = object;

/** A reply that refuses. */
export interface Refused {
  /** The status code. */
  readonly code: number;
  /** Its name. */
  readonly name: string;
  /** A sentence for a person. */
  readonly text: string;
  /** Facts for programs, where there are any. */
  readonly detail?: {
    /** Trying again can help after so many ms. */
    readonly wait?: number;
    /** The last sequence number that there is. */
    readonly head?: number;
    /** The field that is wrong. */
    readonly field?: string;
  };
}

/** Somebody came or went. */
export interface PresenceNotice {
  /** Only to those who have asked by `watch`. */
  readonly kind: "presence";
  /** The name, for showing. */
  readonly user: string;
  /** True with the first connection of the user, false after the last. */
  readonly on: boolean;
  /** When, in ms since 1970 UTC. */
  readonly at: number;
}

/** Somebody is typing. */
export interface TypingNotice {
  /** Only to those who have asked by `watch` and may see the thread. */
  readonly kind: "typing";
  /** The name, for showing. */
  readonly user: string;
  /** The number of the thread. */
  readonly thread: number;
}

/** The server is about to stop; BYE follows. */
export interface ClosingNotice {
  /** To everybody who is signed in. */
  readonly kind: "closing";
  /** A sentence for people, at most 1,000 characters. */
  readonly text: string;
}

/** Somebody offers a file, straight from their machine. */
export interface OfferNotice {
  /** To each connection of the user that has said by `announce` that it takes offers. */
  readonly kind: "offer";
  /** What `accept` and `conclude` call it: 16 random bytes in hexadecimal. */
  readonly offer: string;
  /** Who offers, for showing. */
  readonly by: string;
  /** What the file is called: a label, never a path. */
  readonly name: string;
  /** How many bytes it has. */
  readonly size: number;
  /** Its media type, as who offers it has said. */
  readonly type: string;
  /** SHA-256 of all its bytes, in lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Until when an answer is waited for, in ms since 1970 UTC. */
  readonly until: number;
}

/** An offer was accepted: both may begin, through the server at first. */
export interface GoNotice {
  /** To the connection that offered and to the one that accepted. */
  readonly kind: "go";
  /** The offer's name. */
  readonly offer: string;
  /** The id of RELAY frames from and to the other side, on this connection. */
  readonly channel: number;
  /** 32 random bytes in base64, which only these two are given: anew each time. */
  readonly secret: string;
  /** The X25519 public key of the other side, 32 bytes in base64. */
  readonly publicKey: string;
}

/** Where the other side of an accepted offer may be reached. */
export interface ReachNotice {
  /** To both sides, once both have told theirs by `reach`. */
  readonly kind: "reach";
  /** The offer's name. */
  readonly offer: string;
  /** Addresses in the other side's own network. */
  readonly own: string[];
  /** Addresses as the server has seen them. */
  readonly seen: string[];
  /** So many ms after this notice has come the search begins: so both begin together. */
  readonly delay: number;
}

/** An offer is over. */
export interface ConcludedNotice {
  /** To the other side of whoever ended it; to both if the server did. */
  readonly kind: "concluded";
  /** The offer's name. */
  readonly offer: string;
  /** A status code: how it ended. */
  readonly code: number;
  /** A sentence for people, at most 1,000 characters. */
  readonly reason: string;
}

/** What passes and is not kept. */
export type Notice =
  | PresenceNotice
  | TypingNotice
  | ClosingNotice
  | OfferNotice
  | GoNotice
  | ReachNotice
  | ConcludedNotice;

/** A notice of a kind that a later edition has brought: nothing is known of it. */
export interface UnknownNotice {
  /** Stands for whatever kind it was. */
  readonly kind: "unknown";
}

/** The next bytes of a file. */
export interface Data {
  /** At least one, at most 65,536; valid until more bytes are received. */
  readonly bytes: Uint8Array;
}

/** The next bytes of a file, deflated. */
export interface Packed {
  /** How many bytes of the file they are, 1 to 65,536. */
  readonly raw: number;
  /** Raw deflate (RFC 1951), complete in itself; valid until more bytes are received. */
  readonly bytes: Uint8Array;
}

/** A datagram for the other side of an offer, by way of the server. */
export interface Relay {
  /** A packet of "Datagrams"; valid until more bytes are received. */
  readonly bytes: Uint8Array;
}

/** How far the receiver of a file has come, and how far the sender may go. */
export interface Credit {
  /** All bytes before this offset are stored. */
  readonly at: number;
  /** Bytes before this offset may be sent. */
  readonly upto: number;
}

/** The file is whole: its sender has sent all of it, or its receiver has kept it. */
export interface Finish {
  /** SHA-256 of the whole file, in lower-case hexadecimal. */
  readonly sha256: string;
  /** From a server that has kept an upload: the `seq` of the file. */
  readonly file?: number;
  /** With `file`: when it was shared, in ms since 1970 UTC. */
  readonly at?: number;
}

/** Why a transfer ends without success. */
export interface Abort {
  /** A status code. */
  readonly code: number;
  /** A sentence for people, at most 1,000 characters. */
  readonly reason: string;
}

/** Why the session ends. */
export interface Bye {
  /** A status code. */
  readonly code: number;
  /** A sentence for people, at most 1,000 characters. */
  readonly reason: string;
}

/** Nothing. */
export type Nothing = object;

/** The body of each kind of message. */
export interface Bodies {
  /** 01, the client's first. */
  hello: Hello;
  /** 02, what the server allows. */
  welcome: Welcome;
  /** 03, SCRAM's client-first message. */
  login: Scram;
  /** 04, SCRAM's server-first message. */
  challenge: Scram;
  /** 05, SCRAM's client-final message. */
  proof: Scram;
  /** 06, somebody is signed in. */
  granted: Granted;
  /** 07, an account is wished for. */
  register: Register;
  /** 08, signing in with a token. */
  resume: Resume;
  /** 10, asks for something. */
  command: Command;
  /** 11, grants a command. */
  done: Done;
  /** 12, refuses a command, or with id 0 signing in. */
  refused: Refused;
  /** 20, an entry of a followed scope. */
  event: ForumEvent | UnknownEvent;
  /** 21, what passes and is not kept. */
  notice: Notice | UnknownNotice;
  /** 30, the next bytes of a file. */
  data: Data;
  /** 31, how far a file may be sent. */
  credit: Credit;
  /** 32, a file is whole. */
  finish: Finish;
  /** 33, a transfer ends without success. */
  abort: Abort;
  /** 34, the next bytes of a file, deflated. */
  packed: Packed;
  /** 35, a datagram for the other side of an offer. */
  relay: Relay;
  /** 40, asks for a sign of life. */
  ping: Nothing;
  /** 41, answers PING with the same id. */
  pong: Nothing;
  /** 42, ends the session. */
  bye: Bye;
}
