/**
 * The reference server, to be embedded: start it whole, or take its service and bring other listeners.
 *
 * @module
 */

export { CONFIG_DEFAULTS, type ServerConfig } from "./config.ts";
export { type RunningServer, StartError, type StartOptions, startServer } from "./server.ts";
export { createService, type Service, type ServiceOptions, type Visitor } from "./service.ts";
export type { Session } from "./session.ts";
