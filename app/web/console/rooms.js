/**
 * The channels that are joined: each with what it shows, in a list to choose from.
 *
 * @typedef {import("./members.js").Presence} Presence
 *
 * @typedef {object} Room
 * @property {import("./channel.js").Channel} channel
 * @property {import("./stream.js").Stream} stream
 * @property {Presence | null} presence
 * @property {number} unread
 */

import { byId, element } from "./dom.js";

export class Rooms {
  /** @type {Map<string, Room>} */
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

  /** @param {string | null} name */
  get(name) {
    return name === null ? undefined : this.#rooms.get(name);
  }

  all() {
    return [...this.#rooms.values()];
  }

  /** @param {Room} room */
  add(room) {
    this.#rooms.set(room.channel.name, room);
    this.#streams.append(room.stream.node);
    this.select(room);
  }

  /** @param {Room} room */
  remove(room) {
    this.#rooms.delete(room.channel.name);
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

  #draw() {
    this.#list.replaceChildren(...this.all().map((room) => this.#row(room)));
  }

  /** @param {Room} room */
  #row(room) {
    const { name } = room.channel;
    const select = element(
      "button",
      { class: "channel", type: "button", "aria-current": String(room === this.selected) },
      element("span", { class: "channel-name" }, name),
    );
    if (room.unread > 0) {
      const label = `${room.unread} unread`;
      select.append(element("span", { class: "unread", "aria-label": label }, `${room.unread}`));
    }
    const leave = element(
      "button",
      { class: "quiet", type: "button", "aria-label": `Leave ${name}` },
      "Leave",
    );
    select.addEventListener("click", () => this.select(room));
    leave.addEventListener("click", () => this.#onLeave(room));
    return element("li", {}, select, leave);
  }
}
