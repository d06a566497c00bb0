/**
 * What decides how much may be under way: the interface that the transport speaks to. cubic.ts is the one
 * implementation; a model-based one for lossy links would be another, and nothing else would change.
 *
 * @module
 */

/** An acknowledgement, as congestion control sees it. */
export interface AckSample {
  /** When it came. */
  readonly now: number;
  /** Bytes that it newly acknowledges. */
  readonly bytes: number;
  /** When the latest of them was sent. */
  readonly sentAt: number;
  /** The highest packet number among them. */
  readonly largest: number;
  /** The number of the next packet to be sent. */
  readonly next: number;
  /** The round trip of this acknowledgement, in ms, if it gave a sample. */
  readonly rtt: number | undefined;
  /** The smoothed round trip, in ms. */
  readonly smoothed: number;
  /** Whether the window was made use of; if not, nothing is known of whether a larger one would do. */
  readonly limited: boolean;
}

/** Congestion control of one path. */
export interface Congestion {
  /** Bytes that may be under way. */
  readonly window: number;
  /** How much faster than window a round trip packets may go out. */
  readonly pacingGain: number;
  /** Whether the path's capacity is still looked for. */
  readonly searching: boolean;
  /** Packets were acknowledged. */
  onAck(sample: AckSample): void;
  /** Whether a packet sent then that is lost is news, and not of a trouble that was answered already. */
  isNews(sentAt: number): boolean;
  /** Packets were lost: at most once a round trip. */
  onTrouble(now: number): void;
  /** What was lost had only been late: as if nothing had happened. */
  undo(): void;
  /** Nothing has come through for long. */
  onPersistent(): void;
  /** The size of packets has changed. */
  resize(packet: number): void;
}

/** Packets that may be under way at first. */
export const INITIAL_PACKETS = 10;
/** Packets that may always be under way. */
export const MINIMUM_PACKETS = 2;
/** The most that may ever be under way, in bytes. */
export const WINDOW_MAX: number = 64 * 1024 * 1024;
