/**
 * Messages as HTML: a small part of Markdown, by marked, and behind it DOMPurify with a short list of what
 * may be there at all. Each alone would keep what others write from doing anything; a mistake in one is
 * caught by the other, and what both let through by the page's Content-Security-Policy.
 *
 * @module
 */

import DOMPurify from "dompurify";
import { Marked, type Tokens } from "marked";
import { fold } from "../../protocol/text.ts";
import { emojiNamed } from "./state/emoji.ts";

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => escapes[sign]);
}

const SAFE_LINK = /^(?:https?:\/\/|mailto:)/i;
const MENTION = /^@([\p{L}\p{N}](?:[\p{L}\p{M}\p{N}_.-]{0,31}))/u;
const EMOJI_NAME = /^:([a-z0-9_+-]{1,30}):/;

function createMarked(): Marked {
  return new Marked({
    gfm: true,
    breaks: true,
    extensions: [
      {
        name: "mention",
        level: "inline",
        start: (text: string) => text.search(/(?<![\p{L}\p{N}_@/.+-])@/u),
        tokenizer(text: string) {
          const match = MENTION.exec(text);
          if (match === null) return undefined;
          const name = match[1].replace(/[.-]+$/, "");
          return { type: "mention", raw: `@${name}`, user: name };
        },
        renderer: ({ user }) => `<span class="mention">@${escaped(user)}</span>`,
      },
      {
        name: "emoji",
        level: "inline",
        start: (text: string) => text.indexOf(":"),
        tokenizer(text: string) {
          const match = EMOJI_NAME.exec(text);
          const emoji = match === null ? undefined : emojiNamed(match[1]);
          return emoji === undefined ? undefined : { type: "emoji", raw: match![0], emoji };
        },
        renderer: ({ emoji }) => escaped(emoji),
      },
    ],
    renderer: {
      // What looks like HTML is what somebody has typed.
      html: ({ text }: Tokens.HTML | Tokens.Tag) => escaped(text),
      image({ href, text }: Tokens.Image) {
        return link(href, escaped(text || href));
      },
      link({ href, tokens }: Tokens.Link) {
        return link(href, this.parser.parseInline(tokens));
      },
      heading({ tokens }: Tokens.Heading) {
        return `<p><strong>${this.parser.parseInline(tokens)}</strong></p>`;
      },
      checkbox: ({ checked }: Tokens.Checkbox) => checked ? "☑ " : "☐ ",
      code: ({ text }: Tokens.Code) => `<pre><code>${escaped(text)}</code></pre>`,
    },
  });
}

function link(href: string, inner: string): string {
  return SAFE_LINK.test(href) ? `<a href="${escaped(href)}">${inner}</a>` : inner;
}

const TAGS = "p br strong em del code pre blockquote ul ol li a span hr table thead tbody tr th td"
  .split(" ");
const ATTRIBUTES = ["href", "class", "start", "target", "rel"];
const CLASSES: ReadonlySet<string> = new Set(["mention", "mention mine"]);

/** Makes HTML of messages. */
export interface Markdown {
  /** HTML that can be put into a page, `undefined` if the parser gives up; `me` is the name that is set off. */
  render(text: string, me: string): string | undefined;
}

/** Makes a renderer for the document of a window. */
export function createMarkdown(window: Parameters<typeof DOMPurify>[0]): Markdown {
  const marked = createMarked();
  const purify = DOMPurify(window);
  purify.addHook("uponSanitizeAttribute", (_node, attribute) => {
    if (attribute.attrName === "class") attribute.keepAttr = CLASSES.has(attribute.attrValue);
  });
  purify.addHook("afterSanitizeAttributes", (node) => {
    if (node.nodeName !== "A") return;
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  });
  return {
    render(text, me) {
      let html: string;
      try {
        html = marked.parse(text, { async: false });
      } catch {
        // It has gone deeper than its stack: the text itself is shown.
        return undefined;
      }
      const clean = purify.sanitize(html, {
        ALLOWED_TAGS: TAGS,
        ALLOWED_ATTR: ATTRIBUTES,
        ALLOWED_URI_REGEXP: SAFE_LINK,
        ALLOW_DATA_ATTR: false,
        ALLOW_ARIA_ATTR: false,
      });
      const mine = fold(me);
      return clean.replace(
        /<span class="mention">@([^<]*)<\/span>/g,
        (whole, name) => fold(name) === mine ? `<span class="mention mine">@${name}</span>` : whole,
      );
    },
  };
}
