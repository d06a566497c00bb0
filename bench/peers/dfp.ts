/**
 * Ours: the server as `deno task start` runs it, with the same rights, on data of its own, every option at its
 * default but {@linkcode LOAD_OPTIONS}; each post is durable before anybody hears of it.
 *
 * Signing in goes through the core's own connection, with a password that was salted once beforehand. After
 * that the load generator only counts frames.
 *
 * @module
 */

import { saltPassword } from "../../client/password.ts";
import { encodeBase64 } from "../../protocol/base64.ts";
import { CATALOGUE } from "../../protocol/catalogue.ts";
import {
  type ClientConnection,
  type ClientTransition,
  createClientConnection,
} from "../../protocol/client_connection.ts";
import type { Command } from "../../protocol/forum/command.ts";
import { encodeMessage } from "../../protocol/message.ts";
import { createVerifier } from "../../protocol/verifier.ts";
import { dial, soon } from "./dialogue.ts";
import { type Framing, headerFraming } from "./framing.ts";
import { closedLoop } from "./closed_loop.ts";
import {
  type Access,
  type ChatPeer,
  DURABLE_BODY_BYTES,
  type DurablePeer,
  type Member,
  type Started,
  type Stream,
  type Wire,
  type WireOptions,
} from "./peer.ts";
import { type Process, startProcess } from "./process.ts";

/** The folder of the project. */
export const ROOT: string = new URL("../../", import.meta.url).pathname;
/** Whoever signs in is this account: one account may have many connections. */
export const USER = "bench";
/** Its password, which is the admin password too. */
export const PASSWORD = "do or do not";
/** The lobby, which every forum has. */
export const THREAD = 1;
const SALT = new Uint8Array(16).fill(7);
const ITERATIONS = 600_000;

/** One user posts everything and signs in thousands of times: what is measured is not the limits on that. */
export const LOAD_OPTIONS = ["--post-rate", "0", "--sign-in-rate", "0"] as const;

let salted: Promise<Uint8Array> | undefined;

/** The salted password of the bench's account, made once. */
export function benchSecret(): Promise<Uint8Array> {
  return salted ??= saltPassword(PASSWORD, SALT, ITERATIONS);
}

/** Starts a server on this data folder. */
export function startServer(folder: string, options: readonly string[] = []): Process {
  const data = `${folder}/data`;
  return startProcess(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      // As `deno task start` does.
      "--v8-flags=--max-semi-space-size=4",
      "--allow-net",
      `--allow-read=${data},dist/web,server/blob,protocol/transfer`,
      `--allow-write=${data}`,
      "--allow-env=DFP_*",
      "server/main.ts",
      "--data",
      data,
      "--port",
      "0",
      ...LOAD_OPTIONS,
      ...options,
    ],
    output: `${folder}/output`,
    cwd: ROOT,
    env: { DFP_ADMIN_PASSWORD: PASSWORD },
  });
}

const TCP_LINE = /^listening tcp:\/\/.*:(\d+)\n(?:.*\n)*?ready$/m;

/** Waits until it listens, and says where. */
export async function serverPort(process: Process, listening = TCP_LINE): Promise<number> {
  const [, port] = await process.line(listening);
  return Number(port);
}

/** Makes the bench's account on a server. */
export async function makeAccount(port: number, open: Open = dial): Promise<Access> {
  const secret = await benchSecret();
  const { storedKey, serverKey } = createVerifier(secret, SALT, ITERATIONS);
  const talk = await Talk.open(port, open);
  talk.connection.register({
    user: USER,
    salt: encodeBase64(SALT),
    iterations: ITERATIONS,
    storedKey: encodeBase64(storedKey),
    serverKey: encodeBase64(serverKey),
  }, performance.now());
  await talk.until("granted");
  talk.conn.close();
  return { port, secret };
}

/** Opens a connection to a port of this machine. */
type Open = (port: number) => Promise<Stream>;

/** A connection that speaks through the core. */
class Talk {
  readonly conn: Stream;
  readonly connection: ClientConnection;
  readonly #buffer = new Uint8Array(4096);

  constructor(conn: Stream) {
    this.conn = conn;
    this.connection = createClientConnection({
      random: (out) => crypto.getRandomValues(out as Uint8Array<ArrayBuffer>),
      now: performance.now(),
      agent: "dfp-bench",
    });
  }

  static async open(port: number, open: Open): Promise<Talk> {
    return new Talk(await open(port));
  }

