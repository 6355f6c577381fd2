export type { Shown } from "./entries.js";
export { HearthProvider } from "./provider.js";
export type { ViewState } from "./store.js";
export { type ChannelView, useChannel, type UseChannelOptions } from "./use-channel.js";
export { useClient, useConnection } from "./use-client.js";
export { type NotificationsView, useNotifications } from "./use-notifications.js";
export { type TypingView, useTyping } from "./use-typing.js";
