/**
 * A question before something that cannot be taken back.
 *
 * @module
 */

import { useLayoutEffect, useRef } from "preact/hooks";

/** Asks; the keyboard is at the answer that does it, and Esc gives up. */
export function Confirm(
  { label, question, act, onAct, onClose }: {
    label: string;
    question: string;
    act: string;
    onAct: () => void;
    onClose: () => void;
  },
) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => button.current!.focus(), []);
  return (
    <div
      class="confirm"
      role="alertdialog"
      aria-label={label}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") onClose();
      }}
    >
      <span>{question}</span>
      <button type="button" class="danger" ref={button} onClick={onAct}>{act}</button>
      <button type="button" class="quiet" onClick={onClose}>Keep</button>
    </div>
  );
}
