/**
 * Addresses of clients, as limits count them.
 *
 * @module
 */

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * What counts as one address: an IPv4 address, or the first 64 bits of an IPv6 address, since a home or a
 * rented machine has all of the rest (RFC 6177). What is neither counts as it is written.
 *
 * @example
 * ```ts
 * import { networkOf } from "./address.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(networkOf("192.0.2.7"), "192.0.2.7");
 * assertEquals(networkOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
 * ```
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = MAPPED.exec(address);
  if (mapped !== null) return mapped[1];
  const [head, tail] = address.split("%")[0].toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const last = tail === "" ? [] : tail.split(":");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  const network = groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
  return `${network.join(":")}::/64`;
}

/** Whether an address is this machine itself, where proxies stand in front of the server. */
export function isLoopback(address: string): boolean {
  const plain = MAPPED.exec(address)?.[1] ?? address;
  return plain === "::1" || plain.startsWith("127.");
}
