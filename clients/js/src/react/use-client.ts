import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { Client, ConnectionState } from "../client.js";
import type { HearthError } from "../errors.js";
import type { Member } from "../messages.js";
import { useStores } from "./provider.js";

/** The client that is given above. */
export function useClient(): Client {
  return useStores().client;
}

export interface ConnectionView {
  state: ConnectionState;
  /** Why there is no connection, as far as that is known. */
  error: HearthError | undefined;
  /** Who one is; undefined before the first connection. */
  identity: Member | undefined;
}

/** The client's connection, and who one is. */
export function useConnection(): ConnectionView {
  const client = useClient();
  const subscribe = useCallback(
    (changed: () => void) => {
      const off = client.on("state", changed);
      return off;
    },
    [client],
  );
  const state = useSyncExternalStore(subscribe, () => client.state, () => "idle" as const);
  const { error, identity } = client;
  return useMemo(() => ({ state, error, identity }), [state, error, identity]);
}
