/**
 * Processes of the run: they are started with their output in a file, measured through /proc, and ended by
 * the process id that they were started with. Nothing else is ever signalled.
 *
 * @module
 */

/** Something that a peer needs is not here. */
export class Missing extends Error {}

/** As whom a process runs. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** How a process is started. */
export interface ProcessOptions {
  readonly args: readonly string[];
  /** The file that takes its output and its complaints. */
  readonly output: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly identity?: Identity;
  /** Whether it is told something on its input. */
  readonly talks?: boolean;
  /** Whether it works through children of its own, whose time is counted with its own. */
  readonly family?: boolean;
  /** What ends it in good order. */
  readonly endSignal?: Deno.Signal;
}

/** A process under measurement. */
export interface Process {
  readonly pid: number;
  /** Waits until the output has a line like this. Rejects when the process ends or `ms`, 20 s, have passed. */
  line(pattern: RegExp, ms?: number): Promise<RegExpExecArray>;
  /** Writes a line to its input. */
  say(line: string): Promise<void>;
  /** Waits until something can be done, by trying it; as long as for a line. */
  until(attempt: () => Promise<boolean> | boolean, ms?: number): Promise<void>;
  /** Time on a processor so far, in seconds; the kernel counts hundredths. */
  cpuSeconds(): number;
  /** Resident memory, in bytes. */
  residentBytes(): number;
  /** The most resident memory that it had so far, in bytes. */
  peakBytes(): number;
  stop(): Promise<void>;
}

const CLOCK_TICKS = 100;
const START_MS = 20_000;
const END_MS = 5000;

const running = new Set<Deno.ChildProcess>();

// However this process ends, its children end first.
globalThis.addEventListener("unload", () => {
  for (const child of running) signal(child, "SIGKILL");
});

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended already.
  }
}

