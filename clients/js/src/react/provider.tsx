import { createContext, type ReactNode, useContext } from "react";
import type { Client } from "../client.js";
import { ChannelStore } from "./store.js";

/** The stores of one client's channels, as long as a component shows them. */
export class Stores {
  readonly #stores = new Map<string, ChannelStore>();

  constructor(private readonly client: Client) {}

  find(namespace: string, name: string): ChannelStore | undefined {
    return this.#stores.get(`${namespace} ${name}`);
  }

  /** Look on, and have the channel joined; the returned function ends that. */
  subscribe(namespace: string, name: string, history: number, listener: () => void): () => void {
    const key = `${namespace} ${name}`;
    const store = this.#stores.get(key) ?? new ChannelStore(this.client, namespace, name, history);
    this.#stores.set(key, store);
    const unsubscribe = store.subscribe(listener);
    return () => {
      unsubscribe();
      if (store.listeners > 0) return;
      this.#stores.delete(key);
      store.leave();
    };
  }
}

const StoresContext = createContext<Stores | null>(null);
const STORES = new WeakMap<Client, Stores>();

/** Give a client to the components below. It is the caller's to close. */
export function HearthProvider({ client, children }: { client: Client; children?: ReactNode }): ReactNode {
  const stores = STORES.get(client) ?? new Stores(client);
  STORES.set(client, stores);
  return <StoresContext.Provider value={stores}>{children}</StoresContext.Provider>;
}

export function useStores(): Stores {
  const stores = useContext(StoresContext);
  if (stores === null) throw new Error("useChannel needs a <HearthProvider client={…}> above it.");
  return stores;
}
