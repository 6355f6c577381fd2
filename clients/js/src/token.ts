import { fromBase64Url } from "./environment.js";

/** A token, or what is asked for one at each connect and before the last one ends. */
export type Token = string | (() => string | Promise<string>);

// What is left of a token's life when a fresh one is asked for.
const RENEW_AT_SHARE = 0.2;
const RENEW_AT_MOST_MS = 60_000;

/** Where tokens come from. */
export class TokenSource {
  #pending: Promise<string | undefined> | undefined;

  constructor(private readonly token: Token | undefined) {}

  /** Whether asking again may bring another one. */
  get renews(): boolean {
    return typeof this.token === "function";
  }

  /** Ask for a token; namespaces that ask at the same time get the same. */
  ask(): Promise<string | undefined> {
    this.#pending ??= this.#ask().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #ask(): Promise<string | undefined> {
    return typeof this.token === "function" ? this.token() : this.token;
  }
}

/**
 * In how many milliseconds to ask for a fresh token; undefined when this one never ends.
 *
 * @param nowMs the server's time, in milliseconds since 1970
 */
export function renewalMs(token: string | undefined, nowMs: number): number | undefined {
  const endMs = token === undefined ? undefined : tokenEndMs(token);
  if (endMs === undefined) return undefined;
  const leftMs = Math.max(0, endMs - nowMs);
  return leftMs - Math.min(leftMs * RENEW_AT_SHARE, RENEW_AT_MOST_MS);
}

/** When a JWT ends, in milliseconds since 1970; it is read, not verified: that is the server's. */
function tokenEndMs(token: string): number | undefined {
  try {
    const payload = token.split(".")[1] ?? "";
    const claims: unknown = JSON.parse(fromBase64Url(payload));
    const end = (claims as { exp?: unknown } | null)?.exp;
    return typeof end === "number" ? end * 1000 : undefined;
  } catch {
    return undefined; // no JWT; the server will say what it thinks of it
  }
}
