/**
 * Servers that are known by their keys: who was met once is known again, and nobody else passes for them.
 *
 * @module
 */

import { encodeBase64 } from "../../protocol/base64.ts";

/** Where keys of servers are remembered. */
export interface KnownServers {
  /** Where that is, for people. */
  readonly place: string;
  /** The key of a server, as `forum.example:5000`, if it was met before. */
  find(server: string): Promise<Uint8Array | undefined>;
  /** Remembers a server that has proved its key. */
  remember(server: string, key: Uint8Array): Promise<void>;
}

/** A server shows another key than the one it is known by. */
export class ServerKeyChanged extends Error {
  /** There is no sense in trying again. */
  readonly forGood = true;
  /** As `forum.example:5000`. */
  readonly server: string;
  /** The key by which it is known. */
  readonly known: Uint8Array;
  /** The key that it shows now. */
  readonly shown: Uint8Array;

  /** `place` is where the known key is remembered, for people; absent where it was given. */
  constructor(
    { server, known, shown, place }: {
      readonly server: string;
      readonly known: Uint8Array;
      readonly shown: Uint8Array;
      readonly place: string | undefined;
    },
  ) {
    const mend = place === undefined ? "give it" : `take the line of ${server} out of ${place}`;
    super(
      `the server ${server} shows the key ${encodeBase64(shown)}, but is known by the key ` +
        `${
          encodeBase64(known)
        }. Either it got new keys, or somebody in between passes for it. Compare the ` +
        `key with the one that the server shows at its start; if it is right, ${mend} and connect again`,
    );
    this.name = "ServerKeyChanged";
    this.server = server;
    this.known = known;
    this.shown = shown;
  }
}

/** Remembers for as long as the program runs. */
export function rememberInMemory(): KnownServers {
  const keys = new Map<string, Uint8Array>();
  return {
    place: "the memory of this program",
    find: (server) => Promise.resolve(keys.get(server)),
    remember(server, key) {
      keys.set(server, key.slice());
      return Promise.resolve();
    },
  };
}
