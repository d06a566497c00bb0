/**
 * Accounts by the thousand: the password is salted once and with few rounds, so that making them and
 * signing in costs these tests no more than it costs the server.
 *
 * @module
 */

import { saltPassword } from "../../client/password.ts";
import { encodeBase64 } from "../../protocol/base64.ts";
import type { Granted, Refused } from "../../protocol/body.ts";
import { createScramClient } from "../../protocol/scram_client.ts";
import { createVerifier } from "../../protocol/verifier.ts";
import { PASSWORD } from "../end_to_end/scenario.ts";
import {
  connectPeer,
  isGranted,
  type PeerAddress,
  type PeerOptions,
  type RawPeer,
} from "../end_to_end/raw_peer.ts";

/** The fewest rounds that are accepted. */
const ITERATIONS = 4096;
/** How many connections are made at the same time. */
const AT_ONCE = 64;
const SALT = new TextEncoder().encode("the salt of all.");

const salted: Promise<Uint8Array> = saltPassword(PASSWORD, SALT, ITERATIONS);

/** Makes an account on a new connection, which stays signed in. */
export async function register(
  address: PeerAddress,
  user: string,
  options?: PeerOptions,
): Promise<{ peer: RawPeer; token: string }> {
  const { storedKey, serverKey } = createVerifier(await salted, SALT, ITERATIONS);
  const peer = await connectPeer(address, options);
  await peer.greet();
  await peer.send({
    kind: "register",
    id: 0,
    body: {
      user,
      salt: encodeBase64(SALT),
      iterations: ITERATIONS,
      storedKey: encodeBase64(storedKey),
      serverKey: encodeBase64(serverKey),
    },
  });
  const { body } = await peer.expect("granted");
  return { peer, token: body.token! };
}

/** Signs in by password on a connection that has greeted. The account was made by {@linkcode register}. */
export async function signIn(peer: RawPeer, user: string): Promise<Granted | Refused> {
  const scram = createScramClient({ user, nonce: crypto.randomUUID() });
  await peer.send({ kind: "login", id: 0, body: { scram: scram.first() } });
  const answer = await peer.next();
  if (answer?.kind === "refused") return answer.body;
  if (answer?.kind !== "challenge") {
    throw new Error(`${user} was answered with ${JSON.stringify(answer)}`);
  }
  const challenge = scram.readServerFirst(answer.body.scram);
  if ("fault" in challenge) throw new Error(challenge.text);
  await peer.send({ kind: "proof", id: 0, body: { scram: scram.final(await salted) } });
  const outcome = await peer.next();
  if (outcome?.kind === "granted") {
    const known = scram.readServerFinal(outcome.body.scram ?? "");
    if (known !== true) throw new Error(`the server did not prove itself: ${known.text}`);
    return outcome.body;
  }
  if (outcome?.kind === "refused") return outcome.body;
  throw new Error(`${user} was answered with ${JSON.stringify(outcome)}`);
}

/** A new connection, signed in by password. */
export async function join(
  address: PeerAddress,
  user: string,
  options?: PeerOptions,
): Promise<RawPeer> {
  const peer = await connectPeer(address, options);
  try {
    await peer.greet();
    const outcome = await signIn(peer, user);
    if (!isGranted(outcome)) throw new Error(`${user} was refused: ${outcome.text}`);
    return peer;
  } catch (error) {
    peer.close();
    throw error;
  }
}

/** Does something for each, for some of them at the same time. */
export async function each<T, R>(
  values: readonly T[],
  act: (value: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const lanes = Array.from({ length: AT_ONCE }, async (_, lane) => {
    for (let at = lane; at < values.length; at += AT_ONCE) results[at] = await act(values[at]);
  });
  await Promise.all(lanes);
  return results;
}

/** Makes accounts, and leaves. */
export async function makeAccounts(address: PeerAddress, users: readonly string[]): Promise<void> {
  await each(users, async (user) => (await register(address, user)).peer.close());
}
