/**
 * A WebSocket peer that writes frames by hand, so that it can misbehave.
 *
 * @module
 */

/** Opcodes of RFC 6455. */
export const CONTINUE = 0, TEXT = 1, BINARY = 2, CLOSING = 8, PING = 9, PONG = 10;

/** How a frame is made. */
export interface FrameOptions {
  /** Whether it ends its message; true if not given. */
  readonly fin?: boolean;
  readonly mask?: Uint8Array;
  /** The whole first byte, whatever the opcode says. */
  readonly first?: number;
}

/** A frame as a client sends it. */
export function maskedFrame(
  opcode: number,
  payload: Uint8Array,
  { fin = true, mask = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d), first }: FrameOptions = {},
): Uint8Array {
  const { length } = payload;
  const head = length < 126 ? 2 : length < 0x10000 ? 4 : 10;
  const bytes = new Uint8Array(head + 4 + length);
  bytes[0] = first ?? ((fin ? 0x80 : 0) | opcode);
  bytes[1] = 0x80 | (head === 2 ? length : head === 4 ? 126 : 127);
  const view = new DataView(bytes.buffer);
  if (head === 4) view.setUint16(2, length);
  if (head === 10) view.setBigUint64(2, BigInt(length));
  bytes.set(mask, head);
  for (let at = 0; at < length; at++) bytes[head + 4 + at] = payload[at] ^ mask[at & 3];
  return bytes;
}
