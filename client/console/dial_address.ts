/**
 * From an address to a dial.
 *
 * @module
 */

import type { Dial } from "../byte_stream.ts";
import type { KnownServers } from "../connect/known_servers.ts";
import { dialTcp } from "../connect/tcp.ts";
import { dialTls } from "../connect/tls.ts";
import { dialUdp } from "../connect/udp.ts";
import { dialWebSocket } from "../connect/websocket.ts";
import type { ServerAddress } from "./server_address.ts";

/** What a dial may need besides the address. */
export interface DialOptions {
  /** Certificates of authorities in PEM, which count beside the system's own. */
  readonly caCerts: readonly string[];
  /** Where keys of servers are remembered. */
  readonly knownServers: KnownServers;
  /** Told of a server's key that was met for the first time, and is remembered now. */
  readonly onNewKey: (key: Uint8Array) => void;
}

/** Makes the dial of an address. */
export function dialAddress(
  address: ServerAddress,
  { caCerts, knownServers, onNewKey }: DialOptions,
): Dial {
  switch (address.transport) {
    case "tcp":
      return dialTcp(address);
    case "tls":
      return dialTls({ ...address, caCerts });
    case "udp":
      return dialUdp({ ...address, knownServers, onNewKey });
    case "ws":
      return dialWebSocket(address);
    case "wss":
      if (caCerts.length === 0) return dialWebSocket(address);
      return dialWebSocket({
        url: address.url,
        open: (url) => {
          const client = Deno.createHttpClient({ caCerts: [...caCerts] });
          return new WebSocket(url, { client });
        },
      });
  }
}
