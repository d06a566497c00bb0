/**
 * What a server counts of itself, by the names under which `/metrics` shows it.
 *
 * @module
 */

import type { Endpoint } from "../protocol/datagram/endpoint.ts";
import { COUNTED, type Counts } from "./counters.ts";
import type { RefusedAtDoor } from "./door.ts";
import type { Relayed } from "./peers.ts";
import { type Counter, createMetrics, type Histogram, type Metrics } from "./metrics.ts";

/** What the service tells while it works. */
export interface ServiceGauge {
  /** A command was answered, by `done` or the name of a status. */
  answered(op: string, outcome: string): void;
  /** The time now, to be given back to `committed`. */
  now(): number;
  /** A unit that was begun then is durable. */
  committed(begun: number): void;
}

/** What somebody who moves bytes tells. */
export interface TrafficGauge {
  readonly received: Counter;
  readonly sent: Counter;
  readonly opened: Counter;
  readonly closed: Counter;
}

/** What the whole server looks like now. */
export interface ServerView {
  readonly connections: number;
  readonly signedIn: number;
  readonly units: number;
  readonly feedBytes: number;
  readonly transfers: number;
  readonly offers: number;
  readonly relays: number;
  readonly relayed: Relayed;
  readonly counts: Counts;
  /** What waits to be written on all connections. */
  queued(): { readonly bytes: number; readonly stalled: number };
}

/** The metrics of a server. */
export interface ServerGauges {
  readonly service: ServiceGauge;
  /** The gauge of those who come by this way, as `tcp`. */
  traffic(transport: string): TrafficGauge;
  /** Counts a response of the web listener. */
  responded(status: number): void;
  /** Shows this UDP socket from now on. */
  datagrams(socket: Pick<Endpoint, "halfOpen" | "counters">): void;
  /** Counts a connection that the web listener did not take, or not keep. */
  turnedAway(why: RefusedAtDoor): void;
  /** Shows this server from now on. */
  show(view: ServerView): void;
  text(): string;
}

/** Bounds of what a commit takes, in seconds: a quick disk takes 0.1 ms, a bad day 1 s. */
const COMMIT_BOUNDS = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** For services that nobody measures. */
export const NO_GAUGE: ServiceGauge = { answered() {}, now: () => 0, committed() {} };

class Gauges implements ServerGauges, ServiceGauge {
  readonly #metrics: Metrics;
  readonly #now: () => number;
  readonly #commit: Histogram;
  /** Counters of replies by op and outcome: looked up without making a text. */
  readonly #answers = new Map<string, Map<string, Counter>>();

  constructor(metrics: Metrics, now: () => number) {
    this.#metrics = metrics;
    this.#now = now;
    metrics.describe("dfp_commands_total", "commands answered, by op and outcome");
    metrics.describe("dfp_received_bytes_total", "bytes of DFP that came, without TLS or HTTP");
    metrics.describe("dfp_sent_bytes_total", "bytes of DFP that went, without TLS or HTTP");
    metrics.describe("dfp_opened_total", "connections opened, by transport");
    metrics.describe("dfp_closed_total", "connections closed, by transport");
    metrics.describe("dfp_web_responses_total", "HTTP responses, by status");
    metrics.describe("dfp_web_refused_total", "connections closed before their request, by limit");
    this.#commit = metrics.histogram(
      "dfp_commit_seconds",
      "time from the beginning of a unit of work until it is durable",
      COMMIT_BOUNDS,
    );
  }

  get service(): ServiceGauge {
    return this;
  }

  answered(op: string, outcome: string): void {
    let outcomes = this.#answers.get(op);
    if (outcomes === undefined) this.#answers.set(op, outcomes = new Map());
    let counter = outcomes.get(outcome);
    if (counter === undefined) {
      counter = this.#metrics.counter("dfp_commands_total", { op, outcome });
      outcomes.set(outcome, counter);
    }
    counter.value++;
  }

  now(): number {
    return this.#now();
  }

  committed(begun: number): void {
    this.#commit.observe((this.#now() - begun) / 1000);
  }

  traffic(transport: string): TrafficGauge {
    const counter = (name: string) => this.#metrics.counter(name, { transport });
    return {
      received: counter("dfp_received_bytes_total"),
      sent: counter("dfp_sent_bytes_total"),
      opened: counter("dfp_opened_total"),
      closed: counter("dfp_closed_total"),
    };
  }

  responded(status: number): void {
    this.#metrics.counter("dfp_web_responses_total", { status: String(status) }).value++;
  }

  datagrams(socket: Pick<Endpoint, "halfOpen" | "counters">): void {
    const { gauge, counts } = bound(this.#metrics);
    gauge("dfp_half_open", "UDP handshakes that are not through", () => socket.halfOpen);
    counts(
      "dfp_datagrams_dropped_total",
      "datagrams that were for nobody (some of them reset), not genuine, asked for a cookie, or too many",
      () => ({ label: "why", values: { ...socket.counters } }),
    );
  }

  turnedAway(why: RefusedAtDoor): void {
    this.#metrics.counter("dfp_web_refused_total", { limit: why }).value++;
  }

  show(view: ServerView): void {
    const { gauge, counts } = bound(this.#metrics);
    gauge("dfp_connections", "open connections", () => view.connections);
    gauge("dfp_signed_in", "connections on which somebody is signed in", () => view.signedIn);
    gauge("dfp_units", "units of work done", () => view.units);
    gauge("dfp_feed_bytes", "bytes of events kept at hand", () => view.feedBytes);
    gauge("dfp_transfers", "files on their way to the forum and from it", () => view.transfers);
    gauge("dfp_offers", "files offered by users to users, accepted or not", () => view.offers);
    gauge("dfp_relays", "files that users have accepted, and may get by relay", () => view.relays);
    counts(
      "dfp_relayed_bytes_total",
      "bytes of datagrams between users that were passed on, or dropped for want of room or of a taker",
      () => ({ label: "outcome", values: { ...view.relayed } }),
    );
    gauge("dfp_queued_bytes", "bytes that wait to be written", () => view.queued().bytes);
    gauge(
      "dfp_stalled_connections",
      "connections whose reader is too slow for more replies",
      () => view.queued().stalled,
    );
    counts("dfp_limits_total", limitsHelp(), () => ({ label: "limit", values: view.counts }));
    gauge("dfp_resident_bytes", "memory of the process", () => Deno.memoryUsage().rss);
  }

  text(): string {
    return this.#metrics.text();
  }
}

function bound(metrics: Metrics): Pick<Metrics, "gauge" | "counts"> {
  return { gauge: metrics.gauge.bind(metrics), counts: metrics.counts.bind(metrics) };
}

function limitsHelp(): string {
  return `how often each limit was reached (${Object.keys(COUNTED).join(", ")})`;
}

/** Makes the metrics of a server; `now` is a clock in ms that never goes back. */
export function createGauges(now: () => number): ServerGauges {
  return new Gauges(createMetrics(), now);
}
