import { assert, assertEquals } from "@std/assert";
import type { Change } from "../protocol/forum/command.ts";
import {
  type Content,
  decide,
  decideOpening,
  decideRegistration,
  isRefusal,
} from "../protocol/forum/decide.ts";
import { type ForumEvent, type Role, ROLES } from "../protocol/forum/event.ts";
import { evolve } from "../protocol/forum/evolve.ts";
import { createMemoryState } from "../protocol/forum/memory_state.ts";
import { type Actor, maySee, policy } from "../protocol/forum/policy.ts";
import type { Message, SharedFile, Thread, User } from "../protocol/forum/state.ts";
import { fold } from "../protocol/text.ts";
import { VERIFIER } from "./arbitraries.ts";

type Place = "public" | "private" | "direct" | "server's";
const PLACES: readonly Place[] = ["public", "private", "direct", "server's"];

function user(name: string, role: Role = "member"): User {
  return { name, role, banned: false, at: 0 };
}

function actor(role: Role): Actor {
  return { name: "me", user: user("Me", role) };
}

function thread(place: Place, owner: string): Thread {
  const closed = place === "private" || place === "direct";
  return {
    number: 7,
    title: "t",
    owner: place === "server's" ? "" : owner,
    private: closed,
    direct: place === "direct",
    members: closed ? [...new Set(["me", owner, "other"])] : [],
    at: 0,
    posts: 0,
    living: 0,
    lastAt: 0,
  };
}

function message(author: string): Message {
  return { seq: 2, ordinal: 1, author, at: 0, textSeq: 2 };
}

function file(by: string): SharedFile {
  return { seq: 3, name: "f", by, at: 0, size: 0, type: "a/b", sha256: "0".repeat(64) };
}

/** `+` or the name of the refusal, for a member, a moderator and an admin in turn. */
type Triple = readonly [string, string, string];

function triple(ask: (actor: Actor) => { status: string } | undefined): Triple {
  return ROLES.map((role) => ask(actor(role))?.status ?? "+") as unknown as Triple;
}

const YES: Triple = ["+", "+", "+"];
const MODERATORS = (otherwise: string): Triple => [otherwise, "+", "+"];
const NEVER = (status: string): Triple => [status, status, status];

Deno.test("a public thread is seen by all, a private one by its members and no role beside them", () => {
  for (const name of ["me", "owner", "other", "stranger"]) {
    assert(maySee(name, thread("public", "owner")));
    assert(maySee(name, thread("server's", "")));
    for (const place of ["private", "direct"] as const) {
      assertEquals(maySee(name, thread(place, "owner")), name !== "stranger");
    }
  }
});

Deno.test("edit: the author, and nobody else, whatever their role", () => {
  assertEquals(triple((me) => policy.edit(me, message("me"))), YES);
  assertEquals(triple((me) => policy.edit(me, message("other"))), NEVER("not-author"));
});

Deno.test("delete: the author, and moderators, but not in a conversation of two", () => {
  const expected: Record<Place, Triple> = {
    "public": MODERATORS("not-author"),
    "private": MODERATORS("not-author"),
    "direct": NEVER("not-author"),
    "server's": MODERATORS("not-author"),
  };
  for (const place of PLACES) {
    for (const owner of ["me", "owner"]) {
      const where = thread(place, owner);
      assertEquals(triple((me) => policy.delete(me, message("me"), where)), YES);
      assertEquals(triple((me) => policy.delete(me, message("other"), where)), expected[place]);
    }
  }
});

Deno.test("remove: the owner, and moderators; the server's threads stay", () => {
  for (const place of PLACES) {
    const own = triple((me) => policy.remove(me, thread(place, "me")));
    const others = triple((me) => policy.remove(me, thread(place, "owner")));
    const stays = place === "server's";
    assertEquals(own, stays ? NEVER("not-owner") : YES);
    assertEquals(others, stays ? NEVER("not-owner") : MODERATORS("not-owner"));
  }
});

Deno.test("invite: any member of a private thread of several", () => {
  for (const place of PLACES) {
    for (const owner of ["me", "owner"]) {
      assertEquals(
        triple((me) => policy.invite(me, thread(place, owner))),
        place === "private" ? YES : NEVER("not-allowed"),
      );
    }
  }
});

Deno.test("expel: oneself, or anybody for owners and moderators, but never the owner", () => {
  for (const place of PLACES) {
    for (const owner of ["me", "owner"]) {
      const where = thread(place, owner);
      const expel = (subject: string) => triple((me) => policy.expel(me, where, subject));
      if (place !== "private") {
        for (const subject of ["me", "owner", "other"]) {
          assertEquals(expel(subject), NEVER("not-allowed"));
        }
        continue;
      }
      assertEquals(expel("me"), owner === "me" ? NEVER("not-allowed") : YES);
      assertEquals(expel(owner), NEVER("not-allowed"));
      assertEquals(expel("other"), owner === "me" ? YES : MODERATORS("not-owner"));
      assertEquals(expel("stranger"), owner === "me" ? YES : MODERATORS("not-owner"));
    }
  }
});

