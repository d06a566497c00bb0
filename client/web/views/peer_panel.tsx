/**
 * Files from user to user: what is offered, with its answers, and what is on its way.
 *
 * @module
 */

import { useForum } from "../app.ts";
import type { PeerOffer } from "../../peer/peer_files.ts";
import { sizeText } from "../state/format.ts";
import type { PeerTransfers } from "../state/peer_transfers.ts";
import { Avatar } from "./avatar.tsx";
import { IconButton } from "./icons.tsx";
import { TransferRow } from "./transfer_list.tsx";

/** Above whatever is being read, as it belongs to no thread; the region is there before what it tells. */
export function PeerPanel() {
  const { peers, transfers } = useForum();
  const taking = peers.value;
  if (taking === undefined) return null;
  const offers = taking.offers.value;
  const strangers = taking.strangers.value;
  const moving = transfers.list.value.filter(({ user }) => user !== undefined);
  return (
    <section class="peer-panel" aria-label="Files from and to people">
      <ul class="peer-offers" aria-live="polite" aria-label="Offers">
        {offers.map((offer) => <Offer key={offer.offer} offer={offer} taking={taking} />)}
      </ul>
      <div role="alert">
        {strangers.map((user) => (
          <p key={user} class="stranger">
            <span>
              <strong dir="auto">{user}</strong>{" "}
              sends files with another key than before: from another device, or somebody is in
              between. Ask them.
            </span>
            <IconButton
              icon="close"
              label={`Dismiss the warning about ${user}`}
              onClick={() => taking.note(user)}
            />
          </p>
        ))}
      </div>
      {moving.length > 0 && (
        <ul class="transfers" tabIndex={0} aria-label="Files on their way from and to people">
          {moving.map((one) => <TransferRow key={one.id} transfer={one} />)}
        </ul>
      )}
    </section>
  );
}

function Offer({ offer, taking }: { offer: PeerOffer; taking: PeerTransfers }) {
  const { by, name, size } = offer;
  return (
    <li class="peer-offer">
      <Avatar name={by} />
      <p class="peer-offer-text">
        <span>
          <strong dir="auto">{by}</strong> wants to send you a file
        </span>
        <span class="peer-offer-file">
          <strong dir="auto">{name}</strong> <span class="small">{sizeText(size)}</span>
        </span>
      </p>
      <div class="peer-offer-answers">
        <button
          type="button"
          class="primary"
          aria-label={`Accept ${name}`}
          onClick={() => taking.accept(offer)}
        >
          Accept
        </button>
        <button type="button" aria-label={`Decline ${name}`} onClick={() => taking.decline(offer)}>
          Decline
        </button>
        <button type="button" class="quiet" onClick={() => taking.acceptAlways(offer)}>
          Always from <bdi>{by}</bdi>
        </button>
      </div>
    </li>
  );
}
