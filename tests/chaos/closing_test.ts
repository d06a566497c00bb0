import { assertEquals } from "@std/assert";
import { connectForum, type Dial, dialTcp } from "../../client/mod.ts";
import { startServer } from "../end_to_end/processes.ts";
import { PASSWORD } from "../end_to_end/scenario.ts";
import { makeAccounts } from "./accounts.ts";
import { bounded } from "./bounded.ts";
import { NO_HEARTBEAT } from "./crowd_options.ts";

bounded(
  "a client that waits for a last reply is closed all the same when the server is gone for good",
  { seconds: 20 },
  async (ending) => {
    const server = await startServer({ args: NO_HEARTBEAT });
    ending(async () => {
      server.process.signal("SIGCONT");
      await server.close();
    });
    await makeAccounts(server, ["Leia"]);
    let cut = () => {};
    let whole = true;
    const dial: Dial = async () => {
      if (!whole) throw new Error("the cable is cut");
      const stream = await dialTcp(server)();
      cut = () => stream.close();
      return stream;
    };
    const client = await connectForum({ dial, user: "Leia", password: PASSWORD });
    server.process.signal("SIGSTOP");
    const last = client.command({ op: "threads" }).then(() => "done", (error) => error.name);
    const closed = client.close();
    whole = false;
    cut();
    await closed;
    assertEquals([await last, client.state], ["goodbye", "closed"]);
  },
);
