/**
 * How somebody who connects is received: with a connection of frames, and with one in text mode where no preface comes.
 *
 * @module
 */

import type { Handover } from "../protocol/link.ts";
import { FRAME_PAYLOAD_MAX } from "../protocol/message.ts";
import type { ChannelBinding } from "../protocol/scram.ts";
import {
  createServerConnection,
  type ServerConnectionOptions,
} from "../protocol/server_connection.ts";
import type { Zone } from "../protocol/terminal/moment.ts";
import { TEXT_LIMITS } from "../protocol/text.ts";
import {
  createTextConnection,
  type TextConnection,
} from "../protocol/text_mode/text_connection.ts";
import { isLoopback } from "./address.ts";
import type { Salt } from "./salter.ts";
import { createSession, type ServiceSession, type SessionEvents } from "./session.ts";
import type { SignInOptions } from "./sign_in.ts";

/** How people with a terminal are served. */
export interface TextModeOptions {
  /** Ms without a word after which such a session ends; 0 is never. */
  readonly idleTimeout: number;
  /** Whose time is shown. */
  readonly zone: Zone;
  /** Salts a password that was typed. */
  readonly salt: Salt;
}

/** Who connects. */
export interface Visitor {
  /** The address; lock-outs count by it. */
  readonly source: string;
  /**
   * Whether somebody on the way could read along; then no password, token or account is taken. Where it is
   * not said, only typed passwords are refused, unless they come from this machine itself.
   */
  readonly exposed?: boolean;
  /** The channel that proofs of passwords must be bound to. Then nobody types here. */
  readonly binding?: ChannelBinding;
  /** Now, in ms of the same clock as all inputs of the session. */
  readonly now: number;
  /** Called when there may be something to write, or all is over. */
  readonly wake: () => void;
}

/** What a reception is made with. */
export interface ReceptionOptions extends Pick<SignInOptions, "registration" | "random" | "clock"> {
  /** Program and version, for WELCOME. */
  readonly agent: string;
  /** Silence after which a client is asked for a sign of life, in ms. */
  readonly heartbeat: number;
  /** Ms without a command after which a session ends; 0 is never. */
  readonly idleTimeout: number;
  /** Text mode; without it, who does not begin with the preface is turned away. */
  readonly text?: TextModeOptions;
}

/** Makes sessions of visitors. */
export interface Reception {
  /** The session of a visitor. */
  receive(visitor: Visitor, events: SessionEvents): ServiceSession;
  /** Goes on with the stream of somebody who speaks no DFP/2. */
  goOn(session: ServiceSession, stream: Handover): TextConnection;
}

class Front implements Reception {
  readonly #options: ReceptionOptions;
  /** One for all sessions: there are many of them, and most do nothing. */
  readonly #welcome: ServerConnectionOptions["welcome"];
  #opened = 0;

  constructor(options: ReceptionOptions, commands: number) {
    this.#options = options;
    const { agent, heartbeat, registration } = options;
    this.#welcome = {
      server: agent,
      limits: { frame: FRAME_PAYLOAD_MAX, text: TEXT_LIMITS.bodyBytes, commands },
      heartbeat,
      mechanisms: ["SCRAM-SHA-256"],
      registration,
    };
  }

  receive({ source, exposed, binding, now, wake }: Visitor, events: SessionEvents): ServiceSession {
    const { random, idleTimeout, clock, text } = this.#options;
    const connection = createServerConnection({
      random,
      now,
      time: clock(),
      idleTimeout,
      welcome: this.#welcome,
      // What is typed is bound to nothing.
      text: text !== undefined && binding === undefined,
      ...binding !== undefined && { binding },
    });
    return createSession({
      connection,
      source,
      exposed,
      binding,
      order: ++this.#opened,
      now,
      events,
      wake,
    });
  }

  goOn({ source, exposed }: ServiceSession, stream: Handover): TextConnection {
    const { random, clock, text } = this.#options;
    const { idleTimeout, zone } = text!;
    return createTextConnection({
      stream,
      // What is typed can be read along, so where nothing is known it is only taken on this machine itself.
      secure: exposed === undefined ? isLoopback(source) : !exposed,
      random,
      time: clock(),
      zone,
      idleTimeout,
    });
  }
}

/** Makes a reception; on one connection so many commands may wait for their replies. */
export function createReception(options: ReceptionOptions, commands: number): Reception {
  return new Front(options, commands);
}
