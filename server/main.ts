/**
 * The server's command line: `deno run -A server/main.ts [PORT] [options]` (DESIGN §9).
 *
 * @module
 */

import { readCommandLine, type ServerConfig, USAGE } from "./config.ts";
import { SERVER_AGENT, StartError, startServer } from "./server.ts";
import { buildWebClient } from "./web/web_client.ts";

const encoder = new TextEncoder();

async function write(text: string): Promise<void> {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await Deno.stdout.write(bytes));
}

function adminPassword({ adminPasswordFile }: ServerConfig): string | undefined {
  if (adminPasswordFile === undefined) return Deno.env.get("DFP_ADMIN_PASSWORD") || undefined;
  try {
    return Deno.readTextFileSync(adminPasswordFile).trim() || undefined;
  } catch (error) {
    throw new StartError(`the admin password cannot be read: ${(error as Error).message}`);
  }
}

/** In a checkout the web client is built when it is first wanted. */
async function prepareWebClient({ webPort, webRoot }: ServerConfig): Promise<void> {
  if (webPort === undefined || webRoot !== undefined) return;
  try {
    await buildWebClient();
  } catch (error) {
    // The forum itself needs no page.
    console.error(`dfp-server: the web client was not built: ${(error as Error).message}`);
  }
}

async function serve(config: ServerConfig): Promise<void> {
  await prepareWebClient(config);
  const server = await startServer(config, { adminPassword: adminPassword(config), write });
  if (server.imported > 0) console.log(`${server.imported} accounts imported`);
  if (server.madeAdminPassword !== undefined) {
    console.log(`admin password (shown once, keep it): ${server.madeAdminPassword}`);
  }
  for (const address of server.addresses) {
    const note = server.notes.get(address);
    console.log(`listening ${address}${note === undefined ? "" : ` ${note}`}`);
  }
  console.log("ready");
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => server.shutdown());
  }
  // Without TLS, a terminal that is closed ends the server, as it always did.
  if (config.tls !== undefined) Deno.addSignalListener("SIGHUP", () => server.renewCertificate());
  await server.finished;
  Deno.exit(0);
}

if (import.meta.main) {
  const invocation = readCommandLine(Deno.args);
  switch (invocation.run) {
    case "help":
      console.log(USAGE);
      break;
    case "version":
      console.log(SERVER_AGENT);
      break;
    case "complain":
      console.error(`dfp-server: ${invocation.complaint}`);
      Deno.exit(2);
      break;
    case "serve":
      try {
        await serve(invocation.config);
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        console.error(`dfp-server: ${error.message}`);
        Deno.exit(1);
      }
  }
}
