/**
 * The admin password: kept as a SCRAM verifier, proved in two commands, never sent (DESIGN §9).
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "../protocol/base64.ts";
import { type ChannelBinding, readClientFirst } from "../protocol/scram.ts";
import { createScramServer, type ScramServer } from "../protocol/scram_server.ts";
import { type Refusal, refuse } from "../protocol/status.ts";
import type { Verifier } from "../protocol/verifier.ts";
import type { Log } from "./log/log.ts";

/** The name under which the admin password is proved, and its failures counted. */
export const ADMIN = "the admin password";

const SETTING = "admin-password";

/** The verifier that is kept, or `undefined` on a new forum. */
export function adminVerifier(log: Log): Verifier | undefined {
  const kept = log.setting(SETTING);
  if (kept === undefined) return undefined;
  const { salt, iterations, storedKey, serverKey } = JSON.parse(kept);
  return {
    salt: decodeBase64(salt)!,
    iterations,
    storedKey: decodeBase64(storedKey)!,
    serverKey: decodeBase64(serverKey)!,
  };
}

/** Keeps a new admin password's verifier. */
export function keepAdminVerifier(log: Log, verifier: Verifier): void {
  const { salt, iterations, storedKey, serverKey } = verifier;
  const kept = JSON.stringify({
    salt: encodeBase64(salt),
    iterations,
    storedKey: encodeBase64(storedKey),
    serverKey: encodeBase64(serverKey),
  });
  log.transact((tx) => tx.putSetting(SETTING, kept), (failure) => {
    if (failure !== undefined) throw new Error(`the admin password was not kept: ${failure.text}`);
  });
}

/** A proof under way. */
export interface AdminProof {
  /** The challenge. */
  readonly first: string;
  /** SCRAM's last message, or `undefined` if the proof is wrong. The first answer stands. */
  judge(proof: string): string | undefined;
}

function createProof(server: ScramServer): AdminProof {
  let judged: { readonly proof: string; readonly final: string | undefined } | undefined;
  return {
    first: server.first(),
    judge(proof) {
      if (judged === undefined) {
        const outcome = server.readClientFinal(proof);
        judged = { proof, final: "fault" in outcome ? undefined : outcome.serverFinal };
      }
      return judged.proof === proof ? judged.final : undefined;
    },
  };
}

/** The first step of a proof; where there is a channel to bind to, it must be bound to it. */
export function beginProof(
  log: Log,
  first: string,
  { nonce, binding }: { nonce: string; binding: ChannelBinding | undefined },
): AdminProof | Refusal {
  const clientFirst = readClientFirst(first);
  if ("fault" in clientFirst) return refuse("bad-field", clientFirst.text, { field: "scram" });
  const verifier = adminVerifier(log);
  if (verifier === undefined) {
    return refuse("not-allowed", "This server has no admin password. Restart it to get one.");
  }
  const bound = binding !== undefined && { binding, requireBinding: true };
  return createProof(createScramServer({ clientFirst, verifier, nonce, ...bound }));
}
