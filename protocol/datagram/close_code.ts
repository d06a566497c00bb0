/**
 * The codes of CLOSE. Below 256 they are the transport's own, as here; from 256 on the application's.
 *
 * @module
 */

/** The transport's codes: the number, and a sentence for people. */
export const CLOSE_CODES = {
  done: { code: 0, text: "The connection has ended." },
  malformed: { code: 1, text: "A packet could not be understood." },
  "impossible-ack": { code: 2, text: "Something was acknowledged that was never sent." },
  flow: { code: 3, text: "More was sent than was allowed." },
  "final-size": { code: 4, text: "The stream has two ends." },
  contradiction: { code: 5, text: "The stream says two things in one place." },
  cids: { code: 6, text: "Connection ids were used against the rules." },
  forgeries: { code: 7, text: "Too many packets were not genuine." },
} as const;

/** The name of a code of the transport. */
export type CloseName = keyof typeof CLOSE_CODES;

/** The first code that an application may give a meaning. */
export const FIRST_APPLICATION_CODE = 256;

/** Why a connection is over. */
export interface DatagramEnding {
  /**
   * `us`: closed here; `peer`: closed by the peer; `fault`: the peer broke a rule; `silence`: nothing was heard for
   * too long; `reset`: the peer does not know the connection any more, as after a restart; `unreachable`: the
   * handshake never came through.
   */
  readonly by: "us" | "peer" | "fault" | "silence" | "reset" | "unreachable";
  /** The code of CLOSE; 0 where there was none. */
  readonly code: number;
  /** A sentence for people; from the peer it is what the peer has sent. */
  readonly text: string;
}
