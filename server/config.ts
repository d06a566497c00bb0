/**
 * The server's options: what the command line says, checked (DESIGN §9).
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { type ActivityFormat } from "./activity.ts";
import {
  FILE_LIMIT_OPTIONS,
  FILE_LIMIT_USAGE,
  readFileLimits,
} from "./files/file_limit_options.ts";
import { FILE_LIMIT_DEFAULTS, type FileLimits } from "./files/file_limits.ts";
import { LIMIT_OPTIONS, LIMIT_USAGE, readLimits } from "./limit_options.ts";
import { LIMIT_DEFAULTS, type OperationLimits } from "./limits.ts";
import {
  readWebConfig,
  WEB_DEFAULTS,
  WEB_LISTS,
  WEB_OPTIONS,
  WEB_USAGE,
  type WebConfig,
} from "./web_options.ts";

/** What a server is started with. */
export interface ServerConfig extends WebConfig {
  /** The address to listen on; `0.0.0.0` is every one of this machine. */
  readonly hostname: string;
  /** The TCP port, 0 to 65,535; 0 takes a free one. */
  readonly port: number;
  /** The UDP port for sessions over datagrams, 0 to 65,535; 0 takes a free one. Without it there are none. */
  readonly udpPort?: number;
  /** The folder that holds everything. */
  readonly data: string;
  /** Whether anybody may make an account, or only the credentials file does. */
  readonly registration: "open" | "closed";
  /** Wrong passwords before a lock-out, 1 to 1,000. */
  readonly maxAttempts: number;
  /**
   * The first lock-out, in seconds, 1 to 900; each later one lasts twice as long, up to 15
   * minutes.
   */
  readonly lockout: number;
  /** Seconds without a command after which a session ends; 0 is never. */
  readonly idleTimeout: number;
  /** Whether people may come in with a terminal alone, as by `nc`. */
  readonly text: boolean;
  /** Seconds without a word after which such a session ends; 0 is never. */
  readonly textIdleTimeout: number;
  /** Seconds of silence after which a client is asked for a sign of life, 1 to 3,600. */
  readonly heartbeat: number;
  /** Whether an account that is signed in is refused a second session. */
  readonly singleSession: boolean;
  /** A file with a user and a password a line; accounts that are not there are made. */
  readonly credentials?: string;
  /** A file with the admin password. */
  readonly adminPasswordFile?: string;
  /** How lines of the activity log look. */
  readonly log: ActivityFormat;
  /** How much is taken on. */
  readonly limits: OperationLimits;
  /** How much of files is taken on. */
  readonly fileLimits: FileLimits;
}

/** What is used where nothing is said. */
export const CONFIG_DEFAULTS: ServerConfig = {
  hostname: "127.0.0.1",
  port: 5000,
  data: "dfp-data",
  registration: "open",
  maxAttempts: 3,
  lockout: 10,
  idleTimeout: 0,
  text: true,
  textIdleTimeout: 600,
  heartbeat: 15,
  singleSession: false,
  log: "text",
  limits: LIMIT_DEFAULTS,
  fileLimits: FILE_LIMIT_DEFAULTS,
  ...WEB_DEFAULTS,
};

/** What `--help` prints. */
export const USAGE = `Usage: deno run -A server/main.ts [PORT] [options]

  --hostname ADDRESS      listen here (default 127.0.0.1; 0.0.0.0 is every address)
  --port PORT             listen on this port (default 5000; 0 takes a free one)
  --udp-port PORT         take clients over encrypted datagrams here too (0 takes a free port;
                          without this option there is no UDP). They know the server by a key,
                          which is made once, kept in the data folder and shown at each start.
                          The next port, if it is free, helps clients to find each other
  --data DIR              keep everything in this folder (default dfp-data)
  --registration open|closed
                          whether anybody may make an account (default open)
  --max-attempts N        wrong passwords before a lock-out (default 3)
  --lockout SECONDS       length of the first lock-out (default 10); it doubles up to 15 minutes
  --idle-timeout SECONDS  end sessions that ask for nothing for so long (default 0: never)
  --text on|off           whether people may come in with nc alone; passwords are then typed in
                          the clear, so only from this machine or through TLS (default on)
  --text-idle-timeout SECONDS
                          end their sessions after so long without a word (default 600; 0: never)
  --heartbeat SECONDS     ask silent clients for a sign of life (default 15)
  --single-session        allow one session an account
  --credentials FILE      make the accounts of this file: a user and a password a line
  --admin-password-file FILE
                          the admin password; or DFP_ADMIN_PASSWORD in the environment.
                          If there is neither, one is made and shown once.
  --log text|json         how the log of who did what looks (default text)
  --help, --version

${WEB_USAGE}
${LIMIT_USAGE}
${FILE_LIMIT_USAGE}`;