  until(kind: ClientTransition["kind"]): Promise<void> {
    return soon(this.#until(kind), { what: kind });
  }

  async #until(kind: ClientTransition["kind"]): Promise<void> {
    const { conn, connection } = this;
    for (;;) {
      for (let what = connection.next(); what !== undefined; what = connection.next()) {
        if (what.kind === kind) return;
        if (what.kind === "password-wanted") {
          connection.provideSaltedPassword(await benchSecret(), performance.now());
        } else if (what.kind === "denied" || what.kind === "refused") {
          throw new Error(`the server refuses: ${what.refused.text}`);
        } else if (what.kind === "closing") throw new Error(what.ending.text);
      }
      while (connection.pendingTransmit > 0) {
        connection.consumeTransmit(await conn.write(connection.peekTransmit()));
      }
      const count = await conn.read(this.#buffer);
      if (count === null) connection.receiveEnd(performance.now());
      else connection.receive(this.#buffer.subarray(0, count), performance.now());
    }
  }
}

/** Counts frames of one type, answers PING, and does not bear refusals. */
function dfpFraming(counted: number): Framing {
  const quiet = { counts: false };
  return headerFraming({
    counted,
    judge(header) {
      switch (header[3]) {
        case CATALOGUE.ping.type: {
          const answer = header.slice();
          answer[3] = CATALOGUE.pong.type;
          return { counts: false, answer };
        }
        case CATALOGUE.refused.type:
          throw new Error("the server has refused a command");
        case CATALOGUE.bye.type:
          throw new Error("the server has said goodbye");
        default:
          return quiet;
      }
    },
  });
}

/** The first number of a series of keys: all that follow have as many digits. */
const FIRST_NUMBER = 1_000_000;
const KEY_DIGITS = 7;

/** What one publisher posts: frames that differ only in the number of the request and in that of the key. */
class Series {
  readonly #frame: Uint8Array<ArrayBuffer>;
  readonly #digitsAt: number;
  #number = FIRST_NUMBER;

  constructor(name: string, text: string) {
    const body: Command = { op: "post", thread: THREAD, text, key: `${name}-${FIRST_NUMBER}` };
    this.#frame = Uint8Array.from(encodeMessage({ kind: "command", id: 1, body }));
    // The key stands last: `…0"}`.
    this.#digitsAt = this.#frame.length - 2 - KEY_DIGITS;
  }

  encode(count: number): Uint8Array<ArrayBuffer> {
    const size = this.#frame.length;
    const bytes = new Uint8Array(count * size);
    for (let i = 0; i < count; i++) {
      const at = i * size;
      let rest = ++this.#number;
      bytes.set(this.#frame, at);
      bytes[at + 4] = rest >>> 24;
      bytes[at + 5] = rest >>> 16;
      bytes[at + 6] = rest >>> 8;
      bytes[at + 7] = rest;
      for (let digit = at + this.#digitsAt + KEY_DIGITS - 1; rest > 0; digit--) {
        bytes[digit] = 0x30 + rest % 10;
        rest = Math.floor(rest / 10);
      }
    }
    return bytes;
  }
}

class DfpWire implements Wire {
  readonly #options: WireOptions;
  readonly #open: Open;
  /** One a publisher, as each client has keys of its own. */
  readonly #series: Series[] = [];

  constructor(options: WireOptions, open: Open) {
    this.#options = options;
    this.#open = open;
  }

  async join(part: "subscriber" | "publisher" | "idle"): Promise<Member> {
    const talk = await Talk.open(this.#options.access.port, this.#open);
    talk.connection.login(USER, performance.now());
    await talk.until("granted");
    if (part === "subscriber") {
      talk.connection.command(1, { op: "follow", scope: `thread/${THREAD}` });
      await talk.until("done");
    }
    const { conn } = talk;
    const { event, done } = CATALOGUE;
    return { conn, framing: dfpFraming(part === "subscriber" ? event.type : done.type) };
  }

  encode(count: number, client = 0): Uint8Array<ArrayBuffer> {
    const { name, bodyBytes } = this.#options;
    this.#series[client] ??= new Series(`${name}.${client}`, "x".repeat(bodyBytes));
    return this.#series[client].encode(count);
  }
}

/** The bytes of a question, so many times. */
export function questions(body: Command, count: number): Uint8Array<ArrayBuffer> {
  const frame = encodeMessage({ kind: "command", id: 1, body });
  const bytes = new Uint8Array(count * frame.length);
  for (let i = 0; i < count; i++) bytes.set(frame, i * frame.length);
  return bytes;
}

/** A way to reach ours. */
export interface DfpWay {
  readonly name: string;
  /** Options of the server, beside the usual ones. */
  readonly options: readonly string[];
  /** The line that tells the port. */
  readonly listening: RegExp;
  readonly dial: (port: number) => Promise<Stream>;
}

/** Ours, reached in some way. */
export function dfpPeer({ name, options, listening, dial }: DfpWay): ChatPeer {
  return {
    name,
    async start(folder) {
      Deno.mkdirSync(`${folder}/data`, { recursive: true });
      const process = startServer(folder, options);
      return { process, access: await makeAccount(await serverPort(process, listening), dial) };
    },
    wire: (wire) => new DfpWire(wire, dial),
  };
}

/** Ours, for talk. */
export const dfp: ChatPeer = dfpPeer({ name: "ours", options: [], listening: TCP_LINE, dial });

/** Ours, for keeping. */
export const dfpStore: DurablePeer = {
  name: "ours",
  async start(folder, installer) {
    const { process, access }: Started = await dfp.start(folder, installer);
    let runs = 0;
    return {
      run({ clients, inFlight, warmupMs, ms }) {
        const wire = dfp.wire({ access, bodyBytes: DURABLE_BODY_BYTES, name: `d${runs++}` });
        const load = { clients, inFlight, warmup: { ms: warmupMs }, measured: { ms } };
        return closedLoop({ wire, process, ...load });
      },
      stop: () => process.stop(),
    };
  },
};
