/**
 * Pictures for tests, made on the spot: a PNG (RFC 2083) of hills at dusk.
 *
 * @module
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** A PNG of this size. */
export async function pngPicture(width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const raw = new Uint8Array((width * 3 + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const hill = (at: number, tall: number) =>
        y > height * tall + Math.sin(x / width * at) * height * 0.09;
      const shade = y / height;
      const colour = hill(9, 0.82)
        ? [38, 44, 84]
        : hill(6, 0.66)
        ? [72, 70, 128]
        : hill(4, 0.55)
        ? [120, 98, 160]
        : [250 - 60 * shade, 176 + 30 * shade, 140 + 70 * shade];
      raw.set(colour, y * (width * 3 + 1) + 1 + x * 3);
    }
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2], 8);
  const stream = new Blob([raw]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = await new Response(stream).bytes();
  return new Uint8Array([
    ...SIGNATURE,
    ...chunk("IHDR", header),
    ...chunk("IDAT", data),
    ...chunk("IEND", new Uint8Array()),
  ]);
}
