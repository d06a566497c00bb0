/**
 * A running server: the log, the service and its listeners, put together.
 *
 * @module
 */

import { type ActivityLog, createActivityLog } from "./activity.ts";
import { adminVerifier, keepAdminVerifier } from "./admin.ts";
import type { BlobStore } from "./blob/blob_store.ts";
import { openDiskStore } from "./blob/disk_store.ts";
import { type Company, createCompany } from "./company.ts";
import type { ServerConfig } from "./config.ts";
import { importCredentials, parseCredentials } from "./credentials.ts";
import { createGauges } from "./gauges.ts";
import { openListeners } from "./listen/listeners.ts";
import type { Log } from "./log/log.ts";
import { openSqliteLog } from "./log/sqlite_log.ts";
import { createWalFlush } from "./log/wal_flush.ts";
import { generatePassword, matches, saltPassword, verifierOf } from "./password.ts";
import { createService, type Service } from "./service.ts";
import { reason, StartError } from "./start_error.ts";
import { type Assets, assetsOf, PLACEHOLDER, readAssets } from "./web/assets.ts";
import { readWebClient } from "./web/web_client.ts";
import { setImmediate } from "node:timers";

/** Program and version, as clients see it. */
export const SERVER_AGENT = "dfp-server/2.0.0-alpha.1";

/** How often sessions are asked whether their time has come, in ms. */
const TIMEOUT_TICK = 250;
/** How often what can wait is done, in ms; sooner while more of it waits and nothing else does. */
const TIDY_TICK = 1000;
/** The pause between two pieces of what can wait, in ms. */
const TIDY_PAUSE = 5;
/** How long the sessions' endings may take at shutdown, and then the last lines of the log, in ms. */
const SHUTDOWN_GRACE = 3000;

/** What goes with the configuration. */
export interface StartOptions {
  /** The admin password, where it is given; it replaces the one that is kept. */
  readonly adminPassword?: string;
  /** Writes lines of the activity log. */
  readonly write: (text: string) => Promise<void>;
  /** The web page's files, if no folder is named for them; the web client without it. */
  readonly assets?: Assets;
}

/** A server that runs. */
export interface RunningServer {
  /** One a listener, as `tcp://127.0.0.1:5000`. */
  readonly addresses: readonly string[];
  /** What people should know of some of them, by their addresses: as the key of `udp://127.0.0.1:5000`. */
  readonly notes: ReadonlyMap<string, string>;
  /** The admin password that was made because there was none; it is told here only. */
  readonly madeAdminPassword: string | undefined;
  /** How many accounts the credentials file has made. */
  readonly imported: number;
  /** Takes the connections of other listeners, too. */
  readonly service: Service;
  /** Reads the certificate again and uses it for new connections. What goes wrong is told in the log. */
  renewCertificate(): void;
  /** Ends the server as SHT does. */
  shutdown(): Promise<void>;
  /** Resolves when the server has ended. */
  readonly finished: Promise<void>;
}

export { StartError };

/**
 * Starts a server on what its data folder holds, which is made if it is not there.
 *
 * @throws StartError where the person who starts it can help: folder, credentials file, address.
 *
 * @example
 * ```ts
 * import { CONFIG_DEFAULTS } from "./config.ts";
 * import { startServer } from "./server.ts";
 * import { assert } from "@std/assert";
 *
 * const data = Deno.makeTempDirSync();
 * const server = await startServer({ ...CONFIG_DEFAULTS, port: 0, data }, { write: async () => {} });
 * assert(server.addresses[0].startsWith("tcp://127.0.0.1:"));
 * await server.shutdown();
 * Deno.removeSync(data, { recursive: true });
 * ```
 */
export async function startServer(
  config: ServerConfig,
  { adminPassword, write, assets }: StartOptions,
): Promise<RunningServer> {
  const page = await webPage(config, assets);
  const log = openLog(config.data);
  let made: string | undefined;
  let imported: number;
  const company = createCompany();
  let blobs: BlobStore;
  try {
    blobs = await openBlobs(config.data, company);
  } catch (error) {
    log.close();
    throw error;
  }
  try {
    made = await settleAdminPassword(log, adminPassword);
    imported = await importFile(log, config.credentials);
    const activity = createActivityLog(config.log, write);
    return run(config, { log, blobs, company, made, imported, activity, page });
  } catch (error) {
    await blobs.close();
    log.close();
    throw error;
  }
}

async function openBlobs(data: string, company: Company): Promise<BlobStore> {
  try {
    return await openDiskStore({
      folder: `${data}/files`,
      alone: () => company.alone(performance.now()),
    });
  } catch (error) {
    throw new StartError(`the data folder ${data} cannot be used: ${reason(error)}`);
  }
}

