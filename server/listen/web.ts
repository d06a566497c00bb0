/**
 * The web listener: HTTP/1.1 for pages, and WebSockets that carry DFP (DESIGN §9; docs/PROTOCOL.md,
 * "Transport").
 *
 * A connection is HTTP until it becomes a WebSocket; then it is a session like any other, behind the
 * service's own door. Until then it stands at a door of this listener with the same limits, and has so
 * long for each request and no longer, so whoever sends a byte a minute holds a place for ten seconds.
 *
 * @module
 */

import { createDoor, type Door, type Guest, type RefusedAtDoor } from "../door.ts";
import type { OperationLimits } from "../limits.ts";
import { meansUs, type Openness, plain, provenanceOf } from "../web/origin.ts";
import { type Pages, SOCKET_PATH } from "../web/pages.ts";
import { HEAD_MAX, headLength, readRequest, type WebRequest } from "../web/request.ts";
import { encodeResponse, encodeUpgrade, sentence, type WebResponse } from "../web/response.ts";
import { acceptOf, asksUpgrade, judgeUpgrade } from "../web/upgrade.ts";
import { webSocketTransport } from "../web/websocket_transport.ts";
import { acceptAll } from "./accept.ts";
import type { Certificate } from "./certificate.ts";
import { couple, type Coupling } from "./couple.ts";
import { createParting } from "./parting.ts";
import type { Listening } from "./tcp.ts";
import { closeSocket, type Socket, writeAll } from "../../transport/socket.ts";

/** How long a client may take for a request, from the last answer on, in ms. */
export const REQUEST_TIMEOUT = 10_000;
/** How long an answer may take to be read, in ms: so long, and so much more for each byte. */
const RESPONSE_TIMEOUT = 10_000;
const RESPONSE_BYTE_TIMEOUT = 1 / 16;

/** What a web listener needs. */
export interface WebOptions extends Coupling {
  readonly hostname: string;
  readonly port: number;
  /** With it, the listener speaks HTTPS. */
  readonly certificate?: Certificate;
  readonly pages: Pages;
  /** Origins whose pages may open WebSockets, beside its own. */
  readonly origins: readonly string[];
  /** Addresses of proxies that say truly for whom they ask. */
  readonly trustedProxies: readonly string[];
  /** Whether passwords are taken where somebody on the way could read along. */
  readonly insecure: boolean;
  readonly limits: OperationLimits;
  /** Is told of each response. */
  readonly responded: (status: number) => void;
  /** Is told of each connection that the door shuts out. */
  readonly turnedAway: (why: RefusedAtDoor) => void;
}

/** A connection that is no WebSocket yet. */
interface Visit extends Guest {
  readonly socket: Socket;
  /** The address at its other end. */
  readonly address: string;
}

