/**
 * Where the terminal client finds its server, as HOST PORT or a URL says.
 *
 * @module
 */

/** An address. */
export type ServerAddress =
  | { readonly transport: "tcp" | "tls" | "udp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "ws" | "wss"; readonly url: string };

/** Where a server is that was started without options. */
export const DEFAULT_HOST = "127.0.0.1";
/** Its port. */
export const DEFAULT_PORT = 5000;
/** Where servers open WebSockets. */
const SOCKET_PATH = "/dfp";

/** The address of HOST PORT or a URL, or what is wrong with it. */
export function readAddress(
  places: readonly string[],
  url: string | undefined,
): ServerAddress | string {
  if (url !== undefined) {
    return places.length === 0 ? readUrl(url) : "Give HOST PORT or --connect, not both.";
  }
  if (places.length > 2) return `${places[2]} is too much: give HOST PORT, nothing more.`;
  const [hostname = DEFAULT_HOST, text] = places;
  if (places.length === 1 && /^\d+$/.test(hostname)) {
    return `Give the host too: ${DEFAULT_HOST} ${hostname}.`;
  }
  const port = text === undefined ? DEFAULT_PORT : readPort(text);
  if (port === undefined) return `The port is a number from 1 to 65535, not ${text}.`;
  return hostname === "" ? "The host is missing." : { transport: "tcp", hostname, port };
}

function readPort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function readUrl(text: string): ServerAddress | string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1].toLowerCase() ?? "";
  switch (scheme) {
    case "ws":
    case "wss":
      return readSocketUrl(text, scheme);
    case "http":
    case "https":
      return `--connect needs ${scheme === "http" ? "ws" : "wss"}:// instead of ${scheme}://.`;
  }
  const parts = /^tcp:\/\/(?:\[([0-9a-f:.%]+)\]|([^\s:/@?#]+))(?::(\d+))?\/?$/i.exec(
    text.replace(/^(?:tls|udp):/i, "tcp:"),
  );
  if (parts === null) {
    return `--connect needs a URL like tcp://127.0.0.1:5000 or wss://forum.example, not ${text}.`;
  }
  const port = parts[3] === undefined ? DEFAULT_PORT : readPort(parts[3]);
  if (port === undefined) return `The port is a number from 1 to 65535, not ${parts[3]}.`;
  const transport = scheme === "tls" || scheme === "udp" ? scheme : "tcp";
  return { transport, hostname: parts[1] ?? parts[2], port };
}

/** Without a path, the one where servers open WebSockets is meant. */
function readSocketUrl(text: string, transport: "ws" | "wss"): ServerAddress | string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hash !== "" || url.username !== "" || url.password !== "") {
    return `--connect needs a URL like ${transport}://forum.example:8080, not ${text}.`;
  }
  if (url.pathname === "/") url.pathname = SOCKET_PATH;
  return { transport, url: url.href };
}

/** An address as people read it. */
export function addressText(address: ServerAddress): string {
  if ("url" in address) return address.url;
  const { transport, hostname, port } = address;
  return `${hostname} port ${port}${transport === "udp" ? " by UDP" : ""}`;
}
