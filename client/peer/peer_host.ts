/**
 * What the files between two clients need of their own client: the connection to the forum, by which they find each
 * other and over which they begin, and what is not pure.
 *
 * @module
 */

import type { PeerCommand } from "../../protocol/forum/command.ts";
import type { Reply } from "../../protocol/forum/reply.ts";
import type { Refused } from "../../protocol/body.ts";
import type { Env, KeyPair } from "../../protocol/datagram/suite.ts";

/** How a file travels: straight between the two machines, or through the server. */
export type Via = "direct" | "relayed";

/** Sockets of this machine by which another client may be reached. */
export interface PeerPort {
  /** Addresses in our own network, as `192.0.2.1:5000`. */
  readonly own: readonly string[];
  /** Addresses as the server has seen them; none where it cannot tell, or each asking has shown another. */
  readonly seen: readonly string[];
  /** Sends datagrams of one size, one behind the other; what cannot be sent is lost. */
  send(path: string, datagrams: Uint8Array, segment: number): Promise<void>;
  /** Lets go of the sockets. */
  close(): void;
}

/** Opens sockets; what they receive goes to `receive`. */
export type OpenPeerPort = (options: {
  /** A datagram has come. It is not kept. */
  readonly receive: (path: string, datagram: Uint8Array) => void;
  /** UDP ports of the server that tell our address. */
  readonly udp: readonly number[];
}) => Promise<PeerPort>;

/** Where the keys of others are remembered. */
export interface KnownPeers {
  /** The keys under which a user was met. */
  find(user: string): Promise<readonly Uint8Array[]>;
  /** Remembers a key that a user's client has proved. */
  remember(user: string, key: Uint8Array): Promise<void>;
}

/** How a client takes part in files that go straight from user to user. */
export interface PeerOptions {
  /** Cryptography and chance: `nodeEnv` where node:crypto is at hand, or one with `nobleSuite`. */
  readonly env: Env;
  /** Whether others may offer files; true by default. */
  readonly offers?: boolean;
  /** This client's static keys; new ones if they are not given. */
  readonly keys?: KeyPair;
  /** Where keys of others are remembered; without it nobody is told when somebody has another one. */
  readonly knownPeers?: KnownPeers;
  /** How sockets are opened. Without it no address is told to anybody, and all goes through the server. */
  readonly openPort?: OpenPeerPort;
}

/** What is done with the reply to a command, at once when it comes. */
export interface Answer<O extends PeerCommand["op"]> {
  done(reply: Reply<O>): void;
  refused(refused: Refused): void;
}

/** The client's connection to the forum. */
export interface PeerForum {
  /** Our own name. */
  readonly user: string;
  /** Whether commands can be sent now. */
  readonly online: boolean;
  /** Sends a command; a break refuses it with `lost`. */
  ask<O extends PeerCommand["op"]>(
    command: Extract<PeerCommand, { op: O }>,
    answer: Answer<O>,
  ): void;
  /** Whether what is relayed has to wait for room. */
  readonly relayBlocked: boolean;
  /** Sends a datagram through the server; without room it is lost. */
  relay(channel: number, datagram: Uint8Array): void;
}

/** What one file works with. */
export interface PeerHost extends PeerForum {
  readonly env: Env;
  readonly keys: KeyPair;
  readonly openPort: OpenPeerPort | undefined;
  readonly udp: readonly number[];
  /** The other side of a file has proved that it has this key. */
  proved(user: string, key: Uint8Array): void;
  /** The round trip to the server, in ms. */
  readonly rtt: number;
}
