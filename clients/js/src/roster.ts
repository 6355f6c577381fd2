import type { Member, Message, Presence } from "./messages.js";

/** Who is in a channel, as far as one is told. */
export interface Members {
  /** How many identities. */
  count: number;
  /** The first 100 of them, at least. */
  list: readonly Member[];
}

export const NOBODY: Members = { count: 0, list: [] };

/** Members as the server listed them; nobody where one may not see them. */
export function fromPresence(presence: Presence | null): Members {
  return presence === null ? NOBODY : inOrder(presence.count, presence.members);
}

/**
 * Members by their ids. The server lists who has come first, and so in another order after each loss
 * of connections: a list that is shown would jump.
 */
function inOrder(count: number, list: readonly Member[]): Members {
  const placeOf = ({ id, kind }: Member): string => `${id} ${kind}`;
  return { count, list: [...list].sort((one, other) => (placeOf(one) < placeOf(other) ? -1 : 1)) };
}

/** Members as they are listed now; the same object when they are the same. */
export function afterPresence(members: Members, presence: Presence): Members {
  const now = fromPresence(presence);
  const isSame =
    now.count === members.count &&
    now.list.length === members.list.length &&
    now.list.every(({ id, kind }, index) => id === members.list[index]!.id && kind === members.list[index]!.kind);
  return isSame ? members : now;
}

/** Members after a live message; the same object when it tells nothing of them. */
export function afterMessage(members: Members, { type, data, sender }: Message): Members {
  switch (type) {
    case "circle_status":
      if (!Array.isArray(data["members"])) return members;
      return inOrder(data["online"] as number, data["members"] as Member[]);
    case "agent_joined":
    case "agent_left": {
      const id = sender?.id ?? String(data["agent_id"]);
      const others = members.list.filter((one) => one.id !== id || one.kind !== "agent");
      const wasThere = others.length < members.list.length;
      if (type === "agent_joined") {
        if (wasThere) return members;
        return inOrder(members.count + 1, [...members.list, { id, kind: "agent" }]);
      }
      return wasThere ? { count: members.count - 1, list: others } : members;
    }
    default:
      return members;
  }
}
