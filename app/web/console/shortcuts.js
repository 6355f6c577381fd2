/** Keyboard shortcuts: single keys, which do nothing while one writes, and can be turned off. */

import { byId, element } from "./dom.js";

const OFF_KEY = "hearth.shortcuts";

/**
 * @typedef {object} Shortcut
 * @property {string[]} keys as `KeyboardEvent.key`; the first is shown
 * @property {string} what it does
 * @property {() => void} run
 */

export class Shortcuts {
  #dialog = byId("help");
  #toggle = byId("shortcuts-on");
  #shortcuts;

  /** @param {Shortcut[]} shortcuts */
  constructor(shortcuts) {
    this.#shortcuts = [...shortcuts, { keys: ["?"], what: "Show this", run: () => this.show() }];
    this.#toggle.checked = localStorage.getItem(OFF_KEY) !== "off";
    this.#toggle.addEventListener("change", () => {
      if (this.#toggle.checked) localStorage.removeItem(OFF_KEY);
      else localStorage.setItem(OFF_KEY, "off");
    });
    byId("help-open").addEventListener("click", () => this.show());
    byId("help-close").addEventListener("click", () => this.#dialog.close());
    byId("help-keys").replaceChildren(
      ...this.#shortcuts.map(({ keys: [key], what }) =>
        element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)),
      ),
    );
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  show() {
    this.#dialog.showModal();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!this.#toggle.checked || this.#dialog.open || isWriting(event.target)) return;
    const pressed = this.#shortcuts.find(({ keys }) => keys.includes(event.key));
    if (pressed === undefined) return;
    event.preventDefault();
    pressed.run();
  }
}

/** @param {EventTarget | null} target */
function isWriting(target) {
  return target instanceof Element && target.closest("input, select, textarea, details[open]") !== null;
}
