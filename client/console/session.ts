/**
 * The console's session: runs one parsed line against the forum and says what became of it. What the
 * verbs do is in protocol/terminal/; here what they ask for is carried to the server and back.
 *
 * @module
 */

import type { Asking, Request } from "../../protocol/terminal/asking.ts";
import { createLineRunner, type RunnerOptions } from "../../protocol/terminal/line_runner.ts";
import { type Outcome, Refusing } from "../../protocol/terminal/outcome.ts";
import { checkPassword } from "../../protocol/text.ts";
import type { Line } from "../../protocol/verb_line.ts";
import type { ForumClient } from "../forum_client.ts";

/** Where secrets come from: a hidden prompt, or the environment. `undefined`: nobody gave one. */
export interface Secrets {
  adminPassword(): Promise<string | undefined>;
  newPassword(): Promise<string | undefined>;
}

/** What a session needs of a forum client. */
export type ConsoleClient = Pick<
  ForumClient,
  "user" | "command" | "follow" | "unfollow" | "shutdown" | "promote" | "changePassword"
>;

/** What a session works with. */
export interface SessionOptions extends Omit<RunnerOptions, "user" | "lacking"> {
  readonly client: ConsoleClient;
  readonly secrets: Secrets;
}

/** Runs lines. */
export interface Session {
  /** Runs a line; run one after another. What the line asked for and did not get is data. */
  run(line: Line): Promise<Outcome>;
}

const NO_SECRET = "No password was given. Type it at the prompt; a program puts it into " +
  "DFP_ADMIN_PASSWORD, a new one of your own into DFP_NEW_PASSWORD.";

/** Answers requests one by one, until what asks is done; refusals go back to it. */
export async function answerAll<T>(
  asking: Asking<T>,
  answer: (request: Request) => Promise<object>,
): Promise<T> {
  let step = asking.next();
  while (!step.done) {
    let reply: object;
    try {
      reply = await answer(step.value);
    } catch (error) {
      step = asking.throw(error);
      continue;
    }
    step = asking.next(reply);
  }
  return step.value;
}

/** Carries a command to the server. The client itself keeps what is followed, to come back to it. */
export async function carry(
  client: Pick<ForumClient, "command" | "follow" | "unfollow">,
  request: Exclude<Request, { secret: unknown }>,
): Promise<object> {
  switch (request.op) {
    case "follow":
      return await client.follow(request.scope, request.after);
    case "unfollow":
      await client.unfollow(request.scope);
      return {};
    default:
      return await client.command(request);
  }
}

/**
 * Creates a session.
 *
 * @example
 * ```ts
 * import { createDirectory } from "../../protocol/terminal/directory.ts";
 * import { createJoined } from "../../protocol/terminal/joined.ts";
 * import { createNumbers } from "../../protocol/terminal/numbers.ts";
 * import { createSession, type SessionOptions } from "./session.ts";
 * import { assert } from "@std/assert";
 *
 * const client = { user: "Yoda", command: () => Promise.resolve({ thread: 3 }) };
 * const session = createSession({
 *   client: client as unknown as SessionOptions["client"],
 *   directory: createDirectory("Yoda"),
 *   numbers: createNumbers(),
 *   joined: createJoined(),
 *   secrets: { adminPassword: async () => undefined, newPassword: async () => undefined },
 *   attended: false,
 *   now: () => 0,
 * });
 * const outcome = await session.run({ verb: "CRT", title: "The Force" });
 * assert(outcome.ok && outcome.command === "CRT" && outcome.result.thread === 3);
 * ```
 */
export function createSession({ client, secrets, ...rest }: SessionOptions): Session {
  const runner = createLineRunner({ ...rest, user: client.user, lacking: {} });

  async function adminPassword(): Promise<string> {
    const password = await secrets.adminPassword();
    if (password !== undefined) return password;
    throw new Refusing("bad-field", NO_SECRET);
  }

  async function newPassword(): Promise<string> {
    const password = await secrets.newPassword();
    if (password === undefined) throw new Refusing("bad-field", NO_SECRET);
    const checked = checkPassword(password);
    if (typeof checked !== "string") throw new Refusing("bad-text", checked.complaint);
    return checked;
  }

  async function answer(request: Request): Promise<object> {
    if (!("secret" in request)) return await carry(client, request);
    if (request.secret === "shutdown") await client.shutdown(await adminPassword());
    else if (request.secret === "promote") await client.promote(await adminPassword());
    else await client.changePassword(await newPassword());
    return {};
  }

  return { run: (line) => answerAll(runner.run(line), answer) };
}
