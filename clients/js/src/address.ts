import { HearthError } from "./errors.js";

/** Where a server is. */
export interface Address {
  /** Scheme, host and port, as in `https://example.org`. */
  origin: string;
  /** What a URL has behind `?`, with the `?`; empty where there is none. */
  query: string;
  /** Of Engine.IO there, as in `/hearth/socket.io`. */
  path: string;
}

const PARTS = /^([a-z][a-z0-9+.-]*:\/\/)?([^/?#]*)([^?#]*)(\?[^#]*)?/i;

/**
 * Read where a server is. (Not every React Native has a `URL` that works.)
 *
 * @param url whose path is a prefix, as in `https://example.org/hearth/`; without a host, the page's own
 * @param path of Engine.IO, where it isn't `socket.io` below that prefix
 */
export function addressOf(url: string, path?: string): Address {
  const [, scheme = "", host = "", prefix = "", query = ""] = PARTS.exec(url) ?? [];
  const own = (globalThis as { location?: { origin?: string } }).location?.origin;
  if (host === "" && own === undefined) {
    throw new HearthError("invalid", "Outside a page, the URL has to name a host: https://example.org");
  }
  return {
    origin: host === "" ? own! : `${scheme || "http://"}${host}`,
    query,
    path: (path ?? `${prefix.replace(/\/+$/, "")}/socket.io`).replace(/\/+$/, ""),
  };
}
