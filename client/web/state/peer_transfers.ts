/**
 * Files from user to user: what others offer, what is taken without asking, and what is on its way. What is under way
 * stands among the other transfers; breaks of a connection are ForumClient's business.
 *
 * @module
 */

import { effect, signal } from "@preact/signals";
import { fold } from "../../../protocol/text.ts";
import { sourceOf } from "../../files/file_source.ts";
import { mediaType } from "../../files/media_type.ts";
import type { ClientEvent } from "../../forum_client.ts";
import type { PeerFiles, PeerOffer } from "../../peer/peer_files.ts";
import { keep, kept, type Store } from "./keeping.ts";
import { gatherParts, type KeptParts } from "./parts.ts";
import type { Transfers } from "./transfers.ts";

/** Files from user to user, as views see them. */
export interface PeerTransfers {
  /** What is offered and not answered, oldest first. */
  readonly offers: { readonly value: readonly PeerOffer[] };
  /** Whose files are taken without asking. */
  readonly always: { readonly value: readonly string[] };
  /** Who has another key than before, and nobody has taken note of it. */
  readonly strangers: { readonly value: readonly string[] };
  /** Offers a file to a user. */
  send(user: string, file: File): void;
  accept(offer: PeerOffer): void;
  decline(offer: PeerOffer): void;
  /** Takes an offer, and from now on whatever its maker offers. */
  acceptAlways(offer: PeerOffer): void;
  /** From now on this user's offers have to be answered again. */
  askAgain(user: string): void;
  /** Somebody has taken note of a user's other key. */
  note(user: string): void;
  /** Hands a file that has come to the person again, while it is listed. */
  saveAgain(id: number): void;
  /** Takes in what has happened. */
  heard(event: ClientEvent): void;
  /** The person has left: nothing of what was coming is kept. */
  forget(): void;
}

/** What they work with. */
export interface PeerTransfersOptions {
  readonly peers: PeerFiles;
  readonly transfers: Transfers;
  readonly me: string;
  /** Keeps whose files are taken without asking. */
  readonly store: Store;
  /** Keeps what has come of files over reloads of the page. */
  readonly keptParts?: KeptParts;
  /** Hands a whole file to the person. */
  readonly hand: (blob: Blob, name: string) => void;
}

/** So much was got of a file before it broke off. */
interface Begun {
  readonly parts: Blob[];
  /** Its place in the list. */
  readonly id: number;
}

/** So many files that broke off are kept for when they are offered again. */
const BEGUN_MAX = 8;
/** What is told of an offer that another page of the same person has taken. */
const ELSEWHERE: ReadonlySet<string> = new Set(["replaced", "no-offer"]);
/** So many people's files can be taken without asking. */
const ALWAYS_MAX = 500;

