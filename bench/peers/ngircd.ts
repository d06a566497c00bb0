/**
 * ngircd: an IRC server in C, with one channel. Its limits on connections and its throttle for fast talkers
 * are taken off.
 *
 * @module
 */

import { ask, dial } from "./dialogue.ts";
import { lineFraming } from "./framing.ts";
import type { ChatPeer } from "./peer.ts";
import { freePort, makeFolder, program, startProcess, unprivileged } from "./process.ts";

const CHANNEL = "#bench";
/** The only nick that begins with a p; the server's name does not either. */
const PUBLISHER = "p";

function configuration(port: number): string {
  return `[Global]
Name = bench.invalid
Info = bench
Listen = 127.0.0.1
Ports = ${port}
MotdPhrase = "bench"
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 31
MaxPenaltyTime = 0
[Options]
DNS = no
Ident = no
PAM = no
`;
}

/** The peer. */
export const ngircd: ChatPeer = {
  name: "ngircd",
  async start(folder, installer) {
    const path = await program("ngircd", "ngircd", installer);
    const port = freePort();
    const identity = unprivileged();
    makeFolder(folder, identity);
    await Deno.writeTextFile(`${folder}/ngircd.conf`, configuration(port));
    const process = startProcess(path, {
      args: ["-n", "-f", `${folder}/ngircd.conf`],
      output: `${folder}/output`,
      ...identity !== undefined && { identity },
    });
    await process.until(() => dial(port).then((conn) => (conn.close(), true), () => false));
    return { process, access: { port } };
  },
  wire({ access, bodyBytes, name }) {
    const line = new TextEncoder().encode(`PRIVMSG ${CHANNEL} :${"x".repeat(bodyBytes)}\r\n`);
    const prefix = `:${PUBLISHER}!~${PUBLISHER}@127.0.0.1 `;
    let members = 0;
    return {
      async join(part) {
        const conn = await dial(access.port);
        const nick = part === "publisher" ? PUBLISHER : `s${name}${members++}`;
        await ask(conn, `NICK ${nick}\r\nUSER ${nick} 0 * :x\r\n`, / (376|422) /);
        if (part !== "idle") await ask(conn, `JOIN ${CHANNEL}\r\n`, / 366 /);
        const framing = lineFraming({
          lead: `${prefix}PRIVMSG`,
          size: prefix.length + line.length,
          body: 0,
          judge(other) {
            if (other.startsWith("ERROR")) throw new Error(`ngircd: ${other}`);
            return other.startsWith("PING") ? other.replace("PING", "PONG") : undefined;
          },
        });
        return { conn, framing };
      },
      encode(count) {
        const bytes = new Uint8Array(count * line.length);
        for (let i = 0; i < count; i++) bytes.set(line, i * line.length);
        return bytes;
      },
    };
  },
};
