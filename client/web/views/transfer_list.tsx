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
  const list = transfers.list.value.filter((one) => one.thread === thread);
  if (list.length === 0) return null;
  return (
    <ul class="transfers" aria-label="Files on their way">
      {list.map((one) => <TransferRow key={one.id} transfer={one} />)}
    </ul>
  );
}

function stateText({ state, done, size, fault }: Transfer): string {
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

function TransferRow({ transfer }: { transfer: Transfer }) {
  const { transfers } = useForum();
  const { id, name, size, done, state, direction } = transfer;
  return (
    <li class={`transfer ${state}`}>
      <Icon name={direction === "up" ? "attach" : "download"} />
      <span class="transfer-text">
        <strong dir="auto">{name}</strong>
        <span class="small" role="status">{stateText(transfer)}</span>
        {(state === "running" || state === "stopped") && (
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
      {(state === "stopped" || state === "failed") && (
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
