/**
 * The inspector: one message as it came, whole.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {import("./message-list.js").Row} Row
 *
 * @typedef {object} Listener
 * @property {(row: Row | null) => void} onChange another message is inspected, or none
 * @property {(envelope: Envelope) => void} onType only messages of its type are wanted
 * @property {(envelope: Envelope) => void} onSender only messages of its sender are wanted
 * @property {(envelope: Envelope) => void} onReuse its payload is wanted as a draft
 */

import { copies } from "./clipboard.js";
import { byId, element } from "./dom.js";
import { SERVER } from "./filter.js";
import { prettyJson } from "./json.js";

export class Inspector {
  #panel = byId("inspector");
  #title = byId("inspector-title");
  #facts = byId("inspector-facts");
  #json = byId("inspector-json");
  #pieces = byId("inspector-pieces");
  #listener;
  /** @type {Row | null} */
  #row = null;
  #index = 0; // of the piece that is shown

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
    byId("inspector-close").addEventListener("click", () => this.close());
    byId("inspector-before").addEventListener("click", () => this.#step(-1));
    byId("inspector-after").addEventListener("click", () => this.#step(1));
    byId("only-type").addEventListener("click", () => this.#tell(listener.onType));
    byId("only-sender").addEventListener("click", () => this.#tell(listener.onSender));
    byId("reuse").addEventListener("click", () => this.#tell(listener.onReuse));
    copies(byId("copy-envelope"), () => JSON.stringify(this.#envelope, null, 2));
    copies(byId("copy-data"), () => JSON.stringify(this.#envelope?.data, null, 2));
    copies(byId("copy-link"), () => location.href);
  }

  /** The row whose message is shown, or null. */
  get row() {
    return this.#row;
  }

  /** @returns {Envelope | null} */
  get #envelope() {
    return this.#row?.envelopes[this.#index] ?? null;
  }

  /** @param {Row} row */
  open(row) {
    this.#mark(false);
    this.#row = row;
    this.#index = row.envelopes.length - 1;
    this.#mark(true);
    this.#panel.hidden = false;
    document.body.classList.add("inspecting");
    this.#draw();
    this.#listener.onChange(row);
  }

  close() {
    if (this.#row === null) return;
    const { node } = this.#row;
    const hadFocus = this.#panel.contains(document.activeElement);
    this.#mark(false);
    this.#row = null;
    this.#panel.hidden = true;
    document.body.classList.remove("inspecting");
    const button = /** @type {HTMLElement | null} */ (node.querySelector(".inspect"));
    if (hadFocus) button?.focus();
    this.#listener.onChange(null);
  }

  /** Copy the whole envelope. */
  copy() {
    if (this.#row !== null) byId("copy-envelope").click();
  }

  /** @param {boolean} isInspected */
  #mark(isInspected) {
    this.#row?.node.classList.toggle("inspected", isInspected);
    const button = this.#row?.node.querySelector(".inspect");
    if (isInspected) button?.setAttribute("aria-current", "true");
    else button?.removeAttribute("aria-current");
  }

  /** @param {number} by */
  #step(by) {
    const last = (this.#row?.envelopes.length ?? 1) - 1;
    this.#index = Math.min(Math.max(this.#index + by, 0), last);
    this.#draw();
  }

  /** @param {(envelope: Envelope) => void} wanted */
  #tell(wanted) {
    if (this.#envelope !== null) wanted(this.#envelope);
  }

  #draw() {
    const envelope = this.#envelope;
    if (envelope === null || this.#row === null) return;
    const { type, offset, sender = SERVER } = envelope;
    const { length } = this.#row.envelopes;
    this.#title.textContent = type;
    this.#facts.replaceChildren(
      ...facts(envelope).map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value)),
      ),
    );
    this.#json.replaceChildren(prettyJson(envelope));
    this.#json.scrollTop = 0;
    this.#pieces.hidden = length === 1;
    byId("inspector-piece").textContent = `${this.#index + 1} of ${length} in this text`;
    byId("inspector-before").disabled = this.#index === 0;
    byId("inspector-after").disabled = this.#index === length - 1;
    byId("only-type").textContent = `Only ${type}`;
    byId("only-sender").textContent = `Only ${sender.id}`;
    byId("copy-link").disabled = offset === undefined;
  }
}

/**
 * @param {Envelope} envelope
 * @returns {[string, string][]}
 */
function facts(envelope) {
  const { channel, offset, prev, sender, timestamp, nonce } = envelope;
  const bytes = new TextEncoder().encode(JSON.stringify(envelope)).length;
  const place = offset === undefined ? "not kept in history" : `#${offset}`;
  const stands = offset !== undefined && prev !== undefined && prev < offset - 1;
  return [
    ["Channel", channel ?? "none: about the connection"],
    ["Offset", stands ? `${place}, stands for #${prev + 1} to #${offset}` : place],
    ["Sender", sender ? `${sender.id} (${sender.kind})` : "nobody: the server or a worker"],
    ["Published", timestamp],
    ...(nonce ? [/** @type {[string, string]} */ (["Nonce", nonce])] : []),
    ["Size", `${bytes.toLocaleString()} bytes`],
  ];
}
