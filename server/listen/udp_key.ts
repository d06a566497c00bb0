/**
 * The server's static key for datagrams, by which clients know it again: made once, kept in the data folder, for
 * its owner only.
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "../../protocol/base64.ts";
import { createKeyPair, KEY_BYTES, type KeyPair } from "../../protocol/datagram/suite.ts";
import { nodeEnv } from "../../transport/node_suite.ts";
import { reason, StartError } from "../start_error.ts";

/** The name of the file in the data folder. */
export const UDP_KEY_FILE = "udp.key";

/**
 * Reads the key pair of a data folder; makes it if it is not there.
 *
 * @throws StartError
 */
export function udpKey(data: string): KeyPair {
  const path = `${data}/${UDP_KEY_FILE}`;
  try {
    const kept = readKey(path);
    if (kept !== undefined) return kept;
    const key = createKeyPair(nodeEnv);
    keepKey(path, key);
    return key;
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`the key ${path} cannot be used: ${reason(error)}`);
  }
}

function readKey(path: string): KeyPair | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const secret = decodeBase64(text.trim());
  if (secret?.length !== KEY_BYTES) {
    // Another one is not made by itself: clients would take the server for a stranger.
    throw new StartError(
      `${path} holds no key of ${KEY_BYTES} bytes in base64. Bring it back from a backup, or remove it: ` +
        "then a new key is made, which clients are warned of",
    );
  }
  return { secret, public: nodeEnv.suite.publicKey(secret) };
}

/** All of the file is there, or nothing, whenever the power fails. */
function keepKey(path: string, { secret }: KeyPair): void {
  const draft = `${path}.new`;
  const file = Deno.openSync(draft, { write: true, create: true, truncate: true, mode: 0o600 });
  try {
    file.writeSync(new TextEncoder().encode(`${encodeBase64(secret)}\n`));
    file.syncSync();
  } finally {
    file.close();
  }
  Deno.renameSync(draft, path);
}