/** Begins to listen. Throws if the address cannot be had. */
export function listenWeb(options: WebOptions): Listening {
  const { certificate, now, limits } = options;
  const visits = new Set<Visit>();
  let closing = false;
  const part = createParting();
  const door: Door<Visit> = createDoor(limits, ({ socket }) => {
    options.turnedAway("too-many-unsigned");
    closeSocket(socket);
  });
  const accepting = acceptAll({
    ...options,
    take(socket, address) {
      const visit = { socket, address, source: sourceOf(address) };
      const refused = door.enter(visit, now());
      if (refused !== undefined) {
        options.turnedAway(refused);
        return closeSocket(socket);
      }
      visits.add(visit);
      serve(visit).catch(() => closeSocket(socket));
    },
  });
  return {
    address: `${certificate === undefined ? "http" : "https"}://${accepting.authority}/`,
    renew: (certificate) => accepting.renew(certificate),
    // Whoever asks whether this server takes clients is told that it does not, until the end.
    close: () => void (closing = true),
    end() {
      accepting.close();
      for (const { socket } of visits) closeSocket(socket);
      return Promise.resolve();
    },
  };

  /** Of those behind a trusted proxy only the proxy is seen here, and it is not limited by address. */
  function sourceOf(address: string): string {
    return options.trustedProxies.includes(plain(address)) ? "127.0.0.1" : address;
  }

  function leave(visit: Visit): void {
    if (visits.delete(visit)) door.leave(visit);
  }

  async function serve(visit: Visit): Promise<void> {
    let alarm: ReturnType<typeof setTimeout> | undefined;
    const within = (ms: number) => {
      clearTimeout(alarm);
      alarm = setTimeout(() => closeSocket(visit.socket), ms);
    };
    try {
      const begin = await talk(visit, within);
      clearTimeout(alarm);
      if (begin === undefined) part(visit.socket);
      else {
        leave(visit);
        begin();
      }
    } finally {
      clearTimeout(alarm);
      leave(visit);
    }
  }

  /** Answers requests; gives what begins the WebSocket, if the connection becomes one. */
  async function talk(
    visit: Visit,
    within: (ms: number) => void,
  ): Promise<(() => void) | undefined> {
    const { socket } = visit;
    const buffer = new Uint8Array(HEAD_MAX);
    let filled = 0;

    /** Answers; says whether another request may follow. */
    async function say(response: WebResponse, request?: WebRequest): Promise<boolean> {
      options.responded(response.status);
      const { keepAlive = false, method, host = "" } = request ?? {};
      const headOnly = method === "HEAD";
      const parts = encodeResponse(response, { host, keepAlive, headOnly, at: Date.now() });
      const size = parts.reduce((sum, { length }) => sum + length, 0);
      within(RESPONSE_TIMEOUT + size * RESPONSE_BYTE_TIMEOUT);
      for (const part of parts) await writeAll(socket, part);
      return keepAlive;
    }

    for (;;) {
      within(REQUEST_TIMEOUT);
      let head = headLength(buffer, filled);
      while (head === 0) {
        if (filled === HEAD_MAX) {
          await say(sentence(431, `The request's head is above ${HEAD_MAX} bytes.`));
          return undefined;
        }
        const count = await socket.read(buffer.subarray(filled));
        if (count === null) return undefined;
        head = headLength(buffer, filled + count, filled);
        filled += count;
      }
      const request = readRequest(buffer.subarray(0, head));
      if (!("path" in request)) {
        await say(sentence(request.status, request.text));
        return undefined;
      }
      const early = buffer.slice(head, filled);
      if (request.path === SOCKET_PATH && asksUpgrade(request)) {
        const judged = closing
          ? sentence(503, "The server is shutting down.")
          : judgeUpgrade(request, opennessTo(visit, request));
        if ("key" in judged) {
          await writeAll(socket, encodeUpgrade(await acceptOf(judged.key)));
          return () => open(visit, request, early);
        }
        // What comes behind may be frames already, and must not be taken for requests.
        await say(judged, { ...request, keepAlive: false });
        return undefined;
      } else {
        const response = options.pages(request, provenance(visit, request));
        if (!await say(response, request)) return undefined;
      }
      buffer.set(early);
      filled = early.length;
    }
  }

  function provenance({ address }: Visit, request: WebRequest) {
    const peer = { address, secure: certificate !== undefined };
    return provenanceOf(request, peer, options.trustedProxies);
  }

  /** Which pages may open a WebSocket. */
  function opennessTo(visit: Visit, request: WebRequest): Openness {
    // Whoever has a certificate for a name, or a proxy that we trust, stands for what it means.
    const known = certificate !== undefined || provenance(visit, request).forwarded ||
      meansUs(request.host, options.hostname);
    return { origins: options.origins, known };
  }

  function open(visit: Visit, request: WebRequest, early: Uint8Array): void {
    const { socket } = visit;
    const { source, exposed } = provenance(visit, request);
    const transport = webSocketTransport({ socket, early, part });
    couple(transport, { source, exposed: exposed && !options.insecure }, options);
  }
}
