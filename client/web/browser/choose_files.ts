/**
 * Asking a person for files.
 *
 * @module
 */

/** Opens the browser's own dialog; tells what was chosen, if anything was. */
export function chooseFiles(chosen: (files: readonly File[]) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.onchange = () => chosen([...input.files ?? []]);
  input.click();
}
