/**
 * A store of a thousand messages against one of a million: posting, reading pages, starting up.
 *
 * Both stores are made by the server's own log, in big batches. Each round starts both servers anew on copies, so that
 * both are equally warm and the stores stay as large as they are said to be.
 *
 * @module
 */

import { type Bench, figureOf } from "../bench.ts";
import { closedLoop } from "../closed_loop.ts";
import { dfp, makeAccount, questions, serverPort, startServer, THREAD } from "../dfp.ts";
import type { Command } from "../../../protocol/forum/command.ts";
import { type Access, BODY_BYTES, type DurableOutcome, type Wire } from "../peer.ts";
import { runModule } from "../process.ts";
import { median } from "../statistics.ts";

const SMALL = 1000;
/** Messages of one page. */
const PAGE = 50;

interface Store {
  readonly folder: string;
  readonly messages: number;
}

interface Round {
  readonly startMs: number;
  readonly post: DurableOutcome;
  /** Beginning, middle, end. */
  readonly pages: readonly DurableOutcome[];
}

/** Measures both stores. */
export async function store(bench: Bench): Promise<void> {
  const size = bench.quick ? 100_000 : 1_000_000;
  const rounds = bench.quick ? 2 : 3;
  const small = await makeStore(bench, SMALL);
  const large = await makeStore(bench, size);
  const outcomes: { small: Round; large: Round }[] = [];
  for (let i = 0; i < rounds; i++) {
    outcomes.push({ small: await measure(small, bench), large: await measure(large, bench) });
  }
  const stored = `${size} stored against ${SMALL}`;
  const of = (pick: (round: Round) => number) => ({
    small: median(outcomes.map(({ small }) => pick(small))),
    large: median(outcomes.map(({ large }) => pick(large))),
  });
  const ratio = (work: string, pick: (round: Round) => number, invert = false) => {
    const { small, large } = of(pick);
    const ours = invert ? small / large : large / small;
    bench.report({ work, unit: "times", ours, peers: {}, goal: [{ ours: "at most", value: 1.1 }] });
  };
  const rate = of(({ post }) => post.rate);
  bench.note(
    `posts/s with ${SMALL} stored ${rate.small.toFixed(0)}, with ${size} ${rate.large.toFixed(0)}`,
  );
  const page = of(({ pages }) => pages[1].rate);
  bench.note(
    `pages/s from the middle with ${SMALL} stored ${page.small.toFixed(0)}, ` +
      `with ${size} ${page.large.toFixed(0)}`,
  );
  ratio(`posting with ${stored}, server CPU`, ({ post }) => post.cpu);
  ratio(`posting with ${stored}, time`, ({ post }) => post.rate, true);
  for (const [i, place] of ["beginning", "middle", "end"].entries()) {
    ratio(`a page at the ${place} with ${stored}, server CPU`, ({ pages }) => pages[i].cpu);
  }
  const start = of(({ startMs }) => startMs);
  bench.report(figureOf(new Map([["ours", start.large], [`ours with ${SMALL}`, start.small]]), {
    work: `start-up with ${size} stored`,
    unit: "ms until ready",
    goal: [{ ours: "at most", value: 1000 }],
  }));
}

/** A store with an account, the lobby, and so many messages in it. */
async function makeStore(bench: Bench, messages: number): Promise<Store> {
  const folder = bench.folder();
  Deno.mkdirSync(`${folder}/data`);
  const process = startServer(folder);
  await makeAccount(await serverPort(process));
  await process.stop();
  const url = new URL("./store_fill.ts", import.meta.url);
  const took = await runModule<number>(url, [`${folder}/data/forum.sqlite`, String(messages)]);
  bench.note(`a store of ${messages} messages was made in ${(took / 1000).toFixed(1)} s`);
  return { folder, messages };
}

/** Measures a server on a copy: what one round posts must not be there, or still to be indexed, in the next. */
async function measure({ folder: original, messages }: Store, bench: Bench): Promise<Round> {
  const folder = bench.folder();
  Deno.mkdirSync(`${folder}/data`);
  for (const { name, isFile } of Deno.readDirSync(`${original}/data`)) {
    // No file was shared: the folder for them is made anew.
    if (isFile) Deno.copyFileSync(`${original}/data/${name}`, `${folder}/data/${name}`);
  }
  const begin = performance.now();
  const process = startServer(folder);
  try {
    const port = await serverPort(process);
    const startMs = performance.now() - begin;
    const access: Access = { port };
    const times = bench.quick ? 1 : 2;
    const name = crypto.randomUUID().slice(0, 8);
    const wire = dfp.wire({ access, bodyBytes: BODY_BYTES, name });
    const pages: DurableOutcome[] = [];
    for (const number of [1, messages >> 1, messages - PAGE + 1]) {
      const question: Command = { op: "read", thread: THREAD, number, limit: PAGE };
      const asking: Wire = { join: wire.join.bind(wire), encode: (n) => questions(question, n) };
      pages.push(
        await closedLoop({
          wire: asking,
          process,
          clients: 1,
          inFlight: 8,
          warmup: { requests: 300 * times },
          measured: { requests: 1000 * times },
        }),
      );
    }
    const post = await closedLoop({
      wire,
      process,
      clients: 8,
      inFlight: 32,
      warmup: { requests: 8000 * times },
      measured: { requests: 16_000 * times },
    });
    return { startMs, post, pages };
  } finally {
    await process.stop();
    Deno.removeSync(folder, { recursive: true });
  }
}
