/**
 * The form that joins a channel.
 *
 * @typedef {import("./address.js").Place} Place
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 */

import { NAMESPACES, namespaceCalled } from "./catalogue.js";
import { byId, element } from "./dom.js";
import { showError } from "./errors.js";

export class JoinForm {
  #namespace = byId("namespace");
  #channel = byId("channel");
  #button = byId("join");
  #alert = byId("join-error");

  /** @param {(place: Place) => void} onJoin */
  constructor(onJoin) {
    this.#namespace.append(...NAMESPACES.map(({ name }) => element("option", {}, name)));
    this.#namespace.addEventListener("change", () => this.#suggest());
    this.#suggest();
    byId("join-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      onJoin({ namespace: this.namespace, channel: this.#channel.value.trim() });
    });
  }

  /** @returns {string} the one that is chosen */
  get namespace() {
    return this.#namespace.value;
  }

  /** @returns {Place} what one would join without typing anything */
  get suggestion() {
    return { namespace: this.namespace, channel: namespaceCalled(this.namespace).channel };
  }

  /** @param {boolean} enabled */
  setEnabled(enabled) {
    this.#button.disabled = !enabled;
  }

  /** @param {ErrorObject | null} error */
  showError(error) {
    showError(this.#alert, error);
  }

  #suggest() {
    const { channel, channels } = namespaceCalled(this.namespace);
    this.#channel.value = channel;
    byId("channel-hint").textContent = channels;
  }
}
