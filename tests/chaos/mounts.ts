/**
 * File systems that a test has for itself: an ext4 image whose device can be copied as a power cut
 * would leave it, and a memory disk that is soon full. Both need root on Linux.
 *
 * @module
 */

/** A file system that is mounted. */
export interface Mount {
  readonly folder: string;
  unmount(): Promise<void>;
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdout: "null" }).output();
  if (success) return;
  const why = new TextDecoder().decode(stderr).trim();
  throw new Error(`${command} ${args.join(" ")} failed: ${why}`);
}

async function mount(folder: string, ...args: string[]): Promise<Mount> {
  await Deno.mkdir(folder, { recursive: true });
  await run("mount", ...args, folder);
  return { folder, unmount: () => run("umount", folder) };
}

/** A memory disk of so many MiB. */
export async function mountMemory(folder: string, mebibytes: number): Promise<Mount> {
  await mount(folder, "-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs");
  // The system lets go of an image that was mounted from it a moment late.
  return { folder, unmount: () => run("umount", "--lazy", folder) };
}

/** Makes a file of so many MiB that holds an empty ext4 file system. */
export async function makeImage(file: string, mebibytes: number): Promise<void> {
  using image = await Deno.open(file, { write: true, createNew: true });
  await image.truncate(mebibytes * 1024 * 1024);
  await run("mke2fs", "-q", "-F", "-t", "ext4", file);
}

/**
 * Mounts an image. What programs write stays in memory until they ask for more (fsync): the file system
 * itself writes nothing down for minutes.
 */
export function mountImage(folder: string, file: string): Promise<Mount> {
  return mount(folder, "-o", "loop,commit=300", file);
}

/** What this machine says to a mount of either kind, or `undefined` if both can be had. */
export async function mountTrouble(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return `${Deno.build.os} has no loop devices and no tmpfs`;
  if (Deno.uid() !== 0) return "only root mounts file systems";
  const folder = await Deno.makeTempDir({ prefix: "dfp-mount-" });
  try {
    await (await mountMemory(`${folder}/memory`, 1)).unmount();
    await makeImage(`${folder}/image`, 8);
    await (await mountImage(`${folder}/disk`, `${folder}/image`)).unmount();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
