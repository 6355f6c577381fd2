/**
 * The channels that are joined: each with what it shows, in a list to choose from, by namespace.
 *
 * @typedef {import("./address.js").Place} Place
 * @typedef {import("./members.js").Presence} Presence
 *
 * @typedef {object} Room
 * @property {string} namespace
 * @property {import("./channel.js").Channel} channel
 * @property {import("./stream.js").Stream} stream
 * @property {Presence | null} presence
 * @property {number} unread
 */

import { byId, element } from "./dom.js";

export class Rooms {
  /** @type {Map<string, Room>} by `keyOf` */
  #rooms = new Map();
  #list = byId("channels");
  #streams = byId("streams");
  #welcome = byId("welcome");
  #onSelect;
  #onPresence;
  #onLeave;
  /** @type {Room | null} the one that is shown */
  selected = null;

  /**
   * @param {(room: Room | null) => void} onSelect
   * @param {(presence: Presence | null) => void} onPresence called for the room that is shown
   * @param {(room: Room) => void} onLeave
   */
  constructor(onSelect, onPresence, onLeave) {
    this.#onSelect = onSelect;
    this.#onPresence = onPresence;
    this.#onLeave = onLeave;
  }

  /**
   * @param {string} namespace
   * @param {string | null} channel
   */
  get(namespace, channel) {
    return channel === null ? undefined : this.#rooms.get(keyOf(namespace, channel));
  }

  /** @param {Place | null} place */
  at(place) {
    return place === null ? undefined : this.get(place.namespace, place.channel);
  }

  /** @param {string} [namespace] only those of it */
  all(namespace) {
    const rooms = [...this.#rooms.values()];
    return namespace === undefined ? rooms : rooms.filter((room) => room.namespace === namespace);
  }

  /**
   * @param {Room} room
   * @param {boolean} isSelected
   */
  add(room, isSelected) {
    this.#rooms.set(keyOf(room.namespace, room.channel.name), room);
    room.unread = 0; // its history is no news
    room.stream.node.hidden = true;
    this.#streams.append(room.stream.node);
    if (isSelected) this.select(room);
    else this.#draw();
  }

  /** @param {Room} room */
  remove(room) {
    this.#rooms.delete(keyOf(room.namespace, room.channel.name));
    room.stream.node.remove();
    this.select(this.selected === room ? (this.all().at(-1) ?? null) : this.selected);
  }

  /** Remove all. */
  clear() {
    for (const room of this.all()) room.stream.node.remove();
    this.#rooms.clear();
    this.select(null);
  }

  /** @param {Room | null} room */
  select(room) {
    this.selected = room;
    if (room !== null) room.unread = 0;
    this.#welcome.hidden = room !== null;
    for (const other of this.all()) other.stream.node.hidden = other !== room;
    room?.stream.scrollToEnd();
    this.#draw();
    this.#onSelect(room);
  }

  /**
   * Select the room after or before the one that is shown.
   *
   * @param {1 | -1} step
   */
  selectBeside(step) {
    const rooms = this.#inOrder();
    if (rooms.length === 0) return;
    const at = this.selected === null ? 0 : rooms.indexOf(this.selected) + step;
    this.select(rooms[(at + rooms.length) % rooms.length]);
  }

  /**
   * @param {Room} room
   * @param {number} count of new messages in it
   */
  countUnread(room, count) {
    if (room === this.selected || count === 0) return;
    room.unread += count;
    this.#draw();
  }

  /**
   * @param {Room} room
   * @param {Presence | null} presence
   */
  setPresence(room, presence) {
    room.presence = presence;
    if (room === this.selected) this.#onPresence(presence);
  }

  /** @returns {Room[]} by namespace, as the list has them */
  #inOrder() {
    const namespaces = [...new Set(this.all().map(({ namespace }) => namespace))];
    return namespaces.flatMap((namespace) => this.all(namespace));
  }

  #draw() {
    const items = [];
    let namespace = "";
    for (const room of this.#inOrder()) {
      if (room.namespace !== namespace) {
        namespace = room.namespace;
        items.push(element("li", { class: "channels-of" }, namespace));
      }
      items.push(this.#row(room));
    }
    // A click draws the list anew: who came by the keyboard stays where one was.
    const focused = document.activeElement?.getAttribute("data-key");
    this.#list.replaceChildren(...items);
    if (focused) this.#list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  /** @param {Room} room */
  #row(room) {
    const { name } = room.channel;
    const attributes = {
      class: "channel",
      type: "button",
      "aria-current": String(room === this.selected),
      "data-key": keyOf(room.namespace, name),
    };
    const select = element(
      "button",
      attributes,
      element("span", { class: "channel-name", dir: "auto" }, name),
    );
    if (room.unread > 0) {
      const label = `${room.unread} unread`;
      select.append(element("span", { class: "unread", "aria-label": label }, `${room.unread}`));
    }
    const leave = element(
      "button",
      { class: "quiet leave", type: "button", "aria-label": `Leave ${name}` },
      "Leave",
    );
    select.addEventListener("click", () => this.select(room));
    leave.addEventListener("click", () => this.#onLeave(room));
    return element("li", {}, select, leave);
  }
}

/**
 * @param {string} namespace
 * @param {string} channel
 */
function keyOf(namespace, channel) {
  return `${namespace} ${channel}`;
}
