/**
 * nginx and curl: a file goes up by PUT and comes down by GET, as it is sent with sendfile.
 *
 * @module
 */

import { dial } from "./dialogue.ts";
import { type FilePeer, keepFirst, type Way } from "./file_peer.ts";
import { endedChildrenSeconds, freePort, program, runToEnd, startProcess } from "./process.ts";

/** As root, the worker must stay root to write in the bench's folder. */
function configuration(folder: string, port: number): string {
  const user = Deno.uid() === 0 ? "user root;" : "";
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const temporary = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ");
  return `daemon off; worker_processes 1; ${user} pid ${folder}/pid; error_log stderr;
events {}
http {
  access_log off; sendfile on; client_max_body_size 0; ${temporary}
  server { listen 127.0.0.1:${port}; root ${folder}/files; location / { dav_methods PUT; } }
}`;
}

/** The peer. */
export const nginx: FilePeer = {
  name: "nginx + curl",
  async start({ source, folder }, installer) {
    const command = await program("nginx", "nginx", installer);
    const curl = await program("curl", "curl", installer);
    const port = freePort();
    Deno.mkdirSync(`${folder}/files`);
    Deno.writeTextFileSync(`${folder}/conf`, configuration(folder, port));
    const server = startProcess(command, {
      args: ["-p", folder, "-c", `${folder}/conf`, "-e", "stderr"],
      output: `${folder}/output`,
      family: true,
    });
    await server.until(() => dial(port).then((conn) => (conn.close(), true), () => false));
    const urls = { up: `http://127.0.0.1:${port}/up`, down: `http://127.0.0.1:${port}/kept` };
    const arrived = `${folder}/down`;
    return {
      async carry(way: Way) {
        const file = way === "up" ? ["-T", source] : ["-o", arrived];
        const before = { server: server.cpuSeconds(), client: endedChildrenSeconds() };
        const text = await runToEnd(curl, ["-sSf", "-w", "%{time_total}", ...file, urls[way]]);
        const carried = {
          seconds: Number(text),
          serverCpu: server.cpuSeconds() - before.server,
          clientCpu: endedChildrenSeconds() - before.client,
        };
        if (way === "down") Deno.removeSync(arrived);
        else keepFirst(`${folder}/files/up`, `${folder}/files/kept`);
        return carried;
      },
      stop: () => server.stop(),
    };
  },
};
