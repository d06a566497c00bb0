/**
 * Commands: what a signed-in client may ask for (docs/PROTOCOL.md, "Commands").
 *
 * A command is the payload of a COMMAND frame: `op`, the fields of that op, and for everything that
 * changes something a `key` of the client's choosing. The server keeps key and reply in the same
 * transaction as the change, so a command sent again with its key is never done twice (DESIGN §6).
 * Here are the types; command_schema.ts checks what comes in, decide.ts says what a change does, and the
 * server answers the questions.
 *
 * @module
 */

import type { Role } from "./event.ts";

/** Opens a thread; a private one is for its members only. */
export interface Create {
  /** Answered with the number of the new thread. */
  readonly op: "create";
  /** At most 120 code points; no two public threads may have the same, once folded. */
  readonly title: string;
  /** Whether only its members may see it; false by default. */
  readonly private?: boolean;
  /** Names of those to let into a private thread beside its owner, who counts to the 64 at most. */
  readonly members?: string[];
}

/** Removes a thread with all that it holds. */
export interface Remove {
  /** For its owner or a moderator. */
  readonly op: "remove";
  /** Its number; its title becomes free again, its number is never given twice. */
  readonly thread: number;
  /** The reason to keep with it, at most 300 code points. */
  readonly why?: string;
}

/** Posts a message. */
export interface Post {
  /** Answered with the `seq` and the number of the message. */
  readonly op: "post";
  /** The thread's number. */
  readonly thread: number;
  /** At most 64 KiB of UTF-8, with something to see in it; `@name` mentions a user. */
  readonly text: string;
  /** The `seq` of the message that it answers, which must still be there. */
  readonly reply?: number;
}

/** Replaces the text of one's own message. */
export interface Edit {
  /** For the message's author only. */
  readonly op: "edit";
  /** The number of the thread that holds it. */
  readonly thread: number;
  /** The `seq` of the message's posting. */
  readonly message: number;
  /** What replaces the text; the limits are those of {@linkcode Post}. */
  readonly text: string;
}

/** Deletes one's own message; a moderator may delete any. */
export interface Delete {
  /** The text leaves the log as well; the `seq` is never given again. */
  readonly op: "delete";
  /** The number of the thread that holds it. */
  readonly thread: number;
  /** The `seq` of the message's posting. */
  readonly message: number;
  /** The reason to keep with it, at most 300 code points. */
  readonly why?: string;
}

/** Puts a reaction on a message or takes it off. */
export interface React {
  /** One user may put several reactions on one message. */
  readonly op: "react";
  /** The number of the thread that holds the message. */
  readonly thread: number;
  /** The `seq` of the message's posting. */
  readonly message: number;
  /** One emoji or character, or a name between colons such as `:+1:`. */
  readonly emoji: string;
  /** True puts it there, false takes it off; where that is so already nothing happens. */
  readonly on: boolean;
}

/** Posts to the conversation with one other user, opening it if need be. */
export interface Tell {
  /** Answered with the thread of the conversation and the place of the message in it. */
  readonly op: "tell";
  /** The name of the other, in any case. */
  readonly user: string;
  /** What to say; the limits are those of {@linkcode Post}. */
  readonly text: string;
}

/** Lets a user into a private thread. */
export interface Invite {
  /** Any member may do it; a conversation of two takes no third. */
  readonly op: "invite";
  /** The number of a private thread that one is a member of. */
  readonly thread: number;
  /** The name of the new member, in any case. */
  readonly user: string;
}

/** Leaves a private thread, or (its owner, a moderator) puts somebody out of it. */
export interface Expel {
  /** The owner cannot be put out: who owns a thread removes it instead. */
  readonly op: "expel";
  /** The number of a private thread of several. */
  readonly thread: number;
  /** The name of the member, in any case; one's own to leave. */
  readonly user: string;
  /** The reason to keep with it, at most 300 code points. */
  readonly why?: string;
}

/** Says that everything up to a message has been read. */
export interface Mark {
  /** Only a step forward is kept; a mark never goes back. */
  readonly op: "mark";
  /** The thread's number. */
  readonly thread: number;
  /** A `seq` of the thread's scope; one beyond its end means its end. */
  readonly upto: number;
}

/**
 * Shares a file in a thread. Its bytes follow, unless the server knows that the asker has a file with the
 * same content at hand.
 */
export interface Upload {
  /** Answered with where to go on, or with the `seq` of the file if it is there already. */
  readonly op: "upload";
  /** The thread's number. */
  readonly thread: number;
  /** At most 255 code points, unlike that of any other file in the thread, once folded: a label, no path. */
  readonly name: string;
  /** How many bytes it has. */
  readonly size: number;
  /** Its media type; `application/octet-stream` by default. */
  readonly type?: string;
  /** SHA-256 of all its bytes in lower-case hexadecimal digits, where it is known beforehand. */
  readonly sha256?: string;
  /** When it was last changed where it comes from, in ms since 1970 UTC: tells a broken upload from another. */
  readonly modified?: number;
  /** Whether the bytes may come deflated; false by default. */
  readonly deflate?: boolean;
}

