import { createContext, type ReactNode, useContext } from "react";
import type { Client } from "../client.js";
import { Stores } from "./stores.js";

const StoresContext = createContext<Stores | null>(null);
const STORES = new WeakMap<Client, Stores>();

/** Give a client to the components below. It is the caller's to close. */
export function HearthProvider({ client, children }: { client: Client; children?: ReactNode }): ReactNode {
  const stores = STORES.get(client) ?? new Stores(client);
  STORES.set(client, stores);
  return <StoresContext.Provider value={stores}>{children}</StoresContext.Provider>;
}

/** The stores of the client that is above. */
export function useStores(): Stores {
  const stores = useContext(StoresContext);
  if (stores === null) throw new Error("Hearth's hooks need a <HearthProvider client={…}> above them.");
  return stores;
}
