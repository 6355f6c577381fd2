import { useCallback, useSyncExternalStore } from "react";
import type { Client } from "../client.js";
import type { ConnectionInfo } from "../status.js";
import { useStores } from "./provider.js";

const IDLE: ConnectionInfo = { state: "idle", error: undefined, identity: undefined };

/** The client that is given above. */
export function useClient(): Client {
  return useStores().client;
}

/** How the client is connected, why it isn't, and who one is. */
export function useConnection(): ConnectionInfo {
  const client = useClient();
  const subscribe = useCallback((changed: () => void) => client.on("connection", changed), [client]);
  return useSyncExternalStore(subscribe, () => client.connection, () => IDLE);
}
