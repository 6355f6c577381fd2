import type { Channel, ChannelOptions } from "../channel.js";
import type { Client } from "../client.js";
import type { HearthError } from "../errors.js";
import type { Message, NamespaceName } from "../messages.js";
import { keyOf } from "../names.js";
import type { ChannelState } from "../subscription.js";
import { ChannelStore, EMPTY, type Snapshot } from "./store.js";

/** A channel that components show; one without a name is that of one's own notifications. */
export interface Shows {
  namespace: NamespaceName;
  name?: string;
}

/** What is shown of a channel before its store is made, by its state; the same object each time. */
const FIRST: Readonly<Record<ChannelState, Snapshot>> = {
  connecting: EMPTY,
  live: { ...EMPTY, state: "live" },
  recovering: { ...EMPTY, state: "recovering" },
  refused: { ...EMPTY, state: "refused" },
  closed: { ...EMPTY, state: "closed" },
};

/** The stores of one client's channels, as long as a component shows them. */
export class Stores {
  readonly #stores = new Map<string, ChannelStore>();

  constructor(readonly client: Client) {}

  read({ namespace, name }: Shows): Snapshot {
    const store = this.#stores.get(keyOf(namespace, name));
    if (store) return store.snapshot;
    if (this.client.state === "closed") return FIRST.closed;
    return FIRST[this.client.stateOf(namespace, name) ?? "connecting"];
  }

  /** Look on, and have the channel joined; the returned function ends that. */
  subscribe(shows: Shows, history: number, listener: () => void): () => void {
    return this.#with(shows, history, (store) => {
      store.want(history);
      return store.subscribe(listener);
    }) ?? (() => {});
  }

  /**
   * Show a message and publish it. A component may send before it looks on, as its first effects
   * do, and after, as their clean-up does.
   */
  send(shows: Shows, history: number, type: string, data: object, action?: string | null): void {
    this.#with(shows, history, (store) => store.send(type, data, action));
  }

  resend(shows: Shows, { nonce = "" }: Pick<Message, "nonce">): void {
    this.#stores.get(keyOf(shows.namespace, shows.name))?.resend(nonce);
  }

  async loadMore(shows: Shows, limit: number): Promise<boolean> {
    return (await this.#stores.get(keyOf(shows.namespace, shows.name))?.loadMore(limit)) ?? false;
  }

  #with<Result>(shows: Shows, history: number, use: (store: ChannelStore) => Result): Result | undefined {
    const key = keyOf(shows.namespace, shows.name);
    try {
      const store = this.#stores.get(key) ?? this.#make(key, shows, history);
      return use(store);
    } catch (error) {
      if ((error as HearthError).code !== "closed") throw error;
      console.error(`The client of ${key} is closed.`); // a mistake of the page's, and no reason to end it
      return undefined;
    }
  }

  #make(key: string, { namespace, name }: Shows, history: number): ChannelStore {
    const { client } = this;
    const open = (options: ChannelOptions): Channel => {
      const channel: object =
        name === undefined ? client.notifications(options) : client.channel(namespace, name, options);
      return channel as Channel;
    };
    const idle = (): void => this.#end(key, store);
    const store: ChannelStore = new ChannelStore(open, history, () => client.identity, idle);
    this.#stores.set(key, store);
    return store;
  }

  /** Leave a little later: another component may look on in a moment, or the same one again. */
  #end(key: string, store: ChannelStore): void {
    setTimeout(() => {
      if (!store.isIdle || this.#stores.get(key) !== store) return;
      this.#stores.delete(key);
      store.leave();
    }, 0);
  }
}
