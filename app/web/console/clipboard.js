/** The clipboard, also where a browser keeps it from pages: on plain http of another machine. */

import { element } from "./dom.js";

/** How long a button says that it has copied; longer while the pointer is on it. */
const TOLD_MS = 1500;

/**
 * Have a button copy a text when it is pressed, and say so.
 *
 * @param {HTMLElement} button
 * @param {() => string} textOf
 */
export function copies(button, textOf) {
  const label = button.textContent;
  let timer = 0;
  const end = () => {
    if (button.matches(":hover")) button.addEventListener("pointerleave", end, { once: true });
    else button.textContent = label;
  };
  button.addEventListener("click", async () => {
    const isCopied = await copy(textOf());
    button.textContent = isCopied ? "Copied" : "Can’t copy";
    clearTimeout(timer);
    timer = setTimeout(end, TOLD_MS);
  });
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether it is in the clipboard
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = /** @type {HTMLTextAreaElement} */ (element("textarea", { readonly: "" }));
    field.value = text;
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    return isCopied;
  }
}
