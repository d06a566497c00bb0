/**
 * Real processes for the end-to-end tests: servers as `deno task start` runs them, and terminal clients.
 * They tell by their lines when they are ready, so nothing here sleeps.
 *
 * @module
 */

import { createHappenings, type Happenings } from "./record.ts";

const ROOT = new URL("../../", import.meta.url);
/** The admin password of servers that are not given another. */
export const ADMIN_PASSWORD = "only the keeper knows";

/** A process, its lines and its end. */
export interface ProgramProcess {
  readonly pid: number;
  /** Lines of its standard output, without their ends. */
  readonly output: Happenings<string>;
  /** Waits until all that it has written to standard output, unfinished lines too, fits. */
  shown(fits: RegExp): Promise<void>;
  /** Lines of its standard error. */
  readonly errors: Happenings<string>;
  /** Resolves when it has ended and all its lines are there. */
  readonly exited: Promise<Deno.CommandStatus>;
  signal(signal: Deno.Signal): void;
  /** Writes to its standard input. */
  write(text: string): Promise<void>;
  /** Ends its standard input. */
  endInput(): Promise<void>;
}

/** How a program is run. */
export interface ProgramOptions {
  /** Its arguments. */
  readonly args: readonly string[];
  /** Added to the environment, which holds no `DFP_…` else. */
  readonly env?: Readonly<Record<string, string>>;
  /** After this line of standard output nothing more is read of it, until the process has ended. */
  readonly holdAfter?: (line: string) => boolean;
}

/** What clients keep for their user stays within the tests. */
let config: string | undefined;

function configFolder(): string {
  if (config !== undefined) return config;
  const folder = config = Deno.makeTempDirSync({ prefix: "dfp-end-to-end-config-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return folder;
}

function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("DFP_"));
  return { ...Object.fromEntries(kept), NO_COLOR: "1", XDG_CONFIG_HOME: configFolder(), ...more };
}

/** Runs `deno run` with these arguments. */
export function runProgram({ args, ...options }: ProgramOptions): ProgramProcess {
  return spawn(Deno.execPath(), { ...options, args: ["run", "--no-prompt", ...args] });
}

/** Runs a command in the project's folder. */
export function spawn(command: string, options: ProgramOptions): ProgramProcess {
  const { args, env, holdAfter = () => false } = options;
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: ROOT,
    env: environment(env),
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = createHappenings<string>("Standard output");
  const errors = createHappenings<string>("Standard error");
  const input = child.stdin.getWriter();
  const hold = (line: string) => holdAfter(line) ? child.status : undefined;
  let text = "";
  const lengths = createHappenings<number>("Standard output");
  const drained = [
    drain(child.stdout, output, {
      hold,
      see(more) {
        text += more;
        lengths.add(text.length);
      },
    }),
    drain(child.stderr, errors),
  ];
  let over = false;
  return {
    pid: child.pid,
    output,
    errors,
    async shown(fits) {
      await lengths.until(() => fits.test(text)).catch(() => {
        throw new Error(`${fits} was not shown, but this:\n${text}`);
      });
    },
    exited: Promise.all([child.status, ...drained]).then(async ([status]) => {
      over = true;
      lengths.end();
      await input.abort().catch(() => {});
      return status;
    }),
    signal(signal) {
      try {
        if (!over) child.kill(signal);
      } catch (error) {
        // It has ended by itself a moment ago, and that was not told yet.
        if (!(error instanceof TypeError)) throw error;
      }
    },
    write: (text) => input.write(new TextEncoder().encode(text)),
    endInput: () => input.close(),
  };
}

async function drain(
  stream: ReadableStream<Uint8Array>,
  lines: Happenings<string>,
  { hold, see }: {
    hold?: (line: string) => Promise<unknown> | undefined;
    see?: (text: string) => void;
  } = {},
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    see?.(text);
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    for (const part of parts) {
      const line = part.replace(/\r$/, "");
      lines.add(line);
      await hold?.(line);
    }
  }
  if (rest !== "") lines.add(rest);
  lines.end();
}

/** How a server is started. */
export interface ServerSetup {
  /** Beside `--data` and `--port`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it may read beside its data. */
  readonly readable?: readonly string[];
  /** The data folder, which stays; without it, one of its own. */
  readonly data?: string;
  /** 0, a free one, if not given. */
  readonly port?: number;
  /** Take clients over UDP too, at a free port. */
  readonly udp?: boolean;
}

/** What a process uses. */
export interface Usage {
  /** Time on a processor so far, in hundredths of a second. */
  readonly ticks: number;
  /** Memory in use, in bytes. */
  readonly memory: number;
  /** Open descriptors. */
  readonly descriptors: number;
}

