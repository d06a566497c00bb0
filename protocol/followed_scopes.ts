/**
 * The scopes that a client's session follows, and how far each has been seen (DESIGN §6): whatever links
 * come and go, every entry comes out once and in order.
 *
 * @module
 */

import type { Refused } from "./body.ts";
import type { Command, Follow } from "./forum/command.ts";
import { type ForumEvent, threadScope, type UnknownEvent } from "./forum/event.ts";
import { canHelpLater, refusedBody } from "./refused.ts";
import type { SessionTransition } from "./session.ts";
import { type StatusName, statusName } from "./status.ts";

/** What followed scopes need of their session. */
export interface FollowHost {
  /** Sends a command of the session's own on the present link, and gives its number. */
  ask(command: Command): number;
  /** Whether this command has no reply yet. */
  isWaiting(id: number): boolean;
  /** Ends the present link: on the next one everything is asked for anew. */
  breakOff(status: StatusName): void;
  tell(what: SessionTransition): void;
}

/** The scopes that a session follows. */
export interface FollowedScopes {
  /** A scope is to be followed by the command of this number, after an entry or from now on. */
  follow(id: number, command: Follow): void;
  unfollow(scope: string): void;
  /** The command of this number was answered; `own` where only the session had asked. */
  answered(id: number, asked: { scope: string; own: boolean }, reply: Reply): void;
  /** The command of this number for another link: it goes on from where it has got to. */
  renewed(id: number, command: Follow): Command;
  /** An entry has come. */
  seen(event: ForumEvent | UnknownEvent): void;
  /** There is another link: all scopes are followed on, but for those that a command without a reply will follow. */
  goOn(): void;
  /** Follows nothing for a while; `linked` if the server can be told so. */
  hold(linked: boolean): void;
  /** Follows on after that. */
  release(linked: boolean): void;
}

type Reply = { readonly result: object } | { readonly refused: Refused };

/** A followed scope. */
interface Followed {
  /** The last entry seen; -1 until the server has said where "from now on" begins. */
  last: number;
  /** The number of the command that follows it on the present link, until it is answered. */
  asked: number;
}

class Scopes implements FollowedScopes {
  readonly #host: FollowHost;
  readonly #followed = new Map<string, Followed>();
  #holding = false;

  constructor(host: FollowHost) {
    this.#host = host;
  }

  follow(id: number, { scope, after = -1 }: Follow): void {
    this.#followed.set(scope, { last: after, asked: id });
  }

  unfollow(scope: string): void {
    this.#followed.delete(scope);
  }

  answered(id: number, { scope, own }: { scope: string; own: boolean }, reply: Reply): void {
    const followed = this.#followed.get(scope);
    if (followed?.asked !== id) return;
    if (own && "refused" in reply && canHelpLater(reply.refused)) {
      // The trouble is the server's and may pass: another link asks again.
      this.#host.breakOff(statusName(reply.refused.code)!);
      return;
    }
    followed.asked = 0;
    if ("refused" in reply) {
      this.#followed.delete(scope);
      // Whoever asked is told by the refusal itself.
      if (own) this.#host.tell({ kind: "unfollowed", scope, refused: reply.refused });
    } else if (followed.last < 0) {
      const { head } = reply.result as { head?: unknown };
      followed.last = typeof head === "number" ? head : 0;
    }
  }

  renewed(id: number, command: Follow): Command {
    const followed = this.#followed.get(command.scope);
    return followed?.asked === id ? followCommand(command.scope, followed.last) : command;
  }

  seen(event: ForumEvent | UnknownEvent): void {
    const followed = this.#followed.get(event.scope);
    // Until following is answered, what comes belongs to an earlier following of the same scope.
    if (followed === undefined || followed.asked !== 0 || event.seq <= followed.last) return;
    if (this.#holding) return;
    if (event.seq !== followed.last + 1) {
      // The server left one out: come back and ask for it.
      this.#host.breakOff("unexpected");
      return;
    }
    followed.last = event.seq;
    if (event.kind !== "unknown") this.#host.tell({ kind: "event", event });
    if (event.kind === "thread.left") this.#cutOff(threadScope(event.thread));
  }

  /** A private thread can no longer be seen: the server has ended following it. */
  #cutOff(scope: string): void {
    if (!this.#followed.delete(scope)) return;
    const refused = refusedBody({ status: "no-thread" });
    this.#host.tell({ kind: "unfollowed", scope, refused });
  }

  goOn(): void {
    if (this.#holding) return;
    for (const [scope, followed] of this.#followed) {
      if (this.#host.isWaiting(followed.asked)) continue;
      followed.asked = this.#host.ask(followCommand(scope, followed.last));
    }
  }

  hold(linked: boolean): void {
    if (this.#holding) return;
    this.#holding = true;
    if (!linked) return;
    for (const scope of this.#followed.keys()) this.#host.ask({ op: "unfollow", scope });
  }

  release(linked: boolean): void {
    if (!this.#holding) return;
    this.#holding = false;
    if (linked) this.goOn();
  }
}

function followCommand(scope: string, last: number): Command {
  return { op: "follow", scope, ...last >= 0 && { after: last } };
}

/** Makes the followed scopes of a session that follows none yet. */
export function createFollowedScopes(host: FollowHost): FollowedScopes {
  return new Scopes(host);
}
