/** A menu in which any number of things can be chosen, each with how often it is there. */

import { element } from "./dom.js";

export class ChoiceMenu {
  #details;
  #summary;
  #list = element("ul", { class: "choices" });
  #what;
  #onChange;
  #drawn = "";

  /**
   * @param {HTMLDetailsElement} details of the page, with a `summary`
   * @param {string} what can be chosen, as the summary says where nothing is
   * @param {(chosen: Set<string>) => void} onChange
   */
  constructor(details, what, onChange) {
    this.#details = details;
    this.#summary = /** @type {HTMLElement} */ (details.querySelector("summary"));
    this.#what = what;
    this.#onChange = onChange;
    details.append(this.#list);
    this.#list.addEventListener("change", () => this.#tell());
    details.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && details.open) this.#close();
    });
    document.addEventListener("click", ({ target }) => {
      if (!details.contains(/** @type {Node} */ (target))) details.open = false;
    });
  }

  /**
   * @param {Map<string, number>} counts of what there is
   * @param {Set<string>} chosen
   */
  show(counts, chosen) {
    const names = [...new Set([...counts.keys(), ...chosen])].sort();
    const rows = names.map((name) => ({ name, count: counts.get(name) ?? 0, on: chosen.has(name) }));
    this.#summary.textContent = describe(this.#what, chosen);
    this.#details.classList.toggle("active", chosen.size > 0);
    const drawn = JSON.stringify(rows);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = /** @type {HTMLInputElement | null} */ (this.#list.querySelector(":focus"));
    this.#list.replaceChildren(...rows.map(choiceRow));
    if (names.length === 0) this.#list.append(element("li", { class: "hint" }, "Nothing yet."));
    if (focused === null) return;
    for (const input of this.#list.querySelectorAll("input")) {
      if (input.value === focused.value) input.focus();
    }
  }

  #tell() {
    const inputs = [...this.#list.querySelectorAll("input")];
    this.#onChange(new Set(inputs.filter(({ checked }) => checked).map(({ value }) => value)));
  }

  #close() {
    this.#details.open = false;
    this.#summary.focus();
  }
}

/**
 * @param {string} what
 * @param {Set<string>} chosen
 */
function describe(what, chosen) {
  const [first] = chosen;
  if (first === undefined) return `All ${what}`;
  return chosen.size === 1 ? first : `${chosen.size} ${what}`;
}

/** @param {{name: string, count: number, on: boolean}} row */
function choiceRow({ name, count, on }) {
  const input = /** @type {HTMLInputElement} */ (
    element("input", { type: "checkbox", value: name })
  );
  input.checked = on;
  const label = element("span", { class: "choice-name" }, name);
  return element(
    "li",
    {},
    element("label", {}, input, label, element("span", { class: "count" }, `${count}`)),
  );
}
