/**
 * Handing a file to the person: the browser saves it. It is never opened, whatever it is.
 *
 * @module
 */

import { safeName } from "../../files/safe_name.ts";

/** A browser may still be reading so long after the click, in ms. */
const READING = 60_000;

/** Saves bytes under a safe form of this name. */
export function handFile(blob: Blob, name: string): void {
  // As bytes of no kind, so that nothing takes them for a page.
  const url = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = safeName(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), READING);
}
