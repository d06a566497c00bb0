/**
 * PostgreSQL with its own settings, in a cluster of its own. The load comes from pgbench, which is written in C and
 * so costs less than a client in JavaScript: what it shows is PostgreSQL at its best. A connection has one
 * statement in flight, so posts in flight are connections, 32 at most.
 *
 * @module
 */

import { DURABLE_BODY_BYTES, type DurablePeer } from "./peer.ts";
import { freePort, makeFolder, program, runToEnd, startProcess, unprivileged } from "./process.ts";
import { percentile } from "./statistics.ts";

/** The most connections that are used. */
const CONNECTIONS_MAX = 32;
const PACKAGE = "postgresql-15";
const TABLE = `CREATE TABLE posts (id bigserial PRIMARY KEY, thread integer NOT NULL,
  author text NOT NULL, at bigint NOT NULL, body text NOT NULL)`;
const POST = `INSERT INTO posts (thread, author, at, body) VALUES (1, 'bench', 1795000000000, '${
  "x".repeat(DURABLE_BODY_BYTES)
}');`;

/** The peer. */
export const postgres: DurablePeer = {
  name: "PostgreSQL",
  async start(folder, installer) {
    const [initdb, server, psql, pgbench] = await Promise.all(
      ["initdb", "postgres", "psql", "pgbench"].map((name) => program(name, PACKAGE, installer)),
    );
    const identity = unprivileged();
    const as = identity === undefined ? {} : { identity };
    makeFolder(folder, identity);
    const data = `${folder}/cluster`;
    await runToEnd(
      initdb,
      ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale"],
      {
        ...as,
        cwd: folder,
      },
    );
    const port = freePort();
    const process = startProcess(server, {
      args: ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", folder],
      output: `${folder}/output`,
      cwd: folder,
      family: true,
      // A fast shutdown.
      endSignal: "SIGINT",
      ...as,
    });
    const place = ["-h", "127.0.0.1", "-p", String(port), "-U", "bench"];
    const table = () =>
      runToEnd(psql, [...place, "-d", "postgres", "-q", "-c", TABLE]).then(() => true, () => false);
    await process.until(table);
    const script = `${folder}/post.sql`;
    await Deno.writeTextFile(script, POST);
    let runs = 0;
    return {
      async run({ clients, inFlight, warmupMs, ms }) {
        const connections = Math.min(CONNECTIONS_MAX, clients * inFlight);
        const log = `${folder}/bench${runs++}`;
        const seconds = Math.max(1, Math.round((warmupMs + ms) / 1000));
        const common = [...place, "-n", "-f", script, "-c", String(connections), "-M", "prepared"];
        const before = process.cpuSeconds();
        await runToEnd(pgbench, [
          ...common,
          "-T",
          String(seconds),
          "-l",
          `--log-prefix=${log}`,
          "postgres",
        ]);
        const cpu = process.cpuSeconds() - before;
        const latencies = await readLatencies(folder, log);
        return {
          rate: latencies.length / seconds,
          p99: percentile(latencies, 0.99),
          cpu: cpu * 1e6 / latencies.length,
        };
      },
      stop: () => process.stop(),
    };
  },
};

/** The latencies in pgbench's log, in ms: the third column, µs. */
async function readLatencies(folder: string, prefix: string): Promise<number[]> {
  const latencies: number[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!`${folder}/${name}`.startsWith(`${prefix}.`)) continue;
    const text = await Deno.readTextFile(`${folder}/${name}`);
    for (const line of text.split("\n")) {
      if (line !== "") latencies.push(Number(line.split(" ")[2]) / 1000);
    }
  }
  return latencies;
}