Deno.test("withdraw: who shared the file, the thread's owner, moderators; of two only the first", () => {
  for (const place of PLACES) {
    for (const owner of ["me", "owner"]) {
      const where = thread(place, owner);
      assertEquals(triple((me) => policy.withdraw(me, file("me"), where)), YES);
      const others = triple((me) => policy.withdraw(me, file("other"), where));
      const owns = where.owner === "me" && place !== "direct";
      const expected = place === "direct" ? NEVER("not-author") : MODERATORS("not-author");
      assertEquals(others, owns ? YES : expected, place);
    }
  }
});

Deno.test("role: admins only", () => {
  assertEquals(triple((me) => policy.role(me)), ["not-allowed", "not-allowed", "+"]);
});

Deno.test("ban: moderators and admins, those below themselves", () => {
  const ban = (role: Role) => triple((me) => policy.ban(me, user("Other", role)));
  assertEquals(ban("member"), ["not-allowed", "+", "+"]);
  assertEquals(ban("moderator"), ["not-allowed", "not-allowed", "+"]);
  assertEquals(ban("admin"), NEVER("not-allowed"));
});

// The same through decide: who is who in a whole forum.

interface Forum {
  do(by: string, command: Change): string;
  readonly state: ReturnType<typeof createMemoryState>;
}

/** Boss (admin), mod (moderator), owner, member, stranger; lobby is 1, public 2, private 3, direct 4. */
function forum(): Forum {
  const state = createMemoryState(fold);
  const apply = (events: readonly ForumEvent[]) => events.forEach((event) => evolve(state, event));
  for (const name of ["boss", "mod", "owner", "member", "stranger"]) {
    const registered = decideRegistration(state, { user: name, ...VERIFIER }, 0);
    assert(!isRefusal(registered));
    apply(registered.events);
  }
  apply(decideOpening(state, "lobby", 0));
  for (const [user, role] of [["boss", "admin"], ["mod", "moderator"]] as const) {
    evolve(state, {
      kind: "user.role",
      scope: "accounts",
      seq: state.head("accounts") + 1,
      at: 0,
      by: "",
      user,
      role,
    });
  }
  const act = (by: string, command: Change, content?: Content): string => {
    const outcome = decide(state, command, { user: by, at: 1, content });
    if (isRefusal(outcome)) return outcome.status;
    apply(outcome.events);
    return "+";
  };
  assertEquals(act("owner", { op: "create", title: "public" }), "+");
  assertEquals(
    act("owner", { op: "create", title: "private", private: true, members: ["member"] }),
    "+",
  );
  assertEquals(act("owner", { op: "tell", user: "member", text: "hello" }), "+");
  for (const thread of [1, 2, 3]) {
    assertEquals(act("member", { op: "post", thread, text: "hello" }), "+");
  }
  for (
    const [thread, who] of [[1, "member"], [2, "member"], [3, "member"], [4, "owner"]] as const
  ) {
    const content = { sha256: "0".repeat(64), size: 9 };
    assertEquals(act(who, { op: "upload", thread, name: "f", size: 9 }, content), "+");
  }
  return { do: act, state };
}

