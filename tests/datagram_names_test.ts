/**
 * The troubles that a transport over datagrams is known to have, each with the test that is named after it: one that
 * is renamed or taken out is missed here.
 *
 * @module
 */

import { assertEquals } from "@std/assert";

/** By what they are about: the trouble, and what the title of its test says. */
const TROUBLES: Record<string, Record<string, RegExp>> = {
  "RFC 9002": {
    "PTO in the past": /a PTO that lies in the past/,
    "not armed again once amplification lets through":
      /held back by the amplification limit is due/,
    "backoff not reset": /the wait for a probe doubles, and is not reset/,
    "persistent congestion off idle": /is not found off idle/,
    "round trips of repeated packets": /\(Karn\)/,
    "a lying ack delay": /a lying ack delay/,
    "app-limited samples": /app-limited samples/,
  },
  acknowledgements: {
    "of what was never sent": /acknowledging what was never sent/,
    "of what was left out": /optimistic acknowledgements/,
    "overlapping ranges": /overlapping ranges/,
    "huge ranges": /an ACK of a huge range/,
    "over 32 ranges": /over 32 ranges/,
    loops: /\(loops\)/,
  },
  numbers: {
    "32-bit wrap": /go over the 32-bit wrap/,
    jumps: /numbers may jump/,
    "duplicates outside the window": /\(duplicates\)/,
    "offsets that overflow": /an offset that overflows/,
    "FIN that changes the size": /a FIN that changes the size/,
    "an overlap that differs": /an overlap that differs/,
  },
  flow: {
    "zero window": /a zero window/,
    "lost MAX_DATA": /a lost MAX_DATA/,
    "BLOCKED again and again": /\(ping-pong\)/,
    "a reader that never reads": /a reader that never reads/,
    "memory for what is out of order": /pieces out of order take no more memory/,
  },
  path: {
    "a delay spike": /a delay spike/,
    reordering: /packets that are swapped/,
    "losses in bursts": /losses in bursts/,
    duplication: /packets that come twice/,
    "a path that becomes narrower": /MTU shrink/,
    "a full socket of 92": /a socket of 92 datagrams/,
    "an event loop that stands still": /a pause of 200 ms/,
    "a clock that jumps": /clock may jump/,
  },
  security: {
    "replayed INIT": /an INIT that is replayed/,
    "replayed DATA": /a whole connection that is replayed/,
    "a flood of INIT": /a flood of INIT/,
    "a cookie from elsewhere": /a cookie from another address/,
    "forged RETRY": /a forged RETRY/,
    "forged CLOSE": /a forged CLOSE/,
    "forged RESET": /a RESET with another token/,
    "a wrong secret": /a wrong secret/,
    "nonces used again after a restart": /used twice with one nonce.*after a restart/,
    "new keys under loss": /keys are replaced under loss/,
    amplification: /at most three times what came from it/,
    "reflected PUNCH": /a PUNCH that is reflected/,
    "hijacked migration": /\(hijacked migration\)/,
  },
  NAT: {
    "rebinding on one side or both": /\(rebinding\) on one side, or on both/,
    "a skewed start": /a skewed start/,
    "symmetric on either side": /a symmetric NAT on either side/,
    "relay to direct and back": /from a relay to the direct path and back without a gap/,
  },
};

const TITLE = /Deno\.test\(\s*(["`])(.+?)\1/g;

Deno.test("each known trouble has a test that is named after it", () => {
  const folder = new URL(".", import.meta.url);
  const titles = [...Deno.readDirSync(folder)]
    .filter(({ name }) => /^datagram_.*_test\.ts$/.test(name) && !import.meta.url.endsWith(name))
    .flatMap(({ name }) => [...Deno.readTextFileSync(new URL(name, folder)).matchAll(TITLE)])
    .map(([, , title]) => title);
  const missing = Object.entries(TROUBLES).flatMap(([about, troubles]) =>
    Object.entries(troubles)
      .filter(([, named]) => !titles.some((title) => named.test(title)))
      .map(([trouble]) => `${about}: ${trouble}`)
  );
  assertEquals(missing, []);
});
