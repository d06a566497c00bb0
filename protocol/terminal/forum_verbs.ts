/**
 * The verbs about threads, people and the forum itself.
 *
 * @module
 */

import { SEQ_MAX } from "../forum/event.ts";
import { usage, type Verb, VERB_NAMES, type VerbEntry, verbOf, VERBS } from "../verbs.ts";
import { ask, type Asking, askSecret } from "./asking.ts";
import { Refusing, type Results, type RunnableVerb, type VerbHelp } from "./outcome.ts";
import { listThreads } from "./resolve.ts";
import { because, type Handlers, type Lacking, type Workbench } from "./verb_handler.ts";
import { visibleLine } from "./visible.ts";

type MessageVerb = "RDT" | "MSG" | "PRV" | "/reply" | "EDT" | "DLT" | "/react" | "RDM" | "SRC";

/** The verbs about threads, people and the forum itself. */
export function forumVerbs(bench: Workbench): Handlers<Exclude<RunnableVerb, MessageVerb>> {
  const { directory, joined, resolver } = bench;

  function opened(title: string, { thread }: { thread: number }): Results["CRT"] {
    directory.add({ thread, title, direct: false });
    return { thread, title };
  }

  function* ban(
    { user, why }: { user: string; why?: string },
    on: boolean,
  ): Asking<Results["/ban"]> {
    yield* ask<"ban">({ op: "ban", user, on, ...because(why) });
    return { user, on };
  }

  return {
    *CRT({ title }) {
      return opened(title, yield* ask<"create">({ op: "create", title }));
    },
    *"/private"({ title, users }) {
      const members = users === undefined ? {} : { members: users };
      const reply = yield* ask<"create">({
        op: "create",
        title,
        private: true,
        ...members,
      });
      return opened(title, reply);
    },
    *LST() {
      const listing = yield* listThreads();
      // Most recently active first; the directory keeps what was added last.
      for (const row of listing.threads.toReversed()) directory.add(row);
      return listing;
    },
    *RMV({ thread: name, why }) {
      const thread = yield* resolver.thread(name);
      const label = directory.label(thread);
      yield* ask<"remove">({ op: "remove", thread, ...because(why) });
      directory.remove(thread);
      joined.dropped(thread);
      return { thread, label };
    },
    *ATU() {
      const reply = yield* ask<"users">({ op: "users" });
      for (const { user } of reply.users) directory.meet(user);
      return reply;
    },
    *JIN({ thread: name }) {
      const thread = yield* resolver.thread(name);
      const page = yield* ask<"read">({ op: "read", thread, limit: 1 });
      directory.add(page.thread);
      yield* joined.join(thread);
      return { thread, head: page.thread.head };
    },
    *LVE({ thread: name }) {
      const thread = name === undefined ? joined.current : yield* resolver.thread(name);
      if (thread === undefined || !joined.all.includes(thread)) {
        throw new Refusing("no-thread", "That thread is not joined.");
      }
      yield* joined.leave(thread, directory.get(thread)?.direct ?? false);
      return { thread };
    },
    *"/invite"({ thread: name, user }) {
      const thread = yield* resolver.thread(name);
      yield* ask<"invite">({ op: "invite", thread, user });
      return { thread, user };
    },
    *"/expel"({ thread: name, user, why }) {
      const thread = yield* resolver.thread(name);
      yield* ask<"expel">({ op: "expel", thread, user, ...because(why) });
      return { thread, user };
    },
    *"/mark"({ thread: name }) {
      const thread = yield* resolver.thread(name);
      // The server takes the last entry for whatever lies beyond it.
      return { thread, ...yield* ask<"mark">({ op: "mark", thread, upto: SEQ_MAX }) };
    },
    *"/role"({ user, role, why }) {
      yield* ask<"role">({ op: "role", user, role, ...because(why) });
      return { user, role };
    },
    "/ban": (call) => ban(call, true),
    "/unban": (call) => ban(call, false),
    *"/admin"() {
      yield* askSecret("promote");
      return { role: "admin" };
    },
    *"/password"() {
      yield* askSecret("password");
      return {};
    },
    *SHT() {
      yield* askSecret("shutdown");
      return {};
    },
    XIT: () => ({}),
    HLP: ({ topic }) => ({
      verbs: topic === undefined ? allHelp(bench.lacking) : [topicHelp(topic, bench.lacking)],
    }),
  };
}

/** The help on every verb that can be run. */
export function allHelp(lacking: Lacking): VerbHelp[] {
  return VERB_NAMES
    .filter((verb) => !("missing" in VERBS[verb]) && lacking[verb] === undefined)
    .map(helpOf);
}

function topicHelp(topic: string, lacking: Lacking): VerbHelp {
  const verb = verbOf(topic) ?? verbOf(`/${topic}`);
  if (verb === undefined) {
    throw new Refusing(
      "invalid-command",
      `There is no verb ${visibleLine(topic)}. HLP lists them.`,
    );
  }
  const entry: VerbEntry = VERBS[verb];
  const missing = lacking[verb] ?? entry.missing;
  if (missing !== undefined) throw new Refusing("invalid-command", missing);
  return helpOf(verb);
}

function helpOf(verb: Verb): VerbHelp {
  const { also, help, more }: VerbEntry = VERBS[verb];
  return { verb, also, usage: usage(verb), help, ...more !== undefined && { more } };
}