const SECOND = { message: 2 };
/** In each thread, the message with `seq` 2 and the file with 3 are by `member`, and in 4 by `owner`. */
const TABLE: [op: string, command: (thread: number) => Change, rows: Record<string, string>][] = [
  // who:                                                      boss mod owner member stranger
  ["post", (thread) => ({ op: "post", thread, text: "x" }), {
    lobby: "+ + + + +",
    public: "+ + + + +",
    private: "no-thread no-thread + + no-thread",
    direct: "no-thread no-thread + + no-thread",
  }],
  ["edit", (thread) => ({ op: "edit", thread, ...SECOND, text: "x" }), {
    lobby: "not-author not-author not-author + not-author",
    public: "not-author not-author not-author + not-author",
    private: "no-thread no-thread not-author + no-thread",
    direct: "no-thread no-thread + not-author no-thread",
  }],
  ["delete", (thread) => ({ op: "delete", thread, ...SECOND }), {
    lobby: "+ + not-author + not-author",
    public: "+ + not-author + not-author",
    private: "no-thread no-thread not-author + no-thread",
    direct: "no-thread no-thread + not-author no-thread",
  }],
  ["react", (thread) => ({ op: "react", thread, ...SECOND, emoji: ":+1:", on: true }), {
    lobby: "+ + + + +",
    public: "+ + + + +",
    private: "no-thread no-thread + + no-thread",
    direct: "no-thread no-thread + + no-thread",
  }],
  ["mark", (thread) => ({ op: "mark", thread, upto: 2 }), {
    lobby: "+ + + + +",
    public: "+ + + + +",
    private: "no-thread no-thread + + no-thread",
    direct: "no-thread no-thread + + no-thread",
  }],
  ["upload", (thread) => ({ op: "upload", thread, name: "another", size: 1 }), {
    lobby: "+ + + + +",
    public: "+ + + + +",
    private: "no-thread no-thread + + no-thread",
    direct: "no-thread no-thread + + no-thread",
  }],
  ["withdraw", (thread) => ({ op: "withdraw", thread, file: 3 }), {
    lobby: "+ + not-author + not-author",
    public: "+ + + + not-author",
    private: "no-thread no-thread + + no-thread",
    direct: "no-thread no-thread + not-author no-thread",
  }],
  ["remove", (thread) => ({ op: "remove", thread }), {
    lobby: "not-owner not-owner not-owner not-owner not-owner",
    public: "+ + + not-owner not-owner",
    private: "no-thread no-thread + not-owner no-thread",
    direct: "no-thread no-thread + not-owner no-thread",
  }],
  ["invite", (thread) => ({ op: "invite", thread, user: "mod" }), {
    lobby: "not-allowed not-allowed not-allowed not-allowed not-allowed",
    public: "not-allowed not-allowed not-allowed not-allowed not-allowed",
    private: "no-thread no-thread + + no-thread",
    direct: "no-thread no-thread not-allowed not-allowed no-thread",
  }],
  ["expel the member", (thread) => ({ op: "expel", thread, user: "member" }), {
    lobby: "not-allowed not-allowed not-allowed not-allowed not-allowed",
    public: "not-allowed not-allowed not-allowed not-allowed not-allowed",
    private: "no-thread no-thread + + no-thread",
    direct: "no-thread no-thread not-allowed not-allowed no-thread",
  }],
  ["expel the owner", (thread) => ({ op: "expel", thread, user: "owner" }), {
    lobby: "not-allowed not-allowed not-allowed not-allowed not-allowed",
    public: "not-allowed not-allowed not-allowed not-allowed not-allowed",
    private: "no-thread no-thread not-allowed not-allowed no-thread",
    direct: "no-thread no-thread not-allowed not-allowed no-thread",
  }],
];
const WHO = ["boss", "mod", "owner", "member", "stranger"];
const WHERE = ["lobby", "public", "private", "direct"];

for (const [op, command, rows] of TABLE) {
  Deno.test(`who may do it, in every kind of thread: ${op}`, () => {
    for (const [i, where] of WHERE.entries()) {
      const outcomes = WHO.map((who) => forum().do(who, command(i + 1)));
      assertEquals(outcomes.join(" "), rows[where], where);
    }
  });
}

Deno.test("a moderator who is a member of a private thread moderates it, but not a conversation of two", () => {
  const one = forum();
  assertEquals(one.do("owner", { op: "invite", thread: 3, user: "mod" }), "+");
  assertEquals(one.do("mod", { op: "delete", thread: 3, message: 2 }), "+");
  assertEquals(one.do("mod", { op: "expel", thread: 3, user: "member" }), "+");
  assertEquals(one.do("mod", { op: "remove", thread: 3 }), "+");
  assertEquals(one.do("member", { op: "tell", user: "mod", text: "hi" }), "+");
  const { lastThread } = one.state;
  assertEquals(one.do("mod", { op: "delete", thread: lastThread, message: 2 }), "not-author");
});

Deno.test("whoever is banned can do nothing, whatever they own, until the ban is lifted", () => {
  const one = forum();
  const commands: Change[] = [
    { op: "create", title: "new" },
    { op: "tell", user: "boss", text: "x" },
    { op: "role", user: "mod", role: "admin" },
    { op: "ban", user: "mod", on: true },
    { op: "credential", ...VERIFIER },
    ...[1, 2, 3, 4, 99].flatMap((thread) => TABLE.map(([, command]) => command(thread))),
  ];
  assertEquals(one.do("mod", { op: "ban", user: "owner", on: true }), "+");
  for (const command of commands) assertEquals(one.do("owner", command), "banned", command.op);
  for (const command of commands) assertEquals(one.do("nobody", command), "unknown-user");
  assertEquals(one.do("mod", { op: "ban", user: "owner", on: false }), "+");
  assertEquals(one.do("owner", commands[0]), "+");
});

Deno.test("a role is given by admins, counts at once, and can be taken again", () => {
  const one = forum();
  assertEquals(one.do("mod", { op: "role", user: "member", role: "moderator" }), "not-allowed");
  assertEquals(one.do("boss", { op: "role", user: "Member", role: "moderator" }), "+");
  assertEquals(one.do("boss", { op: "role", user: "member", role: "moderator" }), "no-change");
  assertEquals(one.do("member", { op: "ban", user: "stranger", on: true }), "+");
  assertEquals(one.do("member", { op: "ban", user: "mod", on: true }), "not-allowed");
  assertEquals(one.do("boss", { op: "role", user: "member", role: "member" }), "+");
  assertEquals(one.do("member", { op: "ban", user: "stranger", on: false }), "not-allowed");
  assertEquals(one.do("boss", { op: "role", user: "who", role: "admin" }), "unknown-user");
});
