/**
 * The UDP listener: each connection over datagrams (docs/PROTOCOL.md, "Datagrams") becomes a session, like one over
 * TCP. Nobody on the way can read along, so passwords are taken; what proves them is bound to the handshake.
 *
 * @module
 */

import { encodeBase64 } from "../../protocol/base64.ts";
import type { Endpoint } from "../../protocol/datagram/endpoint.ts";
import { ENDPOINT_LIMITS } from "../../protocol/datagram/endpoint_options.ts";
import { handshakeBinding } from "../../protocol/datagram/handshake.ts";
import type { KeyPair } from "../../protocol/datagram/suite.ts";
import {
  type DatagramSocket,
  type DatagramStream,
  openDatagramSocket,
} from "../../transport/deno_datagram.ts";
import { networkOf } from "../address.ts";
import { type OperationLimits, TURNED_AWAY_MAX } from "../limits.ts";
import { couple, type Coupling } from "./couple.ts";
import type { Listening } from "./tcp.ts";
import type { Transport } from "../../transport/socket.ts";

/** What a UDP listener needs. */
export interface UdpOptions extends Coupling {
  readonly hostname: string;
  readonly port: number;
  /** The server's static keys, by which clients know it again. */
  readonly key: KeyPair;
  readonly limits: OperationLimits;
  /** Is given what there is to be shown of the socket. */
  readonly show: (socket: Pick<Endpoint, "halfOpen" | "counters">) => void;
}

/** How far a client may be ahead of its session, and what waits to be sent to it, in bytes: it is memory. */
const WINDOW = { initial: 256 * 1024, max: 4 * 1024 * 1024 };
const UNSENT = 128 * 1024;
/** A client that is not heard of for so long is gone, in ms. */
const IDLE = 60_000;
/** What is read at a time, in bytes. */
const READ_BYTES = 64 * 1024;
/** How long the last bytes of a session may take to arrive, in ms. */
const PARTING_TIMEOUT = 1000;
/** Connections where their number has no limit of its own. */
const CONNECTIONS_MAX = 1_000_000;

/** Begins to listen. Throws if the address cannot be had. */
export function listenUdp(options: UdpOptions): Listening {
  const { hostname, port, key, limits, show } = options;
  const parting = new Set<Promise<void>>();
  const socket = openDatagramSocket({
    hostname,
    port,
    static: key,
    window: WINDOW,
    unsent: UNSENT,
    idle: IDLE,
    limits: { connections: connectionsMax(limits) },
    networkOf: (path) => networkOf(hostOf(path)),
    onAccept(stream) {
      const { path, handshakeHash } = stream;
      couple(
        datagramTransport(stream, (parted) => {
          parting.add(parted);
          parted.finally(() => parting.delete(parted));
        }),
        { source: hostOf(path), exposed: false, binding: handshakeBinding(handshakeHash) },
        options,
      );
    },
  });
  show(socket.endpoint);
  const observer = openObserver(hostname, port);
  return {
    address: `udp://${socket.address}`,
    observing: [socket.port, observer.port],
    note: `key ${encodeBase64(key.public)}`,
    renew() {},
    // Sessions go on here, and who still comes is told by the service that it is too late.
    close() {},
    async end() {
      await Promise.all(parting);
      await Promise.all([socket.close(), observer.close()]);
    },
  };
}

/**
 * A second port, the next one if it can be had: a client that two ports see under different addresses is behind a NAT
 * through which no other client finds it.
 */
function openObserver(hostname: string, port: number): DatagramSocket {
  const options = { hostname, observes: true };
  if (port !== 0) {
    try {
      return openDatagramSocket({ ...options, port: port + 1 });
    } catch {
      // Somebody has it.
    }
  }
  return openDatagramSocket(options);
}

/** The door says who is too much, and why; only those who have not come through it yet are turned away here. */
function connectionsMax({ connections }: OperationLimits): number {
  if (connections === 0) return CONNECTIONS_MAX;
  return connections + TURNED_AWAY_MAX + ENDPOINT_LIMITS.halfOpen;
}

function hostOf(path: string): string {
  return path.slice(0, path.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

/** A stream over datagrams as it is; its end is told once all has arrived. */
function datagramTransport(
  stream: DatagramStream,
  onPart: (parted: Promise<void>) => void,
): Transport {
  return {
    read: () => stream.take(READ_BYTES),
    write: (bytes) => stream.write(bytes),
    close: () => onPart(stream.part(PARTING_TIMEOUT)),
  };
}
