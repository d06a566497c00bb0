/**
 * Millions of damaged datagrams: genuine ones of every kind, changed, cut, lengthened and mixed. Nothing throws,
 * hangs or grows (DESIGN §11, law 3).
 *
 * `DFP_DATAGRAMS` says how many; with `CI` set it is ten million, otherwise a hundred thousand.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createEndpoint, type Endpoint } from "../protocol/datagram/endpoint.ts";
import {
  DATA_OVERHEAD,
  encodeWhere,
  isDataPacket,
  PACKET_TYPE,
  writeDataHeader,
} from "../protocol/datagram/packet.ts";
import { createKeyPair, type Suite } from "../protocol/datagram/suite.ts";
import { offers } from "./datagram/offers.ts";
import { openSuite, toySuite } from "./datagram/toy_suite.ts";
import { createRandom, type Random } from "./simulation/random.ts";

const CI_DATAGRAMS = 10_000_000;
const LOCAL_DATAGRAMS = 100_000;
/** One in so many is tried behind the seal, where it may end the connection. */
const BEHIND_THE_SEAL = 400;
/** Datagrams for one pair of endpoints. */
const ROUND = 50_000;

function datagrams(): number {
  const wanted = Deno.env.get("DFP_DATAGRAMS");
  if (wanted) {
    const count = Number(wanted);
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(`DFP_DATAGRAMS must be a whole number above 0, not "${wanted}"`);
    }
    return count;
  }
  const ci = Deno.env.get("CI");
  return ci && ci !== "false" ? CI_DATAGRAMS : LOCAL_DATAGRAMS;
}

const CLIENT = "10.0.0.1:1";
const SERVER = "10.0.0.2:2";
const LIMITS = { connections: 20, halfOpen: 10, cookieFrom: 5 };

/** Two endpoints in the middle of a conversation, and what they have said. */
class Conversation {
  readonly random: Random;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly said: Uint8Array[] = [];
  readonly #out = new Uint8Array(1472);
  now = 1000;
  over = false;

  constructor(seed: number, suite: Suite) {
    this.random = createRandom(seed);
    const env = { random: this.random.fork().fill, suite };
    const key = createKeyPair(env);
    const { ours, theirs } = offers(env);
    const window = { initial: 100_000, max: 100_000 };
    this.client = createEndpoint({ env, now: this.now, window });
    this.server = createEndpoint({ env, now: this.now, static: key, window, limits: LIMITS });
    this.server.expect(theirs);
    this.client.punch(this.now, {
      peer: ours,
      role: "initiator",
      candidates: [{ path: SERVER, delay: 0, own: false }],
    });
    this.server.punch(this.now, { peer: theirs, role: "responder", candidates: [] });
    this.client.ask(this.now, SERVER);
    this.server.receive(this.now, CLIENT, dataForNobody());
    const where = encodeWhere(new Uint8Array(8).fill(3));
    this.said.push(where);
    this.server.receive(this.now, CLIENT, where);
    const called = [
      this.client.connect(this.now, SERVER, { kind: "server", key: key.public }),
      this.client.connect(this.now, SERVER, ours),
    ];
    for (const connection of called) connection.write(new Uint8Array(3000).fill(1));
    this.talk(40);
    // A server with much to do asks for a cookie.
    const busy = createEndpoint({ env, now: this.now, static: key, limits: { cookieFrom: 0 } });
    busy.receive(this.now, CLIENT, this.said.find(([first]) => first === PACKET_TYPE.init)!);
    this.#collect(busy);
  }

  /** Both say what they have to say, and hear it. */
  talk(turns: number): void {
    for (let turn = 0; turn < turns; turn++) {
      this.now += 5;
      const there = this.#collect(this.client);
      const back = this.#collect(this.server);
      for (const one of there) this.server.receive(this.now, CLIENT, one);
      for (const one of back) this.client.receive(this.now, SERVER, one);
      for (const endpoint of [this.client, this.server]) endpoint.handleTimeout(this.now);
    }
  }

