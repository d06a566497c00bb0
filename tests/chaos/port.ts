/**
 * A port for a server that dies and comes back on it.
 *
 * @module
 */

/** Below those that the system gives to outgoing connections: 32,768 on Linux, 49,152 elsewhere. */
const RANGE: readonly [number, number] = [15_000, 31_999];

/**
 * A port that is free now and that no outgoing connection gets. A client that dials a dead server on
 * a port of the system's own range is connected to itself at times, and keeps the server out.
 */
export function lastingPort(hostname = "127.0.0.1"): number {
  const [low, high] = RANGE;
  for (let tries = 0; tries < 100; tries++) {
    const port = low + Math.floor(Math.random() * (high - low));
    try {
      Deno.listen({ hostname, port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`no port from ${low} to ${high} is free`);
}
