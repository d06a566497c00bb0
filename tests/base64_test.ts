import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeBase64, encodeBase64 } from "../protocol/base64.ts";
import { runs } from "./runs.ts";

Deno.test("RFC 4648 §10: the standard's own examples", () => {
  const examples = {
    "": "",
    f: "Zg==",
    fo: "Zm8=",
    foo: "Zm9v",
    foob: "Zm9vYg==",
    fooba: "Zm9vYmE=",
    foobar: "Zm9vYmFy",
  };
  for (const [plain, text] of Object.entries(examples)) {
    const bytes = new TextEncoder().encode(plain);
    assertEquals(encodeBase64(bytes), text);
    assertEquals(decodeBase64(text), bytes);
  }
});

Deno.test("what is encoded is decoded again, and agrees with the platform", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = encodeBase64(bytes);
      assertEquals(text, btoa(String.fromCharCode(...bytes)));
      assertEquals(decodeBase64(text), bytes);
    }),
    { numRuns: runs() },
  );
});

Deno.test("a text is decoded only if it is the one that encoding would write", () => {
  const nearlyBase64 = fc.string({ unit: fc.constantFrom(..."ABQw9+/=- \n_é"), maxLength: 12 });
  fc.assert(
    fc.property(fc.oneof(nearlyBase64, fc.string({ unit: "binary" })), (text) => {
      const bytes = decodeBase64(text);
      if (bytes !== undefined) assertEquals(encodeBase64(bytes), text);
    }),
    { numRuns: runs() },
  );
});

Deno.test("texts that are nearly base64 are refused", () => {
  const bad = ["A", "AA", "AAA", "AAAAA", "=", "====", "AA=", "AAA==", "AB==", "AAB=", "AA==AAAA"];
  for (const text of [...bad, "AA A", "AAA\n", "AAAA\n", "AA-_", "AAA\u0141", "ＡＡＡＡ"]) {
    assertEquals(decodeBase64(text), undefined, JSON.stringify(text));
  }
});
