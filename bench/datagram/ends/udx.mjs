/**
 * The npm package udx-native, in Node: `udx.mjs receive HOST PORT` and `udx.mjs send HOST PORT BYTES`. It is run
 * in a folder where the package is installed. It has no handshake: both know each other's address.
 *
 * @module
 */

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import process from "node:process";

const UDX = createRequire(`${process.cwd()}/`)("udx-native");
const [role, host, port, peer, bytes] = process.argv.slice(2);
const udx = new UDX();
const socket = udx.createSocket();
const stream = udx.createStream(role === "receive" ? 1 : 2);

function cpuSeconds() {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

if (role === "receive") {
  socket.bind(Number(port), host);
  stream.connect(socket, 2, Number(port), peer);
  let count = 0;
  let begin = 0;
  let cpu = 0;
  stream.on("data", (piece) => {
    if (begin === 0) {
      begin = performance.now();
      cpu = cpuSeconds();
    }
    count += piece.length;
  });
  stream.on("end", () => {
    const seconds = (performance.now() - begin) / 1000;
    console.log(`outcome ${JSON.stringify({ bytes: count, seconds, cpu: cpuSeconds() - cpu })}`);
    stream.end();
    setTimeout(() => process.exit(0), 500);
  });
  console.log("ready");
} else {
  socket.bind(Number(port), host);
  stream.connect(socket, 1, Number(port), peer);
  const chunk = Buffer.alloc(64 * 1024, 7);
  let left = Number(bytes);
  const write = () => {
    while (left > 0) {
      const part = left < chunk.length ? chunk.subarray(0, left) : chunk;
      left -= part.length;
      if (!stream.write(part)) return stream.once("drain", write);
    }
    stream.end();
  };
  write();
  stream.on("close", () => process.exit(0));
  stream.on("error", () => process.exit(1));
}
