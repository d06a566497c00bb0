/**
 * A client's session as its owner sees it: what it is made with, what it is told, and what it tells.
 *
 * @module
 */

import type { Notice, Refused, Register } from "./body.ts";
import type { Command } from "./forum/command.ts";
import type { ForumEvent, Role } from "./forum/event.ts";
import type { DownloadOpened, UploadOpened } from "./forum/reply.ts";
import type { ChannelBinding } from "./scram.ts";
import type { StatusName } from "./status.ts";
import type { TransferEvent } from "./transfer/transfers.ts";

/** Where a session stands. */
export type SessionState =
  /** No stream; `dial` was or will be asked for. */
  | "offline"
  /** A stream is there; signing in is under way. */
  | "joining"
  | "online"
  /** Saying goodbye. */
  | "leaving"
  | "closed";

/** What happened to a session. */
export type SessionTransition =
  /** Open a stream, then call `opened` or `dialFailed`. */
  | { readonly kind: "dial" }
  /** Close the stream: nothing more will be written to it or read from it. */
  | { readonly kind: "hang-up" }
  /** Answer with `provideSaltedPassword`. */
  | {
    readonly kind: "password-wanted";
    readonly salt: Uint8Array;
    readonly iterations: number;
  }
  /** Somebody is signed in; `again` is false the first time. */
  | {
    readonly kind: "online";
    readonly user: string;
    readonly role: Role;
    readonly again: boolean;
  }
  /** The link is gone; the session tries to get another. */
  | { readonly kind: "offline"; readonly text: string }
  | { readonly kind: "done"; readonly id: number; readonly result: object }
  | { readonly kind: "refused"; readonly id: number; readonly refused: Refused }
  | { readonly kind: "event"; readonly event: ForumEvent }
  | { readonly kind: "notice"; readonly notice: Notice }
  /**
   * A transfer may begin, or go on after a break: from the `offset` of the reply on, whatever was sent
   * before.
   */
  | {
    readonly kind: "transfer-opened";
    readonly id: number;
    readonly reply: UploadOpened | DownloadOpened;
  }
  /** Something happened to a transfer; its end is told by `done` or `refused`. */
  | { readonly kind: "transfer"; readonly event: TransferEvent }
  /** A datagram of a peer has come; valid until more is received. */
  | { readonly kind: "relay"; readonly channel: number; readonly bytes: Uint8Array }
  /** The server does not let a scope be followed on after a reconnect. */
  | { readonly kind: "unfollowed"; readonly scope: string; readonly refused: Refused }
  /** The last one. */
  | { readonly kind: "closed"; readonly refused: Refused };

/** What a session is made with. */
export interface ClientSessionOptions {
  /** Fills an array with random bytes. */
  readonly random: (out: Uint8Array) => void;
  /** Program and version. */
  readonly agent: string;
  /** Who signs in. */
  readonly user: string;
  /** Makes the account first: what decides the password from then on. */
  readonly registration?: Register;
  /** A token of an earlier session: it signs in, and no password is asked for. */
  readonly token?: string;
  /** Whether to get another link when one breaks; true by default. */
  readonly reconnect?: boolean;
  /** Bytes of one download that may have come and not been taken, 1 at least. */
  readonly window?: number;
}

/** A session of one user with one server. */
export interface ClientSession {
  /** Where the session stands. */
  readonly state: SessionState;
  /** Whether the open stream should be read. */
  readonly wantsRead: boolean;
  /** How many bytes wait to be written to the open stream. */
  readonly pendingTransmit: number;
  /** What signs this session in again, once the server has given it. */
  readonly token: string | undefined;
  /** The stream that `dial` asked for is open. */
  opened(now: number, binding?: ChannelBinding): void;
  /** It could not be opened; `forGood` if there is no sense in trying again. */
  dialFailed(now: number, text: string, forGood?: boolean): void;
  /** Takes bytes of the stream in; the array is not kept. */
  receive(chunk: Uint8Array, now: number): void;
  /** The server sends no more. */
  receiveEnd(now: number): void;
  /** The stream broke in both directions. */
  receiveBreak(now: number): void;
  /** Lets time pass; too early does nothing. */
  handleTimeout(now: number): void;
  /** When to call `handleTimeout`, or `undefined` if nothing waits for time. */
  timeout(): number | undefined;
  /** What happened next, or `undefined` if nothing more has. */
  next(): SessionTransition | undefined;
  /** The next bytes to write; empty if none wait. They stay valid until consumed. */
  peekTransmit(): Uint8Array;
  /** So many of the peeked bytes were written. */
  consumeTransmit(count: number): void;
  /**
   * Sends a command, now or when the link is back, and returns the number under which `done` or
   * `refused` will come. A change without a key gets one; how far a download may go at first is the
   * session's business, whatever its `upto` says.
   */
  command(command: Command, now: number): number;
  /** Gives the next bytes of an upload; see `Transfers.provide`. */
  provide(id: number, frame: Uint8Array, raw?: number): void;
  /** All bytes of an upload were given, and this is their SHA-256. */
  endUpload(id: number, sha256: string): void;
  /** So many more bytes of a download were taken. */
  stored(id: number, count: number): void;
  /** A download is whole, and what its hash says. */
  keepDownload(id: number, sha256: string): void;
  /** Gives a transfer up; it ends with `refused` and this status. */
  cancelTransfer(id: number, status: StatusName, now: number): void;
  /** Whether a datagram for a peer would be taken now. */
  readonly relays: boolean;
  /** Queues a datagram for a peer, behind all talk; false where it is dropped. */
  relay(channel: number, datagram: Uint8Array): boolean;
  /** Answers `password-wanted`. */
  provideSaltedPassword(salted: Uint8Array, now: number): void;
  /**
   * Follows nothing for a while, because what comes is not taken fast enough; replies still come. What
   * is missed comes after `release`.
   */
  hold(now: number): void;
  /** Follows on from the last entry that was taken. */
  release(now: number): void;
  /** Says goodbye. Commands without a reply are refused. */
  close(now: number): void;
}
