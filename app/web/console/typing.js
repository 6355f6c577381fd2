/**
 * Who is typing in the channel that is shown.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 */

import { byId } from "./dom.js";

/** Who stops without saying so is believed to type for this long. */
const BELIEVED_MS = 6_000;

export class TypingLine {
  #line = byId("typing");
  /** @type {Map<string, number>} */
  #timers = new Map();

  /** @param {Envelope} envelope of any type: who has said something is no longer typing */
  take({ type, sender, data }) {
    if (sender === undefined || type === "circle_status") return;
    const { id } = sender;
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    if (type === "typing" && data.typing) {
      this.#timers.set(id, setTimeout(() => this.#forget(id), BELIEVED_MS));
    }
    this.#draw();
  }

  /** Forget all. */
  clear() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#draw();
  }

  /** @param {string} id */
  #forget(id) {
    this.#timers.delete(id);
    this.#draw();
  }

  #draw() {
    const ids = [...this.#timers.keys()];
    const verb = ids.length === 1 ? "is" : "are";
    this.#line.textContent = ids.length > 0 ? `${ids.join(", ")} ${verb} typing…` : "";
  }
}
