/**
 * Ours, carrying files: the server as `deno task start` runs it, and the terminal client, which is signed in when it
 * is told what to do. Both ends hash all of it, and an upload is on the disk before it is told to be there.
 *
 * @module
 */

import { makeAccount, PASSWORD, ROOT, serverPort, startServer, USER } from "./dfp.ts";
import {
  type Carried,
  CARRY_MS,
  type FilePeer,
  type FilePlace,
  type FileServer,
  type Way,
} from "./file_peer.ts";
import type { Access } from "./peer.ts";
import { type Process, startProcess } from "./process.ts";

/** Ours, started, and what only ours is asked. */
export interface DfpFileServer extends FileServer {
  readonly access: Access;
  /** Whether a file is on its way at this moment. */
  readonly carrying: boolean;
  /** The most memory that each end had so far, in bytes. */
  readonly peaks: { readonly server: number; readonly client: number };
}

class DfpFiles implements DfpFileServer {
  readonly #place: FilePlace;
  readonly #server: Process;
  readonly access: Access;
  carrying = false;
  #clientPeak = 0;
  /** How often it went up: a name is given once. */
  #ups = 0;

  constructor(place: FilePlace, server: Process, access: Access) {
    this.#place = place;
    this.#server = server;
    this.access = access;
  }

  get peaks() {
    return { server: this.#server.peakBytes(), client: this.#clientPeak };
  }

  async carry(way: Way): Promise<Carried> {
    const { name, folder } = this.#place;
    const client = startProcess(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "-A", "client/main.ts", "127.0.0.1", String(this.access.port)],
        ...["--user", USER, "--json", "--downloads", `${folder}/down`],
      ],
      output: `${folder}/client`,
      talks: true,
      cwd: ROOT,
      env: { DFP_PASSWORD: PASSWORD },
    });
    try {
      await client.say("ATU");
      await client.line(/"command":"ATU","ok":true/);
      this.carrying = true;
      const begun = performance.now();
      const before = { server: this.#server.cpuSeconds(), client: client.cpuSeconds() };
      await client.say(way === "up" ? `UPD lobby "${this.#nextSource()}"` : `DWN lobby ${name}`);
      const [line] = await client.line(/^.*"command":"(?:UPD|DWN)","ok":.*$/m, CARRY_MS);
      this.carrying = false;
      const seconds = (performance.now() - begun) / 1000;
      if (!JSON.parse(line).ok) throw new Error(line);
      const serverCpu = this.#server.cpuSeconds() - before.server;
      const clientCpu = client.cpuSeconds() - before.client;
      this.#clientPeak = Math.max(this.#clientPeak, client.peakBytes());
      return { seconds, serverCpu, clientCpu };
    } finally {
      this.carrying = false;
      await client.stop();
      if (way === "down") Deno.removeSync(`${folder}/down`, { recursive: true });
    }
  }

  /** The file, under a new name each time but the first. */
  #nextSource(): string {
    const { source, folder, name } = this.#place;
    if (this.#ups++ === 0) return source;
    const link = `${folder}/${name} ${this.#ups}`;
    Deno.symlinkSync(source, link);
    return link;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}

/** Ours. */
export const dfpFiles: FilePeer & { start(place: FilePlace): Promise<DfpFileServer> } = {
  name: "ours",
  async start(place) {
    Deno.mkdirSync(`${place.folder}/data`);
    const server = startServer(place.folder);
    return new DfpFiles(place, server, await makeAccount(await serverPort(server)));
  },
};
