/**
 * The demo: a real server, two real clients, and a cable that is pulled (`deno task demo`).
 *
 * Each step types a line and waits for what must be seen, so it ends as soon as it can; it exits with 0
 * only if everything was seen.
 *
 * @module
 */

import { openCuttingProxy } from "./cutting_proxy.ts";
import { type Participant, startParticipant } from "./participant.ts";

const LIMIT_MS = 18_000;
const ADMIN_PASSWORD = "size matters not";
/** What a server reads of the program itself. */
const OWN_FOLDERS = ["server/blob", "protocol/transfer"];
/** The file that is shared, and after so much of it the cable is pulled. */
const FILE_BYTES = 48 * 1024 * 1024;
const CUT_BYTES = 16 * 1024 * 1024;
const begun = performance.now();

const root = new URL("../../", import.meta.url);
const folder = Deno.makeTempDirSync({ prefix: "dfp-demo-" });
const participants: Participant[] = [];

function show(name: string, mark: string, line: string): void {
  console.log(`${name.padEnd(8)} ${mark} ${line}`);
}

function start(name: string, args: string[], env: Record<string, string> = {}): Participant {
  const participant = startParticipant({ name, args, env, show });
  participants.push(participant);
  return participant;
}

function startServer(): Participant {
  const main = new URL("server/main.ts", root).pathname;
  const permissions = [
    "--allow-net",
    `--allow-read=${[folder, ...OWN_FOLDERS.map((own) => new URL(own, root).pathname)]}`,
    `--allow-write=${folder}`,
    "--allow-env=DFP_*",
  ];
  return start("server", ["run", ...permissions, main, "0", "--data", folder], {
    DFP_ADMIN_PASSWORD: ADMIN_PASSWORD,
  });
}

function startClient(name: string, port: number, password: string): Participant {
  const main = new URL("client/main.ts", root).pathname;
  const args = ["run", "-A", main, "127.0.0.1", String(port), "--user", name, "--register"];
  return start(name, [...args, "--downloads", `${folder}/${name}`], {
    DFP_PASSWORD: password,
    DFP_ADMIN_PASSWORD: ADMIN_PASSWORD,
  });
}

async function play(): Promise<void> {
  const server = startServer();
  const listening = await server.sees(/listening tcp:/);
  const port = Number(listening.split(":").at(-1));
  await server.sees(/^ready$/);
  const cable = openCuttingProxy({ hostname: "127.0.0.1", port });

  const yoda = startClient("Yoda", port, "do or do not");
  await server.sees(/Yoda \S+ register/);
  const obiWan = startClient("Obi-Wan", cable.port, "high ground");
  await server.sees(/Obi-Wan \S+ register/);

  await yoda.type('CRT "The Force"');
  await yoda.sees(/created/);
  await obiWan.type('JIN "The Force"');
  await obiWan.sees(/You follow/);
  await yoda.type('MSG "The Force" Do or do not. There is no trie.');
  await yoda.sees(/Message 1 posted/);
  await obiWan.sees(/no trie/);
  await yoda.type('EDT "The Force" 1 Do or do not. There is no try.');
  await yoda.sees(/edited/);
  await obiWan.sees(/no try/);

  await obiWan.type('MSG "The Force" Hello there.');
  await obiWan.sees(/Message 2 posted/);
  await obiWan.type('MSG "The Force" I take this one back.');
  await obiWan.sees(/Message 3 posted/);
  await obiWan.type('DLT "The Force" 3');
  await obiWan.sees(/deleted/);
  await yoda.type("whatsthedate");
  await yoda.sees(/1024 invalid-command/);

  cable.cut();
  show("(cable)", "x", "Obi-Wan's connection is cut");
  await yoda.type('MSG "The Force" Miss this, Obi-Wan will not.');
  await yoda.sees(/posted/);
  await obiWan.type('MSG "The Force" I typed this without a connection.');
  cable.mend();
  show("(cable)", "=", "Obi-Wan's connection is mended");
  await obiWan.sees(/Obi-Wan will not/);
  await obiWan.sees(/Message \d+ posted/);

  await yoda.type('RDT "The Force"');
  await yoda.sees(/without a connection/);
  await yoda.type("SRC without");
  await yoda.sees(/without a connection/);

  const holocron = Uint8Array.from({ length: FILE_BYTES }, (_, at) => Math.imul(at, at) >>> 7);
  Deno.writeFileSync(`${folder}/holocron.bin`, holocron);
  await yoda.type(`UPD "The Force" ${folder}/holocron.bin`);
  await yoda.sees(/holocron\.bin shared/);
  const cut = cable.cutAfter(CUT_BYTES);
  await obiWan.type('DWN "The Force" holocron.bin');
  await cut;
  show("(cable)", "x", "Obi-Wan's connection is cut in the middle of the file");
  cable.mend();
  show("(cable)", "=", "Obi-Wan's connection is mended");
  await obiWan.sees(/holocron\.bin .*saved/);
  const saved = Deno.readFileSync(`${folder}/Obi-Wan/holocron.bin`);
  if (!saved.every((byte, at) => byte === holocron[at])) {
    throw new Error("the file is not the same");
  }

  await obiWan.type("XIT");
  await obiWan.sees(/seya Obi-Wan/);
  await yoda.type("SHT");
  for (const { status } of [obiWan, yoda, server]) await status;
  cable.close();
  const { code } = await server.status;
  if (code !== 0) throw new Error(`the server ended with ${code}`);
}

const { promise: tooLate, reject } = Promise.withResolvers<never>();
const timer = setTimeout(() => reject(new Error(`not done after ${LIMIT_MS} ms`)), LIMIT_MS);
let failure: unknown;
try {
  await Promise.race([play(), tooLate]);
} catch (error) {
  failure = error;
}
clearTimeout(timer);
for (const participant of participants) participant.kill();
Deno.removeSync(folder, { recursive: true });
if (failure !== undefined) {
  console.error(`The demo failed: ${failure instanceof Error ? failure.message : failure}`);
  Deno.exit(1);
}
console.log(`\nAll was seen, in ${((performance.now() - begun) / 1000).toFixed(1)} s.`);
Deno.exit(0);
