import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { HearthError } from "../errors.js";
import type { AnyMessage, Draft, Member, NamespaceName, PayloadsOf, Types } from "../messages.js";
import { type ChannelName, nameOf } from "../names.js";
import { checked, SEND, SHOW } from "../options.js";
import type { Shown } from "./entries.js";
import { useStores } from "./provider.js";
import { EMPTY, IDLE, type Snapshot, type ViewState } from "./store.js";
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
  /** The channel's, or `idle` as long as the hook is given none. */
  state: ViewState;
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

/**
 * Show a channel: it is joined as long as some component does.
 *
 * @param channel its name; as long as that is undefined or null, nothing is joined, and the state is `idle`
 */
export function useChannel<N extends NamespaceName, T extends Types = PayloadsOf<N>>(
  namespace: N,
  channel: ChannelName | null | undefined,
  options?: UseChannelOptions,
): ChannelView<T> {
  const shows = useMemo<Shows | undefined>(
    () => (channel == null ? undefined : { namespace, name: nameOf(channel) }),
    [namespace, channel],
  );
  return useShown<T>(shows, checked(SHOW, options).history ?? HISTORY);
}

/** Show a channel, or nothing. */
export function useShown<T extends Types>(shows: Shows | undefined, history: number): ChannelView<T> {
  const stores = useStores();
  const subscribe = useCallback(
    (listener: () => void) => (shows ? stores.subscribe(shows, history, listener) : () => {}),
    [stores, shows, history],
  );
  const read = (): Snapshot => (shows ? stores.read(shows) : IDLE);
  const snapshot = useSyncExternalStore(subscribe, read, () => (shows ? EMPTY : IDLE));
  const actions = useMemo(
    () => ({
      send: ((type, data, options) => {
        const { action } = checked(SEND, options);
        if (shows) stores.send(shows, history, type, data as object, action);
        else console.error(`${type} isn't sent: useChannel has been given no channel yet.`);
      }) as ChannelView<T>["send"],
      resend: (message: { nonce?: string }) => shows && stores.resend(shows, message),
      loadMore: async (limit = HISTORY) => (shows ? stores.loadMore(shows, limit) : false),
    }),
    [stores, shows, history],
  );
  return useMemo(() => {
    const { messages, members, memberCount, state, error, hasMore, isLoadingMore } = snapshot;
    const shown = messages as unknown as ChannelView<T>["messages"];
    return { messages: shown, members, memberCount, state, error, hasMore, isLoadingMore, ...actions };
  }, [snapshot, actions]);
}