const STRINGS = [
  "hostname",
  "port",
  "udp-port",
  "data",
  "registration",
  "max-attempts",
  "lockout",
  "idle-timeout",
  "text",
  "text-idle-timeout",
  "heartbeat",
  "credentials",
  "admin-password-file",
  "log",
  ...LIMIT_OPTIONS,
  ...FILE_LIMIT_OPTIONS,
  ...WEB_OPTIONS,
] as const;

/** Options that DESIGN names and that later editions bring. */
const LATER = ["cluster"] as const;

/** What the command line asks for. */
export type Invocation =
  | { readonly run: "serve"; readonly config: ServerConfig }
  | { readonly run: "help" | "version" }
  | { readonly run: "complain"; readonly complaint: string };

class Complaint extends Error {}

/**
 * Reads the command line.
 *
 * @example
 * ```ts
 * import { readCommandLine } from "./config.ts";
 * import { assert } from "@std/assert";
 *
 * const invocation = readCommandLine(["--port", "seven"]);
 * assert(invocation.run === "complain");
 * ```
 */
export function readCommandLine(args: string[]): Invocation {
  try {
    return readArguments(args);
  } catch (error) {
    if (error instanceof Complaint) return { run: "complain", complaint: error.message };
    throw error;
  }
}

function readArguments(args: string[]): Invocation {
  const given = parseArgs(args, {
    string: [...STRINGS, ...WEB_LISTS],
    collect: WEB_LISTS,
    boolean: ["help", "version", "single-session", "insecure"],
    unknown: (arg) => {
      if (!arg.startsWith("-")) return true;
      const name = arg.replace(/^-+/, "").split("=")[0];
      if ((LATER as readonly string[]).includes(name)) {
        throw new Complaint(`--${name} is not in this version yet`);
      }
      throw new Complaint(`there is no option ${arg}; --help lists them`);
    },
  });
  if (given.help) return { run: "help" };
  if (given.version) return { run: "version" };
  const places = given._.map(String);
  if (places.length > 1) {
    throw new Complaint(
      `one port can be named, not ${places.join(" ")}; everything else is an option`,
    );
  }
  if (places.length === 1 && given.port !== undefined) {
    throw new Complaint("the port is named twice");
  }
  for (const name of STRINGS) {
    if (given[name] === "") throw new Complaint(`--${name} needs a value`);
  }
  const whole = (name: (typeof STRINGS)[number], standard: number, range: [number, number]) => {
    const text: string | undefined = given[name];
    return text === undefined ? standard : wholeNumber(text, { name, range });
  };
  return {
    run: "serve",
    config: {
      hostname: given.hostname ?? CONFIG_DEFAULTS.hostname,
      port: places.length === 1
        ? wholeNumber(places[0], { name: "port", range: [0, 65_535] })
        : whole("port", CONFIG_DEFAULTS.port, [0, 65_535]),
      ...given["udp-port"] !== undefined && { udpPort: whole("udp-port", 0, [0, 65_535]) },
      data: given.data ?? CONFIG_DEFAULTS.data,
      registration: choice(given.registration, "registration", ["open", "closed"]),
      maxAttempts: whole("max-attempts", CONFIG_DEFAULTS.maxAttempts, [1, 1000]),
      lockout: whole("lockout", CONFIG_DEFAULTS.lockout, [1, 900]),
      idleTimeout: whole("idle-timeout", CONFIG_DEFAULTS.idleTimeout, [0, 1_000_000]),
      text: choice(given.text, "text", ["on", "off"]) === "on",
      textIdleTimeout: whole(
        "text-idle-timeout",
        CONFIG_DEFAULTS.textIdleTimeout,
        [0, 1_000_000],
      ),
      heartbeat: whole("heartbeat", CONFIG_DEFAULTS.heartbeat, [1, 3600]),
      singleSession: given["single-session"],
      ...given.credentials !== undefined && { credentials: given.credentials },
      ...given["admin-password-file"] !== undefined &&
        { adminPasswordFile: given["admin-password-file"] },
      log: choice(given.log, "log", ["text", "json"]),
      limits: readLimits(given, wholeNumber),
      fileLimits: readFileLimits(given, wholeNumber, complain),
      ...readWebConfig(given, {
        port: (text) => wholeNumber(text, { name: "web-port", range: [0, 65_535] }),
        complain,
      }),
    },
  };
}

function complain(text: string): never {
  throw new Complaint(text);
}

function wholeNumber(
  given: string,
  { name, range: [least, most] }: { name: string; range: readonly [number, number] },
): number {
  const value = /^\d+$/.test(given) ? Number(given) : NaN;
  if (value >= least && value <= most) return value;
  throw new Complaint(`the ${name} must be a whole number from ${least} to ${most}, not ${given}`);
}

function choice<const T extends string>(
  given: string | undefined,
  name: string,
  values: readonly [T, ...T[]],
): T {
  if (given === undefined) return values[0];
  const found = values.find((value) => value === given);
  if (found !== undefined) return found;
  throw new Complaint(`--${name} must be ${values.join(" or ")}, not ${given}`);
}
