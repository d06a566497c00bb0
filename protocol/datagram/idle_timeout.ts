/**
 * Silence on a connection: how long it may last (RFC 9000 §10.1), and when the peer is asked for a sign of life before it
 * has lasted too long.
 *
 * @module
 */

/** It lasts this many PTOs at least, so that what was lost can be sent again. */
const IDLE_PTOS = 3;

/** The silence of one connection. */
export class IdleTimeout {
  readonly #keepAlive: number;
  #idle: number;
  /** Silence counts from here; and whether we have sent something since that should have been answered. */
  #from: number;
  #hasAsked = false;
  /** When something was heard last, or asked. */
  #quietFrom: number;

  /** Both in ms; `keepAlive` 0 is never. */
  constructor(idle: number, keepAlive: number, now: number) {
    this.#idle = idle;
    this.#keepAlive = keepAlive;
    this.#from = this.#quietFrom = now;
  }

  /** The peer bears so much silence. */
  agree(idle: number): void {
    this.#idle = Math.min(this.#idle, idle);
  }

  /** Silence counts from now on. */
  restart(now: number): void {
    this.#from = now;
  }

  /** Something was heard. */
  heard(now: number): void {
    this.#from = this.#quietFrom = now;
    this.#hasAsked = false;
  }

  /** A packet has gone out that must be acknowledged. */
  asked(now: number): void {
    this.#quietFrom = now;
    // Silence is counted from the first packet that should have been answered.
    if (!this.#hasAsked) this.#from = now;
    this.#hasAsked = true;
  }

  /** The peer is about to be asked for a sign of life. */
  asking(now: number): void {
    this.#quietFrom = now;
  }

  /** When all is given up. */
  lateAt(pto: number): number {
    return this.#from + Math.max(this.#idle, IDLE_PTOS * pto);
  }

  /**
   * When the peer is asked for a sign of life: if the owner wants that, and while the peer's reader holds us
   * up, who would otherwise be given up for saying nothing.
   */
  askAt(isBlocked: boolean): number {
    if (this.#keepAlive > 0) return this.#quietFrom + this.#keepAlive;
    return isBlocked ? this.#quietFrom + this.#idle / 3 : Infinity;
  }
}
