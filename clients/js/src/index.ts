export { Channel, type ChannelEvents, type ChannelOptions, type PublishOptions } from "./channel.js";
export {
  Client,
  type ClientEvents,
  type ClientOptions,
  connect,
  type ConnectionInfo,
  type ConnectionState,
} from "./client.js";
export type { Off } from "./emitter.js";
export { type ErrorCode, HearthError } from "./errors.js";
export type * from "./generated/payloads.js";
export type * from "./messages.js";
export type { ChannelName } from "./names.js";
export type { ChannelState } from "./subscription.js";
export { type Streaming, textsOf } from "./texts.js";
export type { Token } from "./token.js";
