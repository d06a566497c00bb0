/**
 * The keys of files from user to user in this browser: a person's own, made once, and those of others who were met,
 * so that another one can be told. Each person who uses the browser has their own.
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "../../../protocol/base64.ts";
import {
  createKeyPair,
  type Env,
  KEY_BYTES,
  type KeyPair,
} from "../../../protocol/datagram/suite.ts";
import { fold } from "../../../protocol/text.ts";
import type { KnownPeers } from "../../peer/peer_host.ts";
import { keep, kept, type Store } from "./keeping.ts";

/** So many keys of one user are kept, and so many users; the oldest go first. */
const KEYS_MAX = 16;
const USERS_MAX = 1000;

/** One's own keys; where none can be kept, keys for as long as the page is there. */
export function ownKeys(store: Store, me: string, env: Env): KeyPair {
  const name = `dfp.peer-key.${fold(me)}`;
  const text = kept(store, name);
  const secret = typeof text === "string" ? decodeBase64(text) : undefined;
  if (secret?.length === KEY_BYTES) return { secret, public: env.suite.publicKey(secret) };
  const keys = createKeyPair(env);
  keep(store, name, encodeBase64(keys.secret));
  return keys;
}

/** The keys of those whom this person has met. */
export function storedPeers(store: Store, me: string): KnownPeers {
  const name = `dfp.known-peers.${fold(me)}`;
  // Read each time: another tab may have met somebody.
  const read = () => new Map(usersIn(kept(store, name)));
  return {
    find(user) {
      const keys = (read().get(fold(user)) ?? []).map(decodeBase64);
      return Promise.resolve(keys.filter((key) => key?.length === KEY_BYTES) as Uint8Array[]);
    },
    remember(user, key) {
      const users = read();
      const keys = users.get(fold(user)) ?? [];
      users.delete(fold(user));
      users.set(fold(user), [...keys, encodeBase64(key)].slice(-KEYS_MAX));
      keep(store, name, [...users].slice(-USERS_MAX));
      return Promise.resolve();
    },
  };
}

/** What was kept, as far as it is what should have been. */
function usersIn(value: unknown): [string, string[]][] {
  if (!Array.isArray(value)) return [];
  return value.filter((entry): entry is [string, string[]] =>
    Array.isArray(entry) && typeof entry[0] === "string" && Array.isArray(entry[1]) &&
    entry[1].every((key: unknown) => typeof key === "string")
  );
}
