/**
 * Congestion control for links that lose packets by chance (DATAGRAM §3). It is CUBIC until losses have come in four
 * round trips while no queue stood before the link. Then it looks whether they are congestion, by doubling its rate
 * each round trip: a link that queues what is too much shows that in the round trip before it drops anything, so its
 * other losses are chance. From then on the rate at which packets arrive is what counts, and losses are not. On a
 * link that shows no queue they are congestion for all that is known, and CUBIC goes on; the next try waits longer.
 *
 * The rate that was found is kept; in each eight round trips a quarter more is tried for one, and made up for in the
 * next. A queue that stays though it is not of its own making, or much loss, is somebody else on the link: then it
 * is CUBIC again.
 *
 * @module
 */

import {
  type AckSample,
  type Congestion,
  INITIAL_PACKETS,
  MINIMUM_PACKETS,
  WINDOW_MAX,
} from "./congestion.ts";
import { createCubic } from "./cubic.ts";
import { createDeliveryRate } from "./delivery_rate.ts";

/** So many round trips with losses and no queue: then they may be chance. */
const CHANCE_TROUBLES = 4;
/** Twice as many after each time that no queue was found, up to this. */
const PATIENCE_MAX = 1024;
/** Up to so many smallest round trips no queue stands; above so many, one does. */
const EMPTY = 1.15;
const QUEUED = 1.25;
/** Or so much longer, in ms, since timers and processes have their own delays. */
const EMPTY_MS = 3;
const QUEUED_MS = 5;
/** More than this share lost, at a pace that the link has carried, is no chance. */
const LOSS_MAX = 0.15;
/** So many rounds in a row with such a loss, or with a queue that is not of our making: it is another's. */
const CROWDED_ROUNDS = 2;
/** Looking ends when so many rounds have brought no quarter more, or when so many samples in a row show a queue. */
const SEARCH_GAIN = 2;
const SEARCH_GROWTH = 1.25;
const SEARCH_STALLS = 4;
const SEARCH_SAMPLES = 4;
const DRAIN_GAIN = 0.5;
const DRAIN_ROUNDS = 4;
/** The pace in each of eight rounds. */
const CYCLE: readonly number[] = [1.25, 0.75, 1, 1, 1, 1, 1, 1];
/** What may be under way, in what the link holds. */
const WINDOW_GAIN = 2;
/** The link's round trip is longer by what timers and acknowledgements take, in ms. */
const SLACK_MS = 4;
/** What is left of the window when another is on the link. */
const BETA = 0.7;

type Phase = "search" | "drain" | "cruise";

/** The model, while it leads. */
interface Model {
  phase: Phase;
  /** Rounds in this phase. */
  rounds: number;
  /** The best rate that was looked for and found, and rounds that have not bettered it. */
  best: number;
  stalls: number;
  /** Samples in a row, while it looks, that show a queue. */
  queued: number;
  /** Rounds in a row in which another was seen on the link. */
  crowded: number;
  /** Whether the round before this one went beyond the rate. */
  wasAbove: boolean;
}

class Lossy implements Congestion {
  #cubic: Congestion;
  #packet: number;
  #model: Model | undefined;
  readonly #delivery = createDeliveryRate();
  /** Losses that seem to be by chance. */
  #troubles = 0;
  /** How many of them it takes. */
  #patience = CHANCE_TROUBLES;
  #troubleAt = -1;
  #smallest = 0;

  constructor(packet: number) {
    this.#packet = packet;
    this.#cubic = createCubic(packet);
  }

  get window(): number {
    if (this.#model === undefined) return this.#cubic.window;
    const least = INITIAL_PACKETS * this.#packet;
    return Math.min(WINDOW_MAX, Math.max(WINDOW_GAIN * this.#held, least));
  }

  /** What the link holds, in bytes. */
  get #held(): number {
    return this.#delivery.best * (this.#smallest + SLACK_MS);
  }

  #isEmpty(roundTrip: number): boolean {
    const smallest = this.#smallest;
    return roundTrip <= Math.max(EMPTY * smallest, smallest + EMPTY_MS);
  }

  #isQueued(roundTrip: number): boolean {
    const smallest = this.#smallest;
    return roundTrip > Math.max(QUEUED * smallest, smallest + QUEUED_MS);
  }

