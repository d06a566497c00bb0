/**
 * The verbs about threads, people and the forum itself.
 *
 * @module
 */

import { SEQ_MAX } from "../../protocol/forum/event.ts";
import { checkPassword } from "../../protocol/text.ts";
import {
  usage,
  type Verb,
  VERB_NAMES,
  type VerbEntry,
  verbOf,
  VERBS,
} from "../../protocol/verbs.ts";
import type { FileVerb } from "./file_outcome.ts";
import { Refusing, type Results, type RunnableVerb, type VerbHelp } from "./outcome.ts";
import { listThreads } from "./resolve.ts";
import { because, type Handlers, type Workbench } from "./verb_handler.ts";
import { visibleLine } from "./visible.ts";

type MessageVerb = "RDT" | "MSG" | "PRV" | "/reply" | "EDT" | "DLT" | "/react" | "RDM" | "SRC";

const NO_SECRET = "No password was given. Type it at the prompt; a program puts it into " +
  "DFP_ADMIN_PASSWORD, a new one of your own into DFP_NEW_PASSWORD.";

/** The verbs about threads, people and the forum itself. */
export function forumVerbs(
  bench: Workbench,
): Handlers<Exclude<RunnableVerb, MessageVerb | FileVerb>> {
  const { client, directory, joined, resolver } = bench;

  function opened(title: string, { thread }: { thread: number }): Results["CRT"] {
    directory.add({ thread, title, direct: false });
    return { thread, title };
  }

  async function adminPassword(): Promise<string> {
    const password = await bench.secrets.adminPassword();
    if (password !== undefined) return password;
    throw new Refusing("bad-field", NO_SECRET);
  }

  async function ban(
    { user, why }: { user: string; why?: string },
    on: boolean,
  ): Promise<Results["/ban"]> {
    await client.command<"ban">({ op: "ban", user, on, ...because(why) });
    return { user, on };
  }

  return {
    CRT: async ({ title }) =>
      opened(title, await client.command<"create">({ op: "create", title })),
    "/private": async ({ title, users }) => {
      const members = users === undefined ? {} : { members: users };
      const reply = await client.command<"create">({
        op: "create",
        title,
        private: true,
        ...members,
      });
      return opened(title, reply);
    },
    LST: async () => {
      const listing = await listThreads(client);
      // Most recently active first; the directory keeps what was added last.
      for (const row of listing.threads.toReversed()) directory.add(row);
      return listing;
    },
    RMV: async ({ thread: name, why }) => {
      const thread = await resolver.thread(name);
      const label = directory.label(thread);
      await client.command<"remove">({ op: "remove", thread, ...because(why) });
      directory.remove(thread);
      joined.dropped(thread);
      return { thread, label };
    },
    ATU: async () => {
      const reply = await client.command<"users">({ op: "users" });
      for (const { user } of reply.users) directory.meet(user);
      return reply;
    },
    JIN: async ({ thread: name }) => {
      const thread = await resolver.thread(name);
      const page = await client.command<"read">({ op: "read", thread, limit: 1 });
      directory.add(page.thread);
      await joined.join(thread);
      return { thread, head: page.thread.head };
    },
    LVE: async ({ thread: name }) => {
      const thread = name === undefined ? joined.current : await resolver.thread(name);
      if (thread === undefined || !joined.all.includes(thread)) {
        throw new Refusing("no-thread", "That thread is not joined.");
      }
      await joined.leave(thread, directory.get(thread)?.direct ?? false);
      return { thread };
    },
    "/invite": async ({ thread: name, user }) => {
      const thread = await resolver.thread(name);
      await client.command<"invite">({ op: "invite", thread, user });
      return { thread, user };
    },
    "/expel": async ({ thread: name, user, why }) => {
      const thread = await resolver.thread(name);
      await client.command<"expel">({ op: "expel", thread, user, ...because(why) });
      return { thread, user };
    },
    "/mark": async ({ thread: name }) => {
      const thread = await resolver.thread(name);
      // The server takes the last entry for whatever lies beyond it.
      return { thread, ...await client.command<"mark">({ op: "mark", thread, upto: SEQ_MAX }) };
    },
    "/role": async ({ user, role, why }) => {
      await client.command<"role">({ op: "role", user, role, ...because(why) });
      return { user, role };
    },
    "/ban": (call) => ban(call, true),
    "/unban": (call) => ban(call, false),
    "/admin": async () => {
      await client.promote(await adminPassword());
      return { role: "admin" };
    },
    "/password": async () => {
      const password = await bench.secrets.newPassword();
      if (password === undefined) {
        throw new Refusing("bad-field", NO_SECRET);
      }
      const checked = checkPassword(password);
      if (typeof checked !== "string") throw new Refusing("bad-text", checked.complaint);
      await client.changePassword(checked);
      return {};
    },
    SHT: async () => {
      await client.shutdown(await adminPassword());
      return {};
    },
    XIT: () => ({}),
    HLP: ({ topic }) => ({ verbs: topic === undefined ? allHelp() : [topicHelp(topic)] }),
  };
}

function allHelp(): VerbHelp[] {
  return VERB_NAMES.filter((verb) => !("missing" in VERBS[verb])).map(helpOf);
}

function topicHelp(topic: string): VerbHelp {
  const verb = verbOf(topic) ?? verbOf(`/${topic}`);
  if (verb === undefined) {
    throw new Refusing(
      "invalid-command",
      `There is no verb ${visibleLine(topic)}. HLP lists them.`,
    );
  }
  const entry: VerbEntry = VERBS[verb];
  if (entry.missing !== undefined) throw new Refusing("invalid-command", entry.missing);
  return helpOf(verb);
}

function helpOf(verb: Verb): VerbHelp {
  const { also, help, more }: VerbEntry = VERBS[verb];
  return { verb, also, usage: usage(verb), help, ...more !== undefined && { more } };
}
