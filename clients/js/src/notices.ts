/** Notifications, and which of them have been read: on whichever of a user's devices. */

/** As much of a message as tells that. */
interface Entry {
  type: string;
  data: object;
  status?: string;
}

/** A notification as it is shown. */
export type Notice<M extends object> = M & { isRead: boolean };

/**
 * The notifications among messages in their order, each with whether a later `notification_read`
 * names it or all. One that has no `id` is read with all.
 */
export function noticesOf<M extends Entry>(messages: readonly M[]): Notice<M>[] {
  const read = new Set<string>();
  let isAllRead = false;
  const notices: Notice<M>[] = [];
  for (const message of [...messages].reverse()) {
    const data = message.data as { id?: unknown; ids?: unknown; all?: unknown };
    if (message.type === "notification_read") {
      if (message.status === "failed") continue;
      isAllRead ||= data.all === true;
      // 7 and "7" are the same id.
      if (Array.isArray(data.ids)) for (const id of data.ids) read.add(String(id));
    } else {
      const isNamed = data.id !== undefined && read.has(String(data.id));
      notices.push({ ...message, isRead: isAllRead || isNamed });
    }
  }
  return notices.reverse();
}
