/**
 * The text of a message. Text is never HTML here: what has some Markdown in it goes through markdown.ts,
 * everything else is put into the page as text.
 *
 * @module
 */

import { useMemo } from "preact/hooks";
import { useApp, useForum } from "../app.ts";
import { isModest } from "../state/modest.ts";

/** Without one of these nothing would come of Markdown. */
const MAY_BE_MARKDOWN = /[*_`~#>[\]\\|<&:@+=-]|https?:|www\.|^\s*\d+[.)]|^ {4}|^\t/m;
/** One to three emoji alone are shown large. */
const ONLY_EMOJI =
  /^(?:\p{Extended_Pictographic}(?:[\u200d\ufe0f\u{1f3fb}-\u{1f3ff}]|\p{Extended_Pictographic})*\s*){1,3}$/u;

/** A message's text. */
export function Body({ text }: { text: string }) {
  const app = useApp();
  const { me } = useForum();
  const wanted = MAY_BE_MARKDOWN.test(text) && isModest(text);
  if (wanted) app.markdown.want();
  const markdown = wanted ? app.markdown.value : undefined;
  const html = useMemo(() => markdown?.render(text, me), [markdown, text, me]);
  if (html !== undefined) {
    // deno-lint-ignore react-no-danger -- it comes out of DOMPurify
    return <div class="body" dangerouslySetInnerHTML={{ __html: html }} />;
  }
  const large = text.length <= 40 && ONLY_EMOJI.test(text);
  return <div class={large ? "body plain large" : "body plain"}>{text}</div>;
}
