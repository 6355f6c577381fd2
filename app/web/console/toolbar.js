/**
 * The toolbar over a channel's messages: what to look for, how to show it, and pause.
 *
 * @typedef {import("./stream.js").Stream} Stream
 */

import { ChoiceMenu } from "./choice-menu.js";
import { byId } from "./dom.js";

export class Toolbar {
  #bar = byId("toolbar");
  #find = byId("find");
  #count = byId("shown-count");
  #clear = byId("filter-clear");
  #layout = byId("layout");
  #pause = byId("pause");
  #types;
  #senders;
  #onChange;
  /** @type {Stream | null} */
  #stream = null;

  /** @param {() => void} onChange called when somebody has chosen something */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#types = new ChoiceMenu(byId("types"), "types", (chosen) => this.#choose("types", chosen));
    this.#senders = new ChoiceMenu(byId("senders"), "senders", (chosen) =>
      this.#choose("senders", chosen),
    );
    this.#find.addEventListener("input", () => {
      if (this.#stream === null) return;
      this.#stream.list.filter.find = this.#find.value.trim();
      this.#changed(this.#stream);
    });
    this.#find.addEventListener("keydown", (/** @type {KeyboardEvent} */ { key }) => {
      if (key === "Escape") this.#stream?.node.focus();
    });
    this.#clear.addEventListener("click", () => this.clearFilter());
    this.#layout.addEventListener("click", () => this.toggleLayout());
    this.#pause.addEventListener("click", () => this.togglePause());
  }

  /** @param {Stream | null} stream that is shown */
  show(stream) {
    this.#stream = stream;
    this.#bar.hidden = stream === null;
    if (stream !== null) this.#find.value = stream.list.filter.find;
    this.refresh();
  }

  /** Say what is shown now. */
  refresh() {
    if (this.#stream === null) return;
    const { list, isPaused, waiting } = this.#stream;
    const { total, shown } = list.counts;
    const { types, senders } = list.kinds;
    this.#types.show(types, list.filter.types);
    this.#senders.show(senders, list.filter.senders);
    const { isEmpty } = list.filter;
    this.#clear.hidden = isEmpty;
    this.#count.textContent = isEmpty ? `${shown}` : `${shown} of ${total}`;
    this.#layout.setAttribute("aria-pressed", String(list.layout === "dense"));
    this.#pause.setAttribute("aria-pressed", String(isPaused));
    this.#pause.textContent = isPaused ? `Resume · ${waiting} new` : "Pause";
  }

  /**
   * Show only what is of a type, or of a sender.
   *
   * @param {"types" | "senders"} by
   * @param {string} name
   */
  only(by, name) {
    this.#choose(by, new Set([name]));
  }

  clearFilter() {
    if (this.#stream === null) return;
    this.#stream.list.filter.clear();
    this.#find.value = "";
    this.#changed(this.#stream);
  }

  toggleLayout() {
    if (this.#stream === null) return;
    this.#stream.setLayout(this.#stream.list.layout === "dense" ? "read" : "dense");
    this.#changed(this.#stream);
  }

  togglePause() {
    if (this.#stream === null) return;
    if (this.#stream.isPaused) this.#stream.resume();
    else this.#stream.pause();
    this.refresh();
  }

  search() {
    this.#find.focus();
    this.#find.select();
  }

  /**
   * @param {"types" | "senders"} by
   * @param {Set<string>} chosen
   */
  #choose(by, chosen) {
    if (this.#stream === null) return;
    this.#stream.list.filter[by] = chosen;
    this.#changed(this.#stream);
  }

  /** @param {Stream} stream */
  #changed(stream) {
    stream.applyFilter();
    this.#onChange();
  }
}
