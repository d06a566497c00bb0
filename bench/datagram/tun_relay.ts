/**
 * The relay: a process between two network interfaces that the kernel takes for real ones. Every packet, of
 * whatever protocol, goes through the link model in real time; so kernel TCP, QUIC and ours have the same link.
 *
 * `tun_relay.ts NAME NAME SEED FAULTS` makes the two interfaces (Linux tun) and prints `ready`; they live as
 * long as the process. The loop is synchronous: a packet waits for no event loop.
 *
 * @module
 */

import { createDatagramLink, type DatagramLink } from "../../tests/simulation/datagram_link.ts";
import { createRandom } from "../../tests/simulation/random.ts";

const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_WITHOUT_HEADER = 0x1001;
const POLLIN = 1;
/** How long the relay sleeps at most, in ms. */
const NAP = 1;

const libc = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
}).symbols;

const encoder = new TextEncoder();

/** Makes an interface; gives its file descriptor. */
function openTun(name: string): number {
  const fd = libc.open(encoder.encode("/dev/net/tun\0"), O_RDWR | O_NONBLOCK);
  const request = new Uint8Array(40);
  request.set(encoder.encode(name));
  new DataView(request.buffer).setUint16(16, IFF_TUN_WITHOUT_HEADER, true);
  if (fd < 0 || libc.ioctl(fd, BigInt(TUNSETIFF), request) < 0) {
    throw new Error(`${name} cannot be made: that needs root and /dev/net/tun`);
  }
  return fd;
}

interface Direction {
  readonly from: number;
  readonly to: number;
  readonly link: DatagramLink;
  /** When the line is free again. */
  freeAt: number;
}

/** A relay that was held up makes up for it, but no line brings packets much faster than its rate. */
const CATCHING_UP = 1.5;
/** So long the line may run ahead, in ms. */
const AHEAD = 1;

const buffer = new Uint8Array(2048);

/** Takes what has come, and lets go what is due; whether there was anything. */
function move(direction: Direction): boolean {
  const { from, to, link } = direction;
  let moved = false;
  for (;;) {
    const count = Number(libc.read(from, buffer, BigInt(buffer.length)));
    if (count <= 0) break;
    moved = true;
    link.push(performance.now(), buffer.subarray(0, count));
  }
  const now = performance.now();
  const { rate } = link.faults;
  while (direction.freeAt < now + AHEAD) {
    const came = link.pull(now);
    if (came === undefined) break;
    const datagram = came.datagram as Uint8Array<ArrayBuffer>;
    libc.write(to, datagram, BigInt(datagram.length));
    const time = rate > 0 ? datagram.length / rate / CATCHING_UP : 0;
    direction.freeAt = Math.max(direction.freeAt, now) + time;
    moved = true;
  }
  return moved;
}

if (import.meta.main) {
  const [one, other, seed, faults] = Deno.args;
  const random = createRandom(Number(seed));
  const [left, right] = [openTun(one), openTun(other)];
  const make = () => createDatagramLink(random.fork(), JSON.parse(faults));
  const directions: Direction[] = [
    { from: left, to: right, link: make(), freeAt: 0 },
    { from: right, to: left, link: make(), freeAt: 0 },
  ];
  const polled = new Uint8Array(16);
  const view = new DataView(polled.buffer);
  for (const [at, fd] of [left, right].entries()) {
    view.setInt32(8 * at, fd, true);
    view.setInt16(8 * at + 4, POLLIN, true);
  }
  console.log("ready");
  for (;;) {
    let moved = false;
    for (const direction of directions) moved = move(direction) || moved;
    if (!moved) libc.poll(polled, 2n, NAP);
  }
}
