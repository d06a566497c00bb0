/**
 * The closed loop: clients that keep so many requests in flight, each sending as many as were answered.
 *
 * @module
 */

import { writeAll } from "./dialogue.ts";
import type { DurableOutcome, Member, Wire } from "./peer.ts";
import type { Process } from "./process.ts";
import { percentile } from "./statistics.ts";

/** How long something goes on: until so many requests are answered, or so many ms have passed. */
export type Span = { readonly requests: number } | { readonly ms: number };

/** What is asked of whom. */
export interface ClosedLoopOptions {
  readonly wire: Wire;
  /** The server. */
  readonly process: Process;
  readonly clients: number;
  /** Requests of each client. */
  readonly inFlight: number;
  readonly warmup: Span;
  readonly measured: Span;
}

interface Reading {
  readonly answered: number;
  readonly at: number;
  readonly cpu: number;
}

/** One client: a ring of sending times, since answers come in the order of the requests. */
interface Client {
  readonly number: number;
  readonly member: Member;
  readonly sentAt: Float64Array;
  first: number;
}

const READ_BYTES = 64 * 1024;

class ClosedLoop {
  readonly #options: ClosedLoopOptions;
  readonly #outcome = Promise.withResolvers<DurableOutcome>();
  readonly #clients: Client[] = [];
  readonly #latencies: number[] = [];
  #answered = 0;
  #begin: Reading;
  #measuring = false;
  #over = false;

  constructor(options: ClosedLoopOptions) {
    this.#options = options;
    this.#begin = this.#reading();
  }

  async run(): Promise<DurableOutcome> {
    const { wire, clients, inFlight } = this.#options;
    for (let i = 0; i < clients; i++) {
      const member = await wire.join("publisher");
      this.#clients.push({ number: i, member, sentAt: new Float64Array(inFlight), first: 0 });
    }
    this.#begin = this.#reading();
    try {
      for (const client of this.#clients) {
        this.#drive(client).catch((error) => this.#outcome.reject(error));
      }
      return await this.#outcome.promise;
    } finally {
      this.#over = true;
      for (const { member } of this.#clients) member.conn.close();
    }
  }

  #reading(): Reading {
    const cpu = this.#options.process.cpuSeconds();
    return { answered: this.#answered, at: performance.now(), cpu };
  }

  async #drive(client: Client): Promise<void> {
    const { wire, inFlight } = this.#options;
    const { conn, framing } = client.member;
    const buffer = new Uint8Array(READ_BYTES);
    client.sentAt.fill(performance.now());
    await writeAll(conn, wire.encode(inFlight, client.number));
    while (!this.#over) {
      const length = await conn.read(buffer).catch((error) => {
        if (this.#over) return null;
        throw error;
      });
      if (this.#over) return;
      if (length === null) throw new Error("the server hung up");
      const count = framing.count(buffer, length);
      const answer = framing.answer();
      if (answer !== undefined) await writeAll(conn, answer);
      if (count === 0) continue;
      this.#take(client, count);
      if (!this.#over) await writeAll(conn, wire.encode(count, client.number));
    }
  }

  #take(client: Client, count: number): void {
    const { inFlight, warmup, measured } = this.#options;
    const now = performance.now();
    for (let i = 0; i < count; i++) {
      if (this.#measuring) this.#latencies.push(now - client.sentAt[client.first]);
      client.sentAt[client.first] = now;
      client.first = (client.first + 1) % inFlight;
    }
    this.#answered += count;
    if (!this.#passed(this.#measuring ? measured : warmup, now)) return;
    const reading = this.#reading();
    if (!this.#measuring) {
      this.#measuring = true;
      this.#begin = reading;
      return;
    }
    this.#over = true;
    const requests = reading.answered - this.#begin.answered;
    this.#outcome.resolve({
      rate: requests / (reading.at - this.#begin.at) * 1000,
      p99: percentile(this.#latencies, 0.99),
      cpu: (reading.cpu - this.#begin.cpu) * 1e6 / requests,
    });
  }

  #passed(span: Span, now: number): boolean {
    return "ms" in span
      ? now - this.#begin.at >= span.ms
      : this.#answered - this.#begin.answered >= span.requests;
  }
}

/** Runs a closed loop and says what it has measured after the warm-up. */
export function closedLoop(options: ClosedLoopOptions): Promise<DurableOutcome> {
  return new ClosedLoop(options).run();
}
