/** A channel's name as a program has it: 7 and "7" are the same name, as they are the same id. */
export type ChannelName = string | number;

/**
 * A channel's name as text; an empty one is the server's to refuse.
 *
 * Throws a `TypeError` for what neither is text nor an integer: it would name nothing anybody meant.
 */
export function nameOf(name: unknown): string {
  if (typeof name === "string") return name;
  if (Number.isSafeInteger(name)) return String(name);
  const given = typeof name === "object" && name !== null ? "an object" : String(name);
  throw new TypeError(`A channel's name must be text or an integer, not ${given}.`);
}

/** What tells channels apart; one without a name is that of one's own notifications. */
export function keyOf(namespace: string, name?: string): string {
  return name === undefined ? namespace : `${namespace} ${name}`;
}
