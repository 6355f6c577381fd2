export type { Shown } from "./entries.js";
export { HearthProvider } from "./provider.js";
export { type ChannelView, useChannel, type UseChannelOptions } from "./use-channel.js";
