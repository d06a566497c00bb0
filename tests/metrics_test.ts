import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeBase64 } from "../protocol/base64.ts";
import { createGauges } from "../server/gauges.ts";
import { createMetrics } from "../server/metrics.ts";
import { Caller, withScene } from "./service_scene.ts";

Deno.test("metrics are written as Prometheus reads them", () => {
  const metrics = createMetrics();
  metrics.describe("seen_total", "what was seen");
  const ann = metrics.counter("seen_total", { who: 'ann "a\\b"\n' });
  ann.value += 2;
  metrics.counter("seen_total", { who: "ben" }).value++;
  assertEquals(metrics.counter("seen_total", { who: "ben" }).value, 1, "the same one");
  let heat = 1;
  metrics.gauge("heat", "how hot it is", () => heat);
  metrics.counts("limits_total", "limits", () => ({ label: "limit", values: { rate: 3 } }));
  const histogram = metrics.histogram("took_seconds", "how long it took", [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value);
  heat = 2;
  assertEquals(
    metrics.text(),
    `# HELP seen_total what was seen
# TYPE seen_total counter
seen_total{who="ann \\"a\\\\b\\"\\n"} 2
seen_total{who="ben"} 1
# HELP heat how hot it is
# TYPE heat gauge
heat 2
# HELP limits_total limits
# TYPE limits_total counter
limits_total{limit="rate"} 3
# HELP took_seconds how long it took
# TYPE took_seconds histogram
took_seconds_bucket{le="0.1"} 2
took_seconds_bucket{le="1"} 3
took_seconds_bucket{le="+Inf"} 4
took_seconds_sum 7.65
took_seconds_count 4
`,
  );
});

Deno.test("two servers in one process do not count together", () => {
  const [one, other] = [createGauges(() => 0), createGauges(() => 0)];
  one.service.answered("post", "done");
  assert(one.text().includes('dfp_commands_total{op="post",outcome="done"} 1'));
  assert(!other.text().includes("dfp_commands_total{"));
});

Deno.test("files that go from user to user are counted, with what is relayed of them", () => {
  const gauges = createGauges(() => 0);
  withScene((scene) => {
    gauges.show(scene.service);
    const counted = (...lines: string[]) => {
      const text = gauges.text();
      for (const line of lines) assert(text.includes(`\n${line}\n`), `${line} in\n${text}`);
    };
    counted("dfp_offers 0", "dfp_relays 0", 'dfp_relayed_bytes_total{outcome="passed"} 0');
    const [ann, ben] = [new Caller(scene), new Caller(scene)];
    ann.register("Ann");
    ben.register("Ben");
    const publicKey = encodeBase64(new Uint8Array(32).fill(1));
    for (const one of [ann, ben]) one.say({ op: "announce", publicKey, offers: true });
    ann.talk();
    ben.talk();
    ann.say({ op: "offer", user: "Ben", name: "a.bin", size: 3, sha256: "0".repeat(64) });
    ann.talk();
    counted("dfp_offers 1", "dfp_relays 0");
    ben.talk();
    const notices = (caller: Caller) =>
      caller.heard.flatMap((what) => what.kind === "notice" ? [what.notice] : []);
    const offer = notices(ben).find((notice) => notice.kind === "offer");
    assert(offer?.kind === "offer");
    ben.say({ op: "accept", offer: offer.offer });
    ben.talk();
    ann.talk();
    counted("dfp_offers 1", "dfp_relays 1");
    const go = notices(ann).find((notice) => notice.kind === "go");
    assert(go?.kind === "go");
    ann.client.relays.push(go.channel, new Uint8Array(1000));
    ann.client.relays.push(go.channel + 1, new Uint8Array(10));
    ann.talk();
    counted(
      'dfp_relayed_bytes_total{outcome="passed"} 1000',
      'dfp_relayed_bytes_total{outcome="dropped"} 10',
    );
  });
});

Deno.test("commands are counted by what became of them, and commits by how long they took", () => {
  let now = 0;
  const gauges = createGauges(() => now += 3);
  withScene((scene) => {
    gauges.show(scene.service);
    const caller = new Caller(scene);
    caller.register("Ann");
    caller.say({ op: "users" }, { op: "post", thread: 1, text: "x", key: "1" }, {
      op: "post",
      thread: 99,
      text: "x",
      key: "2",
    });
    caller.talk();
    const text = gauges.text();
    for (
      const line of [
        'dfp_commands_total{op="users",outcome="done"} 1',
        'dfp_commands_total{op="post",outcome="done"} 1',
        'dfp_commands_total{op="post",outcome="no-thread"} 1',
        "dfp_connections 1",
        "dfp_signed_in 1",
        "dfp_queued_bytes 0",
        'dfp_limits_total{limit="rate"} 0',
      ]
    ) assert(text.includes(`\n${line}\n`), `${line} in\n${text}`);
    assertMatch(text, /dfp_commit_seconds_bucket\{le="0\.002"\} 0\n.*\{le="0\.005"\} [1-9]/);
  }, { gauge: gauges.service });
});
