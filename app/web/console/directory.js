/**
 * The directory: which channels have members now, and who they are, as far as the token may see.
 *
 * @typedef {import("./address.js").Place} Place
 * @typedef {import("./server.js").Listed} Listed
 */

import { byId, element } from "./dom.js";
import { errorOf, showError } from "./errors.js";
import { listChannels } from "./server.js";

const EVERY_MS = 10_000;
/** So many members are named. */
const NAMED = 3;

export class Directory {
  #section = byId("directory");
  #list = byId("directory-list");
  #hint = byId("directory-hint");
  #alert = byId("directory-error");
  #token = "";
  #timer = 0;
  #isOn = false;
  #onOpen;
  #isOpen;
  /** @type {{channels: Listed[], more: number}} */
  #known = { channels: [], more: 0 };

  /**
   * @param {(place: Place) => void} onOpen called when one is to be joined
   * @param {(place: Place) => boolean} isOpen whether one is joined already
   */
  constructor(onOpen, isOpen) {
    this.#onOpen = onOpen;
    this.#isOpen = isOpen;
    byId("directory-refresh").addEventListener("click", () => void this.refresh());
    document.addEventListener("visibilitychange", () => {
      if (this.#isOn && !document.hidden) void this.refresh();
    });
  }

  /** @param {string} token may be empty */
  start(token) {
    this.#token = token;
    this.#isOn = true;
    this.#section.hidden = false;
    void this.refresh();
  }

  stop() {
    this.#isOn = false;
    clearTimeout(this.#timer);
    this.#section.hidden = true;
  }

  /** Ask anew; errors are shown. */
  async refresh() {
    clearTimeout(this.#timer);
    try {
      this.#known = await listChannels(this.#token);
      showError(this.#alert, null);
      this.draw();
    } catch (thrown) {
      showError(this.#alert, errorOf(thrown));
    }
    clearTimeout(this.#timer);
    if (this.#isOn && !document.hidden) {
      this.#timer = setTimeout(() => void this.refresh(), EVERY_MS);
    }
  }

  /** Show what is known, without what has been joined since. */
  draw() {
    const { channels, more } = this.#known;
    const others = channels.filter((place) => !this.#isOpen(place));
    this.#list.replaceChildren(...others.map((listed) => this.#row(listed)));
    const none = channels.length > 0 ? "You are in all of them." : "Nobody is in any channel.";
    this.#hint.textContent = more > 0 ? `and ${more} more` : others.length > 0 ? "" : none;
  }

  /** @param {Listed} listed */
  #row({ namespace, channel, presence }) {
    const open = element(
      "button",
      { class: "channel listed", type: "button", title: `Join ${namespace}/${channel}` },
      element("span", { class: "channel-name" }, channel),
      element("span", { class: "listed-in" }, namespace),
      element("span", { class: "listed-members" }, describeMembers(presence)),
    );
    open.addEventListener("click", () => this.#onOpen({ namespace, channel }));
    return element("li", {}, open);
  }
}

/** @param {import("./members.js").Presence | null} presence */
function describeMembers(presence) {
  if (presence === null) return "";
  const named = presence.members.slice(0, NAMED).map(({ id }) => id);
  const others = presence.count - named.length;
  return [...named, ...(others > 0 ? [`${others} more`] : [])].join(", ") || "nobody";
}
