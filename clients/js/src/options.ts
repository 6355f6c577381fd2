import { HearthError } from "./errors.js";

/** What an option has to be, in words, and whether a value is that. */
interface Kind {
  words: string;
  fits: (value: unknown) => boolean;
}

/** Options of one call by their names. */
type Kinds = Readonly<Record<string, Kind>>;

const TEXT: Kind = { words: "text", fits: (value) => typeof value === "string" };
const TIME: Kind = { words: "a number of milliseconds", fits: (value) => typeof value === "number" && value > 0 };
const POSITION: Kind = {
  words: "a position, {offset, epoch}",
  fits: (value) => {
    const { offset, epoch } = Object(value) as { offset?: unknown; epoch?: unknown };
    return integer(0).fits(offset) && typeof epoch === "string";
  },
};

function integer(least: number, most = Number.MAX_SAFE_INTEGER): Kind {
  const words = `an integer from ${least} ${most < Number.MAX_SAFE_INTEGER ? `to ${most}` : "on"}`;
  return { words, fits: (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most };
}

/** Of `connect`. */
export const CONNECT: Kinds = {
  token: { words: "text or a function", fits: (value) => ["string", "function"].includes(typeof value) },
  path: TEXT,
  presenceInterval: { words: "a number of milliseconds, or 0", fits: (value) => value === 0 || TIME.fits(value) },
  socket: { words: "an object", fits: (value) => typeof value === "object" },
};
/** Of a channel. */
export const JOIN: Kinds = { history: integer(0, 1_000), since: POSITION };
/** Of `useChannel` and `useNotifications`. */
export const SHOW: Kinds = { history: integer(0, 1_000) };
/** Of `publish`. */
export const PUBLISH: Kinds = { action: TEXT, nonce: TEXT, timeout: TIME };
/** Of `send`. */
export const SEND: Kinds = { action: TEXT };
/** Of `history`. */
export const PAGE: Kinds = { before: integer(0), limit: integer(1, 1_000) };

/**
 * Options as they were meant; a null is one left out, as it is to the server.
 *
 * Throws an `invalid` one that names the option: one that isn't there, or makes no sense.
 */
export function checked<Options extends object>(
  kinds: Kinds,
  given: Options | null | undefined,
): { [Key in keyof Options]?: NonNullable<Options[Key]> } {
  if (given == null) return {};
  if (typeof given !== "object") throw HearthError.of("options", `Must be an object, not ${shown(given)}.`);
  const named = Object.entries(given as Record<string, unknown>);
  for (const [name, value] of named) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name]! : undefined;
    if (kind === undefined) throw HearthError.of(name, `Not an option. ${choice(name, Object.keys(kinds))}`);
    if (value != null && !kind.fits(value)) throw HearthError.of(name, `Must be ${kind.words}, not ${shown(value)}.`);
  }
  return Object.fromEntries(named.filter(([, value]) => value != null)) as { [Key in keyof Options]?: never };
}

/** Which option was meant, or all that there are. */
function choice(name: string, names: readonly string[]): string {
  const near = names.find((one) => distance(one, name.toLowerCase()) <= 2);
  return near === undefined ? `There are: ${names.join(", ")}.` : `Did you mean ${near}?`;
}

/** How many letters have to be put in, taken out or changed. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_zero, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (let column = 0; column < other.length; column++) {
      const changed = row[column]! + (letter === other[column] ? 0 : 1);
      next.push(Math.min(changed, row[column + 1]! + 1, next[column]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}

function shown(value: unknown): string {
  try {
    return (typeof value === "object" || typeof value === "string" ? JSON.stringify(value) : String(value)).slice(0, 100);
  } catch {
    return "an object"; // a circle
  }
}
