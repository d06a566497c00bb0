/**
 * A relay between real UDP sockets: what clients send to it goes to a server and back, through the link model in
 * real time. Each client has a socket of its own towards the server, as behind a NAT.
 *
 * @module
 */

import {
  createDatagramLink,
  type DatagramLink,
  type DatagramLinkCounts,
  type DatagramLinkFaults,
} from "../simulation/datagram_link.ts";
import { createRandom } from "../simulation/random.ts";

/** A relay that runs. */
export interface UdpRelay {
  readonly port: number;
  /** What has happened in both directions. */
  readonly counts: { readonly up: DatagramLinkCounts; readonly down: DatagramLinkCounts };
  /** May be changed at any time. */
  readonly faults: { readonly up: DatagramLinkFaults; readonly down: DatagramLinkFaults };
  /** From now on clients come from other ports, as when a NAT has forgotten them. */
  rebind(): void;
  close(): Promise<void>;
}

const nothing = () => {};

class Relay implements UdpRelay {
  readonly #front = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #server: Deno.NetAddr;
  /** Towards the server, by the client's port. */
  readonly #backs = new Map<number, Deno.DatagramConn>();
  readonly #up: DatagramLink;
  readonly #down: DatagramLink;
  readonly #running: Promise<void>[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #closed = false;

  constructor(port: number, seed: number, faults: Partial<DatagramLinkFaults>) {
    const random = createRandom(seed);
    this.#server = { transport: "udp", hostname: "127.0.0.1", port };
    this.#up = createDatagramLink(random.fork(), faults);
    this.#down = createDatagramLink(random.fork(), faults);
    this.#running.push(this.#read(this.#front, this.#up));
  }

  get port(): number {
    return (this.#front.addr as Deno.NetAddr).port;
  }
  get counts() {
    return { up: this.#up.counts, down: this.#down.counts };
  }
  get faults() {
    return { up: this.#up.faults, down: this.#down.faults };
  }

  /** Reads one socket for ever; `client` is whom it stands for, if it is one of ours towards the server. */
  async #read(socket: Deno.DatagramConn, link: DatagramLink, client?: number): Promise<void> {
    const buffer = new Uint8Array(2048);
    while (!this.#closed && (client === undefined || this.#backs.get(client) === socket)) {
      try {
        const [datagram, from] = await socket.receive(buffer);
        link.push(performance.now(), datagram, String(client ?? (from as Deno.NetAddr).port));
        this.#move();
      } catch {
        // An earlier datagram has reached nobody, or the socket is closed.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }

  /** Lets go what is due, and sets the timer. */
  #move(): void {
    const now = performance.now();
    for (let came = this.#up.pull(now); came !== undefined; came = this.#up.pull(now)) {
      this.#back(Number(came.tag)).send(came.datagram, this.#server).catch(nothing);
    }
    for (let came = this.#down.pull(now); came !== undefined; came = this.#down.pull(now)) {
      const to: Deno.NetAddr = { ...this.#server, port: Number(came.tag) };
      this.#front.send(came.datagram, to).catch(nothing);
    }
    const due = Math.min(this.#up.due() ?? Infinity, this.#down.due() ?? Infinity);
    if (due >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = due;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      if (!this.#closed) this.#move();
    }, due - now);
  }

  #back(client: number): Deno.DatagramConn {
    let back = this.#backs.get(client);
    if (back === undefined) {
      back = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
      this.#backs.set(client, back);
      this.#running.push(this.#read(back, this.#down, client));
    }
    return back;
  }

  rebind(): void {
    const backs = [...this.#backs.values()];
    this.#backs.clear();
    for (const back of backs) back.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#front.close();
    for (const back of this.#backs.values()) back.close();
    await Promise.all(this.#running);
  }
}

/** Opens a relay to a server on this machine; both directions are links with these faults. */
export function openUdpRelay(
  port: number,
  { seed = 1, ...faults }: Partial<DatagramLinkFaults> & { readonly seed?: number } = {},
): UdpRelay {
  return new Relay(port, seed, faults);
}
