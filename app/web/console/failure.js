/**
 * Failures of the connection, in words: why an attempt failed, or why what was there is lost.
 *
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 */

/** Refusals that stay as long as nobody changes a setting: there is no use in trying again. */
const FINAL = ["origin", "host", "protocol", "headers"];

/** @type {Record<string, string>} */
const LOSSES = {
  "ping timeout": "The server has not been heard of for too long.",
  "transport close": "The connection was closed.",
  "transport error": "The network failed.",
  "parse error": "The server sent what is not Socket.IO.",
};

/**
 * Return what Engine.IO's client says of a request that failed. To be asked at once: afterwards the
 * response is gone.
 *
 * @param {any} failed a `TransportError`, or an `Error("timeout")`
 * @returns {ErrorObject}
 */
export function describeFailure(failed) {
  const status = typeof failed.description === "number" ? failed.description : 0;
  const told = errorIn(failed.context?.responseText);
  if (told !== null) return told;
  if (status === 403) {
    const message = "The server, or a proxy in front of it, does not admit this page.";
    return { code: "forbidden", message, temporary: false };
  }
  if (status >= 400) {
    return { code: "unreachable", message: `The server answers ${status}.`, temporary: true };
  }
  return { code: "unreachable", message: "The server can’t be reached.", temporary: true };
}

/**
 * @param {string} reason as Socket.IO's manager names it
 * @returns {ErrorObject}
 */
export function describeLoss(reason) {
  return { code: "lost", message: LOSSES[reason] ?? `The connection ended: ${reason}.`, temporary: true };
}

/**
 * Return what the body of a refused request says, or null (docs/protocol.md, "Refusals").
 *
 * @param {unknown} body
 * @returns {ErrorObject | null}
 */
function errorIn(body) {
  try {
    const { error } = JSON.parse(String(body));
    if (typeof error.code !== "string" || typeof error.message !== "string") return null;
    // Another session may do, or another moment.
    return { ...error, temporary: !FINAL.includes(error.reason) };
  } catch {
    return null;
  }
}
