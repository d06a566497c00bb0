/**
 * What a connection carries beside talk: files, and datagrams between peers. Both are made when there is one, since most
 * connections have none, and take turns when nothing else waits to be written.
 *
 * @module
 */

import type { Lender } from "./link.ts";
import type { Message } from "./message.ts";
import { createRelayQueue, type RelayQueue } from "./peer/relay_queue.ts";
import {
  createTransfers,
  type TransferEvent,
  type TransferMessage,
  type Transfers,
} from "./transfer/transfers.ts";

/** The files and the datagrams of a connection. */
export class Bulk implements Lender {
  readonly #send: (message: Message) => void;
  #transfers: Transfers | undefined;
  #relays: RelayQueue | undefined;
  #relaysFirst = false;

  /** `send` queues a message on the connection. */
  constructor(send: (message: Message) => void) {
    this.#send = send;
  }

  get transfers(): Transfers {
    return this.#transfers ??= createTransfers(this.#send);
  }
  get relays(): RelayQueue {
    return this.#relays ??= createRelayQueue();
  }

  /** The next frame to write. */
  pull(): Uint8Array | undefined {
    if (this.#relays === undefined) return this.#transfers?.pull();
    this.#relaysFirst = !this.#relaysFirst;
    return this.#relaysFirst
      ? this.#relays.pull() ?? this.#transfers?.pull()
      : this.#transfers?.pull() ?? this.#relays.pull();
  }

  /** Whether whoever expects the bytes of a file lends memory for them. */
  get lending(): boolean {
    return this.#transfers?.lending ?? false;
  }

  /** What is lent, once. */
  takeLent(): Uint8Array | undefined {
    return this.#transfers?.takeLent();
  }

  /** Takes what has come for a file; there may be none any more. */
  take(message: TransferMessage): void {
    this.#transfers?.take(message);
  }

  /** What happened to a file next. */
  next(): TransferEvent | undefined {
    return this.#transfers?.next();
  }

  /** Forgets all of it: the connection ends. */
  clear(): void {
    this.#transfers?.clear();
    this.#relays?.clear();
  }
}
