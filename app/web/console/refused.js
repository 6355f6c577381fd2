/**
 * The reason why the page's modules weren't loaded. Browsers say with a module which page asks for
 * it, and a server that doesn't admit the page refuses the module; with a classic script such as
 * this one they don't say it.
 */

"use strict";

addEventListener(
  "error",
  async ({ target }) => {
    if (!(target instanceof HTMLScriptElement)) return;
    const tell = (/** @type {string} */ state, /** @type {string} */ message) => {
      const alert = /** @type {HTMLElement} */ (document.getElementById("connection-error"));
      const shown = /** @type {HTMLElement} */ (document.getElementById("state"));
      shown.textContent = state;
      shown.dataset.state = "refused";
      alert.textContent = message;
      alert.hidden = false;
    };
    try {
      // A POST, for with it a browser says as well which page asks.
      const answer = await fetch("socket.io/?EIO=4&transport=polling", { method: "POST" });
      const { error } = await answer.json();
      if (answer.status === 403) {
        tell(`refused: ${error.reason}`, error.message);
        return;
      }
    } catch {
      // whatever it is, it isn't a refusal
    }
    tell("not loaded", "Scripts of this page could not be loaded.");
  },
  true, // for a script's own errors don't rise to the window
);
