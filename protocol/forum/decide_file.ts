/**
 * What becomes of a command that concerns a file: sharing it, before its bytes come and when they have
 * come, and taking it out again (see decide.ts).
 *
 * An upload is decided twice. First without a {@linkcode Content}: it is refused at once if it could not
 * end well; it is done at once if the user sees a file with the same content, so that the bytes need not
 * travel; otherwise nothing happens and the bytes may come. Then with the content that has arrived and was
 * verified: by now the forum can have changed, so the same is asked again.
 *
 * @module
 */

import { type Refusal, refuse } from "../status.ts";
import { checkFileName, checkMediaType, fold } from "../text.ts";
import type { Upload, Withdraw } from "./command.ts";
import {
  type Content,
  type Context,
  type Decision,
  isRefusal,
  NONE,
  type Quota,
  reason,
  type Scene,
} from "./decision.ts";
import { threadScope } from "./event.ts";
import { policy } from "./policy.ts";

/** How many living files a thread holds. */
export const FILES_MAX = 100_000;
/** The media type of a file of which nothing is said. */
const UNKNOWN_TYPE = "application/octet-stream";

/** Shares a file, or says that its bytes may come: then nothing happens, and the reply is empty. */
export function upload(
  scene: Scene,
  command: Upload,
  { content, quota }: Pick<Context, "content" | "quota">,
): Decision | Refusal {
  const { view, actor, thread, pen } = scene;
  const name = checkFileName(command.name);
  if (typeof name !== "string") return refuse("bad-name", name.complaint);
  const type = checkMediaType(command.type ?? UNKNOWN_TYPE);
  if (typeof type !== "string") return refuse("bad-field", type.complaint, { field: "type" });
  if (content !== undefined && !promised(command, content)) return refuse("bad-content");
  const { size } = command;
  const sha256 = content?.sha256 ?? command.sha256;
  const there = view.fileNamed(thread.number, fold(name));
  if (there !== undefined) {
    const same = there.by === actor.name && there.size === size && there.sha256 === sha256;
    if (!same) return refuse("file-exists");
    return { events: [], reply: { file: there.seq, at: there.at, sha256: there.sha256 } };
  }
  if (view.fileCount(thread.number) >= FILES_MAX) {
    return refuse("full", `A thread holds at most ${FILES_MAX} files.`);
  }
  const known = content ?? seen(scene, command);
  const refused = beyondQuota(scene, { size, known, quota });
  if (refused !== undefined) return refused;
  if (known === undefined) return { events: [], reply: NONE };
  const file = pen.write(threadScope(thread.number), {
    kind: "file.shared",
    name,
    size,
    type,
    sha256: known.sha256,
  });
  return { events: pen.events, reply: { file, at: pen.at, sha256: known.sha256 } };
}

/** Whether what has arrived is what was announced. */
function promised({ size, sha256 }: Upload, content: Content): boolean {
  return size === content.size && (sha256 === undefined || sha256 === content.sha256);
}

/**
 * The content that is announced, if the user could download it. That it lies somewhere else does not
 * count: knowing a hash is not having the file, and must not tell that somebody has it.
 */
function seen({ view, actor }: Scene, { size, sha256 }: Upload): Content | undefined {
  if (sha256 === undefined || view.seesContent(actor.name, sha256) !== size) return undefined;
  return { sha256, size };
}

/** Something that is to be shared. */
interface Wish {
  readonly size: number;
  /** Its content, where that is known to be what it is said to be. */
  readonly known: Content | undefined;
  readonly quota: Quota | undefined;
}

/** Sums beyond would not be exact. */
const BYTES_MAX = Number.MAX_SAFE_INTEGER;

function beyondQuota(
  { view, actor }: Scene,
  { size, known, quota = {} }: Wish,
): Refusal | undefined {
  const [file, user, all] = [quota.file, quota.user, quota.all].map((most) => most || BYTES_MAX);
  if (size > file) return refuse("quota", `A file has at most ${file} bytes here.`);
  const left = user - view.usage(actor.name);
  if (size > left) {
    return refuse(
      "quota",
      `Your files together have at most ${user} bytes, and ${Math.max(0, left)} are left. ` +
        "Take out what is not needed any more.",
    );
  }
  const added = known !== undefined && view.hasContent(known.sha256) ? 0 : size;
  if (view.contentBytes + added > all) {
    return refuse("quota", "The forum has no more room for files. Ask its keeper for more.");
  }
  return undefined;
}

/** Takes a file out of its thread. */
export function withdraw(
  { view, actor, thread, pen }: Scene,
  command: Withdraw,
): Decision | Refusal {
  const file = view.file(thread.number, command.file);
  if (file === undefined) return refuse("no-file");
  const why = reason(command.why);
  if (isRefusal(why)) return why;
  const refused = policy.withdraw(actor, file, thread);
  if (refused !== undefined) return refused;
  pen.write(threadScope(thread.number), {
    kind: "file.removed",
    file: file.seq,
    name: file.name,
    ...why,
  });
  return { events: pen.events, reply: NONE };
}
