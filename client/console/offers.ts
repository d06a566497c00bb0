/**
 * Offers: the files that others want to send, as they are listed, meant by a word, and taken without asking.
 *
 * @module
 */

import type { ListedOffer } from "../../protocol/terminal/file_outcome.ts";
import { Refusing } from "../../protocol/terminal/outcome.ts";
import { fold } from "../../protocol/text.ts";
import type { Always } from "../disk/always_file.ts";
import type { ClientEvent } from "../forum_client.ts";
import type { PeerOffer } from "../peer/peer_files.ts";

/** The offers that nobody has answered. */
export interface Offers {
  readonly all: readonly ListedOffer[];
  /** Takes in what has happened. Gives an offer that is to be taken without asking. */
  heard(event: ClientEvent): PeerOffer | undefined;
  /** Whether an offer is taken without asking. */
  isWelcome(offer: PeerOffer): boolean;
  /**
   * The one that is meant by a number or a name; without a word, the only one.
   *
   * @throws Refusing if there is none, or more than one.
   */
  find(given: string | undefined): PeerOffer;
  /** Those that are open and come from this user. */
  from(user: string): PeerOffer[];
  /** It is answered. */
  drop(offer: PeerOffer): void;
}

class OpenOffers implements Offers {
  readonly #everything: boolean;
  readonly #always: Pick<Always, "has">;
  readonly #open = new Map<number, PeerOffer>();
  #last = 0;

  constructor(everything: boolean, always: Pick<Always, "has">) {
    this.#everything = everything;
    this.#always = always;
  }

  get all(): readonly ListedOffer[] {
    return [...this.#open].map(([number, { by, name, size, type, sha256, until }]) => ({
      number,
      by,
      name,
      size,
      type,
      sha256,
      until,
    }));
  }

  heard(event: ClientEvent): PeerOffer | undefined {
    if (event.type === "offer") {
      if (this.isWelcome(event.offer)) return event.offer;
      // Small numbers are typed easily: they begin anew when nothing is open.
      this.#last = this.#open.size === 0 ? 1 : this.#last + 1;
      this.#open.set(this.#last, event.offer);
    } else if (event.type === "offer-ended") this.drop(event.offer);
    return undefined;
  }

  isWelcome({ by, again }: PeerOffer): boolean {
    return this.#everything || again || this.#always.has(by);
  }

  find(given: string | undefined): PeerOffer {
    const open = [...this.#open.values()];
    if (given === undefined) {
      if (open.length === 1) return open[0];
      const text = open.length === 0
        ? "Nobody offers you a file."
        : "Several files are offered to you: say which. /offers lists them.";
      throw new Refusing("no-offer", text);
    }
    const number = /^#?\d{1,9}$/.test(given) ? Number(given.replace("#", "")) : 0;
    const found = this.#open.get(number) ?? open.find(({ name }) => name === given);
    if (found !== undefined) return found;
    throw new Refusing("no-offer", "No such file is offered to you. /offers lists those that are.");
  }

  from(user: string): PeerOffer[] {
    return [...this.#open.values()].filter(({ by }) => fold(by) === fold(user));
  }

  drop({ offer }: PeerOffer): void {
    for (const [number, open] of this.#open) if (open.offer === offer) this.#open.delete(number);
  }
}

/** Creates an empty list; with `everything` no offer waits in it, and none of those whose files are always taken. */
export function createOffers(everything: boolean, always: Pick<Always, "has">): Offers {
  return new OpenOffers(everything, always);
}