/** A server that can end and start again on the same data and port. */
export interface ServerProcess {
  readonly data: string;
  readonly hostname: string;
  readonly port: number;
  /** Where its web listener is, as `http://127.0.0.1:8080/`; `""` if it has none. */
  readonly web: string;
  /** The UDP port; 0 if it has none. */
  readonly udpPort: number;
  /** The key by which it is known there, in base64. */
  readonly udpKey: string;
  /** The process that runs now, or ran last. */
  readonly process: ProgramProcess;
  /** Lines of the present run's standard output. */
  readonly output: Happenings<string>;
  /** Starts again after an end, and waits until it is ready. */
  start(): Promise<void>;
  /** Sends a signal and waits for the end. */
  kill(signal?: Deno.Signal): Promise<Deno.CommandStatus>;
  /** Reads /proc. */
  usage(): Usage;
  /** Kills it if it runs, and removes its data. */
  close(): Promise<void>;
}

/** What a server reads of the program itself: its page, and the modules of its worker. */
const OWN_FOLDERS = ["dist/web", "server/blob", "protocol/transfer"];

/** The arguments of a server with the rights that `deno task start` gives it. */
export function serverArguments(setup: ServerSetup & { data: string }): string[] {
  const { data, port = 0, args = [], readable = [] } = setup;
  return [
    "--v8-flags=--max-semi-space-size=4",
    "--allow-net",
    `--allow-read=${[data, ...OWN_FOLDERS, ...readable].join(",")}`,
    `--allow-write=${data}`,
    "--allow-env=DFP_*",
    "server/main.ts",
    "--data",
    data,
    "--port",
    String(port),
    ...args,
  ];
}

/** What a server says of its UDP listener. */
const UDP_LINE = /^listening udp:\/\/.*:(\d+) key (\S+)$/;

class Server implements ServerProcess {
  readonly #setup: ServerSetup;
  readonly #folder: string | undefined;
  readonly data: string;
  hostname = "";
  port: number;
  web = "";
  udpPort = 0;
  udpKey = "";
  process!: ProgramProcess;

  constructor(setup: ServerSetup) {
    this.#setup = setup;
    this.#folder = setup.data === undefined
      ? Deno.makeTempDirSync({ prefix: "dfp-end-to-end-" })
      : undefined;
    this.data = setup.data ?? `${this.#folder}/data`;
    this.port = setup.port ?? 0;
  }

  get output(): Happenings<string> {
    return this.process.output;
  }

  async start(): Promise<void> {
    const { env = {}, args = [], udp = false } = this.#setup;
    const udpArgs = udp ? ["--udp-port", String(this.udpPort)] : [];
    this.process = runProgram({
      args: serverArguments({
        ...this.#setup,
        data: this.data,
        port: this.port,
        args: [...args, ...udpArgs],
      }),
      env: { DFP_ADMIN_PASSWORD: ADMIN_PASSWORD, ...env },
    });
    const { output, errors } = this.process;
    try {
      const listening = await output.until((line) => /^listening (tcp|tls):/.test(line));
      await output.until((line) => line === "ready");
      const { hostname, port } = new URL(listening.replace(/^listening t..:/, "http:"));
      const web = output.all.find((line) => line.startsWith("listening http"));
      this.web = web?.replace("listening ", "") ?? "";
      const datagrams = output.all.map((line) => UDP_LINE.exec(line)).find((found) =>
        found !== null
      );
      if (datagrams) [this.udpPort, this.udpKey] = [Number(datagrams[1]), datagrams[2]];
      this.hostname = hostname.replace(/^\[|\]$/g, "");
      this.port = Number(port);
    } catch (error) {
      throw new Error(`the server did not start: ${errors.all.join("\n")}`, { cause: error });
    }
  }

  kill(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    this.process.signal(signal);
    return this.process.exited;
  }

  usage(): Usage {
    const folder = `/proc/${this.process.pid}`;
    // The name, in brackets, may hold spaces: fields are counted from behind it (proc(5)).
    const fields = Deno.readTextFileSync(`${folder}/stat`).replace(/^.*\) /s, "").split(" ");
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`${folder}/status`));
    return {
      ticks: Number(fields[11]) + Number(fields[12]),
      memory: Number(resident?.[1]) * 1024,
      descriptors: [...Deno.readDirSync(`${folder}/fd`)].length,
    };
  }

  async close(): Promise<void> {
    if (this.process !== undefined) await this.kill("SIGKILL");
    if (this.#folder !== undefined) await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Starts a server and waits until it is ready. */
export async function startServer(setup: ServerSetup = {}): Promise<ServerProcess> {
  const server = new Server(setup);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}
