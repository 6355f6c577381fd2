/**
 * The protocol's error object, as an exception and as something to read.
 *
 * @typedef {{code: string, message: string, temporary?: boolean, fields?: Record<string, string>,
 *   retry_after?: number, reason?: string}} ErrorObject
 */

import { element } from "./dom.js";

/** A request that the server refused or didn't answer. */
export class RequestError extends Error {
  /** @param {ErrorObject} error */
  constructor(error) {
    super(error.message);
    this.error = error;
  }
}

/**
 * Return the error object in whatever was thrown; what isn't a `RequestError` is a defect of this
 * page, and goes on.
 *
 * @param {unknown} thrown
 * @returns {ErrorObject}
 */
export function errorOf(thrown) {
  if (thrown instanceof RequestError) return thrown.error;
  throw thrown;
}

/** Of servers that don't say which are temporary. */
const TEMPORARY = ["rate_limited", "unavailable", "internal"];

/**
 * Tell whether the same request may succeed another time.
 *
 * @param {ErrorObject} error
 */
export function isTemporary({ code, temporary = TEMPORARY.includes(code) }) {
  return temporary;
}

/**
 * Return the nodes that tell of an error: its code, its message, and what is wrong where.
 *
 * @param {ErrorObject} error
 * @returns {Node[]}
 */
export function describeError(error) {
  const wait = error.retry_after ? ` Try again in ${error.retry_after} s.` : "";
  const text = element(
    "p",
    {},
    element("code", { class: "error-code" }, error.code),
    ` ${error.message}${wait}`,
  );
  const fields = Object.entries(error.fields ?? {});
  if (fields.length === 0) return [text];
  const items = fields.map(([path, problem]) =>
    element("li", {}, element("code", {}, path || "argument"), ` ${problem}`),
  );
  return [text, element("ul", {}, ...items)];
}

/**
 * Show an error in an alert of the page, or hide the alert.
 *
 * @param {HTMLElement} alert
 * @param {ErrorObject | null} error
 */
export function showError(alert, error) {
  alert.hidden = error === null;
  alert.replaceChildren(...(error === null ? [] : describeError(error)));
}
