import type { Address } from "./address.js";
import { type ErrorCode, type ErrorObject, HearthError } from "./errors.js";

/** What socket.io-client says when no connection could be opened. */
export interface OpenFailure {
  message: string;
  /** The status of the answer, where polling got one. */
  description?: unknown;
  /** The request itself, where it was polling. */
  context?: unknown;
}

const CODES: Readonly<Record<number, ErrorCode>> = { 429: "rate_limited", 500: "internal", 503: "unavailable" };

/** The reason of a session that is gone, and has another one opened in its place. */
const GONE: ReadonlySet<string | undefined> = new Set(["closed", "session"]);

/** Why a server has closed a session, by the words in its message. */
const CAUSES: Readonly<Record<string, string>> = {
  slow: "it was read too slowly",
  memory: "the server had too much in its memory",
  "ping timeout": "nothing was heard from here for too long",
  "server disconnect": "the server is stopping",
  "no namespace": "it was used for nothing",
};

/** What can't be reached, and why as far as one is told. */
export function unreachable({ origin }: Address, reason: string): HearthError {
  return new HearthError("disconnected", `${origin} can't be reached: ${reason}. It is tried again.`);
}

/** The refusal that a failed attempt has brought with it. */
export function refusalIn(address: Address, { description, context }: OpenFailure): HearthError | undefined {
  const text = (context as { responseText?: unknown } | undefined)?.responseText;
  if (typeof description !== "number" || description < 400 || typeof text !== "string") return undefined;
  return refusalOf(address, description, text);
}

/**
 * Ask by HTTP why no connection can be opened, for a browser tells a page nothing of a WebSocket
 * that is refused. Undefined when the server would open one now.
 */
export async function askWhy(address: Address): Promise<HearthError | undefined> {
  const url = `${address.origin.replace(/^ws/, "http")}${address.path}/?EIO=4&transport=websocket`;
  try {
    const answer = await fetch(url, { credentials: "omit", cache: "no-store" });
    const refusal = refusalOf(address, answer.status, await answer.text());
    // It was no handshake: nothing else is wrong.
    return refusal.reason === "upgrade" ? undefined : refusal;
  } catch {
    return unreachable(address, "nothing answers there, or what does says nothing to pages of this origin");
  }
}

/** What a refused handshake was answered with: the server's error, or another server's or a proxy's page. */
function refusalOf(address: Address, status: number, text: string): HearthError {
  try {
    const { error } = JSON.parse(text) as { error?: ErrorObject };
    if (error) return GONE.has(error.reason) ? lost(error) : HearthError.from(error);
  } catch {
    // no JSON, so not the server's
  }
  const stranger = `what answers at ${address.origin}${address.path}/ is not Hearth, and says ${status}`;
  if (status < 400 || status === 404) return unreachable(address, stranger);
  const code = CODES[status] ?? (status < 500 ? "forbidden" : "unavailable");
  return new HearthError(code, `The connection is refused: ${stranger}.`);
}

/** What the end of a session means to people: what the server says of it is for programs. */
function lost({ reason, message }: ErrorObject): HearthError {
  const cause = /\((.*)\)/.exec(message)?.[1] ?? "";
  const told = (code: ErrorCode, text: string): HearthError =>
    new HearthError(code, `${text} It is tried again.`, undefined, undefined, true, reason);
  if (reason === "session") {
    const why = "it was restarted, or has several processes behind a proxy without sticky sessions";
    return told("disconnected", `The server doesn't know this connection: ${why}.`);
  }
  if (cause === "unavailable") return told("unavailable", "The server can't reach its broker.");
  return told("disconnected", `The server has closed the connection: ${CAUSES[cause] ?? "it was lost"}.`);
}
