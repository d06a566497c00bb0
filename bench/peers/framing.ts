/**
 * Counting messages in a stream, as cheaply as the framing allows: the load generator must not be what is
 * measured. A message counts when its last byte has arrived.
 *
 * @module
 */

/** Counts the messages of one stream. */
export interface Framing {
  /** Counts those that end in the first `length` bytes of the chunk. Throws on what must not come. */
  count(chunk: Uint8Array, length: number): number;
  /** What must be answered, as a ping; taken off by looking. */
  answer(): Uint8Array | undefined;
}

/** Messages that are all of one size, with nothing else between them. */
export function fixedFraming(size: number): Framing {
  let waiting = 0;
  return {
    count(_chunk, length) {
      waiting += length;
      const whole = Math.floor(waiting / size);
      waiting -= whole * size;
      return whole;
    },
    answer: () => undefined,
  };
}

/** Frames with a header of `headerBytes`; `judge` gives the payload's length. */
export interface HeaderFraming {
  /** What frame this is: whether it counts, and a reply to it. Throws if it must not come. */
  readonly judge: (header: Uint8Array) => { counts: boolean; answer?: Uint8Array };
  /** The type byte of frames that count and need no judging. */
  readonly counted: number;
}

const HEADER = 8;

/** Frames of DFP/2: 24 bits of length, the type, 32 bits of id. */
export function headerFraming({ judge, counted }: HeaderFraming): Framing {
  const partial = new Uint8Array(HEADER);
  let filled = 0;
  let left = 0;
  let counts = false;
  let owed: Uint8Array | undefined;
  return {
    count(chunk, length) {
      let messages = 0;
      let at = 0;
      while (at < length) {
        if (left > 0) {
          const step = Math.min(left, length - at);
          left -= step;
          at += step;
          if (left === 0 && counts) messages++;
          continue;
        }
        let header: Uint8Array = chunk;
        let start = at;
        if (filled > 0 || length - at < HEADER) {
          const step = Math.min(HEADER - filled, length - at);
          partial.set(chunk.subarray(at, at + step), filled);
          filled += step;
          at += step;
          if (filled < HEADER) break;
          header = partial;
          start = 0;
          filled = 0;
        } else at += HEADER;
        left = (header[start] << 16) | (header[start + 1] << 8) | header[start + 2];
        if (header[start + 3] === counted) counts = true;
        else {
          const judged = judge(header.subarray(start, start + HEADER));
          counts = judged.counts;
          owed = judged.answer ?? owed;
        }
        if (left === 0 && counts) messages++;
      }
      return messages;
    },
    answer() {
      const answer = owed;
      owed = undefined;
      return answer;
    },
  };
}

/** Lines, some of which are messages. */
export interface LineFraming {
  /** How a message's line begins, at least two characters; nothing else begins with those two. */
  readonly lead: string;
  /** The size of a whole message: its line, and the body behind it. */
  readonly size: number;
  /** Bytes of body behind a message's line. */
  readonly body: number;
  /** Judges any other line: the reply to it, if it needs one. Throws if it must not come. */
  readonly judge: (line: string) => string | undefined;
}

const LINE_FEED = 0x0a;

/** Lines of text with messages that are all of one size. */
export function lineFraming({ lead, size, body, judge }: LineFraming): Framing {
  const [first, second] = new TextEncoder().encode(lead);
  let line = "";
  let left = 0;
  let owed = "";
  return {
    count(chunk, length) {
      let messages = 0;
      let at = 0;
      while (at < length) {
        if (left > 0) {
          const step = Math.min(left, length - at);
          left -= step;
          at += step;
          if (left === 0) messages++;
        } else if (
          line === "" && length - at >= size && chunk[at] === first && chunk[at + 1] === second &&
          chunk[at + size - 1] === LINE_FEED
        ) {
          at += size;
          messages++;
        } else {
          const byte = chunk[at++];
          line += String.fromCharCode(byte);
          if (byte !== LINE_FEED) continue;
          if (!line.startsWith(lead)) owed += judge(line) ?? "";
          else if (body === 0) messages++;
          else left = body;
          line = "";
        }
      }
      return messages;
    },
    answer() {
      if (owed === "") return undefined;
      const answer = new TextEncoder().encode(owed);
      owed = "";
      return answer;
    },
  };
}
