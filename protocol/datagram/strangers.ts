/**
 * Handshakes that a stranger has begun, and that are not through: how many there are, in all and from each network,
 * and which INIT has begun which connection, so that the same one makes no other.
 *
 * @module
 */

/** How many are taken on. */
export interface StrangerLimits {
  /** In all. */
  readonly halfOpen: number;
  /** From one network, so that one keeps no other out. */
  readonly halfOpenPerNetwork: number;
}

interface Begun {
  readonly init: string;
  readonly network: string;
  stranger: boolean;
}

/** The connections that were begun by others. */
export class Strangers<C> {
  readonly #limits: StrangerLimits;
  readonly #byInit = new Map<string, C>();
  readonly #begun = new Map<C, Begun>();
  readonly #networks = new Map<string, number>();
  /** How many are not through. */
  count = 0;

  constructor(limits: StrangerLimits) {
    this.#limits = limits;
  }

  /** The connection that an INIT has begun, while it is there. */
  find(init: string): C | undefined {
    return this.#byInit.get(init);
  }

  /** Whether there is room for another from this network. */
  hasRoom(network: string): boolean {
    const { halfOpen, halfOpenPerNetwork } = this.#limits;
    return this.count < halfOpen && (this.#networks.get(network) ?? 0) < halfOpenPerNetwork;
  }

  /** An INIT has begun a connection. */
  enter(connection: C, init: string, network: string): void {
    this.count++;
    this.#byInit.set(init, connection);
    this.#begun.set(connection, { init, network, stranger: true });
    this.#networks.set(network, (this.#networks.get(network) ?? 0) + 1);
  }

  /** Its handshake is through; its INIT may still come again. */
  isKnown(connection: C): void {
    const begun = this.#begun.get(connection);
    if (begun === undefined || !begun.stranger) return;
    begun.stranger = false;
    this.count--;
    const left = this.#networks.get(begun.network)! - 1;
    if (left > 0) this.#networks.set(begun.network, left);
    else this.#networks.delete(begun.network);
  }

  /** It is gone. */
  leave(connection: C): void {
    const begun = this.#begun.get(connection);
    if (begun === undefined) return;
    this.isKnown(connection);
    this.#begun.delete(connection);
    this.#byInit.delete(begun.init);
  }
}
