/**
 * Programs that tests need beside them, from Debian's packages: what is missing is installed where this is root on a
 * machine with apt.
 *
 * @module
 */

/** How long another process may take to install what it needs, in seconds. */
const LOCK_WAIT = 300;

/**
 * Installs packages.
 *
 * @param there Whether they are there; asked again once no other process installs any.
 * @returns Why they cannot be had, or `undefined`.
 */
export async function installDebian(
  packages: readonly string[],
  there: () => Promise<boolean>,
): Promise<string | undefined> {
  if (await there()) return undefined;
  const names = packages.join(", ");
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    return `only root can install ${names} here`;
  }
  // Test files run side by side: one of them installs, the others wait.
  using lock = await Deno.open("/tmp/dfp-debian.lock", { create: true, write: true });
  await lock.lock(true);
  if (await there()) return undefined;
  console.error(`${names} are installed for the tests…`);
  try {
    await apt("update");
    await apt("install", "-y", "--no-install-recommends", ...packages);
  } catch (error) {
    return (error as Error).message;
  }
  return await there() ? undefined : `${names} were installed, and are not there`;
}

async function apt(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("apt-get", {
    args: ["-qq", "-o", `DPkg::Lock::Timeout=${LOCK_WAIT}`, ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`apt-get: ${new TextDecoder().decode(stderr).trim()}`);
}

/** Whether a program can be run: whatever it says to these arguments. */
export async function runs(program: string, ...args: string[]): Promise<boolean> {
  try {
    await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Says aloud that something is not tested here; where all must be tested, that is a failure. */
export function passOver(text: string): void {
  const ci = Deno.env.get("CI");
  if (ci && ci !== "false") throw new Error(text);
  console.error(`\n${text}\n`);
}
