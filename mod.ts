/**
 * The portable core of DFP/2, the Digital Forum Protocol: bytes and time in, transitions and bytes out.
 *
 * Nothing here opens a socket, reads a clock or rolls dice, so it runs wherever JavaScript does. A server
 * couples {@linkcode createServerConnection} to its sockets, and hands people with a terminal over to
 * {@linkcode createTextConnection}; a client couples {@linkcode createClientSession}
 * (or, for one link only, {@linkcode createClientConnection}); {@linkcode decide} and
 * {@linkcode evolve} are the forum itself; {@linkcode createEndpoint} makes a stream over UDP.
 *
 * @module
 */

export * from "./protocol/base64.ts";
export * from "./protocol/body.ts";
export * from "./protocol/catalogue.ts";
export * from "./protocol/client_connection.ts";
export * from "./protocol/client_session.ts";
export * from "./protocol/client_table.ts";
export * from "./protocol/connection.ts";
export { decodeAddress, encodeAddress } from "./protocol/datagram/address.ts";
export * from "./protocol/datagram/close_code.ts";
export * from "./protocol/datagram/congestion.ts";
export * from "./protocol/datagram/connection.ts";
export * from "./protocol/datagram/datagram_table.ts";
export * from "./protocol/datagram/endpoint.ts";
export { type Window, WINDOW_DEFAULT } from "./protocol/datagram/flow.ts";
export {
  handshakeBinding,
  type OfferPeer,
  type Peer,
  type ServerPeer,
} from "./protocol/datagram/handshake.ts";
export { nobleSuite } from "./protocol/datagram/noble_suite.ts";
export type { Role as HandshakeRole } from "./protocol/datagram/noise.ts";
export type { RekeyLimits } from "./protocol/datagram/packet_keys.ts";
export type { Candidate, Punch, PunchOptions, PunchTransition } from "./protocol/datagram/punch.ts";
export type { StrangerLimits } from "./protocol/datagram/strangers.ts";
export {
  type Aead,
  createKeyPair,
  type Env,
  type KeyPair,
  type Suite,
} from "./protocol/datagram/suite.ts";
export * from "./protocol/forum/command.ts";
export * from "./protocol/forum/command_schema.ts";
export * from "./protocol/forum/decide.ts";
export * from "./protocol/forum/event.ts";
export * from "./protocol/forum/event_schema.ts";
export * from "./protocol/forum/evolve.ts";
export * from "./protocol/forum/memory_state.ts";
export * from "./protocol/forum/policy.ts";
export * from "./protocol/forum/reply.ts";
export {
  type Credential,
  digest,
  // A message of the protocol bears the name already.
  type Message as StoredMessage,
  type SharedFile,
  type State,
  type Thread,
  type User,
  type View,
} from "./protocol/forum/state.ts";
export * from "./protocol/frame.ts";
export type { Handover } from "./protocol/link.ts";
export * from "./protocol/lockout.ts";
export * from "./protocol/message.ts";
export * from "./protocol/rate.ts";
export * from "./protocol/receive_buffer.ts";
export { RETRY_FIRST, RETRY_MAX } from "./protocol/reconnect_backoff.ts";
export { refusedBody } from "./protocol/refused.ts";
export * from "./protocol/schema.ts";
export {
  type ChannelBinding,
  type ClientFirst,
  readClientFirst,
  SCRAM_LIMITS,
  type ScramFault,
} from "./protocol/scram.ts";
export * from "./protocol/scram_client.ts";
export * from "./protocol/scram_server.ts";
export * from "./protocol/server_connection.ts";
export * from "./protocol/server_table.ts";
export * from "./protocol/session.ts";
export * from "./protocol/status.ts";
export type { Zone } from "./protocol/terminal/moment.ts";
export * from "./protocol/text.ts";
export * from "./protocol/peer/offer_context.ts";
export * from "./protocol/peer/peer_stream.ts";
export * from "./protocol/peer/peer_table.ts";
export * from "./protocol/peer/relay_queue.ts";
export * from "./protocol/peer/start_delays.ts";
export * from "./protocol/transfer/receiver.ts";
export * from "./protocol/transfer/sender.ts";
export * from "./protocol/transfer/shrinking.ts";
export * from "./protocol/transfer/transfer_table.ts";
export * from "./protocol/transfer/transfers.ts";
export type { Salting } from "./protocol/text_mode/secrets.ts";
export * from "./protocol/text_mode/text_connection.ts";
export * from "./protocol/text_mode/text_table.ts";
export type { TransmitBuffer } from "./protocol/transmit_buffer.ts";
export {
  createVerifier,
  fakeVerifier,
  normalizePassword,
  saltPassword,
  type Verifier,
} from "./protocol/verifier.ts";
