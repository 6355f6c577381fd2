/**
 * The visit: which channels the page is to be in, those that it isn't in yet included, and the
 * address that says so.
 *
 * @typedef {import("./address.js").Address} Address
 * @typedef {import("./address.js").Place} Place
 * @typedef {import("./address.js").View} View
 * @typedef {import("./rooms.js").Room} Room
 * @typedef {import("./rooms.js").Rooms} Rooms
 */

import { readAddress, writeAddress } from "./address.js";
import { usualLayout } from "./catalogue.js";

/** @type {View} */
const NOTHING = { types: [], senders: [], find: "", layout: null, at: null };

export class Visit {
  #rooms;
  /** @type {Place[]} still to be joined */
  #wanted = [];
  /** @type {{place: Place, view: View} | null} what is to be shown once it is joined */
  #first = null;

  /** @param {Rooms} rooms that are joined */
  constructor(rooms) {
    this.#rooms = rooms;
  }

  /** Want what the address says; returns whether that is anything. */
  read() {
    const { selected, also, view } = readAddress(location.hash);
    if (selected === null) return false;
    this.#first = { place: selected, view };
    for (const place of [selected, ...also]) this.want(place);
    return true;
  }

  /** @param {Place} place that is to be joined as soon as it can */
  want(place) {
    if (this.#rooms.get(place.namespace, place.channel) || this.#isWanted(place)) return;
    this.#wanted.push(place);
  }

  /** @param {Place} place that is joined, or never will be */
  settle(place) {
    this.#wanted = this.#wanted.filter((other) => !isSame(other, place));
  }

  /** @param {string} [namespace] only those of it */
  wanted(namespace) {
    return this.#wanted.filter((place) => namespace === undefined || place.namespace === namespace);
  }

  /** The namespaces of all channels that are joined or wanted. */
  get namespaces() {
    const all = [...this.#rooms.all(), ...this.#wanted];
    return [...new Set(all.map(({ namespace }) => namespace))];
  }

  /** What the address wants to be shown, as long as it isn't. */
  get first() {
    return this.#first?.place ?? null;
  }

  /**
   * Tell whether a channel, once joined, is the one to show.
   *
   * @param {Place} place
   */
  isFirst(place) {
    return this.#first === null || isSame(this.#first.place, place);
  }

  /**
   * Return how the address wants a room to be shown, once.
   *
   * @param {Place} place
   * @returns {View | null}
   */
  takeView(place) {
    if (this.#first === null || !isSame(this.#first.place, place)) return null;
    const { view } = this.#first;
    this.#first = null;
    return view;
  }

  /**
   * Write into the address what is on the page.
   *
   * @param {number | null} at the offset of the message that is inspected
   */
  write(at) {
    const room = this.#rooms.selected;
    const first = room ? placeOf(room) : (this.#first?.place ?? this.#wanted[0] ?? null);
    const joined = this.#rooms.all().map(placeOf);
    const also = [...joined, ...this.#wanted].filter((place) => first && !isSame(place, first));
    const view = room ? viewOf(room, at) : (this.#first?.view ?? NOTHING);
    const hash = writeAddress({ selected: first, also, view });
    history.replaceState(null, "", hash || location.pathname + location.search);
  }

  /** @param {Place} place */
  #isWanted(place) {
    return this.#wanted.some((other) => isSame(other, place));
  }
}

/**
 * @param {Room} room
 * @returns {Place}
 */
export function placeOf({ namespace, channel }) {
  return { namespace, channel: channel.name };
}

/**
 * @param {Room} room
 * @param {number | null} at
 * @returns {View}
 */
function viewOf({ namespace, stream }, at) {
  const { filter, layout } = stream.list;
  return {
    types: [...filter.types],
    senders: [...filter.senders],
    find: filter.find,
    layout: layout === usualLayout(namespace) ? null : layout,
    at,
  };
}

/**
 * @param {Place} one
 * @param {Place} other
 */
function isSame(one, other) {
  return one.namespace === other.namespace && one.channel === other.channel;
}
