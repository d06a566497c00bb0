/**
 * Sockets by which other clients may reach this one (docs/PROTOCOL.md, "Peer to peer"): they know the addresses of this
 * machine, and ask the server's UDP ports under which they are seen. Needs Deno with `--unstable-net`.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { decodeAddress } from "../../protocol/datagram/address.ts";
import { encodeWhere, parseHandshakePacket } from "../../protocol/datagram/packet.ts";
import { REACH_MAX } from "../../protocol/forum/command.ts";
import type { OpenPeerPort, PeerPort } from "../peer/peer_host.ts";

/** When the server is asked under which address we are seen, in ms. */
const ASK_AT = [0, 100, 250, 500];
/** How long its answers are waited for, in ms. */
const ANSWER_MS = 800;
/** Datagrams are received into it: large enough for any. */
const RECEIVE_BYTES = 2048;

type Receive = (path: string, datagram: Uint8Array) => void;

/** One socket, of one family. */
class Socket {
  readonly #socket: Deno.DatagramConn;
  readonly #addresses = new Map<string, Deno.NetAddr>();
  #closed = false;

  constructor(hostname: string, receive: Receive) {
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    void this.#receive(receive);
  }

  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  async #receive(receive: Receive): Promise<void> {
    const buffer = new Uint8Array(RECEIVE_BYTES);
    while (!this.#closed) {
      try {
        const [datagram, address] = await this.#socket.receive(buffer);
        const { hostname, port } = address as Deno.NetAddr;
        receive(hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`, datagram);
      } catch {
        // The socket tells here that an earlier datagram reached nobody, or that it is closed.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }

  async send(path: string, datagrams: Uint8Array, segment: number): Promise<void> {
    const address = this.#address(path);
    const sends: Promise<unknown>[] = [];
    for (let at = 0; at < datagrams.length; at += segment) {
      const datagram = datagrams.subarray(at, Math.min(datagrams.length, at + segment));
      sends.push(this.#socket.send(datagram, address).catch(() => {}));
    }
    await (sends.length === 1 ? sends[0] : Promise.all(sends));
  }

  #address(path: string): Deno.NetAddr {
    let address = this.#addresses.get(path);
    if (address === undefined) {
      const at = path.lastIndexOf(":");
      const hostname = path.slice(0, at).replace(/^\[|\]$/g, "");
      address = { transport: "udp", hostname, port: Number(path.slice(at + 1)) };
      if (this.#addresses.size > 100) this.#addresses.clear();
      this.#addresses.set(path, address);
    }
    return address;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}

class SocketPair implements PeerPort {
  readonly #four: Socket;
  readonly #six: Socket | undefined;
  /** Questions for our address that are open, by their nonces. */
  readonly #asked = new Map<string, (seen: string) => void>();
  readonly own: readonly string[];
  seen: readonly string[] = [];

  constructor(receive: Receive, { local }: { local: boolean }) {
    const hear: Receive = (path, datagram) => {
      const packet = parseHandshakePacket(datagram);
      if (packet?.type !== "here") return receive(path, datagram);
      const seen = decodeAddress(packet.seen);
      if (seen !== undefined) this.#asked.get(`${path} ${packet.nonce}`)?.(seen);
    };
    this.#four = new Socket("0.0.0.0", hear);
    try {
      this.#six = new Socket("::", hear);
    } catch {
      // A machine without IPv6.
    }
    this.own = this.#ownAddresses(local);
  }

  #ownAddresses(local: boolean): string[] {
    const own: string[] = [];
    for (const { family, address } of Deno.networkInterfaces()) {
      const isLoopback = address.startsWith("127.") || address === "::1";
      // Those of one link only mean nothing without its name.
      if (/^fe80:/i.test(address) || isLoopback !== local) continue;
      if (family === "IPv4") own.push(`${address}:${this.#four.port}`);
      else if (this.#six !== undefined) own.push(`[${address}]:${this.#six.port}`);
    }
    // On one machine the loopback is enough; elsewhere it means nothing.
    return own.slice(0, REACH_MAX);
  }

  /** Asks the server's ports, and remembers under which address all of them see us. */
  async observe(server: string, ports: readonly number[]): Promise<void> {
    const paths = ports.map((port) => `${server.includes(":") ? `[${server}]` : server}:${port}`);
    const answers = await Promise.all(paths.map((path) => this.#ask(path)));
    const seen = new Set(answers.filter((answer) => answer !== undefined));
    // A NAT that shows each of them another port shows the other client yet another one.
    if (seen.size === 1) this.seen = [...seen].filter((path) => !this.own.includes(path));
  }

  #ask(path: string): Promise<string | undefined> {
    const nonce = crypto.getRandomValues(new Uint8Array(8));
    const key = `${path} ${nonce}`;
    const question = encodeWhere(nonce);
    const timers = ASK_AT.map((ms) =>
      setTimeout(() => void this.send(path, question, question.length), ms)
    );
    return new Promise((resolve) => {
      const settle = (seen: string | undefined) => {
        for (const timer of timers) clearTimeout(timer);
        this.#asked.delete(key);
        resolve(seen);
      };
      timers.push(setTimeout(() => settle(undefined), ANSWER_MS));
      this.#asked.set(key, settle);
    });
  }

  async send(path: string, datagrams: Uint8Array, segment: number): Promise<void> {
    const socket = path.startsWith("[") ? this.#six : this.#four;
    await socket?.send(path, datagrams, segment);
  }

  close(): void {
    this.#four.close();
    this.#six?.close();
  }
}

/** Opens sockets for a client of a server, which must be named as it was dialled. */
export function peerPorts(hostname: string): OpenPeerPort {
  return async ({ receive, udp }) => {
    const { address } = await lookup(hostname);
    const local = address.startsWith("127.") || address === "::1";
    const port = new SocketPair(receive, { local });
    // Whoever is on one machine with the server is seen there as what it is.
    if (!local) await port.observe(address, udp);
    return port;
  };
}
