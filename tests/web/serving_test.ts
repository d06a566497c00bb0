import { assert, assertEquals, assertMatch } from "@std/assert";
import { buildWebClient } from "../../client/web/build.ts";
import { scenario, sharedServer } from "../end_to_end/scenario.ts";
import { WebPeer } from "../websocket_peer.ts";

await buildWebClient();
const shared = sharedServer({ args: ["--web-port", "0"] });

Deno.test("what was built from the same sources is not built again", async () => {
  assertEquals(await buildWebClient(), false);
});

scenario(
  "the web client is served: packed where that is understood, and kept where it never changes",
  async (ground) => {
    const server = await shared();
    const ask = async (path: string, more = "") => {
      const peer = await WebPeer.connect(server.web);
      ground.ending(() => peer.close());
      await peer.send(`GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`);
      const { status, head, body } = (await peer.response())!;
      const lines = head.trim().split("\r\n").slice(1);
      const fields = lines.map((line) => line.split(/:\s*/, 2) as [string, string]);
      return { status, headers: new Headers(fields), body };
    };
    const page = await ask("/");
    assertEquals(page.headers.get("cache-control"), "no-cache");
    assertMatch(page.body, /A forum is here/);
    const script = /src="(assets\/main-[\w-]+\.js)"/.exec(page.body)![1];
    const plain = await ask(`/${script}`);
    assertEquals(plain.headers.get("content-encoding"), null);
    assertEquals(plain.headers.get("content-type"), "text/javascript; charset=utf-8");
    assertEquals(plain.headers.get("cache-control"), "public, max-age=31536000, immutable");
    assertEquals(plain.headers.get("vary"), "Accept-Encoding");
    for (const accept of ["gzip", "br, gzip;q=0.5", "GZIP , deflate"]) {
      const packed = await ask(`/${script}`, `Accept-Encoding: ${accept}\r\n`);
      assertEquals(packed.headers.get("content-encoding"), "gzip", accept);
      assert(Number(packed.headers.get("content-length")) < plain.body.length, accept);
      assert(packed.headers.get("etag") !== plain.headers.get("etag"), "they are not the same");
      const again = `Accept-Encoding: ${accept}\r\nIf-None-Match: ${
        packed.headers.get("etag")
      }\r\n`;
      assertEquals((await ask(`/${script}`, again)).status, 304);
    }
    for (const accept of ["br", "gzip;q=0", "gzip;q=0.000", "identity", "xgzip"]) {
      const packed = await ask(`/${script}`, `Accept-Encoding: ${accept}\r\n`);
      assertEquals(packed.headers.get("content-encoding"), null, accept);
    }
    const unpacked = await (await fetch(new URL(script, server.web))).text();
    assertEquals(unpacked, plain.body);
    assertEquals((await ask("/manifest.json")).status, 404);
  },
);