/** Makes them for a client that takes part. */
export function createPeerTransfers(options: PeerTransfersOptions): PeerTransfers {
  const { peers, transfers, store, hand, keptParts } = options;
  const name = `dfp.always.${fold(options.me)}`;
  const offers = signal<readonly PeerOffer[]>([]);
  const always = signal(namesIn(kept(store, name)));
  const strangers = signal<readonly string[]>([]);
  const begun = new Map<string, Begun>();
  let forgotten = false;
  const whole = new Map<number, { readonly blob: Blob; readonly name: string }>();

  function setAlways(names: readonly string[]): void {
    always.value = names.slice(-ALWAYS_MAX);
    keep(store, name, names.length === 0 ? undefined : always.value);
  }

  const isWelcome = ({ by }: PeerOffer) => always.value.some((name) => fold(name) === fold(by));
  const drop = ({ offer }: Pick<PeerOffer, "offer">) => {
    offers.value = offers.value.filter((one) => one.offer !== offer);
  };

  /** Takes an offer; if nobody was asked, another page of this person may be faster, and that is nobody's trouble. */
  function take(offer: PeerOffer, asked = true): void {
    drop(offer);
    const { by, name, size } = offer;
    const known = begun.get(sameFile(offer));
    // Who sends the same file twice at once sends two files; otherwise it has one place in the list.
    const again = known !== undefined && !isRunning(known.id);
    const file = known === undefined || again ? sameFile(offer) : offer.offer;
    const parts = again ? known.parts : [];
    if (again) transfers.dismiss(known.id);
    transfers.add(
      { direction: "down", user: by, name, size, phase: "waiting" },
      async (signal, tell, id) => {
        begun.delete(file);
        begun.set(file, { parts, id });
        forgetOldest();
        // Of two that come at once only one is kept.
        const keeping = file === sameFile(offer) ? keptParts : undefined;
        if (parts.length === 0) parts.push(...await keeping?.load(file) ?? []);
        // What is more than the file was never a part of it.
        if (new Blob(parts).size > size) parts.length = 0;
        const have = new Blob(parts);
        try {
          const incoming = await peers.accept(offer.offer, {
            signal,
            ...have.size > 0 && { have: sourceOf(have) },
            onProgress: (done) => tell({ done }),
            onVia: (via) => tell({ via, phase: "moving" }),
          });
          await gatherParts(incoming.stream, parts, (part, index) => {
            if (!forgotten) void keeping?.keep(file, index, part);
          });
          // Its end has come, so it is what its hash says.
          const blob = new Blob(parts);
          begun.delete(file);
          void keeping?.drop(file);
          whole.set(id, { blob, name });
          hand(blob, name);
          tell({ via: await incoming.keep(), done: size });
        } catch (error) {
          // What is not the file that was offered is of no use when it is offered again.
          if ((error as Error).name === "bad-content") {
            begun.delete(file);
            void keeping?.drop(file);
          }
          if (!asked && ELSEWHERE.has((error as Error).name)) return transfers.dismiss(id);
          throw error;
        }
      },
    );
  }

  function isRunning(id: number): boolean {
    return transfers.list.value.some((one) => one.id === id && one.state === "running");
  }

  function forgetOldest(): void {
    for (const [file, { id }] of begun) {
      if (begun.size <= BEGUN_MAX) return;
      if (isRunning(id)) continue;
      begun.delete(file);
      void keptParts?.drop(file);
    }
  }

  function offered(offer: PeerOffer): void {
    if (offers.value.some((one) => one.offer === offer.offer)) return;
    // One that was cut off was wanted already.
    if (offer.again || isWelcome(offer)) take(offer, false);
    else offers.value = [...offers.value, offer];
  }

  for (const offer of peers.offers) offered(offer);
  // What is not listed any more is not kept.
  effect(() => {
    const listed = new Set(transfers.list.value.map(({ id }) => id));
    for (const id of whole.keys()) if (!listed.has(id)) whole.delete(id);
  });

  return {
    offers,
    always,
    strangers,
    send(user, file) {
      const { size } = file;
      const name = file.name.normalize("NFC");
      const type = file.type.split(";")[0] || mediaType(name);
      transfers.add(
        { direction: "up", user, name, size, phase: "reading" },
        async (signal, tell) => {
          tell({ phase: "reading" });
          const { via } = await peers.send({
            user,
            name,
            content: file,
            type,
            signal,
            onProgress: (done) => tell({ done }),
            onVia: (via) => tell({ via, phase: "moving" }),
            onWaiting: () => tell({ phase: "waiting" }),
          });
          tell({ via, done: size });
        },
      );
    },
    accept: (offer) => take(offer),
    decline(offer) {
      drop(offer);
      peers.decline(offer.offer);
    },
    acceptAlways(offer) {
      if (!isWelcome(offer)) setAlways([...always.value, offer.by]);
      for (const one of offers.value) if (fold(one.by) === fold(offer.by)) take(one);
    },
    askAgain: (user) => setAlways(always.value.filter((name) => fold(name) !== fold(user))),
    note(user) {
      strangers.value = strangers.value.filter((name) => name !== user);
    },
    saveAgain(id) {
      const file = whole.get(id);
      if (file !== undefined) hand(file.blob, file.name);
    },
    forget() {
      forgotten = true;
      void keptParts?.clear();
    },
    heard(event) {
      if (event.type === "offer") offered(event.offer);
      else if (event.type === "offer-ended") drop(event.offer);
      else if (event.type === "peer-key" && !strangers.value.includes(event.user)) {
        strangers.value = [...strangers.value, event.user];
      }
    },
  };
}

/** What tells a file that is offered again from others. */
function sameFile({ by, name, size, sha256 }: PeerOffer): string {
  return JSON.stringify([fold(by), name, size, sha256]);
}

function namesIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
}
