/**
 * `@std/cli` for places that reach npm but not JSR: the npm repackaging of the standard library, under types written
 * here. Only what this project uses is declared, never more loosely than the original, so that sources that compile
 * against this compile against the original. Deleting `links` from deno.json switches to it.
 *
 * `unicodeWidth` is left out: the npm package lacks the table it reads.
 *
 * @module
 */

// @ts-types="./parse_args.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";
// @ts-types="./prompt_secret.d.ts"
export { promptSecret } from "npm:deno-std@1.4.0/cli/prompt_secret.js";
