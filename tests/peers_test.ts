/**
 * The server as go-between of files from user to user, without a network: who is told what, what is refused, what ends
 * with whom, and that none of it can be made to grow.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import type { Notice } from "../protocol/body.ts";
import { encodeBase64 } from "../protocol/base64.ts";
import type { PeerCommand } from "../protocol/forum/command.ts";
import { isRefusal } from "../protocol/forum/decide.ts";
import { STATUS } from "../protocol/status.ts";
import {
  createPeers,
  OFFER_LIFE,
  OFFERS_MADE_MAX,
  OFFERS_OPEN_MAX,
  type PeerSession,
  REACHES_MAX,
} from "../server/peers.ts";
import { runs } from "./runs.ts";

const SHA256 = "0123456789abcdef".repeat(4);
const KEY = encodeBase64(new Uint8Array(32).fill(1));

class Fake implements PeerSession {
  readonly notices: Notice[] = [];
  readonly datagrams: string[] = [];
  readonly user: string;
  stalled = false;

  constructor(user: string) {
    this.user = user;
  }
  tell(notice: Notice): void {
    this.notices.push(notice);
  }
  relay(channel: number, datagram: Uint8Array): boolean {
    if (!this.stalled) this.datagrams.push(`${channel} ${datagram}`);
    return !this.stalled;
  }
  last<K extends Notice["kind"]>(kind: K): Extract<Notice, { kind: K }> {
    const found = this.notices.findLast((notice) => notice.kind === kind);
    assert(found !== undefined, `${this.user} was told of no ${kind}`);
    return found as Extract<Notice, { kind: K }>;
  }
}

function scene() {
  let now = 1000;
  let chance = 0;
  const peers = createPeers({
    random: (out) => out.forEach((_, at) => out[at] = chance++ * 31 + at),
    clock: () => 1_700_000_000_000 + now,
    now: () => now,
    name: (folded) => ["ann", "ben", "cid"].includes(folded) ? folded.toUpperCase() : undefined,
    udp: [5000, 5001],
  });
  const join = (user: string, offers = true) => {
    const session = new Fake(user);
    assertEquals(peers.announce(session, { op: "announce", publicKey: KEY, offers }), {
      udp: [5000, 5001],
    });
    return session;
  };
  const offer = (from: PeerSession, user: string, name = "a.bin") =>
    peers.offer(from, { op: "offer", user, name, size: 3, sha256: SHA256 });
  const offered = (from: PeerSession, user: string, name?: string) => {
    const reply = offer(from, user, name);
    assert(!isRefusal(reply), JSON.stringify(reply));
    return reply.offer;
  };
  const refused = (reply: object | undefined) =>
    reply !== undefined && isRefusal(reply) ? reply.status : undefined;
  const later = (ms: number) => peers.handleTimeouts(now += ms);
  return { peers, join, offer, offered, refused, later };
}

Deno.test("an offer goes to those who take offers, and both sides are told what each needs", () => {
  const { peers, join, offered } = scene();
  const [ann, ben, quiet] = [join("ann"), join("ben"), join("ben", false)];
  const offer = offered(ann, "BEN");
  assertEquals(ben.last("offer"), {
    kind: "offer",
    offer,
    by: "ANN",
    name: "a.bin",
    size: 3,
    type: "application/octet-stream",
    sha256: SHA256,
    until: 1_700_000_001_000 + OFFER_LIFE,
  });
  assertEquals(quiet.notices, []);
  assertEquals(peers.accept(ben, { op: "accept", offer }), undefined);
  const [one, other] = [ann.last("go"), ben.last("go")];
  assertEquals([one.secret, one.publicKey], [other.secret, KEY]);
  peers.relay(ann, one.channel, Uint8Array.of(7));
  peers.relay(ben, other.channel, Uint8Array.of(8));
  assertEquals([ann.datagrams, ben.datagrams], [[`${one.channel} 8`], [`${other.channel} 7`]]);
});

Deno.test("what is accepted anew has another secret and other channels, and the old ones lead nowhere", () => {
  const { peers, join, offered } = scene();
  const [ann, ben] = [join("ann"), join("ben")];
  const offer = offered(ann, "ben");
  peers.accept(ben, { op: "accept", offer });
  const before = [ann.last("go"), ben.last("go")];
  peers.accept(ben, { op: "accept", offer });
  const after = [ann.last("go"), ben.last("go")];
  assertNotEquals(before[0].secret, after[0].secret);
  for (const [at, session] of [ann, ben].entries()) {
    assertNotEquals(before[at].channel, after[at].channel);
    peers.relay(session, before[at].channel, Uint8Array.of(1));
  }
  assertEquals([ann.datagrams, ben.datagrams], [[], []]);
});

Deno.test("what is relayed is counted, and so is what is dropped on the way", () => {
  const { peers, join, offered } = scene();
  const [ann, ben] = [join("ann"), join("ben")];
  const offer = offered(ann, "ben");
  assertEquals([peers.count, peers.relays], [1, 0]);
  peers.accept(ben, { op: "accept", offer });
  assertEquals([peers.count, peers.relays], [1, 1]);
  const { channel } = ann.last("go");
  peers.relay(ann, channel, new Uint8Array(1200));
  peers.relay(ben, ben.last("go").channel, new Uint8Array(30));
  assertEquals(peers.relayed, { passed: 1230, dropped: 0 });
  ben.stalled = true;
  peers.relay(ann, channel, new Uint8Array(7));
  // Nobody stands behind these any more, or ever did.
  peers.part(ben);
  peers.relay(ann, channel, new Uint8Array(5));
  peers.relay(ann, 99, new Uint8Array(1));
  assertEquals(peers.relayed, { passed: 1230, dropped: 13 });
  assertEquals([peers.count, peers.relays], [1, 0]);
  peers.conclude(ann, { op: "conclude", offer, code: 2020 });
  assertEquals([peers.count, peers.relays], [0, 0]);
});

Deno.test("nobody but the two can accept, relay, reach or conclude an offer", () => {
  const { peers, join, offered, refused } = scene();
  const [ann, ben, cid, second] = [join("ann"), join("ben"), join("cid"), join("ben")];
  const offer = offered(ann, "ben");
  assertEquals(refused(peers.accept(cid, { op: "accept", offer })), "no-offer");
  assertEquals(refused(peers.accept(ann, { op: "accept", offer })), "no-offer");
  assertEquals(refused(peers.conclude(cid, { op: "conclude", offer, code: 1471 })), "no-offer");
  const reach = { op: "reach", offer, own: ["192.0.2.1:1"], seen: [], rtt: 5 } as const;
  assertEquals(refused(peers.reach(ann, { ...reach, own: [...reach.own], seen: [] })), "no-offer");
  peers.accept(ben, { op: "accept", offer });
  assertEquals(second.last("concluded").code, STATUS.replaced.code);
  assertEquals(refused(peers.accept(second, { op: "accept", offer })), "no-offer");
  const of = (session: Fake) => peers.reach(session, { ...reach, own: [...reach.own], seen: [] });
  assertEquals([refused(of(cid)), refused(of(second))], ["no-offer", "no-offer"]);
  peers.relay(cid, ann.last("go").channel, Uint8Array.of(1));
  assertEquals(ben.datagrams, []);
  assertEquals(refused(peers.conclude(second, { op: "conclude", offer, code: 1471 })), "no-offer");
  assertEquals(peers.count, 1);
});

Deno.test("addresses are told only once both sides have told theirs, and so often", () => {
  const { peers, join, offered, refused } = scene();
  const [ann, ben] = [join("ann"), join("ben")];
  const offer = offered(ann, "ben");
  peers.accept(ben, { op: "accept", offer });
  const reach = (session: Fake, own: string, rtt: number) =>
    peers.reach(session, { op: "reach", offer, own: [own], seen: [], rtt });
  reach(ann, "192.0.2.1:1", 20);
  assert(ann.notices.every(({ kind }) => kind !== "reach"));
  reach(ben, "192.0.2.2:2", 100);
  assertEquals([ann.last("reach").own, ann.last("reach").delay], [["192.0.2.2:2"], 40]);
  assertEquals([ben.last("reach").own, ben.last("reach").delay], [["192.0.2.1:1"], 0]);
  for (let round = 1; round < REACHES_MAX; round++) {
    reach(ann, "192.0.2.1:1", 20);
    reach(ben, "192.0.2.2:2", 20);
  }
  assertEquals(refused(reach(ann, "192.0.2.1:1", 20)), "full");
});

Deno.test("an offer ends with who made it, is open again without its taker, and is not waited for for ever", () => {
  const { peers, join, offered, later } = scene();
  const [ann, ben] = [join("ann"), join("ben")];
  const lost = offered(ann, "ben");
  peers.accept(ben, { op: "accept", offer: lost });
  peers.part(ann);
  assertEquals([ben.last("concluded").code, peers.count], [STATUS.lost.code, 0]);

  const cid = join("cid");
  const offer = offered(cid, "ben");
  peers.accept(ben, { op: "accept", offer });
  later(2 * OFFER_LIFE);
  assertEquals(peers.count, 1, "what is under way has no end of its own");
  peers.part(ben);
  assert(cid.notices.every(({ kind }) => kind !== "concluded"));
  const again = join("ben");
  assertEquals(again.last("offer").offer, offer);
  assertEquals(peers.accept(again, { op: "accept", offer }), undefined);
  peers.part(again);
  later(OFFER_LIFE - 1);
  assertEquals(peers.count, 1);
  later(1);
  assertEquals([cid.last("concluded").code, peers.count], [STATUS.unanswered.code, 0]);
});

Deno.test("offers are bounded for who makes them and for whom they are for", () => {
  const { join, offered, offer, refused } = scene();
  const [ann, , cid] = [join("ann"), join("ben"), join("cid")];
  for (let count = 0; count < OFFERS_MADE_MAX; count++) offered(ann, "ben", `${count}`);
  assertEquals(refused(offer(ann, "ben")), "full");
  assertEquals(refused(offer(ann, "cid")), "full");
  for (let count = OFFERS_MADE_MAX; count < OFFERS_OPEN_MAX; count++) offered(cid, "ben");
  assertEquals(refused(offer(cid, "ben")), "full");
});

Deno.test("what is wrong with an offer is said in a status of its own", () => {
  const { peers, join, offer, refused } = scene();
  const [ann, ben] = [join("ann"), join("ben")];
  assertEquals(refused(offer(new Fake("ann"), "ben")), "not-allowed");
  assertEquals(refused(offer(ann, "nobody")), "unknown-user");
  assertEquals(refused(offer(ann, "ANN")), "bad-field");
  assertEquals(refused(offer(ann, "ben", " ")), "bad-name");
  assertEquals(refused(offer(ann, "cid")), "away");
  ben.stalled = true;
  assertEquals(refused(offer(ann, "ben")), "away", "who does not read is told no more");
  const bad = peers.announce(ann, { op: "announce", publicKey: "AAAA", offers: true });
  assertEquals(refused(bad), "bad-field");
});

Deno.test("law 8: whatever is asked in whatever order, nothing is thrown, all is bounded, and nothing is left in the end", () => {
  const step = fc.record({
    who: fc.nat(4),
    what: fc.constantFrom(
      ...["announce", "offer", "accept", "reach", "conclude", "relay", "part", "time"] as const,
    ),
    which: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { peers, later } = scene();
      const fresh = () => ["ann", "ann", "ben", "ben", "cid"].map((user) => new Fake(user));
      const sessions = fresh();
      const names: string[] = [];
      for (const { who, what, which } of steps) {
        const session = sessions[who];
        const offer = names.at(-1 - which) ?? "f".repeat(32);
        const commands: { [O in PeerCommand["op"]]: Extract<PeerCommand, { op: O }> } = {
          announce: { op: "announce", publicKey: KEY, offers: which % 2 === 0 },
          offer: {
            op: "offer",
            user: ["ann", "ben", "cid"][which % 3],
            name: "x",
            size: 0,
            sha256: SHA256,
          },
          accept: { op: "accept", offer },
          reach: { op: "reach", offer, own: [], seen: [], rtt: which },
          conclude: { op: "conclude", offer, code: 1471 },
        };
        if (what === "relay") peers.relay(session, which, Uint8Array.of(1));
        else if (what === "time") later(OFFER_LIFE / 2);
        else if (what === "part") {
          peers.part(session);
          sessions[who] = new Fake(session.user);
        } else {
          const reply = peers[what](session, commands[what] as never);
          if (reply !== undefined && "offer" in reply) names.push(reply.offer);
        }
        assert(peers.count <= 3 * OFFERS_MADE_MAX);
      }
      for (const session of sessions) peers.part(session);
      assertEquals(peers.count, 0, "offers end with who made them");
    }),
    { numRuns: runs(200) },
  );
});
