/**
 * The form that publishes.
 *
 * @typedef {import("./catalogue.js").MessageType} MessageType
 * @typedef {import("./catalogue.js").Namespace} Namespace
 * @typedef {import("./connection.js").Identity} Identity
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 */

import { byId, element } from "./dom.js";
import { errorOf, showError } from "./errors.js";

/** For types that this page doesn't know, such as a plugin's. */
const OTHER = "other…";

export class Composer {
  #form = byId("composer");
  #types = byId("type");
  #other = byId("other");
  #action = byId("action");
  #payload = byId("payload");
  #send = byId("send");
  #alert = byId("send-error");
  #publish;
  /** @type {Namespace | null} */
  #namespace = null;
  /** @type {Identity | null} */
  #identity = null;
  #isFree = false; // whether everybody may publish everything
  /** What was sent last without an answer; the same again has the same nonce. */
  #unanswered = { draft: "", nonce: "" };

  /**
   * @param {(type: string, message: object) => Promise<unknown>} publish rejects with a
   *   `RequestError`
   */
  constructor(publish) {
    this.#publish = publish;
    this.#types.addEventListener("change", () => this.#onType());
    this.#payload.addEventListener("input", () => this.#fit());
    this.#payload.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) =>
      this.#onKey(event),
    );
    this.#form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
  }

  /** Everybody may publish every type, as in development mode. */
  allowAll() {
    this.#isFree = true;
  }

  /**
   * @param {Namespace} namespace whose types there are to choose from
   * @param {Identity} identity who publishes
   */
  offer(namespace, identity) {
    const isNew = namespace !== this.#namespace || identity.kind !== this.#identity?.kind;
    this.#identity = identity;
    if (!isNew) return; // back again: what was being written stays
    this.#namespace = namespace;
    const names = [...namespace.types.map(({ name }) => name), OTHER];
    this.#types.replaceChildren(...names.map((name) => element("option", {}, name)));
    const own = namespace.types.find(({ publishers }) => publishers.includes(identity.kind));
    if (own) this.#types.value = own.name;
    this.#onType();
  }

  /**
   * Take a message as a draft.
   *
   * @param {import("./connection.js").Envelope} envelope
   */
  reuse({ type, data, action = "" }) {
    const known = this.#namespace?.types.some(({ name }) => name === type);
    this.#types.value = known ? type : OTHER;
    this.#other.value = known ? "" : type;
    this.#onType();
    const { text } = this.#type;
    this.#payload.value = text ? data[text] : JSON.stringify(data, null, 2);
    this.#action.value = action;
    this.#fit();
    this.#payload.focus();
  }

  write() {
    this.#payload.focus();
  }

  /** @param {boolean} visible */
  setVisible(visible) {
    this.#form.hidden = !visible;
    showError(this.#alert, null);
    this.#fit(); // nothing has a height while it is hidden
  }

  /** @param {boolean} enabled */
  setEnabled(enabled) {
    this.#send.disabled = !enabled;
  }

  /** @returns {MessageType} */
  get #type() {
    const name = this.#types.value;
    const known = this.#namespace?.types.find((type) => type.name === name);
    return known ?? { name: this.#other.value.trim(), publishers: [], action: true };
  }

  #onType() {
    const { publishers, text, template, action } = this.#type;
    const isOther = this.#types.value === OTHER;
    byId("other-field").hidden = !isOther;
    byId("action-field").hidden = !action;
    const identity = this.#isFree ? null : this.#identity;
    byId("type-hint").textContent = publisherHint(publishers, identity);
    byId("payload-label").textContent = text ? "Text" : "Payload (JSON)";
    byId("key-hint").textContent = text
      ? "Enter sends, Shift+Enter begins a line"
      : "Ctrl+Enter sends";
    this.#payload.placeholder = text ? `Write the ${text}` : "";
    this.#payload.classList.toggle("json", !text);
    this.#payload.spellcheck = Boolean(text);
    this.#other.required = isOther;
    this.#payload.value = text ? "" : JSON.stringify(template ?? {}, null, 2);
    this.#fail(null);
    this.#fit();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Enter" || event.isComposing || event.shiftKey) return;
    // JSON has lines of its own.
    if (this.#type.text || event.ctrlKey || event.metaKey) {
      event.preventDefault();
      if (!this.#send.disabled) this.#form.requestSubmit();
    }
  }

  async #submit() {
    const type = this.#type;
    const data = this.#data(type);
    if (data === null) return;
    const action = type.action ? this.#action.value.trim() : "";
    const message = { data, ...(action && { action }) };
    const draft = JSON.stringify([type.name, message]);
    const isRetry = this.#unanswered.draft === draft;
    const nonce = isRetry ? this.#unanswered.nonce : makeNonce();
    this.#unanswered = { draft: "", nonce: "" };
    try {
      await this.#publish(type.name, { ...message, nonce });
      this.#fail(null);
      if (type.text && this.#payload.value.trim() === data[type.text]) this.#payload.value = "";
      this.#fit();
    } catch (thrown) {
      const error = errorOf(thrown);
      if (error.code === "no_answer") this.#unanswered = { draft, nonce };
      this.#fail(error);
    }
  }

  /**
   * @param {MessageType} type
   * @returns {any} the payload as it is written, or null after telling what is wrong with it
   */
  #data({ text, ownId }) {
    const written = this.#payload.value.trim();
    if (text) {
      if (written === "") this.#fail({ code: "invalid", message: "Write something first." });
      const own = ownId ? { [ownId]: this.#identity?.user_id } : {};
      return written === "" ? null : { ...own, [text]: written };
    }
    try {
      return JSON.parse(written);
    } catch (problem) {
      const message = `The payload is not JSON: ${/** @type {Error} */ (problem).message}`;
      this.#fail({ code: "invalid", message });
      return null;
    }
  }

  /** @param {ErrorObject | null} error */
  #fail(error) {
    showError(this.#alert, error);
    this.#payload.setAttribute("aria-invalid", String(error !== null));
    if (error !== null) this.#payload.focus();
  }

  /** Make the field as high as what is in it; CSS says how high it may get by itself. */
  #fit() {
    this.#payload.style.height = "auto";
    this.#payload.style.height = `${this.#payload.scrollHeight + 2}px`;
  }
}

/**
 * @param {string[]} publishers
 * @param {Identity | null} identity
 */
function publisherHint(publishers, identity) {
  if (publishers.length === 0 || identity === null || publishers.includes(identity.kind)) return "";
  const kinds = publishers.map((kind) => `${kind}s`).join(" and ");
  return `For ${kinds} to publish; your token is a ${identity.kind}’s.`;
}

/** Return a nonce, by which the server deduplicates (docs/protocol.md, promise 4). */
function makeNonce() {
  // Browsers have randomUUID on https and localhost only.
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
