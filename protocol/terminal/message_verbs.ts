/**
 * The verbs that read and write messages.
 *
 * @module
 */

import { STATUS } from "../status.ts";
import { checkReaction, fold } from "../text.ts";
import type { FoundRow, MessageRow } from "../forum/reply.ts";
import type { ThreadName, VerbCall } from "../verbs.ts";
import { ask, type Asking } from "./asking.ts";
import { parseMoment } from "./moment.ts";
import { isStatusError, type Posted, Refusing, type Results } from "./outcome.ts";
import { because, type Handlers, type Workbench } from "./verb_handler.ts";

/** How many messages RDT shows. */
const PAGE = 50;
const SINCE_MAX = 500;
const SEARCH_MAX = 50;

type MessageVerb = "RDT" | "MSG" | "PRV" | "/reply" | "EDT" | "DLT" | "/react" | "RDM" | "SRC";

/** A message that was found. */
interface Place {
  readonly thread: number;
  readonly message: number;
}

class MessageVerbs {
  #bench: Workbench;

  constructor(bench: Workbench) {
    this.#bench = bench;
  }

  *read({ thread: name, number }: VerbCall<"RDT">): Asking<Results["RDT"]> {
    const { directory, numbers } = this.#bench;
    const thread = yield* this.#bench.resolver.thread(name);
    const from = number === undefined ? {} : { number };
    const page = yield* ask<"read">({ op: "read", thread, ...from, limit: PAGE });
    directory.add(page.thread);
    numbers.listed(thread, {
      rows: page.messages,
      end: number === undefined || !page.more,
    });
    for (const { by } of [...page.messages, ...page.files]) directory.meet(by);
    const last = page.messages.at(-1);
    if (last !== undefined && last.seq > page.thread.read) {
      yield* ask<"mark">({ op: "mark", thread, upto: last.seq });
    }
    return { ...page, ...number !== undefined && { from: number } };
  }

  *send({ message }: VerbCall<"MSG">): Asking<Posted> {
    const { joined, resolver } = this.#bench;
    const target = yield* resolver.target(message, joined.current);
    return "user" in target
      ? yield* this.tell(target.user, target.text)
      : yield* this.post(target.thread, target.text);
  }

  *post(thread: number, text: string, reply?: number): Asking<Posted> {
    const posted = yield* ask<"post">({
      op: "post",
      thread,
      text,
      ...reply !== undefined && { reply },
    });
    return this.#posted({ thread, ...posted });
  }

  *tell(user: string, text: string): Asking<Posted> {
    const posted = yield* ask<"tell">({ op: "tell", user, text });
    const { user: me, directory } = this.#bench;
    if (directory.get(posted.thread) === undefined) {
      const members = [me, user];
      const title = [...members].sort().join(", ");
      directory.add({ thread: posted.thread, title, direct: true, members });
    }
    return this.#posted(posted);
  }

  *reply({ thread: name, number, text }: VerbCall<"/reply">): Asking<Posted> {
    const place = yield* this.#locate(name, number);
    return yield* this.#touch(place, number, () => this.post(place.thread, text, place.message));
  }

  *edit({ thread: name, number, text }: VerbCall<"EDT">): Asking<Results["EDT"]> {
    const place = yield* this.#locate(name, number);
    const reply = yield* this.#touch(
      place,
      number,
      () => ask<"edit">({ op: "edit", ...place, text }),
    );
    return { ...place, number, ...reply };
  }

  *erase({ thread: name, number, why }: VerbCall<"DLT">): Asking<Results["DLT"]> {
    const place = yield* this.#locate(name, number);
    const reply = yield* this.#touch(
      place,
      number,
      () => ask<"delete">({ op: "delete", ...place, ...because(why) }),
    );
    return { ...place, number, ...reply };
  }

  *react(
    { thread: name, number, reaction }: VerbCall<"/react">,
  ): Asking<Results["/react"]> {
    const place = yield* this.#locate(name, number);
    return yield* this.#touch(place, number, () => this.#toggle(place, { number, ...reaction }));
  }

  *since({ moment }: VerbCall<"RDM">): Asking<Results["RDM"]> {
    const at = parseMoment(moment, this.#bench.now(), this.#bench.zone);
    if (at === undefined) {
      throw new Refusing(
        "bad-field",
        "Write the time like 23 Feb 2021 15:00:01, 2021-02-23T15:00:01Z, 15:00 or 2h.",
      );
    }
    const reply = yield* ask<"since">({ op: "since", at, limit: SINCE_MAX });
    this.#shown(reply.messages);
    return { since: at, ...reply };
  }

  *search({ words }: VerbCall<"SRC">): Asking<Results["SRC"]> {
    const { directory } = this.#bench;
    const reply = yield* ask<"search">({ op: "search", words, limit: SEARCH_MAX });
    for (const row of reply.threads) directory.add(row);
    this.#shown(reply.messages);
    return { words, ...reply };
  }

  #posted(posted: Posted): Posted {
    if (this.#bench.attended) this.#bench.numbers.shown(posted.thread, posted);
    return posted;
  }

  #shown(rows: readonly FoundRow[]): void {
    for (const row of rows) this.#bench.numbers.shown(row.thread, row);
  }

  *#locate(name: ThreadName, number: number): Asking<Place> {
    const thread = yield* this.#bench.resolver.thread(name);
    return { thread, message: yield* this.#bench.resolver.message(thread, number) };
  }

  /** Does something to a message; if it is gone, says that a number of the past was meant. */
  *#touch<T>({ thread }: Place, number: number, action: () => Asking<T>): Asking<T> {
    try {
      return yield* action();
    } catch (error) {
      const gone = isStatusError(error) && error.code === STATUS["no-message"].code;
      if (!gone || this.#bench.numbers.meaning(thread, number) === undefined) throw error;
      throw new Refusing(
        "no-message",
        `The message that was shown to you as number ${number} is there no more. ` +
          "RDT shows the thread with the numbers of now.",
      );
    }
  }

  *#toggle(
    place: Place,
    { number, emoji, on: wanted }: { number: number; emoji: string; on: boolean },
  ): Asking<Results["/react"]> {
    const on = wanted && !(yield* this.#hasReacted(place, emoji));
    yield* ask<"react">({ op: "react", ...place, emoji, on });
    return { ...place, number, emoji, on };
  }

  *#hasReacted({ thread, message }: Place, given: string): Asking<boolean> {
    const { messages } = yield* ask<"read">({
      op: "read",
      thread,
      after: message - 1,
      limit: 1,
    });
    const row: MessageRow | undefined = messages.find(({ seq }) => seq === message);
    const emoji = checkReaction(given);
    const me = fold(this.#bench.user);
    return row?.reactions?.some((there) =>
      there.emoji === emoji && there.users.some((user) => fold(user) === me)
    ) ?? false;
  }
}

/** The verbs that read and write messages, and how bare text is posted. */
export function messageVerbs(
  bench: Workbench,
): Handlers<MessageVerb> & { post(thread: number, text: string): Asking<Posted> } {
  const verbs = new MessageVerbs(bench);
  return {
    post: (thread, text) => verbs.post(thread, text),
    RDT: (call) => verbs.read(call),
    MSG: (call) => verbs.send(call),
    *PRV({ user, text }) {
      return { ...yield* verbs.tell(user, text), user };
    },
    "/reply": (call) => verbs.reply(call),
    EDT: (call) => verbs.edit(call),
    DLT: (call) => verbs.erase(call),
    "/react": (call) => verbs.react(call),
    RDM: (call) => verbs.since(call),
    SRC: (call) => verbs.search(call),
  };
}
