/**
 * Whether a request may turn its connection into a WebSocket (RFC 6455 §4.2).
 *
 * @module
 */

import { mayOpen, type Openness } from "./origin.ts";
import { tokensOf, type WebRequest } from "./request.ts";
import { sentence, type WebResponse } from "./response.ts";

/** A SHA-1 of the key and this proves to the client that WebSocket is spoken here. */
const PROOF = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** Whether a WebSocket is asked for. */
export function asksUpgrade({ headers, modern }: WebRequest): boolean {
  // From HTTP/1.0 it means nothing (RFC 9110 §7.8).
  return modern && tokensOf(headers.get("upgrade")).includes("websocket") &&
    tokensOf(headers.get("connection")).includes("upgrade");
}

/** Why a WebSocket is not opened, or the key that proves that one is. */
export function judgeUpgrade(
  { method, host, headers, body }: WebRequest,
  openness: Openness,
): { readonly key: string } | WebResponse {
  if (method !== "GET") {
    return sentence(405, "A WebSocket is opened with GET.", { Allow: "GET" });
  }
  if (body) return sentence(413, "A WebSocket is opened without a body.");
  if (headers.get("sec-websocket-version") !== "13") {
    return sentence(426, "This server speaks version 13 of WebSocket.", {
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
    });
  }
  const key = headers.get("sec-websocket-key") ?? "";
  if (!KEY.test(key)) return sentence(400, "The header sec-websocket-key is missing or wrong.");
  const origin = headers.get("origin");
  if (!mayOpen(origin, host, openness)) {
    return sentence(
      403,
      "Pages of this origin may not use this forum. Its keeper can allow them with --web-origin.",
    );
  }
  return { key };
}

/** The answer to a key. */
export async function acceptOf(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(key + PROOF);
  return new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)).toBase64();
}