async function webPage({ webPort, webRoot }: ServerConfig, given?: Assets): Promise<Assets> {
  if (webPort === undefined) return new Map();
  if (webRoot === undefined) {
    if (given !== undefined) return given;
    try {
      return await readWebClient() ?? await assetsOf({ "/": PLACEHOLDER });
    } catch (error) {
      throw new StartError(`the web client cannot be read: ${reason(error)}`);
    }
  }
  try {
    return await readAssets(webRoot);
  } catch (error) {
    throw new StartError(`the web page's folder ${webRoot} cannot be used: ${reason(error)}`);
  }
}

function openLog(data: string): Log {
  try {
    Deno.mkdirSync(data, { recursive: true, mode: 0o700 });
    const path = `${data}/forum.sqlite`;
    return openSqliteLog({ path, wal: createWalFlush(path) });
  } catch (error) {
    throw new StartError(`the data folder ${data} cannot be used: ${reason(error)}`);
  }
}

async function settleAdminPassword(
  log: Log,
  given: string | undefined,
): Promise<string | undefined> {
  const kept = adminVerifier(log);
  if (given === undefined && kept !== undefined) return undefined;
  const password = given ?? generatePassword();
  if (kept === undefined || !(await matches(password, kept))) {
    keepAdminVerifier(log, await verifierOf(password));
  }
  return given === undefined ? password : undefined;
}

async function importFile(log: Log, path: string | undefined): Promise<number> {
  if (path === undefined) return 0;
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw new StartError(`the credentials file ${path} cannot be read: ${reason(error)}`);
  }
  const { entries, complaints } = parseCredentials(text);
  if (complaints.length > 0) {
    throw new StartError(`the credentials file ${path} is wrong:\n  ${complaints.join("\n  ")}`);
  }
  return await importCredentials(log, entries, Date.now);
}

function run(
  config: ServerConfig,
  { log, blobs, company, made, imported, activity, page }: {
    log: Log;
    blobs: BlobStore;
    company: Company;
    made: string | undefined;
    imported: number;
    activity: ActivityLog;
    page: Assets;
  },
): RunningServer {
  const now = () => performance.now();
  const gauges = createGauges(now);
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  let ending: Promise<void> | undefined;
  // They are known once they are open.
  const observing: number[] = [];
  const service = createService({
    log,
    blobs,
    activity,
    gauge: gauges.service,
    random: (out) => crypto.getRandomValues(out as Uint8Array<ArrayBuffer>),
    clock: Date.now,
    registration: config.registration,
    lockout: { maxAttempts: config.maxAttempts, lockoutMs: config.lockout * 1000 },
    singleSession: config.singleSession,
    agent: SERVER_AGENT,
    heartbeat: config.heartbeat * 1000,
    idleTimeout: config.idleTimeout * 1000,
    limits: config.limits,
    fileLimits: config.fileLimits,
    ...config.text && {
      text: {
        idleTimeout: config.textIdleTimeout * 1000,
        zone: "local",
        salt: ({ password, salt, iterations }) => saltPassword(password, salt.slice(), iterations),
      },
    },
    udp: observing,
    defer: (act) => setImmediate(act),
    onShutdown: () => shutdown(),
  });
  gauges.show(service);
  const ready = () => ending === undefined;
  const listeners = openListeners({ config, service, now, gauges, company, page, ready });
  observing.push(...listeners.observing);
  const timeouts = setInterval(() => service.handleTimeouts(now()), TIMEOUT_TICK);
  const fileTidying = setInterval(() => service.tidyFiles(), TIDY_TICK);
  let tidying = setTimeout(tidy, TIDY_TICK);
  let tidiedAt = now();
  let unitsSeen = 0;
  function tidy(): void {
    // While there is work, what can wait does wait, but not for ever.
    const busy = service.units !== unitsSeen;
    unitsSeen = service.units;
    if (busy && now() - tidiedAt < TIDY_TICK) {
      tidying = setTimeout(tidy, TIDY_PAUSE);
      return;
    }
    tidiedAt = now();
    const more = log.tidy(Date.now());
    tidying = setTimeout(tidy, more ? TIDY_PAUSE : TIDY_TICK);
  }

  function renewCertificate(): void {
    const about = listeners.renew();
    if (about === undefined) return;
    activity.record({ at: Date.now(), user: "", source: "-", did: "certificate", about });
  }

  function shutdown(): Promise<void> {
    ending ??= end();
    return ending;
  }

  async function end(): Promise<void> {
    listeners.close();
    service.close("shutting-down", now());
    const until = now() + SHUTDOWN_GRACE;
    while (service.connections > 0 && now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await listeners.end();
    clearInterval(timeouts);
    clearInterval(fileTidying);
    clearTimeout(tidying);
    // What the store is finishing still becomes a file.
    await blobs.close();
    // A log that nobody reads is no reason to stay.
    await within(SHUTDOWN_GRACE, activity.flush());
    log.close();
    finish();
  }

  return {
    addresses: listeners.addresses,
    notes: listeners.notes,
    madeAdminPassword: made,
    imported,
    service,
    renewCertificate,
    shutdown,
    finished,
  };
}

/** Waits for some work, but no longer than so many ms. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, late]);
  clearTimeout(timer);
}
