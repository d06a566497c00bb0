/**
 * Files on their way, with how far they are.
 *
 * @module
 */

import { useForum } from "../app.ts";
import { sizeText } from "../state/format.ts";
import type { Transfer } from "../state/transfers.ts";
import { Icon, IconButton } from "./icons.tsx";

/** Those of a thread. */
export function TransferList({ thread }: { thread?: number }) {
  const { transfers } = useForum();
  const list = transfers.list.value.filter((one) =>
    one.user === undefined && one.thread === thread
  );
  if (list.length === 0) return null;
  return (
    <ul class="transfers" aria-label="Files on their way">
      {list.map((one) => <TransferRow key={one.id} transfer={one} />)}
    </ul>
  );
}

function stateText(transfer: Transfer): string {
  const { state, done, size, fault } = transfer;
  if (transfer.user !== undefined) return peerText(transfer, transfer.user);
  switch (state) {
    case "running":
      return `${sizeText(done)} of ${sizeText(size)}`;
    case "stopped":
      return `Stopped at ${sizeText(done)} of ${sizeText(size)}`;
    case "failed":
      return fault ?? "It failed.";
    case "done":
      return "Saved";
  }
}

/** Of a file from user to user. */
function peerText(transfer: Transfer, user: string): string {
  const { state, done, size, fault, phase, direction, via } = transfer;
  const up = direction === "up";
  const way = via === undefined ? "" : ` · ${via}`;
  const whose = up ? `to ${user}` : `from ${user}`;
  switch (state) {
    case "running":
      if (phase === "reading") return `${whose} · being read`;
      if (phase === "waiting") return `${whose} · waiting for ${user}`;
      return `${whose} · ${sizeText(done)} of ${sizeText(size)}${way}`;
    case "stopped":
      return `${whose} · cancelled`;
    case "failed":
      return `${whose} · ${fault ?? "It failed."}`;
    case "done":
      return up ? `${user} has it, whole and verified${way}` : `${whose} · saved, verified${way}`;
  }
}

/** One of them; whoever took an offer cannot resume it, as only its maker can offer it again. */
export function TransferRow({ transfer }: { transfer: Transfer }) {
  const { transfers, peers } = useForum();
  const { id, name, size, done, state, direction, user } = transfer;
  const mayResume = direction === "up" || user === undefined;
  return (
    <li class={`transfer ${state}`}>
      <Icon name={direction === "up" ? "attach" : "download"} />
      <span class="transfer-text">
        <strong dir="auto">{name}</strong>
        <span class="small" role="status">{stateText(transfer)}</span>
        {(state === "running" || state === "stopped" && mayResume) && (
          <progress max={Math.max(1, size)} value={done} aria-label={`How far ${name} is`} />
        )}
      </span>
      {state === "running" && (
        <IconButton
          icon="stop"
          label={`Cancel ${name}`}
          onClick={() => transfers.stop(id)}
        />
      )}
      {state === "done" && direction === "down" && user !== undefined && (
        <IconButton
          icon="download"
          label={`Save ${name} again`}
          onClick={() => peers.value?.saveAgain(id)}
        />
      )}
      {(state === "stopped" || state === "failed") && mayResume && (
        <IconButton
          icon="retry"
          label={`Resume ${name}`}
          onClick={() => transfers.resume(id)}
        />
      )}
      {state !== "running" && (
        <IconButton
          icon="close"
          label={`Dismiss ${name}`}
          onClick={() => transfers.dismiss(id)}
        />
      )}
    </li>
  );
}
