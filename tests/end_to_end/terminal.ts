/**
 * Somebody with a terminal: `nc` of netcat-openbsd, as people would start it. Where that is not installed a plain
 * socket takes its place, and says so.
 *
 * @module
 */

import { spawn } from "./processes.ts";
import type { PeerAddress } from "./raw_peer.ts";
import { createHappenings, type Happenings } from "./record.ts";
import type { Ground } from "./scenario.ts";

/** A status line: code, name, sentence. */
export const STATUS_LINE = /^DFP (\d+) ([a-z-]+) (.*)$/;
/** The code of lines after which more is to come. */
const PROCESSING = 132;
/** The codes of lines after which nothing comes: of those that are met here. */
const ENDINGS: ReadonlySet<number> = new Set([1403, 1460, 1503, 1508, 2025]);

/** A terminal on a server. */
export interface Terminal {
  /** All lines that were said. */
  readonly lines: Happenings<string>;
  /** Types lines, all at once. */
  type(...lines: string[]): Promise<void>;
  /**
   * Types lines, the last of which is answered, and gives what is said up to the status line that ends it;
   * what happens meanwhile is left out.
   */
  ask(...lines: string[]): Promise<string[]>;
  /** Makes an account by typing. */
  register(user: string, password: string): Promise<void>;
  signIn(user: string, password: string): Promise<string[]>;
  /** Waits for a line that says how it ended, if there is to be one. */
  ending(): Promise<string>;
  /** Ends what is typed, as Ctrl-D does, and waits until the server has closed the connection. */
  leave(): Promise<void>;
}

interface Wire {
  readonly lines: Happenings<string>;
  write(text: string): Promise<void>;
  endInput(): Promise<void>;
  readonly closed: Promise<unknown>;
}

class NetcatTerminal implements Terminal {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  get lines(): Happenings<string> {
    return this.#wire.lines;
  }

  ending(): Promise<string> {
    return this.lines.until((line) => ENDINGS.has(Number(STATUS_LINE.exec(line)?.[1])));
  }

  // When the server has closed its side, nc still waits for the end of what is typed.
  async leave(): Promise<void> {
    await this.#wire.endInput();
    await this.#wire.closed;
  }

  type(...lines: string[]): Promise<void> {
    return this.#wire.write(lines.map((line) => `${line}\n`).join(""));
  }

  async ask(...lines: string[]): Promise<string[]> {
    const from = this.lines.all.length;
    await this.type(...lines);
    const last = await this.lines.until((line) => {
      const code = Number(STATUS_LINE.exec(line)?.[1] ?? PROCESSING);
      return code !== PROCESSING && code !== 2024;
    }, from);
    const to = this.lines.all.indexOf(last, from) + 1;
    return this.lines.all.slice(from, to).filter((line) => !line.startsWith("* "));
  }

  async register(user: string, password: string): Promise<void> {
    const said = await this.ask(user, password, password);
    if (!said.at(-1)?.startsWith("DFP 2020 ")) throw new Error(said.join("\n"));
  }

  async signIn(user: string, password: string): Promise<string[]> {
    const said = await this.ask(user, password);
    if (!said.at(-1)?.startsWith("DFP 2020 ")) throw new Error(said.join("\n"));
    return said;
  }
}

let netcat: Promise<boolean> | undefined;

/** Whether the `nc` here is the one of OpenBSD, with `-N`. */
function hasNetcat(): Promise<boolean> {
  netcat ??= (async () => {
    let found = false;
    try {
      const { stderr } = await new Deno.Command("nc", { args: ["-h"] }).output();
      found = new TextDecoder().decode(stderr).includes("-N");
    } catch (error) {
      // Without such a program it is thrown at once.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    if (!found) console.log("(netcat-openbsd is not installed: a plain socket takes its place)");
    return found;
  })();
  return netcat;
}

/** Starts a terminal; it ends with the scenario. */
export async function startTerminal(ground: Ground, server: PeerAddress): Promise<Terminal> {
  const { hostname, port } = server;
  if (!await hasNetcat()) return new NetcatTerminal(await dial(server));
  const process = ground.keep(spawn("nc", { args: ["-N", hostname, String(port)] }));
  const terminal = new NetcatTerminal({
    lines: process.output,
    write: (text) => process.write(text),
    endInput: () => process.endInput(),
    closed: process.exited,
  });
  await terminal.lines.until((line) => line.startsWith("DFP 2024 "));
  return terminal;
}

async function dial({ hostname, port }: PeerAddress): Promise<Wire> {
  const socket = await Deno.connect({ hostname, port });
  const lines = createHappenings<string>("The connection");
  const closed = (async () => {
    let rest = "";
    try {
      for await (const text of socket.readable.pipeThrough(new TextDecoderStream())) {
        const parts = (rest + text).split("\r\n");
        rest = parts.pop()!;
        for (const part of parts) lines.add(part);
      }
    } catch {
      // It was cut.
    }
    lines.end();
  })();
  const writer = socket.writable.getWriter();
  return {
    lines,
    closed,
    write: (text) => writer.write(new TextEncoder().encode(text)),
    // Closing the writer would close the reading too. The server may have ended it already.
    endInput: () => socket.closeWrite().catch(() => {}),
  };
}
