/**
 * The rules for what people type (DESIGN §6): user names, thread titles, messages, reactions, search
 * words, reasons, passwords, and what files are called. Each `check…` takes any string and gives the form to keep, or a
 * {@linkcode TextFault} that says what to do instead. Checking what a check gave changes nothing.
 *
 * Lines of text keep emoji, joined ones too, and the joiners that Persian, Sinhala and others write
 * between letters; they refuse every other character that cannot be seen, since such characters make
 * different titles look the same. Which characters are assigned depends on the Unicode version of the
 * runtime: check where a text comes in, never again where it is replayed.
 *
 * @module
 */

/** The limits of each kind of text. */
export const TEXT_LIMITS = {
  /** The longest user name, in code points after NFC. */
  nameCodePoints: 32,
  /** The longest thread title, in code points after NFC. */
  titleCodePoints: 120,
  /** The longest message, in bytes of UTF-8. */
  bodyBytes: 65_536,
  /** The longest emoji reaction, in code points after NFC. */
  reactionCodePoints: 16,
  /** The longest name between the colons of a reaction like `:+1:`, in characters. */
  reactionNameLength: 30,
  /** The longest search, in code points after NFC. */
  searchCodePoints: 200,
  /** The longest reason for an act of moderation, in code points after NFC. */
  whyCodePoints: 300,
  /** The longest password, in code points after NFC. */
  passwordCodePoints: 256,
  /** The longest file name, in code points after NFC. */
  fileNameCodePoints: 255,
  /** The longest media type, in characters. */
  mediaTypeLength: 127,
  /** The most users that one message can mention. */
  mentions: 32,
} as const;

/** Why a text is refused. */
export interface TextFault {
  /** One sentence for people: what the text must be. */
  readonly complaint: string;
}

const complain = (complaint: string): TextFault => ({ complaint });

const NOT_UNICODE = complain("The text holds half a character: type or paste it again.");

// ASCII needs no table of Unicode: most texts are settled by one of these.
const ASCII = /^[\0-\x7f]*$/;
const ASCII_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,30}[A-Za-z0-9_])?$/;
const ASCII_LINE = /^[!-~](?:[ -~]*[!-~])?$/;

/** Letters, marks and digits that can be seen, and `_`, `-`, `.` where they cannot be taken for more. */
const NAME_CHARACTER = String.raw`\p{L}\p{Mn}\p{Mc}\p{Nd}_.\-`;
const NAME = new RegExp(
  String.raw`^(?!.*\p{DI})[\p{L}\p{Nd}](?:[${NAME_CHARACTER}]*[\p{L}\p{Mn}\p{Mc}\p{Nd}_])?$`,
  "u",
);

/** Emoji by their form (UTS 51 ED-15a), so that those younger than the runtime pass as well. */
const PICTOGRAPH = String.raw`\p{ExtPict}(?:\p{EMod}|[\uFE0E\uFE0F])?`;
const EMOJI = [
  // The flags of England, Scotland and Wales: the only use of tags, which could else hide a text.
  String.raw`\u{1F3F4}[\u{E0061}-\u{E007A}]{3,6}\u{E007F}`,
  String.raw`${PICTOGRAPH}(?:\u200D${PICTOGRAPH})*`,
  String.raw`\p{RI}\p{RI}`,
  String.raw`[0-9#*]\uFE0F?\u20E3`,
].join("|");
const ALL_EMOJI = new RegExp(EMOJI, "gu");
const ALL_LETTER_JOINERS = /(?<=[\p{L}\p{M}])[\u200C\u200D](?=[\p{L}\p{M}])/gu;

/** Controls, formats, private, unassigned, surrogates; line and paragraph ends; what leaves no mark. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{DI}]/u;
/** Something that leaves a mark. U+2800 is a Braille cell without dots. */
const SEEN = /[^\s\p{Cc}\p{DI}\u2800]/u;

const ONE_CHARACTER = new RegExp(String.raw`^(?:${EMOJI}|[\p{L}\p{N}\p{P}\p{S}]\p{M}*)$`, "u");
const REACTION_NAME = /^:[a-z0-9_+-]{1,30}:$/;

// deno-lint-ignore no-control-regex -- the control characters are what it looks for
const BODY_CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f]/;

/** NFC, or `undefined` where that cannot be within the limit: it never shortens to less than a quarter. */
function normalizeWithin(value: string, codePoints: number): string | undefined {
  if (value.length > codePoints * 8) return undefined;
  const normal = value.normalize("NFC");
  let count = normal.length;
  // The second half of a pair is not a character of its own.
  for (let at = 1; at < normal.length; at++) {
    if ((normal.charCodeAt(at) & 0xfc00) === 0xdc00) count--;
  }
  return count <= codePoints ? normal : undefined;
}

