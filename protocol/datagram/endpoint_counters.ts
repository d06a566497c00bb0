/**
 * What an endpoint counts.
 *
 * @module
 */

/** What was thrown away, by reason. */
export interface EndpointCounters {
  /** No packet of ours, or for no connection of ours. */
  strange: number;
  /** INIT without a genuine code or content. */
  forged: number;
  /** INIT that was asked for a cookie. */
  retried: number;
  /** INIT beyond a limit. */
  refused: number;
  /** DATA for no connection of ours that was answered with RESET. */
  reset: number;
}

/** Makes counters that have counted nothing. */
export function createEndpointCounters(): EndpointCounters {
  return { strange: 0, forged: 0, retried: 0, refused: 0, reset: 0 };
}
