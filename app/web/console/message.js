/**
 * One message as a row of the stream: to read, or as one line among many.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 */

import { element } from "./dom.js";
import { SERVER } from "./filter.js";
import { lineOfJson, prettyJson } from "./json.js";

const TEXT_KEYS = ["content", "delta", "message", "activity"];
/** Types that tell of somebody, in words. */
const VERBS = /** @type {Record<string, string>} */ ({ agent_joined: "joined", agent_left: "left" });
/** A payload of more characters is indented. */
const ONE_LINE = 72;

/**
 * Return the row of a message to read.
 *
 * @param {Envelope} envelope
 * @param {string | undefined} ownId the id of who looks on
 * @returns {HTMLElement}
 */
export function messageRow(envelope, ownId) {
  const { text, title, rest } = readable(envelope);
  const sender = envelope.sender ?? SERVER;
  const row = element("li", { class: "message", "data-kind": sender.kind });
  row.classList.toggle("own", sender.id === ownId);
  row.classList.toggle("event", envelope.type in VERBS);
  const body = element("div", { class: "body" }, head(envelope, sender));
  if (title !== null) body.append(element("p", { class: "message-title", dir: "auto" }, title));
  if (text !== null) body.append(element("p", { class: "text", dir: "auto" }, text));
  if (rest !== null) body.append(payload(rest));
  row.append(avatar(sender), body);
  return row;
}

/**
 * Return a message as one line of a table: when, where, what, who, and its payload.
 *
 * @param {Envelope} envelope
 * @returns {HTMLElement}
 */
export function messageLine(envelope) {
  const sender = envelope.sender ?? SERVER;
  const type = element("code", { class: "type" }, envelope.type);
  if (envelope.action) type.append(element("span", { class: "action" }, envelope.action));
  return element(
    "li",
    { class: "message line", "data-kind": sender.kind },
    inspectButton(envelope, true),
    type,
    element("span", { class: "sender", title: sender.kind }, sender.id),
    element("code", { class: "payload", dir: "auto" }, lineOfJson(envelope.data)),
  );
}

/**
 * Mark the row of a message that was missed when it was published.
 *
 * @param {HTMLElement} row
 */
export function markRecovered(row) {
  row.classList.add("recovered");
  // Not on the row, whose name it would be to a screen reader, instead of what stands in it.
  row.lastElementChild?.setAttribute("title", "Missed while away, and recovered");
  row.querySelector(".inspect")?.before(unseen("recovered"));
}

/**
 * Write one more piece of a text into the row of the pieces before it, or the whole in their place.
 *
 * @param {HTMLElement} row
 * @param {Envelope} first of the pieces
 * @param {Envelope} envelope the piece, or the whole
 */
export function appendPiece(row, first, envelope) {
  const { type, data } = envelope;
  if (type === "chat_token") row.querySelector(".text")?.append(data.delta);
  else {
    row.querySelector(".text")?.replaceChildren(data.content);
    row.querySelector(".type")?.replaceChildren(type);
  }
  const offset = row.querySelector(".offset");
  if (offset !== null) offset.textContent = `#${first.offset}–${envelope.offset}`;
}

/**
 * Tell whether two messages are pieces of one text, which one row holds; the last may be the whole.
 *
 * @param {Envelope} before
 * @param {Envelope} after
 */
export function arePieces(before, after) {
  return (
    before.type === "chat_token" &&
    (after.type === "chat_token" || isWhole(after)) &&
    before.sender?.id === after.sender?.id &&
    before.sender?.kind === after.sender?.kind &&
    String(before.data.message_id) === String(after.data.message_id) &&
    (before.data.part ?? "text") === (after.data.part ?? "text")
  );
}

/**
 * Tell whether a message stands for pieces that came before it.
 *
 * @param {Envelope} envelope
 */
export function isWhole({ type, data }) {
  return type === "chat_message" && data.message_id !== undefined;
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
    // The order of the pieces in the row says as much.
    for (const key of ["index", "count", "message_id"]) delete rest[key];
    if (rest.part === "text") delete rest.part;
  }
  if (String(rest.agent_id) === sender?.id) delete rest.agent_id; // the row says it already
  const isTold = text !== null || title !== null;
  return { text, title, rest: isTold && Object.keys(rest).length === 0 ? null : rest };
}

/** @param {object} rest */
function payload(rest) {
  const isShort = JSON.stringify(rest).length <= ONE_LINE;
  return element("code", { class: "payload" }, isShort ? lineOfJson(rest) : prettyJson(rest));
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
  line.append(inspectButton(envelope));
  return line;
}

/**
 * Return when and where it was published, as the button that shows all of it.
 *
 * @param {Envelope} envelope
 * @param {boolean} [isPrecise] whether to the millisecond
 */
function inspectButton({ timestamp, offset }, isPrecise = false) {
  const shown = time(timestamp, isPrecise);
  const button = element("button", { class: "inspect", type: "button" }, shown);
  const place = element("span", { class: "offset" }, offset === undefined ? "–" : `#${offset}`);
  if (offset === undefined) place.title = "Not kept in history";
  button.append(unseen(offset === undefined ? "not kept" : "offset"), place);
  return button;
}

/** @param {string} text what one sees without being told */
function unseen(text) {
  // The spaces keep it a word of its own where the row is read as one text.
  return element("span", { class: "visually-hidden" }, ` ${text} `);
}

/** @type {Intl.DateTimeFormatOptions} */
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
/** @type {Intl.DateTimeFormatOptions} */
const DAY = { month: "short", day: "numeric" };

/**
 * @param {string} timestamp
 * @param {boolean} isPrecise
 */
function time(timestamp, isPrecise) {
  const moment = new Date(timestamp);
  const isToday = moment.toDateString() === new Date().toDateString();
  const text = moment.toLocaleString([], {
    ...(isToday ? {} : DAY),
    ...CLOCK,
    ...(isPrecise ? { fractionalSecondDigits: 3 } : {}),
  });
  return element("time", { datetime: timestamp, title: timestamp }, text);
}

/** @param {{id: string, kind: string}} sender */
function avatar({ id }) {
  // By code points: half an emoji is no initial.
  const [initial] = id.toUpperCase();
  return element("span", { class: "avatar", "aria-hidden": "true" }, initial ?? "?");
}
