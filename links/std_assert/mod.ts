/**
 * `@std/assert` for places that reach npm but not JSR: the npm repackaging of the standard library, under types
 * written here. Only what this project uses is declared, never more loosely than the original, so that sources that
 * compile against this compile against the original. Deleting `links` from deno.json switches to it.
 *
 * @module
 */

// @ts-types="./assert.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";
