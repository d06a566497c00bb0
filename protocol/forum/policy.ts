/**
 * Policy: who may do what, as one table (DESIGN §6).
 *
 * Each rule is given the actor and what they would act upon, and answers with a refusal or nothing.
 * Being able to see a private thread is asked before anything else; whoever may not see it is told
 * that it is not there.
 *
 * @module
 */

import { type Refusal, refuse } from "../status.ts";
import { ROLES } from "./event.ts";
import type { Message, SharedFile, Thread, User } from "./state.ts";

/** Who acts. */
export interface Actor {
  /** The folded name. */
  readonly name: string;
  /** The account: its role decides what its name does not. */
  readonly user: User;
}

function atLeast(actor: Actor, role: User["role"]): boolean {
  return ROLES.indexOf(actor.user.role) >= ROLES.indexOf(role);
}

/** Whether the thread can be seen. Even an admin cannot read a private thread of others. */
export function maySee(name: string, thread: Thread): boolean {
  return !thread.private || thread.members.includes(name);
}

/** The rules; `undefined` means that it is allowed. */
export interface Policy {
  /** Its author only: nobody puts words into another's mouth. */
  edit(actor: Actor, message: Message): Refusal | undefined;
  /** Its author; a moderator, except that a conversation of two has no moderator. */
  delete(actor: Actor, message: Message, thread: Thread): Refusal | undefined;
  /** Its owner, or a moderator; the server's own threads stay. */
  remove(actor: Actor, thread: Thread): Refusal | undefined;
  /** Any member of a private thread; a public one needs no invitation. */
  invite(actor: Actor, thread: Thread): Refusal | undefined;
  /** Oneself; otherwise the thread's owner or a moderator, but nobody puts out the owner. */
  expel(actor: Actor, thread: Thread, subject: string): Refusal | undefined;
  /** Who shared it, the thread's owner or a moderator; in a conversation of two only the first. */
  withdraw(actor: Actor, file: SharedFile, thread: Thread): Refusal | undefined;
  /** Admins only. */
  role(actor: Actor): Refusal | undefined;
  /** Moderators, against those of a lower role than theirs. */
  ban(actor: Actor, subject: User): Refusal | undefined;
}

/** The rules of every forum. */
export const policy: Policy = {
  edit: (actor, message) => message.author === actor.name ? undefined : refuse("not-author"),

  delete: (actor, message, thread) =>
    message.author === actor.name || (!thread.direct && atLeast(actor, "moderator"))
      ? undefined
      : refuse("not-author"),

  remove: (actor, thread) => {
    if (thread.owner === "") return refuse("not-owner", "The lobby cannot be removed.");
    return thread.owner === actor.name || atLeast(actor, "moderator")
      ? undefined
      : refuse("not-owner");
  },

  invite: (_actor, thread) => {
    if (!thread.private) {
      return refuse("not-allowed", "The thread is public: everybody is in it already.");
    }
    return thread.direct
      ? refuse("not-allowed", "A conversation of two stays one of two. Create a private thread.")
      : undefined;
  },

  expel: (actor, thread, subject) => {
    if (!thread.private || thread.direct) {
      return refuse("not-allowed", "Only a private thread of several can be left.");
    }
    if (subject === thread.owner) {
      return refuse("not-allowed", "The owner cannot leave the thread. Remove it instead.");
    }
    if (subject === actor.name) return undefined;
    return thread.owner === actor.name || atLeast(actor, "moderator")
      ? undefined
      : refuse("not-owner");
  },

  withdraw: (actor, file, thread) => {
    if (file.by === actor.name) return undefined;
    if (thread.direct) {
      return refuse("not-author", "In a conversation of two only who shared a file takes it out.");
    }
    return thread.owner === actor.name || atLeast(actor, "moderator") ? undefined : refuse(
      "not-author",
      "Only who shared the file, the thread's owner or a moderator takes it out.",
    );
  },

  role: (actor) =>
    atLeast(actor, "admin") ? undefined : refuse("not-allowed", "Only an admin gives roles."),

  ban: (actor, subject) => {
    if (!atLeast(actor, "moderator")) {
      return refuse("not-allowed", "Only a moderator or an admin bans.");
    }
    return ROLES.indexOf(subject.role) < ROLES.indexOf(actor.user.role)
      ? undefined
      : refuse("not-allowed", "You can ban only those whose role is below yours.");
  },
};
