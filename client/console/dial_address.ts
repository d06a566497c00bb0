/**
 * From an address to a dial.
 *
 * @module
 */

import type { Dial } from "../byte_stream.ts";
import { dialTcp } from "../connect/tcp.ts";
import { dialTls } from "../connect/tls.ts";
import { dialWebSocket } from "../connect/websocket.ts";
import type { ServerAddress } from "./server_address.ts";

/** Makes the dial of an address; authorities in PEM count beside the system's own. */
export function dialAddress(address: ServerAddress, caCerts: readonly string[]): Dial {
  switch (address.transport) {
    case "tcp":
      return dialTcp(address);
    case "tls":
      return dialTls({ ...address, caCerts });
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
