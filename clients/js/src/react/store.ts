import type { Channel, ChannelState } from "../channel.js";
import type { Client } from "../client.js";
import type { Off } from "../emitter.js";
import { HearthError } from "../errors.js";
import type { Member, Message, Receipt } from "../messages.js";
import { newNonce } from "../nonce.js";
import { type Entries, withFailure, withMessage, withoutHistory, withPending, withReceipt } from "./entries.js";

/** What a component sees of a channel; another object after each change. */
export interface Snapshot {
  messages: Entries;
  members: readonly Member[];
  state: ChannelState;
  /** Why it is closed. */
  error?: HearthError;
}

export const EMPTY: Snapshot = { messages: [], members: [], state: "connecting" };

/** One channel, for all components that show it: joined by the first, left by the last. */
export class ChannelStore {
  #snapshot = EMPTY;
  readonly #channel: Channel;
  readonly #listeners = new Set<() => void>();

  constructor(
    client: Client,
    namespace: string,
    name: string,
    private readonly history: number,
  ) {
    this.#channel = client.channel<string>(namespace, name, { history }) as unknown as Channel;
    this.#channel.on("message", (message) => this.#show(withMessage(this.#snapshot.messages, message)));
    this.#channel.on("members", (members) => this.#change({ members }));
    this.#channel.on("state", (state) => this.#change({ state }));
    this.#channel.on("error", (error) => this.#change({ error }));
    this.#channel.on("discontinuity", () => void this.#reload());
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** How many components look on. */
  get listeners(): number {
    return this.#listeners.size;
  }

  subscribe(listener: () => void): Off {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  leave(): void {
    void this.#channel.leave();
  }

  /** Show a message at once, and publish it. */
  send(type: string, data: object, action?: string): void {
    void this.#publish({
      type,
      channel: this.#channel.name,
      data: data as Message["data"],
      timestamp: new Date().toISOString(),
      nonce: newNonce(),
      ...(action === undefined ? {} : { action }),
    });
  }

  /** Publish a failed message again, with its nonce: if it had arrived after all, it is there once. */
  resend(nonce: string): void {
    const failed = this.#snapshot.messages.find((one) => one.nonce === nonce && one.status === "failed");
    if (failed === undefined) return;
    const { status: _status, error: _error, ...message } = failed;
    void this.#publish(message);
  }

  async #publish(message: Message): Promise<void> {
    const { type, data, action, nonce = newNonce() } = message;
    this.#show(withPending(this.#snapshot.messages, { ...message, nonce }));
    try {
      const options = { nonce, ...(action === undefined ? {} : { action }) };
      const receipt: Receipt = await this.#channel.publish(type, data, options);
      this.#show(withReceipt(this.#snapshot.messages, nonce, receipt));
    } catch (thrown) {
      const error = thrown instanceof HearthError ? thrown : new HearthError("invalid", String(thrown));
      this.#show(withFailure(this.#snapshot.messages, nonce, error));
    }
  }

  /** Show what there is now; messages that come meanwhile find their place among it. */
  async #reload(): Promise<void> {
    this.#show(withoutHistory(this.#snapshot.messages));
    if (this.history === 0) return;
    try {
      const { messages, epoch } = await this.#channel.history({ limit: this.history });
      if (epoch === this.#channel.position?.epoch) this.#show(messages.reduce(withMessage, this.#snapshot.messages));
    } catch {
      // The connection or the channel has ended, and its state says so.
    }
  }

  #show(messages: Entries): void {
    this.#change({ messages });
  }

  #change(change: Partial<Snapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of [...this.#listeners]) listener();
  }
}
