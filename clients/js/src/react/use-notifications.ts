import { useCallback, useMemo } from "react";
import { HearthError } from "../errors.js";
import type { AnyMessage, PayloadsOf } from "../messages.js";
import { type Notice, noticesOf } from "../notices.js";
import { checked, SHOW } from "../options.js";
import type { Shown } from "./entries.js";
import type { Shows } from "./stores.js";
import { type ChannelView, useShown, type UseChannelOptions } from "./use-channel.js";
import { useClient } from "./use-client.js";

type Id = string | number;
type Types = PayloadsOf<"/notifications">;

export interface NotificationsView
  extends Pick<ChannelView<Types>, "state" | "error" | "hasMore" | "isLoadingMore" | "loadMore"> {
  /** One's own notifications, oldest first, each with `isRead`. */
  notifications: readonly Notice<Shown<AnyMessage<Types>>>[];
  /** How many of them aren't read. */
  unread: number;
  /** Mark notifications as read by their ids, on all of one's devices; one without is the client's error. */
  markRead: (...ids: Id[]) => void;
  markAllRead: () => void;
}

const HISTORY = 100;
const NAMELESS = "A notification that has no id can't be marked as read by itself, but with all.";
const OWN: Shows = { namespace: "/notifications" };

/** Show one's own notifications; what is read on one device is read on all. */
export function useNotifications(options?: UseChannelOptions): NotificationsView {
  const client = useClient();
  const view = useShown<Types>(OWN, checked(SHOW, options).history ?? HISTORY);
  const { messages, send, state, error, hasMore, isLoadingMore, loadMore } = view;
  const notifications = useMemo(() => noticesOf(messages), [messages]);
  const unread = notifications.filter(({ isRead }) => !isRead).length;
  const markRead = useCallback(
    (...ids: Id[]) => {
      const named = ids.filter((id) => id != null);
      if (named.length > 0) send("notification_read", { ids: named });
      // It may well be one that somebody has sent without: no reason to end the page.
      if (named.length < ids.length) client.tell(HearthError.of("ids", NAMELESS));
    },
    [client, send],
  );
  const markAllRead = useCallback(() => send("notification_read", { all: true }), [send]);
  return { notifications, unread, markRead, markAllRead, state, error, hasMore, isLoadingMore, loadMore };
}
