/**
 * A queue of lines between whoever reads them and whoever runs them.
 *
 * @module
 */

/** Lines in order, for one consumer. */
export interface LineQueue extends AsyncIterable<string> {
  push(line: string): void;
  /** A line that waits already, if there is one. */
  take(): string | undefined;
  /** No more lines will come. */
  end(): void;
}

/**
 * Creates an empty queue.
 *
 * @example
 * ```ts
 * import { createLineQueue } from "./line_queue.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = createLineQueue();
 * queue.push("LST");
 * queue.end();
 * assertEquals(await Array.fromAsync(queue), ["LST"]);
 * ```
 */
export function createLineQueue(): LineQueue {
  const lines: string[] = [];
  let ended = false;
  let wake = () => {};
  return {
    push(line) {
      lines.push(line);
      wake();
    },
    take: () => lines.shift(),
    end() {
      ended = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        const line = lines.shift();
        if (line !== undefined) yield line;
        else if (ended) return;
        else await new Promise<void>((resolve) => wake = resolve);
      }
    },
  };
}

/** Cuts a stream of bytes into lines; the last one needs no end. */
export async function* readLines(bytes: ReadableStream<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of bytes) {
    const parts = decoder.decode(chunk, { stream: true }).split("\n");
    rest += parts.shift();
    for (const part of parts) {
      yield rest.replace(/\r$/, "");
      rest = part;
    }
  }
  rest += decoder.decode();
  if (rest !== "") yield rest.replace(/\r$/, "");
}
