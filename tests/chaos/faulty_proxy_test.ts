import { assertEquals } from "@std/assert";
import { bytesOf } from "../end_to_end/file_bytes.ts";
import { bounded } from "./bounded.ts";
import { openFaultyProxy } from "./faulty_proxy.ts";

bounded(
  "a link that stalls while it stalls passes each byte once",
  { seconds: 20 },
  async (ending) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { hostname, port } = listener.addr;
    const proxy = await openFaultyProxy({ hostname, port });
    ending(() => proxy.close());
    using near = await Deno.connect({ hostname: proxy.hostname, port: proxy.port });
    using far = await listener.accept();
    for (const ms of [10, 20, 30]) proxy.fail("stall", 0, ms);
    // Timers end in the order of their times: all stalls are over by then.
    await new Promise((resolve) => setTimeout(resolve, 30));
    const bytes = bytesOf(200_000);
    const sent = (async () => {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await near.write(rest));
      await near.closeWrite();
    })();
    const got = new Uint8Array(await new Response(far.readable).arrayBuffer());
    await sent;
    assertEquals(got, bytes);
  },
);