function hidesSomething(value: string): boolean {
  return UNSEEN.test(value.replace(ALL_EMOJI, " ").replace(ALL_LETTER_JOINERS, ""));
}

/** One line of text without invisible characters: what titles, searches and reasons have in common. */
function checkLine(
  value: string,
  { what, codePoints }: { what: string; codePoints: number },
): string | TextFault {
  const line = value.trim();
  if (line.length <= codePoints && ASCII_LINE.test(line)) return line;
  if (!line.isWellFormed()) return NOT_UNICODE;
  const normal = normalizeWithin(line, codePoints);
  if (normal === undefined) return complain(`${what} has at most ${codePoints} characters.`);
  if (hidesSomething(normal)) {
    return complain(`${what} is one line without control or invisible characters: type it again.`);
  }
  if (!SEEN.test(normal)) return complain(`${what} needs a character that can be seen.`);
  return normal;
}

/**
 * The form in which names and titles are compared: two that fold alike are the same one. Case, width,
 * composition, runs of spaces and invisible characters do not count. For keys only, never shown.
 *
 * @example
 * ```ts
 * import { fold } from "./text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(fold("Straße"), fold("STRASSE"));
 * ```
 */
export function fold(name: string): string {
  if (ASCII.test(name)) return name.toLowerCase().replace(/ {2,}/g, " ");
  // Lower case first: ẞ has no other upper case, while its lower case ß has SS.
  return name.replace(/\p{DI}/gu, "").normalize("NFKC").toLowerCase().toUpperCase().toLowerCase()
    .normalize("NFKC").replace(/\p{Zs}+/gu, " ");
}

/**
 * A user name: 1 to 32 letters, marks, digits, `_`, `-` and `.`, with a letter or a digit first and no
 * `-` or `.` last, so that a mention ends where the name does.
 *
 * @example
 * ```ts
 * import { checkName } from "./text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(checkName("Zoe\u0308"), "Zoë");
 * assertEquals(typeof checkName("../x"), "object");
 * ```
 */
export function checkName(value: string): string | TextFault {
  if (ASCII_NAME.test(value)) return value;
  if (!value.isWellFormed()) return NOT_UNICODE;
  const { nameCodePoints } = TEXT_LIMITS;
  const name = normalizeWithin(value, nameCodePoints);
  if (name === undefined || name === "") {
    return complain(`A user name has 1 to ${nameCodePoints} characters.`);
  }
  // Some letters fold to more than letters: to a space, say. Keys made of names stay free of those.
  return NAME.test(name) && NAME.test(fold(name)) ? name : complain(
    "A user name is made of letters, digits, _ - and . only, with a letter or a digit first and no - or . last.",
  );
}

/** A thread title: 1 to 120 code points on one line, trimmed. It is text, and never becomes a path. */
export function checkTitle(value: string): string | TextFault {
  return checkLine(value, { what: "A thread title", codePoints: TEXT_LIMITS.titleCodePoints });
}

/** Words to search for: 1 to 200 code points on one line, trimmed. */
export function checkSearch(value: string): string | TextFault {
  return checkLine(value, { what: "A search", codePoints: TEXT_LIMITS.searchCodePoints });
}

/** The reason for an act of moderation: at most 300 code points on one line, trimmed, perhaps empty. */
export function checkWhy(value: string): string | TextFault {
  if (value.trim() === "") return "";
  return checkLine(value, { what: "A reason", codePoints: TEXT_LIMITS.whyCodePoints });
}

/**
 * The body of a message: 1 to 65,536 bytes of UTF-8 that are not all white space, and no controls but
 * tabs and line ends. Line ends become `\n`; all else stays as typed.
 */
export function checkBody(value: string): string | TextFault {
  const { bodyBytes } = TEXT_LIMITS;
  const body = value.includes("\r") ? value.replace(/\r\n?/g, "\n") : value;
  // A UTF-16 unit takes one to three bytes: only what lies between needs to be counted.
  if (body.length > bodyBytes || (body.length * 3 > bodyBytes && utf8Length(body) > bodyBytes)) {
    return complain(`A message has at most ${bodyBytes} bytes: send it in parts, or as a file.`);
  }
  if (!body.isWellFormed()) return NOT_UNICODE;
  if (BODY_CONTROL.test(body)) {
    return complain("A message has no control characters but tabs and line ends: take them out.");
  }
  return SEEN.test(body) ? body : complain("A message needs a character that can be seen.");
}

