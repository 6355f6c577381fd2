/**
 * The channels of the page: joining them, coming back to them, leaving them.
 *
 * @typedef {import("./address.js").Place} Place
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {import("./connection.js").Identity} Identity
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 * @typedef {import("./message-list.js").Row} Row
 * @typedef {import("./rooms.js").Room} Room
 * @typedef {import("./rooms.js").Rooms} Rooms
 * @typedef {import("./session.js").Session} Session
 * @typedef {import("./visit.js").Visit} Visit
 *
 * @typedef {object} Listener
 * @property {(room: Room, count: number) => void} onAppend so many messages came
 * @property {(room: Room) => void} onChange the room shows something else
 * @property {(row: Row) => void} onInspect
 * @property {(room: Room) => void} onShown it is joined, and shown as it is to be
 * @property {(error: ErrorObject | null) => void} onError about joining or leaving
 */

import { usualLayout } from "./catalogue.js";
import { Channel } from "./channel.js";
import { errorOf, isTemporary } from "./errors.js";
import * as membership from "./membership.js";
import { Stream } from "./stream.js";
import { placeOf } from "./visit.js";

const NOTIFICATIONS = "/notifications";

export class Channels {
  #rooms;
  #visit;
  #listener;
  /** @type {Session | null} */
  #session = null;
  /** @type {Identity | null} whose rooms are on the page; others must not be mixed with them */
  #identity = null;

  /**
   * @param {Rooms} rooms
   * @param {Visit} visit
   * @param {Listener} listener
   */
  constructor(rooms, visit, listener) {
    this.#rooms = rooms;
    this.#visit = visit;
    this.#listener = listener;
  }

  /** @param {Session} session whose connections are used from now on */
  use(session) {
    this.#session = session;
  }

  /**
   * Be in a namespace's channels, again or for the first time.
   *
   * @param {string} namespace
   * @param {Identity} identity
   */
  enter(namespace, identity) {
    const before = this.#identity;
    if (before && (before.user_id !== identity.user_id || before.kind !== identity.kind)) {
      const places = this.#rooms.all().map(placeOf);
      this.#rooms.clear();
      for (const place of places) this.#visit.want(place);
    }
    this.#identity = identity;
    const wanted = this.#visit.wanted(namespace);
    const isNew = this.#rooms.all(namespace).length === 0;
    for (const room of this.#rooms.all(namespace)) this.#rejoin(room);
    for (const place of wanted) void this.#join(place, this.#visit.isFirst(place));
    if (isNew && namespace === NOTIFICATIONS) void this.#joinOwn(identity, wanted);
  }

  /** The connection is lost: coming back says what was missed. */
  suspend() {
    for (const room of this.#rooms.all()) room.channel.suspend();
  }

  /**
   * Show a channel, which is joined if it isn't yet.
   *
   * @param {Place} place
   */
  open(place) {
    const known = this.#rooms.get(place.namespace, place.channel);
    this.#listener.onError(null);
    if (known !== undefined) {
      this.#rooms.select(known);
      return;
    }
    this.#visit.want(place);
    this.#seek(place, true);
  }

  /** Go where the address says, after it has changed. */
  follow() {
    const room = this.#rooms.at(this.#visit.first);
    for (const place of this.#visit.wanted()) this.#seek(place, this.#visit.isFirst(place));
    if (room === undefined) return;
    this.#rooms.select(room);
    void this.#restore(room);
  }

  /** @param {Room} room */
  async leave(room) {
    try {
      await membership.leave(this.#connectionOf(room), this.#rooms, room);
    } catch (thrown) {
      this.#listener.onError(errorOf(thrown));
    }
  }

  /**
   * @param {Room} room
   * @param {Envelope} envelope
   */
  receive(room, envelope) {
    if (envelope.type === "circle_status") {
      const { online, members } = envelope.data;
      this.#rooms.setPresence(room, { count: online, members });
    }
    if (!room.channel.receive(envelope)) this.#rejoin(room);
  }

  /** @param {Room} room */
  refreshMembers(room) {
    void membership.refreshMembers(this.#connectionOf(room), this.#rooms, room);
  }

  /**
   * Publish into a room; rejects with a `RequestError`.
   *
   * @param {Room} room
   * @param {string} type
   * @param {object} message
   */
  publish(room, type, message) {
    return this.#connectionOf(room).request(type, { channel: room.channel.name, ...message });
  }

  /**
   * @param {Place} place
   * @param {boolean} isShown
   */
  #seek(place, isShown) {
    const connection = this.#session?.connection(place.namespace);
    if (connection?.connected) void this.#join(place, isShown); // else once it is
  }

  /**
   * Join the channels that the server joins everybody to.
   *
   * @param {Identity} identity
   * @param {Place[]} wanted are joined anyway
   */
  async #joinOwn({ user_id: id, kind }, wanted) {
    const own = kind === "user" ? ["broadcast", `user:${id}`] : ["broadcast"];
    for (const channel of own) {
      if (wanted.some((place) => place.channel === channel)) continue;
      await this.#join({ namespace: NOTIFICATIONS, channel }, wanted.length === 0);
    }
  }

  /**
   * @param {Place} place
   * @param {boolean} isShown
   */
  async #join(place, isShown) {
    const room = this.#makeRoom(place);
    try {
      await membership.join(this.#connectionOf(room), this.#rooms, room, isShown);
    } catch (thrown) {
      const error = errorOf(thrown);
      this.#listener.onError(error);
      if (!isTemporary(error)) this.#visit.settle(place);
      return;
    }
    this.#visit.settle(place);
    await this.#restore(room);
  }

  /** @param {Room} room */
  #rejoin(room) {
    void membership.rejoin(this.#connectionOf(room), this.#rooms, room);
  }

  /**
   * @param {Place} place
   * @returns {Room}
   */
  #makeRoom({ namespace, channel: name }) {
    const stream = new Stream(name, this.#identity?.user_id, usualLayout(namespace), {
      onAppend: (count) => this.#listener.onAppend(room, count),
      onChange: () => this.#listener.onChange(room),
      onEarlier: () => void membership.loadEarlier(this.#connectionOf(room), this.#rooms, room),
      onInspect: (row) => this.#listener.onInspect(row),
    });
    /** @type {Room} */
    const room = { namespace, channel: new Channel(name, stream), stream, presence: null, unread: 0 };
    return room;
  }

  /**
   * Show a room as the address wants it.
   *
   * @param {Room} room
   */
  async #restore(room) {
    const view = this.#visit.takeView(placeOf(room));
    const { stream } = room;
    if (view !== null) {
      const { filter } = stream.list;
      filter.types = new Set(view.types);
      filter.senders = new Set(view.senders);
      filter.find = view.find;
      if (view.layout !== null) stream.setLayout(view.layout);
      stream.applyFilter();
    }
    this.#listener.onShown(room);
    if (view === null || view.at === null) return;
    await membership.loadBackTo(this.#connectionOf(room), this.#rooms, room, view.at);
    const row = stream.list.rowOf(view.at);
    if (row === undefined) return;
    this.#listener.onInspect(row);
    row.node.scrollIntoView({ block: "center" });
  }

  /**
   * Return the connection that a room belongs to; it may be cut at the moment.
   *
   * @param {{namespace: string}} room
   */
  #connectionOf({ namespace }) {
    if (this.#session === null) throw new Error("there never was a session");
    return this.#session.connection(namespace);
  }
}
