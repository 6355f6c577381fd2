import { useCallback, useMemo } from "react";
import type { AnyMessage, PayloadsOf } from "../messages.js";
import { type Notice, noticesOf } from "../notices.js";
import type { Shown } from "./entries.js";
import type { Shows } from "./stores.js";
import { type ChannelView, useShown, type UseChannelOptions } from "./use-channel.js";

type Id = string | number;
type Types = PayloadsOf<"/notifications">;

export interface NotificationsView
  extends Pick<ChannelView<Types>, "state" | "error" | "hasMore" | "isLoadingMore" | "loadMore"> {
  /** One's own notifications, oldest first, each with `isRead`. */
  notifications: readonly Notice<Shown<AnyMessage<Types>>>[];
  /** How many of them aren't read. */
  unread: number;
  /** Mark notifications as read by their ids, on all of one's devices. */
  markRead: (...ids: Id[]) => void;
  markAllRead: () => void;
}

const HISTORY = 100;
const OWN: Shows = { namespace: "/notifications" };

/** Show one's own notifications; what is read on one device is read on all. */
export function useNotifications(options?: UseChannelOptions): NotificationsView {
  const view = useShown<Types>(OWN, options?.history ?? HISTORY);
  const { messages, send, state, error, hasMore, isLoadingMore, loadMore } = view;
  const notifications = useMemo(() => noticesOf(messages), [messages]);
  const unread = notifications.filter(({ isRead }) => !isRead).length;
  const markRead = useCallback(
    (...ids: Id[]) => {
      if (ids.length > 0) send("notification_read", { ids });
    },
    [send],
  );
  const markAllRead = useCallback(() => send("notification_read", { all: true }), [send]);
  return { notifications, unread, markRead, markAllRead, state, error, hasMore, isLoadingMore, loadMore };
}
