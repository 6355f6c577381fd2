/**
 * The form that connects, and what is known of the connection.
 *
 * @typedef {import("./connection.js").Identity} Identity
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 * @typedef {import("./session.js").State} State
 *
 * @typedef {object} Listener
 * @property {(token: string) => void} onConnect
 * @property {() => void} onDisconnect
 * @property {() => void} onDrop
 * @property {() => void} onRetry
 */

import { byId, element } from "./dom.js";
import { showError } from "./errors.js";

const TOKEN_KEY = "hearth.token";

export class ConnectionPanel {
  #token = byId("token");
  #button = byId("connect");
  #drop = byId("drop");
  #retry = byId("retry");
  #state = byId("state");
  #alert = byId("connection-error");
  #identity = byId("identity");
  #isOpen = false;
  #wasConnected = false;
  #reason = ""; // of a refusal

  /** @param {Listener} listener */
  constructor(listener) {
    // Of this tab and gone with it: a token is worth too much for localStorage.
    this.#token.value = sessionStorage.getItem(TOKEN_KEY) ?? "";
    byId("connection-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      if (this.#isOpen) listener.onDisconnect();
      else listener.onConnect(this.keptToken());
    });
    this.#drop.addEventListener("click", () => {
      if (this.#drop.getAttribute("aria-disabled") === "false") listener.onDrop();
    });
    this.#retry.addEventListener("click", () => {
      this.#button.focus(); // for this one goes
      listener.onRetry();
    });
  }

  /** Let the person connect. */
  enable() {
    this.#button.disabled = false;
  }

  /** Say that no token is needed. */
  tellDevelopment() {
    byId("token-hint").textContent =
      "Not needed in development mode; with one you are who it says. Kept in this tab only.";
  }

  /** Return the token that is typed, and keep it for a reload. */
  keptToken() {
    const token = this.#token.value.trim();
    if (token) sessionStorage.setItem(TOKEN_KEY, token);
    else sessionStorage.removeItem(TOKEN_KEY);
    return token;
  }

  /**
   * @param {State} state
   * @param {ErrorObject | null} error why, if there is more to say
   */
  showState(state, error) {
    this.#isOpen = state !== "disconnected" && state !== "refused";
    if (state === "connected") this.#wasConnected = true;
    if (!this.#isOpen) this.#wasConnected = false;
    this.#reason = error?.reason ?? error?.code ?? "";
    this.#state.textContent = this.#describe(state);
    this.#state.dataset.state = state;
    this.#button.textContent = this.#isOpen ? "Disconnect" : "Connect";
    this.#button.classList.toggle("primary", !this.#isOpen);
    this.#drop.hidden = !this.#isOpen;
    // Not `disabled`, which would take the focus from who has just pressed it.
    this.#drop.setAttribute("aria-disabled", String(state !== "connected"));
    this.#retry.hidden = state !== "waiting";
    byId("token-field").hidden = this.#isOpen;
    if (state !== "connected") this.#identity.hidden = true;
    this.showError(error);
  }

  /**
   * @param {State} state in which it waits
   * @param {number} seconds to the next attempt
   */
  showWait(state, seconds) {
    const what = state === "dropped" ? "Dropped; back" : this.#wasConnected ? "Reconnecting" : "Connecting";
    const text = `${what} in ${seconds} s`;
    const countdown = this.#state.querySelector(".countdown");
    if (countdown !== null) {
      countdown.textContent = text;
      return;
    }
    // Who hears the page is told once, not every second.
    const told = state === "dropped" ? `dropped, back in ${seconds} seconds` : `${what} in ${seconds} seconds`;
    this.#state.replaceChildren(
      element("span", { class: "countdown", "aria-hidden": "true" }, text),
      element("span", { class: "visually-hidden" }, told),
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

  /** @param {State} state */
  #describe(state) {
    if (state === "refused") return `refused: ${this.#reason}`;
    if (state === "connecting" && this.#wasConnected) return "reconnecting";
    return state;
  }
}
