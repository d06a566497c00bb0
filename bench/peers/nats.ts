/**
 * nats-server: plain publish and subscribe, kept nowhere.
 *
 * @module
 */

import { ask, dial } from "./dialogue.ts";
import { lineFraming } from "./framing.ts";
import type { ChatPeer, Started } from "./peer.ts";
import { freePort, type Installer, program, startProcess } from "./process.ts";

const USER = "bench";
const PASSWORD = "secret";
const CONNECT = JSON.stringify({
  verbose: false,
  pedantic: false,
  user: USER,
  pass: PASSWORD,
  lang: "bench",
  version: "1",
  protocol: 1,
});

/** Starts a nats-server; more arguments can turn JetStream on. */
export async function startNats(
  folder: string,
  installer: Installer,
  more: readonly string[] = [],
): Promise<Started> {
  const path = await program("nats-server", "nats-server", installer);
  const port = freePort();
  const process = startProcess(path, {
    args: ["-a", "127.0.0.1", "-p", String(port), "--user", USER, "--pass", PASSWORD, ...more],
    output: `${folder}/output`,
  });
  await process.line(/Server is ready/);
  return { process, access: { port } };
}

/** How JavaScript's client signs in. */
export const NATS_CREDENTIALS = { user: USER, pass: PASSWORD };

/** The peer. */
export const nats: ChatPeer = {
  name: "nats-server",
  start: (folder, installer) => startNats(folder, installer),
  wire({ access, bodyBytes }) {
    const line = `MSG bench 1 ${bodyBytes}\r\n`;
    const publish = new TextEncoder().encode(
      `PUB bench ${bodyBytes}\r\n${"x".repeat(bodyBytes)}\r\n`,
    );
    return {
      async join(part) {
        const conn = await dial(access.port);
        const subscribe = part === "subscriber" ? "SUB bench 1\r\n" : "";
        await ask(conn, `CONNECT ${CONNECT}\r\n${subscribe}PING\r\n`, /PONG\r\n/);
        const framing = lineFraming({
          lead: "MSG ",
          size: line.length + bodyBytes + 2,
          body: bodyBytes + 2,
          judge(other) {
            if (other.startsWith("-ERR")) throw new Error(`nats-server: ${other}`);
            return other.startsWith("PING") ? "PONG\r\n" : undefined;
          },
        });
        return { conn, framing };
      },
      encode(count) {
        const bytes = new Uint8Array(count * publish.length);
        for (let i = 0; i < count; i++) bytes.set(publish, i * publish.length);
        return bytes;
      },
    };
  },
};
