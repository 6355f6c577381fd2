import { useCallback, useSyncExternalStore } from "react";
import type { ChannelState } from "../channel.js";
import type { PayloadsOf } from "../client.js";
import type { HearthError } from "../errors.js";
import type { AnyMessage, Member, Types } from "../messages.js";
import type { Shown } from "./entries.js";
import { useStores } from "./provider.js";
import { EMPTY } from "./store.js";

const HISTORY = 50;

export interface UseChannelOptions {
  /** How many of the newest messages to begin with; 50 if left out. */
  history?: number;
}

export interface ChannelView<T extends Types> {
  /** What history keeps of the channel, in order, and at the end what one has sent oneself. */
  messages: readonly Shown<AnyMessage<T>>[];
  members: readonly Member[];
  state: ChannelState;
  /** Why the channel is closed. */
  error: HearthError | undefined;
  /** Publish; the message shows at once as `pending`, and as `failed` when that fails. */
  send: <E extends keyof T & string>(type: E, data: T[E], options?: { action?: string }) => void;
  /** Publish a failed message again. */
  resend: (message: { nonce?: string }) => void;
}

/** Show a channel: it is joined as long as some component does. */
export function useChannel<N extends string, T extends Types = PayloadsOf<N>>(
  namespace: N,
  channel: string,
  { history = HISTORY }: UseChannelOptions = {},
): ChannelView<T> {
  const stores = useStores();
  const subscribe = useCallback(
    (listener: () => void) => stores.subscribe(namespace, channel, history, listener),
    [stores, namespace, channel, history],
  );
  const read = (): typeof EMPTY => stores.find(namespace, channel)?.snapshot ?? EMPTY;
  const { messages, members, state, error } = useSyncExternalStore(subscribe, read, () => EMPTY);
  const send = useCallback(
    (type: string, data: object, options: { action?: string } = {}) =>
      stores.find(namespace, channel)?.send(type, data, options.action),
    [stores, namespace, channel],
  );
  const resend = useCallback(
    ({ nonce = "" }: { nonce?: string }) => stores.find(namespace, channel)?.resend(nonce),
    [stores, namespace, channel],
  );
  const shown = messages as unknown as readonly Shown<AnyMessage<T>>[];
  return { messages: shown, members, state, error, send: send as ChannelView<T>["send"], resend };
}
