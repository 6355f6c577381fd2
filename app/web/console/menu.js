/** The sidebar, which on a narrow screen lies over the page and is opened and closed. */

import { byId } from "./dom.js";

export class Menu {
  #open = byId("menu-open");

  constructor() {
    this.#open.addEventListener("click", () => this.show(true));
    byId("menu-close").addEventListener("click", () => this.show(false));
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && document.body.classList.contains("menu")) this.show(false);
    });
  }

  /** @param {boolean} visible */
  show(visible) {
    const moves = document.body.classList.toggle("menu", visible) !== this.#isExpanded;
    this.#open.setAttribute("aria-expanded", String(visible));
    if (moves && !visible) this.#open.focus();
  }

  get #isExpanded() {
    return this.#open.getAttribute("aria-expanded") === "true";
  }
}