/** Takes a file out of a thread. */
export interface Withdraw {
  /** For who shared it, the thread's owner and moderators. */
  readonly op: "withdraw";
  /** The number of the thread that holds it. */
  readonly thread: number;
  /** The `seq` of its sharing. */
  readonly file: number;
  /** The reason to keep with it, at most 300 code points. */
  readonly why?: string;
}

/** Gives a role (admins only). */
export interface SetRole {
  /** Also for oneself. */
  readonly op: "role";
  /** The name of the user, in any case. */
  readonly user: string;
  /** The role from now on. */
  readonly role: Role;
  /** The reason to keep with it, at most 300 code points. */
  readonly why?: string;
}

/** Bans a user or lifts the ban (moderators and admins). */
export interface Ban {
  /** Only against a role below one's own; it ends the sessions of the user. */
  readonly op: "ban";
  /** The name of the user, in any case. */
  readonly user: string;
  /** True bans, false lifts the ban. */
  readonly on: boolean;
  /** The reason to keep with it, at most 300 code points. */
  readonly why?: string;
}

/** Changes one's own password: the new verifier, bytes in base64. */
export interface SetCredential {
  /** Ends the account's other sessions and their tokens. */
  readonly op: "credential";
  /** 16 random bytes in base64. */
  readonly salt: string;
  /** The rounds of PBKDF2, from 4,096 to 10,000,000; 600,000 is what clients here take. */
  readonly iterations: number;
  /** SCRAM's StoredKey, 32 bytes in base64. */
  readonly storedKey: string;
  /** SCRAM's ServerKey, 32 bytes in base64. */
  readonly serverKey: string;
}

/** A command that changes the forum. */
export type Change =
  | Create
  | Remove
  | Post
  | Edit
  | Delete
  | React
  | Tell
  | Invite
  | Expel
  | Mark
  | Upload
  | Withdraw
  | SetRole
  | Ban
  | SetCredential;

/** Lists threads that one may see, most recently active first. */
export interface Threads {
  /** Answered with rows, and whether there are more. */
  readonly op: "threads";
  /** How many rows to pass over; none by default. */
  readonly skip?: number;
  /** How many rows to give, at most {@linkcode PAGE_MAX}; 50 by default. */
  readonly limit?: number;
}

/** Finds a thread by its title, or one's conversation with a user; one of both is given. */
export interface Find {
  /** Other private threads are not found: their titles need not differ. */
  readonly op: "find";
  /** The title of a public thread, in any case. */
  readonly title?: string;
  /** The other user of a conversation. */
  readonly user?: string;
}

/** Reads a page of a thread's living messages; without a place, its end. */
export interface Read {
  /** At most one of `after`, `before` and `number` counts, in this order. */
  readonly op: "read";
  /** The thread's number. */
  readonly thread: number;
  /** Messages posted after this `seq`, oldest first. */
  readonly after?: number;
  /** The last messages posted before this `seq`. */
  readonly before?: number;
  /** Messages from this number on. */
  readonly number?: number;
  /** How many messages to give, at most {@linkcode PAGE_MAX}; 50 by default. */
  readonly limit?: number;
}

/** Messages posted or changed later than a moment, oldest first. */
export interface Since {
  /** Answered with messages of every thread that one may see. */
  readonly op: "since";
  /** The moment, in ms since 1970 UTC. */
  readonly at: number;
  /** Look into this thread only. */
  readonly thread?: number;
  /** How many messages to give, at most {@linkcode PAGE_MAX}; 50 by default. */
  readonly limit?: number;
}

/** Searches titles and texts. */
export interface Search {
  /** Answered with threads by their titles, and messages by their texts, newest first. */
  readonly op: "search";
  /** What to look for, at most 200 code points. */
  readonly words: string;
  /** Look into this thread only. */
  readonly thread?: number;
  /** How many messages to give, at most {@linkcode PAGE_MAX}; 50 by default. */
  readonly limit?: number;
}

/** Lists files, newest first. */
export interface Files {
  /** Answered with rows, and whether there are more. */
  readonly op: "files";
  /** Those of this thread only; without it, of every thread that one may see. */
  readonly thread?: number;
  /** Those of this name only, in any case. */
  readonly name?: string;
  /** How many rows to pass over; none by default. */
  readonly skip?: number;
  /** How many rows to give, at most {@linkcode PAGE_MAX}; 50 by default. */
  readonly limit?: number;
}

/** Asks for the bytes of a file. */
export interface Download {
  /** Answered with the file's row; the bytes follow. */
  readonly op: "download";
  /** The number of the thread that holds it. */
  readonly thread: number;
  /** The `seq` of its sharing. */
  readonly file: number;
  /** The first byte that is wanted; 0 by default. */
  readonly offset?: number;
  /** Up to which byte, not included, they may be sent before the asker allows more. */
  readonly upto: number;
  /** Whether the bytes may come deflated; false by default. */
  readonly deflate?: boolean;
}

