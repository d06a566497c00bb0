import { assert, assertEquals } from "@std/assert";
import { sharedServer } from "../end_to_end/scenario.ts";
import { nodeEnv } from "../../transport/node_suite.ts";
import { browserScenario } from "./visitors.ts";

const shared = sharedServer({ args: ["--web-port", "0", "--post-rate", "0"] });

/** What others have got past filters with; `alert` and `boom` would tell. */
const CORPUS = [
  "<script>boom()</script>",
  "<img src=x onerror=boom()>",
  "<svg onload=boom()>",
  "<svg><script>boom()</script></svg>",
  "<svg><animate onbegin=boom() attributeName=x dur=1s>",
  '<math><mi//xlink:href="javascript:boom()">click',
  "<iframe srcdoc='<script>parent.boom()</script>'></iframe>",
  "<iframe src=javascript:boom()></iframe>",
  "<object data=javascript:boom()></object>",
  "<embed src=javascript:boom()>",
  "<a href=javascript:boom()>click</a>",
  '<a href="jAvAsCrIpT:boom()">click</a>',
  '<a href="java\tscript:boom()">click</a>',
  "<form action=javascript:boom()><button>click</button></form>",
  "<button formaction=javascript:boom()>click</button>",
  "<input autofocus onfocus=boom()>",
  "<details open ontoggle=boom()>x</details>",
  "<video><source onerror=boom()></video>",
  "<body onload=boom()>",
  "<marquee onstart=boom()>x</marquee>",
  "<style>@import 'http://evil.example/x.css';*{background:url(http://evil.example/x)}</style>",
  "<link rel=stylesheet href=http://evil.example/x.css>",
  "<base href=http://evil.example/>",
  "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
  "<img src=http://evil.example/pixel.png>",
  '<noscript><p title="</noscript><img src=x onerror=boom()>">',
  "<form><math><mtext></form><form><mglyph><style></math><img src onerror=boom()>",
  '<svg></p><style><a id="</style><img src=1 onerror=boom()>">',
  "<template><script>boom()</script></template>",
  "<a id=forum name=forum>clobbered</a><form id=app></form>",
  "<img name=getElementById><form name=body>",
  "[click](javascript:boom())",
  "[click](JaVaScRiPt:boom())",
  "[click](&#106;avascript:boom())",
  "[click](java&#x09;script:boom())",
  "[click](<javascript:boom()>)",
  "[click](data:text/html,<script>boom()</script>)",
  "[click](data:text/html;base64,PHNjcmlwdD5ib29tKCk8L3NjcmlwdD4=)",
  "[click](vbscript:boom())",
  "[click](blob:http://x/y)",
  "[click](file:///etc/passwd)",
  "[click][ref]\n\n[ref]: javascript:boom()",
  "<javascript:boom()>",
  "![x](javascript:boom())",
  "![x](http://evil.example/pixel.png)",
  '![x](x"onerror="boom())',
  '[x](http://a.example/"onmouseover="boom())',
  "[x](http://a.example 'title\" onclick=\"boom()')",
  "`<img src=x onerror=boom()>`",
  "```\n</code></pre><img src=x onerror=boom()>\n```",
  '```"><img src=x onerror=boom()>\nx\n```',
  "# <img src=x onerror=boom()>",
  "> <script>boom()</script>",
  "| a |\n|---|\n| <img src=x onerror=boom()> |",
  "- [x] <img src=x onerror=boom()>",
  "@Mallory<img src=x onerror=boom()>",
  "@<script>boom()</script>",
  ":tada<img src=x onerror=boom()>:",
  "https://evil.example/<script>boom()</script>",
  'https://evil.example/"onmouseover="boom()',
  "www.evil.example'onclick='boom()",
  "&lt;script&gt;boom()&lt;/script&gt;",
  "&#60;img src=x onerror=boom()&#62;",
  "\u003cimg src=x onerror=boom()\u003e",
  "<scr<script>ipt>boom()</scr</script>ipt>",
  "<<script>boom()//<</script>",
  '<img src="x` `<script>boom()</script>"` `>',
  "{{constructor.constructor('boom()')()}}",
  "${boom()}",
  '"><script>boom()</script>',
  "';boom();//",
  '<!--<img src="--><img src=x onerror=boom()//">',
  "<![CDATA[<img src=x onerror=boom()>]]>",
  '<?xml version="1.0"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">boom()</x:script>',
];

/** What is in the page that should not be: elements, handlers, addresses. */
const INSPECT = `(() => {
  const faults = [];
  for (const element of document.querySelectorAll("*")) {
    const name = element.localName;
    const within = element.closest(".body") !== null;
    if (within && !/^(?:div|p|br|strong|em|del|code|pre|blockquote|ul|ol|li|a|span|hr|table|thead|tbody|tr|th|td)$/
      .test(name)) faults.push("<" + name + "> in a text");
    if (/^(?:iframe|object|embed|base|meta|style|template|math|marquee|frame)$/.test(name) &&
      element.closest("#app") !== null) faults.push("<" + name + ">");
    if (name === "script" && !element.src.startsWith(location.origin)) faults.push("a script");
    for (const { name: attribute, value } of element.attributes) {
      if (/^on/i.test(attribute)) faults.push(attribute + " on <" + name + ">");
      if (attribute === "style" && within) faults.push("style in a text");
      if (/^(?:href|src|action|formaction|data|srcdoc|xlink:href)$/i.test(attribute)) {
        const scheme = new URL(value, location.href).protocol;
        const allowed = within ? ["http:", "https:", "mailto:"] : ["http:", "blob:"];
        if (!allowed.includes(scheme)) faults.push(attribute + "=" + value);
        if (attribute !== "href" && within) faults.push(attribute + " in a text");
      }
      if (attribute === "id" && within) faults.push("an id in a text");
    }
  }
  return faults;
})()`;

