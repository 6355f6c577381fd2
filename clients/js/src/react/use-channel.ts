import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { HearthError } from "../errors.js";
import type { AnyMessage, Draft, Member, NamespaceName, PayloadsOf, Types } from "../messages.js";
import type { ChannelState } from "../subscription.js";
import type { Shown } from "./entries.js";
import { useStores } from "./provider.js";
import { EMPTY } from "./store.js";
import type { Shows } from "./stores.js";

const HISTORY = 50;

export interface UseChannelOptions {
  /** How many of the newest messages to begin with; 50 if left out. */
  history?: number;
}

export interface ChannelView<T extends Types> {
  /** What history keeps of the channel, in order, and at the end what one has sent oneself. */
  messages: readonly Shown<AnyMessage<T>>[];
  members: readonly Member[];
  memberCount: number;
  state: ChannelState;
  /** Why the channel is refused or closed. */
  error: HearthError | undefined;
  /** Publish; the message shows at once as `pending`, and as `failed` when that fails. */
  send: <E extends keyof T & string>(type: E, data: Draft<T[E]>, options?: { action?: string }) => void;
  /** Publish a failed message again. */
  resend: (message: { nonce?: string }) => void;
  /** Whether history may have older messages than are shown. */
  hasMore: boolean;
  isLoadingMore: boolean;
  /** Show older messages, 50 if left out; resolves with whether there are yet older ones. */
  loadMore: (limit?: number) => Promise<boolean>;
}

/** Show a channel: it is joined as long as some component does. */
export function useChannel<N extends NamespaceName, T extends Types = PayloadsOf<N>>(
  namespace: N,
  channel: string,
  { history = HISTORY }: UseChannelOptions = {},
): ChannelView<T> {
  return useShown<T>(namespace, channel, history);
}

/** Show a channel; one without a name is that of one's own notifications. */
export function useShown<T extends Types>(namespace: NamespaceName, name: string, history: number): ChannelView<T> {
  const stores = useStores();
  const shows = useMemo<Shows>(() => ({ namespace, name }), [namespace, name]);
  const subscribe = useCallback(
    (listener: () => void) => stores.subscribe(shows, history, listener),
    [stores, shows, history],
  );
  const snapshot = useSyncExternalStore(subscribe, () => stores.read(shows), () => EMPTY);
  const actions = useMemo(
    () => ({
      send: ((type, data, options = {}) =>
        stores.send(shows, history, type, data as object, options.action)) as ChannelView<T>["send"],
      resend: (message: { nonce?: string }) => stores.resend(shows, message),
      loadMore: (limit = HISTORY) => stores.loadMore(shows, limit),
    }),
    [stores, shows, history],
  );
  return useMemo(() => {
    const { messages, members, memberCount, state, error, hasMore, isLoadingMore } = snapshot;
    const shown = messages as unknown as ChannelView<T>["messages"];
    return { messages: shown, members, memberCount, state, error, hasMore, isLoadingMore, ...actions };
  }, [snapshot, actions]);
}