  #collect(endpoint: Endpoint): Uint8Array[] {
    const sent = this.#drain(endpoint);
    this.said.push(...sent.slice(0, 200 - this.said.length));
    return sent;
  }

  #drain(endpoint: Endpoint): Uint8Array[] {
    const sent: Uint8Array[] = [];
    for (let what = endpoint.next(); what !== undefined; what = endpoint.next()) {
      if (what.kind === "closed" || what.kind === "closing") this.over = true;
      if (what.kind === "accepted") what.connection.write(new Uint8Array(3000).fill(2));
      if (what.kind === "readable") { while (what.connection.read(65_536) !== undefined); }
    }
    for (;;) {
      const one = endpoint.transmit(this.now, this.#out);
      if (one === undefined) return sent;
      sent.push(this.#out.slice(0, one.length));
    }
  }

  /** Gives a damaged datagram to one of the two. */
  damage(datagram: Uint8Array): void {
    this.now += 0.01;
    const endpoint = this.random.chance(0.5) ? this.client : this.server;
    endpoint.receive(this.now, this.random.chance(0.9) ? CLIENT : "10.6.6.6:6", datagram);
    const due = endpoint.timeout();
    if (due !== undefined && due <= this.now) endpoint.handleTimeout(this.now);
    this.#drain(endpoint);
  }

  /** What must hold whatever came. */
  expectBounded(): void {
    const { server, client } = this;
    assert(server.connections <= LIMITS.connections && server.halfOpen <= LIMITS.halfOpen);
    assert(client.connections <= 2);
  }
}

/** A DATA packet whose answer is RESET. */
function dataForNobody(): Uint8Array {
  const packet = new Uint8Array(DATA_OVERHEAD + 1);
  writeDataHeader(packet, { phase: 0, dcid: 12_345, number: 0 });
  return packet;
}

const scratch = new Uint8Array(1500);

/** Damages a copy. */
function mutate(random: Random, said: readonly Uint8Array[]): Uint8Array {
  const source = random.pick(said);
  scratch.set(source);
  let length = source.length;
  for (let changes = random.between(1, 3); changes > 0; changes--) {
    switch (random.below(7)) {
      case 0:
        scratch[random.below(length)] ^= 1 << random.below(8);
        break;
      case 1:
        // Headers and the first frames are what decides.
        scratch[random.below(Math.min(length, 24))] = random.below(256);
        break;
      case 2:
        length = random.between(1, length);
        break;
      case 3:
        length = Math.min(scratch.length, length + random.between(1, 40));
        break;
      case 4: {
        const other = random.pick(said);
        const at = random.below(Math.min(length, other.length));
        scratch.set(other.subarray(at), at);
        break;
      }
      case 5:
        // Another packet number, so that it is not known already.
        scratch[11] = random.below(256);
        break;
      default:
        scratch[random.below(length)] = random.pick([0, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff]);
    }
  }
  return scratch.subarray(0, length);
}

Deno.test("damaged datagrams by the million make nothing throw, hang or grow", () => {
  const count = datagrams();
  let left = count - Math.floor(count / BEHIND_THE_SEAL);
  for (let seed = 1; left > 0; seed++) {
    const conversation = new Conversation(seed, toySuite);
    assertEquals(conversation.over, false);
    const kinds = new Set(conversation.said.map(([first]) => first));
    assertEquals(kinds.size, Object.keys(PACKET_TYPE).length, "all kinds are damaged");
    for (let at = Math.min(left, ROUND); at > 0; at--, left--) {
      conversation.damage(mutate(conversation.random, conversation.said));
      if (at % 5000 === 0) {
        conversation.talk(3);
        conversation.expectBounded();
      }
    }
    // Whoever was damaged can still talk, since nothing of it was genuine.
    conversation.talk(100);
    assertEquals(conversation.over, false, `seed ${seed}`);
  }
});

Deno.test("damaged frames behind a genuine seal end a connection at most", () => {
  let left = Math.floor(datagrams() / BEHIND_THE_SEAL);
  let ended = 0;
  for (let seed = 1; left > 0; seed++) {
    const conversation = new Conversation(seed, openSuite);
    const said = conversation.said.filter(isDataPacket);
    for (let at = 0; at < 200 && left > 0 && !conversation.over; at++, left--) {
      const datagram = mutate(conversation.random, said);
      if (!isDataPacket(datagram)) continue;
      // To whom it is meant, and under a number that was not used.
      datagram.set(conversation.random.pick(said).subarray(0, 9));
      datagram[11] = conversation.random.below(256);
      conversation.damage(datagram);
    }
    conversation.expectBounded();
    if (conversation.over) ended++;
  }
  assert(ended > 0, "nothing was damaged enough");
});

Deno.test("garbage is no datagram of ours", () => {
  const conversation = new Conversation(1, toySuite);
  const { random, server } = conversation;
  const before = server.connections;
  for (let at = 0; at < 20_000; at++) {
    const garbage = new Uint8Array(random.below(1500));
    random.fill(garbage);
    if (random.chance(0.5) && garbage.length > 0) {
      garbage[0] = random.pick([0x40, 0x44, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8]);
      garbage[1] = 1;
    }
    server.receive(conversation.now, "10.6.6.6:6", garbage);
  }
  assertEquals(server.connections, before);
});