/** The numbers of /proc/PID/stat behind the name, from `state` on. */
function stat(pid: number | string): string[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Ticks of a process, with those of its children that have ended if they are wanted. */
function ticks(pid: number | string, ended = false): number {
  const [user, system, endedUser, endedSystem] = stat(pid).slice(11, 15).map(Number);
  return user + system + (ended ? endedUser + endedSystem : 0);
}

function* children(parent: number): Generator<string> {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (Number(stat(name)[1]) === parent) yield name;
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** A line of /proc/PID/status, in bytes. */
function memory(pid: number, what: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB`, "m").exec(status)![1]) * 1024;
}

class Child implements Process {
  readonly #child: Deno.ChildProcess;
  readonly #options: ProcessOptions;
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #ended = false;

  constructor(child: Deno.ChildProcess, options: ProcessOptions) {
    this.#child = child;
    this.#options = options;
    this.#input = options.talks ? child.stdin.getWriter() : undefined;
    running.add(child);
    child.status.then(() => {
      this.#ended = true;
      running.delete(child);
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  async say(line: string): Promise<void> {
    await this.#input!.write(new TextEncoder().encode(`${line}\n`));
  }

  async line(pattern: RegExp, ms = START_MS): Promise<RegExpExecArray> {
    const { output } = this.#options;
    // What is measured needs the processors, so the system tells when there is something to look at.
    using watcher = Deno.watchFs(output);
    const changes = watcher[Symbol.asyncIterator]();
    const late = setTimeout(() => watcher.close(), ms);
    this.#child.status.then(() => watcher.close());
    let size = -1;
    try {
      for (let open = true;;) {
        const now = Deno.statSync(output).size;
        const found = now === size ? null : pattern.exec(Deno.readTextFileSync(output));
        size = now;
        if (found !== null) return found;
        if (!open) throw this.#silent();
        open = !(await changes.next()).done;
      }
    } finally {
      clearTimeout(late);
    }
  }

  async until(attempt: () => Promise<boolean> | boolean, ms = START_MS): Promise<void> {
    const latest = performance.now() + ms;
    while (!await attempt()) {
      if (this.#ended || performance.now() > latest) throw this.#silent();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #silent(): Error {
    const said = Deno.readTextFileSync(this.#options.output).slice(-500);
    return new Error(`the process did not say or do what was awaited: ${said}`);
  }

  cpuSeconds(): number {
    let total = ticks(this.pid);
    if (this.#options.family) { for (const pid of children(this.pid)) total += ticks(pid); }
    return total / CLOCK_TICKS;
  }

  residentBytes(): number {
    return memory(this.pid, "VmRSS");
  }

  peakBytes(): number {
    return memory(this.pid, "VmHWM");
  }

  async stop(): Promise<void> {
    signal(this.#child, this.#options.endSignal ?? "SIGTERM");
    const timer = setTimeout(() => signal(this.#child, "SIGKILL"), END_MS);
    await this.#child.status;
    clearTimeout(timer);
    await this.#input?.close().catch(() => {});
  }
}

/** Starts a process. */
export function startProcess(command: string, options: ProcessOptions): Process {
  const { args, output, cwd, env, identity, talks = false } = options;
  // What a process before this one has said there would be taken for this one's words.
  Deno.writeTextFileSync(output, "");
  if (identity !== undefined) Deno.chownSync(output, identity.uid, identity.gid);
  // The shell only turns the output into the file, and becomes the program.
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", 'exec "$@" >"$0" 2>&1', output, command, ...args],
    ...cwd !== undefined && { cwd },
    ...env !== undefined && { env: { ...env } },
    ...identity,
    stdin: talks ? "piped" : "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return new Child(child, options);
}

/** Time on a processor of children of this process that have ended, in seconds. */
export function endedChildrenSeconds(): number {
  const [user, system] = stat("self").slice(13, 15).map(Number);
  return (user + system) / CLOCK_TICKS;
}

/** Runs a program to its end and gives its output. Rejects if it fails. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; identity?: Identity } = {},
): Promise<string> {
  const { identity, ...rest } = options;
  const child = new Deno.Command(command, {
    args: [...args],
    ...rest,
    ...identity,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  running.add(child);
  const { success, stdout, stderr } = await child.output();
  running.delete(child);
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${command}: ${decoder.decode(stderr).slice(-1000)}`);
  return decoder.decode(stdout);
}

/** Runs a module of this folder in a Deno of its own; it prints one JSON value. */
export async function runModule<T>(url: URL, args: readonly string[]): Promise<T> {
  const text = await runToEnd(Deno.execPath(), ["run", "--no-prompt", "-A", url.href, ...args]);
  return JSON.parse(text) as T;
}

/** A TCP port that is free now. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** Where Debian keeps programs that are not in everybody's path. */
const PLACES = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/lib/postgresql/15/bin"];

function find(program: string): string | undefined {
  return PLACES.map((place) => `${place}/${program}`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** How programs are found, and installed where they are missing. */
export interface Installer {
  readonly install: boolean;
  /** Tells people what is done to their machine. */
  readonly note: (text: string) => void;
}

/** Packages that could not be had; nobody asks twice. */
const refused = new Set<string>();

/** The path of a program; installs Debian's package if it is missing. Rejects with {@linkcode Missing}. */
export async function program(
  name: string,
  debianPackage: string,
  { install, note }: Installer,
): Promise<string> {
  const found = find(name);
  if (found !== undefined) return found;
  const root = Deno.uid() === 0;
  if (install && root && find("apt-get") !== undefined && !refused.has(debianPackage)) {
    refused.add(debianPackage);
    const args = ["install", "-y", "--no-install-recommends", debianPackage];
    note(`${name} is missing: running as root: apt-get ${args.join(" ")}`);
    // This runlevel tells Debian's scripts not to start the package's own service.
    const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    await runToEnd("apt-get", args, { env }).catch((error) => note(String(error)));
    const installed = find(name);
    if (installed !== undefined) return installed;
  }
  throw new Missing(`${name} is missing: install Debian's package ${debianPackage}`);
}

/** A user who is not root: for programs that refuse to run as root. */
export function unprivileged(): Identity | undefined {
  if (Deno.uid() !== 0) return undefined;
  const users = Deno.readTextFileSync("/etc/passwd").split("\n").map((line) => line.split(":"));
  const entry = users.find(([name]) => name === "postgres") ??
    users.find(([name]) => name === "nobody");
  if (entry === undefined) throw new Missing("there is no user postgres or nobody to run it as");
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** Makes a folder, owned by this identity if there is one. */
export function makeFolder(path: string, identity?: Identity): string {
  Deno.mkdirSync(path, { recursive: true });
  if (identity !== undefined) Deno.chownSync(path, identity.uid, identity.gid);
  return path;
}
