/**
 * Which input of the server's table something is that has come over the link (server_table.ts).
 *
 * @module
 */

import type { Register } from "./body.ts";
import type { Ending } from "./connection.ts";
import { ending } from "./ending.ts";
import type { Command } from "./forum/command.ts";
import type { LinkInput } from "./link.ts";
import { type Message, type MessageOf, PREFACE, VERSION } from "./message.ts";
import { type ClientFirst, readClientFirst } from "./scram.ts";
import type { ServerInput } from "./server_table.ts";
import { type Refusal, refuse } from "./status.ts";
import type { TransferMessage } from "./transfer/transfers.ts";

/** An input of the table, with what belongs to it. */
export interface GivenInput {
  readonly input: ServerInput;
  /** Where in the client's stream it stands. */
  readonly offset?: number;
  readonly agent?: string;
  readonly id?: number;
  readonly command?: Command;
  readonly refusal?: Refusal;
  readonly registration?: Register;
  readonly token?: string;
  readonly user?: string;
  readonly ending?: Ending;
  readonly clientFirst?: ClientFirst;
  readonly transfer?: TransferMessage;
  readonly relay?: MessageOf<"relay">;
}

/** Which input of the table this is. */
export function classify(pulled: LinkInput): GivenInput {
  switch (pulled.input) {
    case "line":
      return { input: pulled.line + "\r\n" === PREFACE ? "preface" : "stranger" };
    case "other":
      return { input: "other" };
    case "fault":
      return { input: "fault", ending: pulled };
    case "end":
      return { input: "end", ending: ending("lost") };
    case "silent":
      return { input: "silent", ending: ending("silent") };
    case "finished":
      return { input: "finished" };
    case "bad-command": {
      const { status, text, field } = pulled.fault;
      const refusal = refuse(status, text, field === undefined ? undefined : { field });
      return { input: "bad-command", id: pulled.request, refusal, offset: pulled.offset };
    }
  }
  return { ...classifyMessage(pulled.message), offset: pulled.offset };
}

function classifyMessage(message: Message): GivenInput {
  switch (message.kind) {
    case "hello":
      return message.body.version === VERSION
        ? { input: "hello", agent: message.body.agent }
        : { input: "other-version", ending: ending("bad-version") };
    case "login": {
      const clientFirst = readClientFirst(message.body.scram);
      return "fault" in clientFirst
        ? { input: "bad-login", refusal: refuse("bad-message", clientFirst.text) }
        : { input: "login", clientFirst };
    }
    case "register":
      return { input: "register", registration: message.body };
    case "resume":
      return { input: "resume", token: message.body.token };
    case "command":
      return { input: "command", id: message.id, command: message.body };
    case "data":
    case "packed":
    case "credit":
    case "finish":
    case "abort":
      return { input: "transfer", transfer: message };
    case "relay":
      return { input: "relay", relay: message };
    case "bye":
      return { input: "bye", ending: ending("goodbye", message.body.reason) };
    default:
      // The catalogue has refused what only a server sends.
      throw new Error(`${message.kind} has come from a client`);
  }
}
