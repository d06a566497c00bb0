/**
 * A file that comes in, as parts of a Blob: those a browser may keep on disk, so that memory stays free.
 *
 * @module
 */

/** So many bytes are gathered before they become a part. */
const PART_BYTES = 4 * 1024 * 1024;

/** Where parts outlive the page. Nothing here fails: what cannot be kept is not there. */
export interface KeptParts {
  /** The parts of a file, from its first on. */
  load(file: string): Promise<Blob[]>;
  keep(file: string, index: number, part: Blob): Promise<void>;
  /** Forgets a file. */
  drop(file: string): Promise<void>;
  /** Forgets all. */
  clear(): Promise<void>;
}

/** Puts what comes behind the parts that are there. What has come stays, also of a stream that breaks off. */
export async function gatherParts(
  stream: ReadableStream<Uint8Array>,
  parts: Blob[],
  onPart: (part: Blob, index: number) => void = () => {},
): Promise<void> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  const gather = () => {
    if (size > 0) {
      const part = new Blob(chunks as BlobPart[]);
      onPart(part, parts.push(part) - 1);
    }
    [chunks, size] = [[], 0];
  };
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      chunks.push(value);
      size += value.length;
      if (size >= PART_BYTES) gather();
    }
  } finally {
    gather();
  }
}