  get searching(): boolean {
    return this.#model === undefined ? this.#cubic.searching : this.#model.phase === "search";
  }

  get paced(): boolean {
    return this.#model !== undefined;
  }

  rate(smoothed: number): number {
    if (this.#model === undefined) return this.#cubic.rate(smoothed);
    return Math.max(this.#gain(this.#model) * this.#delivery.best, this.#packet / smoothed);
  }

  #gain({ phase, rounds }: Model): number {
    if (phase === "search") return SEARCH_GAIN;
    return phase === "drain" ? DRAIN_GAIN : CYCLE[rounds % CYCLE.length];
  }

  onAck(sample: AckSample): void {
    // Before the first sample there is none.
    this.#smallest = Number.isFinite(sample.smallest) ? sample.smallest : 0;
    const isRound = this.#delivery.onAck(sample);
    if (this.#model === undefined) this.#cubic.onAck(sample);
    else this.#follow(this.#model, sample, isRound);
  }

  #follow(model: Model, { rtt }: AckSample, isRound: boolean): void {
    if (model.phase === "search" && rtt !== undefined) {
      model.queued = this.#isQueued(rtt) ? model.queued + 1 : 0;
      if (model.queued >= SEARCH_SAMPLES) {
        this.#patience = CHANCE_TROUBLES;
        return this.#turn(model, "drain");
      }
    }
    if (isRound) this.#round(model);
  }

  /** A round trip of the model is over. What was acknowledged in it went out in the one before. */
  #round(model: Model): void {
    const { latest, roundTrip, loss, limited } = this.#delivery;
    const { wasAbove } = model;
    model.wasAbove = this.#gain(model) > 1;
    model.rounds++;
    switch (model.phase) {
      case "search":
        if (latest >= SEARCH_GROWTH * model.best) {
          model.best = latest;
          model.stalls = 0;
        } else if (limited && ++model.stalls >= SEARCH_STALLS) this.#giveUp();
        return;
      case "drain":
        if (this.#isEmpty(roundTrip)) this.#turn(model, "cruise");
        else if (model.rounds > DRAIN_ROUNDS) this.#leave();
        return;
      case "cruise":
        if (!this.#isQueued(roundTrip) && loss <= LOSS_MAX) model.crowded = 0;
        else if (!wasAbove && ++model.crowded > CROWDED_ROUNDS) this.#leave();
    }
  }

  #turn(model: Model, phase: Phase): void {
    model.phase = phase;
    model.rounds = 0;
  }

  #enter(): void {
    this.#model = {
      phase: "search",
      rounds: 0,
      best: 0,
      stalls: 0,
      queued: 0,
      crowded: 0,
      wasAbove: true,
    };
  }

  /** Another is on the link: it is made room for. */
  #leave(): void {
    const window = Math.max(BETA * this.#held, MINIMUM_PACKETS * this.#packet);
    this.#cubic = createCubic(this.#packet, window);
    this.#model = undefined;
    this.#troubles = 0;
  }

  /** No queue was found: CUBIC goes on where it was. */
  #giveUp(): void {
    this.#patience = Math.min(PATIENCE_MAX, 2 * this.#patience);
    this.#model = undefined;
    this.#troubles = 0;
  }

  onLost(bytes: number): void {
    this.#delivery.onLost(bytes);
  }

  isNews(sentAt: number): boolean {
    return this.#model === undefined ? this.#cubic.isNews(sentAt) : sentAt > this.#troubleAt;
  }

  onTrouble(now: number): void {
    this.#troubleAt = now;
    if (this.#model !== undefined) return;
    this.#cubic.onTrouble(now);
    if (!this.#isEmpty(this.#delivery.recent)) this.#troubles = 0;
    else if (++this.#troubles >= this.#patience) this.#enter();
  }

  undo(): void {
    this.#troubles = Math.max(0, this.#troubles - 1);
    this.#cubic.undo();
  }

  onPersistent(): void {
    if (this.#model !== undefined) this.#leave();
    this.#troubles = 0;
    this.#cubic.onPersistent();
  }

  resize(packet: number): void {
    this.#packet = packet;
    this.#cubic.resize(packet);
  }
}

/** Makes CUBIC with a mode for lossy links, for a path with packets of so many bytes. */
export function createLossy(packet: number): Congestion {
  return new Lossy(packet);
}
