import type { Channel, ChannelOptions } from "../channel.js";
import type { Off } from "../emitter.js";
import { newNonce } from "../environment.js";
import { HearthError } from "../errors.js";
import type { Member, Message, Receipt } from "../messages.js";
import type { ChannelState } from "../subscription.js";
import {
  type Entries,
  startOf,
  withFailure,
  withMessage,
  withoutHistory,
  withPending,
  withReason,
  withReceipt,
  withSender,
} from "./entries.js";

/** A channel's state, or `idle` as long as there is no channel to show. */
export type ViewState = ChannelState | "idle";

/** What a component sees of a channel; another object after each change. */
export interface Snapshot {
  messages: Entries;
  members: readonly Member[];
  memberCount: number;
  state: ViewState;
  /** Why it is refused or closed. */
  error?: HearthError | undefined;
  /** Whether history may have more messages than are shown. */
  hasMore: boolean;
  isLoadingMore: boolean;
}

export const EMPTY: Snapshot = {
  ...{ messages: [], members: [], memberCount: 0 },
  ...{ state: "connecting", hasMore: false, isLoadingMore: false },
};

/** What is shown where there is no channel yet. */
export const IDLE: Snapshot = { ...EMPTY, state: "idle" };

/** One channel, for all components that show it: opened for the first, left by the last. */
export class ChannelStore {
  #snapshot: Snapshot;
  readonly #channel: Channel;
  readonly #listeners = new Set<() => void>();
  #publishing = 0;
  #loaded: number;
  /** Whether a page of history had nothing before it. */
  #isAtStart = false;

  /**
   * @param open opens the channel
   * @param self who one is, once it is known
   * @param idle is called when nobody needs it any more: no component, and no message on its way
   */
  constructor(
    open: (options: ChannelOptions) => Channel,
    history: number,
    private readonly self: () => Member | undefined,
    private readonly idle: () => void,
  ) {
    this.#loaded = history;
    const channel = (this.#channel = open({ history }));
    const { members, memberCount, state, error } = channel;
    this.#snapshot = { ...EMPTY, members, memberCount, state, error };
    channel.on("message", (message) => this.#show(withMessage(this.#snapshot.messages, message)));
    channel.on("members", (list) => this.#change({ members: list, memberCount: channel.memberCount }));
    channel.on("state", (now) => this.#onState(now));
    channel.on("error", () => this.#onState(channel.state));
    channel.on("discontinuity", () => void this.#reload());
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get isIdle(): boolean {
    return this.#listeners.size === 0 && this.#publishing === 0;
  }

  subscribe(listener: () => void): Off {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.isIdle) this.idle();
    };
  }

  leave(): void {
    void this.#channel.leave();
  }

  /** See to it that so much history is shown, if there is as much. */
  want(history: number): void {
    const missing = history - this.#loaded;
    this.#loaded = Math.max(this.#loaded, history);
    if (missing > 0 && this.#snapshot.state === "live") void this.loadMore(missing);
  }

  /** Show a message at once, and publish it. */
  send(type: string, data: object, action?: string | null): void {
    const sender = this.self();
    void this.#publish({
      type,
      channel: this.#channel.name,
      data: data as Message["data"],
      timestamp: new Date().toISOString(),
      nonce: newNonce(),
      ...(sender === undefined ? {} : { sender }),
      ...(action == null ? {} : { action }),
    });
  }

  /** Publish a failed message again, with its nonce: if it had arrived after all, it is there once. */
  resend(nonce: string): void {
    const failed = this.#snapshot.messages.find((one) => one.nonce === nonce && one.status === "failed");
    if (failed === undefined) return;
    const { status: _status, error: _error, ...message } = failed;
    void this.#publish(message);
  }

  /** Show `limit` more messages, of before those that are shown; says whether there are yet more. */
  async loadMore(limit: number): Promise<boolean> {
    const { messages, hasMore, isLoadingMore } = this.#snapshot;
    const start = startOf(messages);
    if (!hasMore || isLoadingMore || start === undefined) return hasMore;
    this.#change({ isLoadingMore: true });
    try {
      const epoch = this.#channel.position?.epoch;
      const page = await this.#channel.history({ before: start + 1, limit });
      this.#isAtStart = !page.more;
      if (page.epoch === epoch) this.#show(page.messages.reduce(withMessage, this.#snapshot.messages));
    } catch {
      // The connection or the channel has ended, and its state says so; one may ask again.
    }
    this.#change({ isLoadingMore: false });
    return this.#snapshot.hasMore;
  }

  #onState(state: ChannelState): void {
    const self = this.self();
    if (state === "live" && self) this.#show(withSender(this.#snapshot.messages, self));
    this.#change({ state, error: this.#channel.error });
    this.#show(this.#snapshot.messages);
  }

  async #publish(message: Message): Promise<void> {
    const { type, data, action, nonce = newNonce() } = message;
    this.#publishing++;
    this.#show(withPending(this.#snapshot.messages, { ...message, nonce }));
    try {
      const options = { nonce, ...(action === undefined ? {} : { action }) };
      const receipt: Receipt = await this.#channel.publish(type, data, options);
      this.#show(withReceipt(this.#snapshot.messages, nonce, receipt));
    } catch (thrown) {
      const error = thrown instanceof HearthError ? thrown : new HearthError("invalid", String(thrown));
      this.#show(withFailure(this.#snapshot.messages, nonce, error));
    }
    this.#publishing--;
    if (this.isIdle) this.idle();
  }

  /** Show what there is now; messages that come meanwhile find their place among it. */
  async #reload(): Promise<void> {
    this.#isAtStart = false;
    this.#show(withoutHistory(this.#snapshot.messages));
    if (this.#loaded === 0) return;
    try {
      const { messages, epoch, more } = await this.#channel.history({ limit: Math.min(this.#loaded, 1_000) });
      if (epoch !== this.#channel.position?.epoch) return;
      this.#isAtStart = !more;
      this.#show(messages.reduce(withMessage, this.#snapshot.messages));
    } catch {
      // The connection or the channel has ended, and its state says so.
    }
  }

  #show(entries: Entries): void {
    const { state, error } = this.#snapshot;
    const messages = withReason(entries, state === "refused" ? error : undefined);
    this.#change({ messages, hasMore: !this.#isAtStart && (startOf(messages) ?? 0) > 0 });
  }

  #change(change: Partial<Snapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of [...this.#listeners]) listener();
  }
}
