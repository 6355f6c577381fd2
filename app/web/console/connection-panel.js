/**
 * The form that connects, and what is known of the connection.
 *
 * @typedef {import("./catalogue.js").Namespace} Namespace
 * @typedef {import("./connection.js").Identity} Identity
 * @typedef {import("./connection.js").State} State
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 */

import { NAMESPACES, namespaceCalled } from "./catalogue.js";
import { byId, element } from "./dom.js";
import { showError } from "./errors.js";

const TOKEN_KEY = "hearth.token";

export class ConnectionPanel {
  #namespace = byId("namespace");
  #token = byId("token");
  #button = byId("connect");
  #drop = byId("drop");
  #state = byId("state");
  #alert = byId("connection-error");
  #identity = byId("identity");
  #isOpen = false;

  /**
   * @param {(namespace: Namespace, token: string) => void} onConnect
   * @param {() => void} onDisconnect
   * @param {() => void} onDrop
   */
  constructor(onConnect, onDisconnect, onDrop) {
    this.#namespace.append(...NAMESPACES.map(({ name }) => element("option", {}, name)));
    // Of this tab and gone with it: a token is worth too much for localStorage.
    this.#token.value = sessionStorage.getItem(TOKEN_KEY) ?? "";
    this.#namespace.addEventListener("change", () => this.#suggestChannel());
    this.#suggestChannel();
    byId("connection-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      if (this.#isOpen) onDisconnect();
      else onConnect(this.namespace, this.#keptToken());
    });
    this.#drop.addEventListener("click", () => {
      if (this.#drop.getAttribute("aria-disabled") === "false") onDrop();
    });
  }

  /** @returns {Namespace} */
  get namespace() {
    return namespaceCalled(this.#namespace.value);
  }

  /** Let the person connect. */
  enable() {
    this.#button.disabled = false;
  }

  /**
   * @param {State} state
   * @param {ErrorObject | null} error why, if there is more to say
   */
  showState(state, error) {
    this.#isOpen = state !== "disconnected" && state !== "refused";
    this.#state.textContent = state;
    this.#state.dataset.state = state;
    this.#button.textContent = this.#isOpen ? "Disconnect" : "Connect";
    this.#button.classList.toggle("primary", !this.#isOpen);
    this.#drop.hidden = !this.#isOpen;
    // Not `disabled`, which would take the focus from who has just pressed it.
    this.#drop.setAttribute("aria-disabled", String(state !== "connected"));
    this.#namespace.disabled = this.#isOpen;
    this.#token.disabled = this.#isOpen;
    if (state !== "connected") this.#identity.hidden = true;
    this.showError(error);
  }

  /** @param {number} seconds that the connection stays dropped */
  showAway(seconds) {
    const text = `Dropped; back in ${seconds} s`;
    const countdown = this.#state.querySelector(".countdown");
    if (countdown !== null) {
      countdown.textContent = text;
      return;
    }
    // Who hears the page is told once, not every second.
    this.#state.replaceChildren(
      element("span", { class: "countdown", "aria-hidden": "true" }, text),
      element("span", { class: "visually-hidden" }, `dropped, back in ${seconds} seconds`),
    );
  }

  /** @param {ErrorObject | null} error */
  showError(error) {
    showError(this.#alert, error);
  }

  /** @param {Identity} identity */
  showIdentity({ user_id: id, kind }) {
    const badge = element("span", { class: "kind", "data-kind": kind }, kind);
    byId("identity-name").replaceChildren(element("span", {}, id), " ", badge);
    this.#identity.hidden = false;
  }

  /** @param {string} name */
  showTransport(name) {
    byId("transport").textContent = name;
  }

  #suggestChannel() {
    const { channel, channels } = this.namespace;
    byId("channel").value = channel;
    byId("channel-hint").textContent = channels;
  }

  #keptToken() {
    const token = this.#token.value.trim();
    if (token) sessionStorage.setItem(TOKEN_KEY, token);
    else sessionStorage.removeItem(TOKEN_KEY);
    return token;
  }
}