/**
 * A reaction: one character as people see it, at most 16 code points, or a short name like `:+1:`, 1 to
 * 30 of `a-z`, `0-9`, `_`, `+` and `-` between colons.
 */
export function checkReaction(value: string): string | TextFault {
  if (REACTION_NAME.test(value)) return value;
  if (!value.isWellFormed()) return NOT_UNICODE;
  const reaction = normalizeWithin(value, TEXT_LIMITS.reactionCodePoints);
  return reaction !== undefined && ONE_CHARACTER.test(reaction) && !hidesSomething(reaction)
    ? reaction
    : complain("A reaction is one emoji or one character, or a name like :+1: between colons.");
}

/**
 * A password in the form that is hashed: OpaqueString of RFC 8265 §4.2, in which every space is U+0020
 * and the rest is NFC, 1 to 256 code points without control characters. It does not look for the other
 * characters that the RFC leaves out, which depend on the Unicode version: a password must open the same
 * account on every machine.
 */
export function checkPassword(value: string): string | TextFault {
  const { passwordCodePoints } = TEXT_LIMITS;
  if (!value.isWellFormed()) return NOT_UNICODE;
  const password = normalizeWithin(value.replace(/\p{Zs}/gu, " "), passwordCodePoints);
  if (password === undefined || password === "") {
    return complain(`A password has 1 to ${passwordCodePoints} characters.`);
  }
  return /\p{Cc}/u.test(password)
    ? complain("A password has no control characters: type it again.")
    : password;
}

/**
 * A file name: 1 to 255 code points with something to see in them. It is a label that stands in events and
 * is shown, never a path, so that path separators, controls and all else may occur; whoever saves a file
 * makes a name of its own of it.
 *
 * @example
 * ```ts
 * import { checkFileName } from "./text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(checkFileName("../Zoe\u0308.txt"), "../Zoë.txt");
 * assertEquals(typeof checkFileName(" "), "object");
 * ```
 */
export function checkFileName(value: string): string | TextFault {
  const { fileNameCodePoints } = TEXT_LIMITS;
  if (!value.isWellFormed()) return NOT_UNICODE;
  const name = normalizeWithin(value, fileNameCodePoints);
  if (name === undefined) {
    return complain(`A file name has at most ${fileNameCodePoints} characters: shorten it.`);
  }
  return SEEN.test(name) ? name : complain("A file name needs a character that can be seen.");
}

/** A token as RFC 2045 has it: ASCII that can be seen, without its special characters. */
const TOKEN = "[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+";
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}$`);

/** A media type like `image/png`: two tokens without parameters, at most 127 characters, in lower case. */
export function checkMediaType(value: string): string | TextFault {
  const { mediaTypeLength } = TEXT_LIMITS;
  return value.length <= mediaTypeLength && MEDIA_TYPE.test(value) ? value.toLowerCase() : complain(
    `A media type is like image/png, without parameters, and has at most ${mediaTypeLength} characters.`,
  );
}

/** The length of a text in bytes of UTF-8, half a pair counted as U+FFFD, as an encoder writes it. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes++;
    // A pair is two units and four bytes, anything else here is one unit and three.
    else if (unit < 0xd800 || unit > 0xdbff || (text.charCodeAt(at + 1) & 0xfc00) !== 0xdc00) {
      bytes += 2;
    } else {
      bytes += 2;
      at++;
    }
  }
  return bytes;
}

const MENTION = new RegExp(
  String.raw`(?<![\p{N}+/@${NAME_CHARACTER}])@([${NAME_CHARACTER}]+)(?![@${NAME_CHARACTER}])`,
  "gu",
);

/**
 * The folded names after an `@`, each once, the first 32, in the order of the text. An `@` inside a word
 * does not count, so an e-mail address mentions nobody. Whether these users exist is not looked at.
 *
 * @example
 * ```ts
 * import { mentions } from "./text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(mentions("@Ann, ask @bob. Mail me@example.org, @ann!"), ["ann", "bob"]);
 * ```
 */
export function mentions(text: string): string[] {
  const names = new Set<string>();
  if (!text.includes("@")) return [];
  for (const [, run] of text.matchAll(MENTION)) {
    const name = checkName(run.replace(/[.-]+$/, ""));
    if (typeof name === "string") names.add(fold(name));
    if (names.size === TEXT_LIMITS.mentions) break;
  }
  return [...names];
}
