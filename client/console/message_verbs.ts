/**
 * The verbs that read and write messages.
 *
 * @module
 */

import { STATUS } from "../../protocol/status.ts";
import { checkReaction, fold } from "../../protocol/text.ts";
import type { FoundRow, MessageRow } from "../../protocol/forum/reply.ts";
import type { ThreadName, VerbCall } from "../../protocol/verbs.ts";
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

  async read({ thread: name, number }: VerbCall<"RDT">): Promise<Results["RDT"]> {
    const { client, directory, numbers } = this.#bench;
    const thread = await this.#bench.resolver.thread(name);
    const from = number === undefined ? {} : { number };
    const page = await client.command<"read">({ op: "read", thread, ...from, limit: PAGE });
    directory.add(page.thread);
    numbers.listed(thread, {
      rows: page.messages,
      end: number === undefined || !page.more,
    });
    for (const { by } of [...page.messages, ...page.files]) directory.meet(by);
    const last = page.messages.at(-1);
    if (last !== undefined && last.seq > page.thread.read) {
      await client.command<"mark">({ op: "mark", thread, upto: last.seq });
    }
    return { ...page, ...number !== undefined && { from: number } };
  }

  async send({ message }: VerbCall<"MSG">): Promise<Posted> {
    const { joined, resolver } = this.#bench;
    const target = await resolver.target(message, joined.current);
    return "user" in target
      ? await this.tell(target.user, target.text)
      : await this.post(target.thread, target.text);
  }

  async post(thread: number, text: string, reply?: number): Promise<Posted> {
    const posted = await this.#bench.client.command<"post">({
      op: "post",
      thread,
      text,
      ...reply !== undefined && { reply },
    });
    return this.#posted({ thread, ...posted });
  }

  async tell(user: string, text: string): Promise<Posted> {
    const posted = await this.#bench.client.command<"tell">({ op: "tell", user, text });
    const { client, directory } = this.#bench;
    if (directory.get(posted.thread) === undefined) {
      const members = [client.user, user];
      const title = [...members].sort().join(", ");
      directory.add({ thread: posted.thread, title, direct: true, members });
    }
    return this.#posted(posted);
  }

  async reply({ thread: name, number, text }: VerbCall<"/reply">): Promise<Posted> {
    const place = await this.#locate(name, number);
    return await this.#touch(place, number, () => this.post(place.thread, text, place.message));
  }

  async edit({ thread: name, number, text }: VerbCall<"EDT">): Promise<Results["EDT"]> {
    const place = await this.#locate(name, number);
    const reply = await this.#touch(
      place,
      number,
      () => this.#bench.client.command<"edit">({ op: "edit", ...place, text }),
    );
    return { ...place, number, ...reply };
  }

  async erase({ thread: name, number, why }: VerbCall<"DLT">): Promise<Results["DLT"]> {
    const place = await this.#locate(name, number);
    const reply = await this.#touch(
      place,
      number,
      () => this.#bench.client.command<"delete">({ op: "delete", ...place, ...because(why) }),
    );
    return { ...place, number, ...reply };
  }

  async react(
    { thread: name, number, reaction }: VerbCall<"/react">,
  ): Promise<Results["/react"]> {
    const place = await this.#locate(name, number);
    const { emoji } = reaction;
    return await this.#touch(place, number, async () => {
      const on = reaction.on && !await this.#hasReacted(place, emoji);
      await this.#bench.client.command<"react">({ op: "react", ...place, emoji, on });
      return { ...place, number, emoji, on };
    });
  }

  async since({ moment }: VerbCall<"RDM">): Promise<Results["RDM"]> {
    const at = parseMoment(moment, this.#bench.now());
    if (at === undefined) {
      throw new Refusing(
        "bad-field",
        "Write the time like 23 Feb 2021 15:00:01, 2021-02-23T15:00:01Z, 15:00 or 2h.",
      );
    }
    const reply = await this.#bench.client.command<"since">({ op: "since", at, limit: SINCE_MAX });
    this.#shown(reply.messages);
    return { since: at, ...reply };
  }

  async search({ words }: VerbCall<"SRC">): Promise<Results["SRC"]> {
    const { client, directory } = this.#bench;
    const reply = await client.command<"search">({ op: "search", words, limit: SEARCH_MAX });
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

  async #locate(name: ThreadName, number: number): Promise<Place> {
    const thread = await this.#bench.resolver.thread(name);
    return { thread, message: await this.#bench.resolver.message(thread, number) };
  }

  /** Does something to a message; if it is gone, says that a number of the past was meant. */
  async #touch<T>({ thread }: Place, number: number, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
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

  async #hasReacted({ thread, message }: Place, given: string): Promise<boolean> {
    const { client } = this.#bench;
    const { messages } = await client.command<"read">({
      op: "read",
      thread,
      after: message - 1,
      limit: 1,
    });
    const row: MessageRow | undefined = messages.find(({ seq }) => seq === message);
    const emoji = checkReaction(given);
    const me = fold(client.user);
    return row?.reactions?.some((there) =>
      there.emoji === emoji && there.users.some((user) => fold(user) === me)
    ) ?? false;
  }
}

/** The verbs that read and write messages, and how bare text is posted. */
export function messageVerbs(
  bench: Workbench,
): Handlers<MessageVerb> & { post(thread: number, text: string): Promise<Posted> } {
  const verbs = new MessageVerbs(bench);
  return {
    post: (thread, text) => verbs.post(thread, text),
    RDT: (call) => verbs.read(call),
    MSG: (call) => verbs.send(call),
    PRV: async ({ user, text }) => ({ ...await verbs.tell(user, text), user }),
    "/reply": (call) => verbs.reply(call),
    EDT: (call) => verbs.edit(call),
    DLT: (call) => verbs.erase(call),
    "/react": (call) => verbs.react(call),
    RDM: (call) => verbs.since(call),
    SRC: (call) => verbs.search(call),
  };
}
