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

/** Whether a content can be read again from its beginning. A Blob can be streamed too, but as often as one likes. */
export function canGoBack(content: FileContent): boolean {
  return content instanceof Blob || !("stream" in content);
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

const NOTHING = new Uint8Array(0);

/** A stream cannot go back, so what was read of it is kept until the other side has stored it. */
class StreamSource implements FileSource {
  readonly size: number;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** In order, without gaps. Those before `#first` are not needed any more; that one begins at `#from`. */
  #kept: Uint8Array[] = [];
  #first = 0;
  #from = 0;
  /** Where reading has got to: which of the kept, and where that begins. There may be many small ones. */
  #at = 0;
  #start = 0;
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
      const count = this.#copy(offset, into);
      if (count > 0 || this.#ended) return count;
      const { value, done } = await this.#reader.read();
      if (done) this.#ended = true;
      else if (value.length > 0) this.#kept.push(value);
    }
  }

  /** Copies what is kept from `offset` on. */
  #copy(offset: number, into: Uint8Array): number {
    const kept = this.#kept;
    if (offset < this.#start) {
      this.#at = this.#first;
      this.#start = this.#from;
    }
    while (this.#at < kept.length && this.#start + kept[this.#at].length <= offset) {
      this.#start += kept[this.#at++].length;
    }
    let done = 0;
    let skip = offset - this.#start;
    for (let at = this.#at; at < kept.length && done < into.length; at++) {
      const piece = kept[at].subarray(skip, skip + into.length - done);
      into.set(piece, done);
      done += piece.length;
      skip = 0;
    }
    return done;
  }

  release(offset: number): void {
    const kept = this.#kept;
    while (this.#first < kept.length && this.#from + kept[this.#first].length <= offset) {
      this.#from += kept[this.#first].length;
      kept[this.#first++] = NOTHING;
    }
    if (this.#at < this.#first) {
      this.#at = this.#first;
      this.#start = this.#from;
    }
    // Moving the others for each that goes would cost more than all the rest.
    if (this.#first * 2 < kept.length) return;
    this.#kept = kept.slice(this.#first);
    this.#at -= this.#first;
    this.#first = 0;
  }

  close(): void {
    // What nobody wants may be anything: it is let go without a word.
    this.#reader.cancel().catch(() => {});
  }
}
