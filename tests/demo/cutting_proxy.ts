/**
 * A TCP proxy whose cable can be pulled: between a client and the server, for the demo.
 *
 * @module
 */

/** A proxy. */
export interface CuttingProxy {
  readonly port: number;
  /** Breaks all connections and takes no new ones. */
  cut(): void;
  /** Does that once so many more bytes have passed; resolves then. */
  cutAfter(bytes: number): Promise<void>;
  /** Takes connections again. */
  mend(): void;
  close(): void;
}

/** Listens on a free port and passes everything on to `target`. */
export function openCuttingProxy(target: Deno.ConnectOptions): CuttingProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let whole = true;
  /** How many bytes are left until the cable is pulled, and who waits for that. */
  let left = Infinity;
  let pulled = () => {};
  accept();
  return {
    port: listener.addr.port,
    cut,
    cutAfter(bytes) {
      left = bytes;
      return new Promise((resolve) => pulled = resolve);
    },
    mend() {
      whole = true;
    },
    close() {
      cut();
      listener.close();
    },
  };

  function cut(): void {
    whole = false;
    left = Infinity;
    for (const conn of open) close(conn);
    pulled();
  }

  async function accept(): Promise<void> {
    for await (const near of listener) {
      if (!whole) {
        near.close();
        continue;
      }
      const far = await Deno.connect(target);
      open.add(near).add(far);
      pass(near, far);
      pass(far, near);
    }
  }

  async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    try {
      for await (const bytes of from.readable) {
        for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
        left -= bytes.length;
        if (left <= 0) cut();
      }
    } catch {
      // The cable was pulled, or one side has gone.
    }
    close(from);
    close(to);
  }

  function close(conn: Deno.Conn): void {
    if (!open.delete(conn)) return;
    try {
      conn.close();
    } catch {
      // Its stream has closed it.
    }
  }
}
