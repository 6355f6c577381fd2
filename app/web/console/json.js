/**
 * JSON to read: in one line or in many, with its parts told apart. Built of text nodes, so that
 * nothing that a server sent is ever read as markup.
 */

import { element } from "./dom.js";

/** More than this is shown without colours: a million nodes would stop the page. */
const MAX_COLOURED = 40_000;
const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Return a value as indented JSON.
 *
 * @param {unknown} value
 */
export function prettyJson(value) {
  return highlighted(JSON.stringify(value, null, 2));
}

/**
 * Return a value as one line of JSON, cut where nobody would see more of it.
 *
 * @param {unknown} value
 * @param {number} [most] characters
 */
export function lineOfJson(value, most = 400) {
  const text = JSON.stringify(value);
  return highlighted(text.length > most ? `${text.slice(0, most)}…` : text);
}

/**
 * @param {string} text JSON, perhaps cut
 * @returns {DocumentFragment}
 */
function highlighted(text) {
  const fragment = document.createDocumentFragment();
  if (text.length > MAX_COLOURED) {
    fragment.append(text);
    return fragment;
  }
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [all, string, colon] = match;
    fragment.append(text.slice(end, match.index));
    const shown = string ?? all;
    fragment.append(element("span", { class: kindOf(shown, colon !== undefined) }, shown));
    if (colon !== undefined) fragment.append(colon);
    end = match.index + all.length;
  }
  fragment.append(text.slice(end));
  return fragment;
}

/**
 * @param {string} token
 * @param {boolean} isKey
 */
function kindOf(token, isKey) {
  if (isKey) return "json-key";
  if (token.startsWith('"')) return "json-text";
  return /^[tfn]/.test(token) ? "json-word" : "json-number";
}