browserScenario(
  "nothing that somebody writes runs, in names, titles, texts, file names or types",
  async (site) => {
    const server = await shared();
    const { client } = await site.member(server, { user: "Mallory", register: true });
    const { thread } = await client.command({ op: "create", title: CORPUS[1] });
    for (const text of CORPUS) {
      // A title is what a line may be; what may not be one is refused.
      await client.command({ op: "create", title: text.replaceAll(/[\n\t]/g, " ").slice(0, 110) })
        .catch((error) => assert(["thread-exists", "bad-name", "bad-text"].includes(error.name)));
      await client.command({ op: "post", thread, text });
    }
    for (const [at, name] of CORPUS.slice(0, 12).entries()) {
      await client.upload({
        thread,
        name: `${at} ${name}`,
        content: new Blob(["<script>boom()</script>"]),
        type: ["image/png", "text/html", "image/svg+xml"][at % 3],
      });
    }
    await assertRejectsType(client, thread);
    const victim = await site.visitor(server, {
      prelude: "globalThis.boomed = 0; globalThis.boom = () => globalThis.boomed++;",
    });
    await victim.signIn("Victim");
    const { page } = victim;
    await page.goto(`${server.web}#/thread/${thread}`);
    await page.locator(".file").last().waitFor();
    let seen = new Set<string>();
    // From the end to the beginning, so that each was in the page.
    for (;;) {
      for (const seq of await page.locator("article").evaluateAll(ARTICLES)) seen.add(seq);
      assertEquals(await page.evaluate(INSPECT), []);
      const done = await page.evaluate(`(async () => {
      const scroller = document.querySelector(".scroller");
      const before = scroller.scrollTop;
      scroller.scrollTop -= 500;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return before === 0;
    })()`);
      if (done) break;
    }
    assert(seen.size >= CORPUS.length + 12, `${seen.size} were seen`);
    // Whatever can be clicked in a text is clicked.
    for (const link of await page.locator(".body a").all()) {
      assert(/^(?:https?:|mailto:)/.test((await link.getAttribute("href"))!));
    }
    await page.locator(".peer-panel").waitFor({ state: "attached" });
    const peers = await client.startPeers({ env: nodeEnv });
    const ending = new AbortController();
    for (const [at, name] of CORPUS.slice(0, 12).entries()) {
      const content = new Blob(["<script>boom()</script>"]);
      const { signal } = ending;
      peers.send({ user: "Victim", name: `${at} ${name}`, content, signal }).catch(() => {});
    }
    await page.locator(".peer-offer").nth(11).waitFor();
    assertEquals(await page.evaluate(INSPECT), []);
    const [coming] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Accept 0 " }).click(),
    ]);
    assertEquals(await Deno.readTextFile(await coming.path()), "<script>boom()</script>");
    await page.locator(".transfer.done").waitFor();
    assertEquals(await page.evaluate(INSPECT), []);
    ending.abort();
    await page.getByLabel("Search titles and messages").fill("boom");
    await page.keyboard.press("Enter");
    await page.locator(".result").first().waitFor();
    assertEquals(await page.evaluate(INSPECT), []);
    await page.goto(`${server.web}#/search/${encodeURIComponent(CORPUS[1])}`);
    await page.goto(`${server.web}#/with/${encodeURIComponent(CORPUS[1])}`);
    await page.getByRole("heading", { level: 1, name: CORPUS[1] }).waitFor();
    assertEquals(await page.evaluate(INSPECT), []);
    assertEquals(await page.evaluate("boomed"), 0);
    seen = new Set();
  },
);

const ARTICLES = (elements: { getAttribute(name: string): string | null }[]) =>
  elements.map((element) => element.getAttribute("data-seq") ?? "");

/** A type that is none does not even come in. */
async function assertRejectsType(
  client: { upload(options: object): Promise<unknown> },
  thread: number,
): Promise<void> {
  const type = 'image/png"onload="boom()';
  const outcome = await client.upload({ thread, name: "typed", content: new Blob(["x"]), type })
    .then(() => "taken", (error: Error) => error.name);
  assert(outcome !== "taken", outcome);
}

browserScenario(
  "the page's policy allows nothing inline and nothing to be evaluated",
  async (site) => {
    const server = await shared();
    const response = await fetch(server.web);
    const page = await response.text();
    const policy = response.headers.get("content-security-policy")!;
    assert(!policy.includes("unsafe"), policy);
    assert(policy.includes("default-src 'none'") && policy.includes("script-src 'self'"), policy);
    assert(!/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i.test(page), "nothing is inline");
    const walter = await site.visitor(server, { expected: /Content Security Policy|404/ });
    const ran = await walter.page.evaluate(`(async () => {
    globalThis.ran = [];
    const script = document.createElement("script");
    script.textContent = "ran.push('inline')";
    document.body.append(script);
    const image = document.createElement("div");
    image.innerHTML = "<img src=x onerror=\\"ran.push('handler')\\">";
    document.body.append(image);
    await new Promise((resolve) => setTimeout(resolve, 200));
    return ran;
  })()`);
    assertEquals(ran, []);
  },
);
