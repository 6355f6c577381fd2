/**
 * One message as a row of the stream.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 */

import { element } from "./dom.js";

const TEXT_KEYS = ["content", "delta", "message", "activity"];
/** Types that tell of somebody, in words. */
const VERBS = /** @type {Record<string, string>} */ ({ agent_joined: "joined", agent_left: "left" });

/**
 * Return the row of a message.
 *
 * @param {Envelope} envelope
 * @param {string | undefined} ownId the id of who looks on
 * @returns {HTMLElement}
 */
export function messageRow(envelope, ownId) {
  const { text, title, rest } = readable(envelope);
  const sender = envelope.sender ?? { id: "server", kind: "server" };
  const row = element("li", { class: "message", "data-kind": sender.kind });
  row.classList.toggle("own", sender.id === ownId);
  row.classList.toggle("event", envelope.type in VERBS);
  if (envelope.offset !== undefined) row.dataset.first = String(envelope.offset);
  if (envelope.type === "chat_token") row.dataset.tokens = tokensKey(envelope);
  const body = element("div", { class: "body" }, head(envelope, sender));
  if (title !== null) body.append(element("p", { class: "message-title", dir: "auto" }, title));
  if (text !== null) body.append(element("p", { class: "text", dir: "auto" }, text));
  if (rest !== null) body.append(element("code", { class: "payload" }, JSON.stringify(rest)));
  row.append(avatar(sender), body);
  return row;
}

/**
 * Mark the row of a message that was missed when it was published.
 *
 * @param {HTMLElement} row
 */
export function markRecovered(row) {
  row.classList.add("recovered");
  // Not on the row, whose name it would be to a screen reader, instead of what stands in it.
  row.querySelector(".body")?.setAttribute("title", "Missed while away, and recovered");
  row.querySelector(".aside")?.prepend(unseen("recovered"));
}

/**
 * Write one more piece of a text into the row of the pieces before it.
 *
 * @param {Element | null} row the newest row
 * @param {Envelope} envelope
 * @returns {boolean} false when it isn't such a piece, and wants a row of its own
 */
export function appendToken(row, envelope) {
  if (!(row instanceof HTMLElement) || envelope.type !== "chat_token") return false;
  if (row.dataset.tokens !== tokensKey(envelope)) return false;
  const text = row.querySelector(".text");
  const offset = row.querySelector(".offset");
  if (text === null || offset === null) return false;
  text.append(envelope.data.delta);
  offset.textContent = `#${row.dataset.first}–${envelope.offset}`;
  return true;
}

/**
 * @param {Envelope} envelope
 * @returns {{text: string | null, title: string | null, rest: object | null}}
 */
function readable({ type, data, sender }) {
  if (type in VERBS) {
    return { text: `${data.name ?? data.agent_id} ${VERBS[type]}`, title: null, rest: null };
  }
  const rest = { ...data };
  const take = (/** @type {string | undefined} */ key) => {
    if (key === undefined || typeof rest[key] !== "string" || rest[key] === "") return null;
    const text = rest[key];
    delete rest[key];
    return text;
  };
  const text = take(TEXT_KEYS.find((key) => typeof data[key] === "string"));
  const title = take("title");
  if (type === "chat_token") {
    // The order of the tokens in the row says as much.
    delete rest.index;
    delete rest.message_id;
  }
  if (String(rest.agent_id) === sender?.id) delete rest.agent_id; // the row says it already
  const isTold = text !== null || title !== null;
  return { text, title, rest: isTold && Object.keys(rest).length === 0 ? null : rest };
}

/**
 * @param {Envelope} envelope
 * @returns {string} the same for all pieces of one text
 */
function tokensKey({ data, sender }) {
  return JSON.stringify([sender?.kind, sender?.id, data.message_id]);
}

/**
 * @param {Envelope} envelope
 * @param {{id: string, kind: string}} sender
 */
function head(envelope, sender) {
  const line = element(
    "div",
    { class: "head" },
    element("span", { class: "sender" }, sender.id),
    element("span", { class: "kind" }, sender.kind),
    element("code", { class: "type" }, envelope.type),
  );
  if (envelope.action) line.append(element("span", { class: "action" }, envelope.action));
  const aside = element("span", { class: "aside" }, time(envelope.timestamp));
  if (envelope.offset !== undefined) {
    const offset = element("span", { class: "offset", title: "Offset" }, `#${envelope.offset}`);
    aside.append(unseen("offset"), offset);
  }
  line.append(aside);
  return line;
}

/** @param {string} text what one sees without being told */
function unseen(text) {
  // The spaces keep it a word of its own where the row is read as one text.
  return element("span", { class: "visually-hidden" }, ` ${text} `);
}

/** @param {string} timestamp */
function time(timestamp) {
  const moment = new Date(timestamp);
  const isToday = moment.toDateString() === new Date().toDateString();
  const text = isToday
    ? moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" })
    : moment.toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
  return element("time", { datetime: timestamp, title: timestamp }, text);
}

/** @param {{id: string, kind: string}} sender */
function avatar({ id }) {
  // By code points: half an emoji is no initial.
  const [initial] = id.toUpperCase();
  return element("span", { class: "avatar", "aria-hidden": "true" }, initial ?? "?");
}