/** Who is on. */
export interface Users {
  /** Whoever has a connection that is signed in; {@linkcode Watch} tells of changes. */
  readonly op: "users";
}

/** Follows a scope: every event after `after`, then live. */
export interface Follow {
  /** At most 1,000 scopes a session; following again begins anew. */
  readonly op: "follow";
  /** `directory`, `accounts`, `thread/<number>`, or one's own `user/<folded name>`. */
  readonly scope: string;
  /** The last `seq` that one has; 0 for the beginning. Without it: only what comes from now on. */
  readonly after?: number;
}

/** Follows a scope no longer. */
export interface Unfollow {
  /** Where the scope is not followed nothing happens. */
  readonly op: "unfollow";
  /** As it was followed. */
  readonly scope: string;
}

/** Asks for presence and typing notices, or for no more of them. */
export interface Watch {
  /** Answered with who is on, so that nothing falls in between. */
  readonly op: "watch";
  /** True asks for notices, false for no more. */
  readonly on: boolean;
}

/** Tells the others that one is typing. */
export interface Typing {
  /** Told to those who watch and may see the thread; kept nowhere. */
  readonly op: "typing";
  /** The thread's number. */
  readonly thread: number;
}

/** Ends this session's token, or every session's of this account. */
export interface Logout {
  /** The connection stays; close it to leave. */
  readonly op: "logout";
  /** True drops every token of the account and ends its other sessions; false by default. */
  readonly everywhere?: boolean;
}

/** First step of proving the admin password: SCRAM's client-first message. */
export interface Prove {
  /** Answered with the challenge. */
  readonly op: "prove";
  /** As RFC 5802 writes it, at most 1,024 characters. */
  readonly scram: string;
}

/** Second step: the proof, and what it is for: shutting down, or taking the admin's role. */
export interface Admin {
  /** Answered with the server's own proof. */
  readonly op: "admin";
  /** SCRAM's client-final message, as RFC 5802 writes it. */
  readonly scram: string;
  /** What to do once the password is proved. */
  readonly action: "shutdown" | "promote";
}

/** Says that this connection takes part in files that go straight from user to user. */
export interface Announce {
  /** For this connection; once more replaces what was said. */
  readonly op: "announce";
  /** The X25519 public key of this client, 32 bytes in base64: the server vouches for it to others. */
  readonly publicKey: string;
  /** Whether others may offer files here. */
  readonly offers: boolean;
}

/** Offers a file to another user. The server learns what it is called, and never what is in it. */
export interface Offer {
  /** Answered at once; whether the other wants it is told by notices. */
  readonly op: "offer";
  /** The name of the other, in any case. */
  readonly user: string;
  /** What the file is called: a label, no path; at most 255 code points. */
  readonly name: string;
  /** How many bytes it has. */
  readonly size: number;
  /** SHA-256 of all its bytes, in lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Its media type; `application/octet-stream` by default. */
  readonly type?: string;
}

/** Takes an offer; once more, it is begun anew where it was cut off. */
export interface Accept {
  /** The notice `go` follows to both. */
  readonly op: "accept";
  /** The offer's name. */
  readonly offer: string;
}

/** Tells under which addresses one can be reached for an offer that was accepted. */
export interface Reach {
  /** Once both have told, the notice `reach` goes to both. */
  readonly op: "reach";
  /** The offer's name. */
  readonly offer: string;
  /** Addresses in one's own network, as `192.0.2.1:5000` or `[2001:db8::1]:5000`. */
  readonly own: string[];
  /** Addresses as the server's UDP ports have seen them. */
  readonly seen: string[];
  /** One's round trip to the server, in ms. */
  readonly rtt: number;
}

/** Ends an offer, for either side and at any time: declined, cancelled, or done. */
export interface Conclude {
  /** The other side is told by a notice. */
  readonly op: "conclude";
  /** The offer's name. */
  readonly offer: string;
  /** A status code: how it ends. */
  readonly code: number;
  /** A sentence for the other side, at most 300 code points. */
  readonly reason?: string;
}

/** A command about files that go straight from user to user. */
export type PeerCommand = Announce | Offer | Accept | Reach | Conclude;

/** A command that changes nothing that lasts. */
export type Question =
  | Threads
  | Find
  | Read
  | Since
  | Search
  | Files
  | Download
  | Users
  | Follow
  | Unfollow
  | Watch
  | Typing
  | Logout
  | Prove
  | Admin
  | PeerCommand;

/** What may stand beside the op of every command. */
export interface Keyed {
  /** Chosen by the client, unique among its account's commands; needed for every {@linkcode Change}. */
  readonly key?: string;
}

/** Any command. */
export type Command = (Change | Question) & Keyed;

/** The names of the commands. */
export type Op = Command["op"];

/** The most addresses of each kind that one side tells for an offer. */
export const REACH_MAX = 8;
/** The most rows that a question's `limit` may ask for. */
export const PAGE_MAX = 500;
