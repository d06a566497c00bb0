/**
 * The client library: sign in to a forum, send commands, follow what happens.
 *
 * @module
 */

export type { ByteStream, Dial } from "./byte_stream.ts";
export { nodeEnv } from "../transport/node_suite.ts";
export { peerPorts } from "./connect/peer_port.ts";
export { dialTcp, type TcpAddress } from "./connect/tcp.ts";
export { dialTls, type TlsAddress } from "./connect/tls.ts";
export { type KnownServers, rememberInMemory, ServerKeyChanged } from "./connect/known_servers.ts";
export { dialUdp, type UdpAddress } from "./connect/udp.ts";
export { dialWebSocket, type WebSocketAddress } from "./connect/websocket.ts";
export { fileOfKnownServers, knownServersPath } from "./disk/known_servers.ts";
export type { FileContent, FileSource } from "./files/file_source.ts";
export type { IncomingFile } from "./files/incoming_file.ts";
export type { PeerSent } from "./peer/offering.ts";
export type { PeerFiles, PeerOffer, SendOptions } from "./peer/peer_files.ts";
export type { KnownPeers, OpenPeerPort, PeerOptions, PeerPort, Via } from "./peer/peer_host.ts";
export type { PeerIncoming, TakeOptions } from "./peer/taking.ts";
export {
  type CarryOptions,
  type ClientEvent,
  connectForum,
  type DownloadOptions,
  type ForumClient,
  type ForumClientOptions,
  ForumError,
  type UploadOptions,
} from "./forum_client.ts";
