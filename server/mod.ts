/**
 * The reference server, to be embedded: start it whole, and give its service the connections of other
 * listeners, if there are any.
 *
 * @module
 */

export type { ActivityFormat } from "./activity.ts";
export { CONFIG_DEFAULTS, type ServerConfig } from "./config.ts";
export { type RunningServer, StartError, type StartOptions, startServer } from "./server.ts";
export type { Service, Visitor } from "./service.ts";
export type { Session } from "./session.ts";
