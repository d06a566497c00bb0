/**
 * The transcript: a line for everything that happens, kept as one number, so that two runs can be
 * compared to the byte without keeping either (DESIGN §11, law 9).
 *
 * @module
 */

/** Takes lines. */
export interface Transcript {
  line(text: string): void;
  /** Counts something for the report. */
  count(what: string, by?: number): void;
  readonly counts: ReadonlyMap<string, number>;
  /** Of all lines so far, in hexadecimal. */
  readonly hash: string;
}

/** Makes an empty transcript; `print`, if given, sees each line as well. */
export function createTranscript(now: () => number, print?: (line: string) => void): Transcript {
  // Two multipliers of 32 bits each, as in cyrb53: not against malice, only against chance.
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  const counts = new Map<string, number>();
  function mix(code: number): void {
    low = Math.imul(low ^ code, 2654435761);
    high = Math.imul(high ^ code, 1597334677);
    // Without it the upper bits would never reach the lower ones.
    low ^= low >>> 15;
    high ^= high >>> 13;
  }
  return {
    counts,
    line(text) {
      mix(now());
      for (let i = 0; i < text.length; i++) mix(text.charCodeAt(i));
      print?.(`${String(now()).padStart(6)} ${text}`);
    },
    count(what, by = 1) {
      counts.set(what, (counts.get(what) ?? 0) + by);
    },
    get hash() {
      const hex = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
      return hex(high) + hex(low);
    },
  };
}
