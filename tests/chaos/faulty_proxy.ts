/**
 * A TCP proxy between clients and a server whose links fail in every way that links do.
 *
 * @module
 */

import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";

/** A link and its two sockets. */
interface Link {
  readonly near: Socket;
  readonly far: Socket;
  /** Whether nothing passes for now. */
  held: boolean;
}

/** What can be done to a link. */
export const LINK_FAULTS = ["cut", "reset", "stall", "silence", "half-close"] as const;

/** What can be done to a link. */
export type LinkFault = typeof LINK_FAULTS[number];

/** A proxy. */
export interface FaultyProxy {
  readonly hostname: string;
  readonly port: number;
  /** Links that are open now. */
  readonly links: number;
  /**
   * Does something to the link of this place among the open ones (modulo their number): `cut` closes it,
   * `reset` resets it, `stall` holds all bytes back for so many ms, `silence` passes nothing on any more and
   * tells nobody, `half-close` ends the server's direction only.
   */
  fail(fault: LinkFault, place: number, ms: number): void;
  /** Cuts all links. */
  cutAll(): void;
  close(): void;
}

class Proxy implements FaultyProxy {
  readonly #links = new Set<Link>();
  readonly #server;
  readonly hostname = "127.0.0.1";
  #port = 0;

  constructor(target: { hostname: string; port: number }) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const { hostname: host, port } = target;
      const far = connect({ host, port, allowHalfOpen: true, noDelay: true });
      this.#couple({ near, far, held: false });
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, this.hostname);
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as { port: number }).port;
  }

  get port(): number {
    return this.#port;
  }
  get links(): number {
    return this.#links.size;
  }

  #couple(link: Link): void {
    const { near, far } = link;
    this.#links.add(link);
    // One side's error closes the other; what it was does not matter to a cable.
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#links.delete(link);
        other.destroy();
      });
      one.pipe(other);
    }
  }

  fail(fault: LinkFault, place: number, ms: number): void {
    if (this.#links.size === 0) return;
    const link = [...this.#links][place % this.#links.size];
    const { near, far } = link;
    switch (fault) {
      case "cut":
        near.destroy();
        return;
      case "reset":
        near.resetAndDestroy();
        far.resetAndDestroy();
        return;
      case "stall":
        hold(link);
        setTimeout(() => release(link), ms);
        return;
      case "silence":
        hold(link);
        return;
      case "half-close":
        far.unpipe(near);
        near.end();
        far.resume();
    }
  }

  cutAll(): void {
    for (const { near } of this.#links) near.destroy();
  }

  close(): void {
    this.cutAll();
    this.#server.close();
  }
}

function hold(link: Link): void {
  const { near, far } = link;
  link.held = true;
  near.unpipe(far);
  far.unpipe(near);
  near.pause();
  far.pause();
}

/** Of several stalls of a link the first one that is over ends all: piped twice, it would pass all bytes twice. */
function release(link: Link): void {
  const { near, far } = link;
  if (!link.held || near.destroyed || far.destroyed) return;
  link.held = false;
  near.pipe(far);
  far.pipe(near);
}

/** Listens on a free port of this machine and passes everything on to `target`. */
export async function openFaultyProxy(
  target: { hostname: string; port: number },
): Promise<FaultyProxy> {
  const proxy = new Proxy(target);
  await proxy.listen();
  return proxy;
}
