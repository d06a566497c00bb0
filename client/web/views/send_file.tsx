/**
 * The button that sends files to a person.
 *
 * @module
 */

import { useApp, useForum } from "../app.ts";
import { chooseFiles } from "../browser/choose_files.ts";
import { IconButton } from "./icons.tsx";

/** Is there as soon as files can be sent. */
export function SendFile({ user }: { user: string }) {
  const { overlay } = useApp();
  const { peers } = useForum();
  const sending = peers.value;
  if (sending === undefined) return null;
  return (
    <IconButton
      icon="handover"
      label={`Send a file to ${user}`}
      onClick={() =>
        chooseFiles((files) => {
          // How far they are is shown beside it.
          if (overlay.value === "people") overlay.value = "none";
          for (const file of files) sending.send(user, file);
        })}
    />
  );
}
