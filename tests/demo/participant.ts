/**
 * A process of the demo: what it prints is shown at once under its name, and can be waited for.
 *
 * @module
 */

/** A running process. */
export interface Participant {
  /** Types a line. */
  type(line: string): Promise<void>;
  /** Waits for a line that comes after what was typed last. */
  sees(pattern: RegExp): Promise<string>;
  readonly status: Promise<Deno.CommandStatus>;
  kill(): void;
}

/** What is started, and how it is shown. */
export interface ParticipantOptions {
  readonly name: string;
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly show: (name: string, mark: string, line: string) => void;
}

/** Starts a Deno process. */
export function startParticipant({ name, args, env, show }: ParticipantOptions): Participant {
  const process = new Deno.Command(Deno.execPath(), {
    args,
    env: { ...env, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const keyboard = process.stdin.getWriter();
  const lines: string[] = [];
  let typedAt = 0;
  let look = () => {};
  const readers = [process.stdout, process.stderr].map(async (stream) => {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const pieces = (rest + text).split("\n");
      rest = pieces.pop()!;
      for (const line of pieces) {
        show(name, "|", line);
        lines.push(line);
      }
      look();
    }
  });
  const ended = Promise.all(readers).then(() => look());
  return {
    status: process.status.then(async (status) => (await ended, status)),
    async type(line) {
      typedAt = lines.length;
      show(name, ">", line);
      await keyboard.write(new TextEncoder().encode(line + "\n"));
    },
    async sees(pattern) {
      let over = false;
      ended.then(() => over = true);
      for (;;) {
        const seen = lines.slice(typedAt).find((line) => pattern.test(line));
        if (seen !== undefined) return seen;
        if (over) throw new Error(`${name} ended without showing ${pattern}`);
        await new Promise<void>((resolve) => look = resolve);
        // Look once more after the end, for lines that came with it.
        await Promise.resolve();
      }
    },
    kill() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
    },
  };
}
