import { assert } from "@std/assert";
import { runProgram } from "../end_to_end/processes.ts";
import { bounded } from "./bounded.ts";
import { extent } from "./extent.ts";

/** `--minutes`. */
const MINUTES = extent({ ci: 3, local: 1 / 3 });

bounded(
  "a server under mixed load and all kinds of trouble loses, doubles and leaks nothing",
  { seconds: 60 * MINUTES + 150 },
  async (ending) => {
    const soak = runProgram({ args: ["-A", "tests/chaos/soak.ts", "--minutes", String(MINUTES)] });
    ending(async () => {
      // It ends its own server when it is told to stop.
      soak.signal("SIGINT");
      await soak.exited;
    });
    const { success } = await soak.exited;
    const told = [...soak.output.all, ...soak.errors.all].join("\n");
    assert(success, told);
    console.log(told);
  },
);
