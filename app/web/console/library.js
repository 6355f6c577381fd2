/**
 * The Socket.IO client, which comes from npm and not with the repository.
 */

import { byId, element } from "./dom.js";

const PATH = "./vendor/socket.io.esm.min.js";

/**
 * Return the client's `Manager`, or null where the file isn't there.
 *
 * Imported when asked rather than at the top of a module: a static import that fails would take
 * the whole page with it, and nobody would read why.
 *
 * @returns {Promise<(new (options: object) => any) | null>}
 */
export async function loadClient() {
  try {
    return (await import(PATH)).Manager;
  } catch {
    return null;
  }
}

/** Say in place of the page's welcome what is missing, and how to get it. */
export function tellMissing() {
  byId("welcome-title").textContent = "The Socket.IO client is missing";
  byId("welcome-text").replaceChildren(
    element("p", {}, "It comes from npm and is not part of the repository. To get it:"),
    element(
      "ol",
      {},
      element("li", {}, "install Node.js 20 or newer with npm,"),
      element("li", {}, "run ", element("code", {}, "make console"), " where Hearth is,"),
      element("li", {}, "reload this page."),
    ),
  );
}
