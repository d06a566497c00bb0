/**
 * The reference server, to be embedded: start it whole, and give its service the connections of other
 * listeners, if there are any.
 *
 * @module
 */

export type { ActivityFormat } from "./activity.ts";
export { CONFIG_DEFAULTS, type ServerConfig } from "./config.ts";
export { type RunningServer, StartError, type StartOptions, startServer } from "./server.ts";
export { FILE_LIMIT_DEFAULTS, type FileLimits } from "./files/file_limits.ts";
export { COUNTED, type Counted, type Counts } from "./counters.ts";
export {
  CONNECTIONS_PER_ADDRESS,
  LIMIT_DEFAULTS,
  type OperationLimits,
  SIGN_INS_PER_ADDRESS,
} from "./limits.ts";
export type { Relayed } from "./peers.ts";
export type { Visitor } from "./reception.ts";
export type { Service } from "./service.ts";
export type { Session } from "./session.ts";
export type { CertificateFiles } from "./listen/certificate.ts";
export { type Asset, assetOf, type Assets, assetsOf, readAssets } from "./web/assets.ts";
export type { WebConfig } from "./web_options.ts";
