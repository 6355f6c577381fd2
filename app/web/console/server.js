/**
 * The server, as it answers over HTTP. All addresses are relative to the page's, for a proxy may
 * serve it under a prefix.
 *
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 * @typedef {import("./members.js").Presence} Presence
 * @typedef {{namespace: string, channel: string, presence: Presence | null}} Listed
 */

import { RequestError } from "./errors.js";

/** Where Socket.IO is. */
export const SOCKET_PATH = new URL("socket.io/", document.baseURI).pathname;

/**
 * Tell whether one needs no token.
 *
 * @returns {Promise<{development: boolean, strangers: boolean}>}
 */
export async function askServer() {
  try {
    return await ask("console/server", {});
  } catch {
    return { development: false, strangers: false };
  }
}

/**
 * Return the channels that have members and that the token opens.
 *
 * @param {string} token may be empty
 * @returns {Promise<{channels: Listed[], more: number}>} rejects with a `RequestError`
 */
export function listChannels(token) {
  return ask("console/channels", token ? { Authorization: `Bearer ${token}` } : {});
}

/**
 * @param {string} path
 * @param {Record<string, string>} headers
 */
async function ask(path, headers) {
  try {
    const response = await fetch(new URL(path, document.baseURI), { headers });
    const answer = await response.json();
    if (response.ok) return answer;
    throw new RequestError(answer.error);
  } catch (thrown) {
    if (thrown instanceof RequestError) throw thrown;
    const message = "The server can’t be reached.";
    throw new RequestError({ code: "unreachable", message, temporary: true });
  }
}
