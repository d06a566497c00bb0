/**
 * Where the bytes of an upload come from: something that can be read from any place, or a stream, of which
 * as much is kept as may have to be sent again.
 *
 * @module
 */

/** Bytes that can be read again from any place, as those of a file on disk. */
export interface FileSource {
  /** How many there are. */
  readonly size: number;
  /**
   * Reads some bytes from `offset` into the array and says how many; 0 only at the end. Reading goes
   * forwards, but for after a break.
   */
  read(offset: number, into: Uint8Array): Promise<number> | number;
  /** Nothing before `offset` will be read any more. */
  release?(offset: number): void;
  /** Nothing will be read any more. */
  close?(): void;
}

/** What can be uploaded: a source, a Blob or File, or a stream with its size. */
export type FileContent =
  | FileSource
  | Blob
  | { readonly size: number; readonly stream: ReadableStream<Uint8Array> };

/** The source behind a content. */
export function sourceOf(content: FileContent): FileSource {
  if (content instanceof Blob) return blobSource(content);
  return "stream" in content ? new StreamSource(content.stream, content.size) : content;
}

function blobSource(blob: Blob): FileSource {
  return {
    size: blob.size,
    async read(offset, into) {
      const part = new Uint8Array(await blob.slice(offset, offset + into.length).arrayBuffer());
      into.set(part);
      return part.length;
    },
  };
}

/** A stream cannot go back, so what was read of it is kept until the other side has stored it. */
class StreamSource implements FileSource {
  readonly size: number;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** In order, without gaps; the first begins at `#from`. */
  readonly #kept: Uint8Array[] = [];
  #from = 0;
  #ended = false;

  constructor(stream: ReadableStream<Uint8Array>, size: number) {
    this.size = size;
    this.#reader = stream.getReader();
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    if (offset < this.#from) {
      throw new Error("the stream cannot go back so far; upload it anew from its beginning");
    }
    for (;;) {
      let start = this.#from;
      for (const part of this.#kept) {
        if (offset < start + part.length) {
          const piece = part.subarray(offset - start, offset - start + into.length);
          into.set(piece);
          return piece.length;
        }
        start += part.length;
      }
      if (this.#ended) return 0;
      const { value, done } = await this.#reader.read();
      if (done) this.#ended = true;
      else if (value.length > 0) this.#kept.push(value);
    }
  }

  release(offset: number): void {
    while (this.#kept.length > 0 && this.#from + this.#kept[0].length <= offset) {
      this.#from += this.#kept.shift()!.length;
    }
  }

  close(): void {
    // What nobody wants may be anything: it is let go without a word.
    this.#reader.cancel().catch(() => {});
  }
}
