/**
 * What decides how much may be under way, and how fast it goes out: the interface that the transport speaks to.
 * cubic.ts goes by losses; lossy.ts goes by what the link has shown to carry where losses say nothing.
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
  /** The round trip of this acknowledgement without the peer's delay, in ms, if it gave a sample. */
  readonly rtt: number | undefined;
  /** The smoothed round trip, in ms. */
  readonly smoothed: number;
  /** The smallest round trip, in ms. */
  readonly smallest: number;
  /** Whether the window was made use of; if not, nothing is known of whether a larger one would do. */
  readonly limited: boolean;
}

/** Congestion control of one path. */
export interface Congestion {
  /** Bytes that may be under way. */
  readonly window: number;
  /** Whether the pace alone holds packets back: then being held back by it is making use of the window. */
  readonly paced: boolean;
  /** Whether the path's capacity is still looked for. */
  readonly searching: boolean;
  /** How fast packets may go out, in bytes a ms, given the smoothed round trip. */
  rate(smoothed: number): number;
  /** Packets were acknowledged. */
  onAck(sample: AckSample): void;
  /** A packet of so many bytes was lost; of each it is told. */
  onLost(bytes: number): void;
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
