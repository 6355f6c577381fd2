/**
 * The console: wires the parts of the page to one connection.
 *
 * @typedef {import("./catalogue.js").Namespace} Namespace
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {import("./connection.js").Identity} Identity
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 * @typedef {import("./rooms.js").Room} Room
 */

import { Channel } from "./channel.js";
import { Composer } from "./composer.js";
import { ConnectionPanel } from "./connection-panel.js";
import { Connection } from "./connection.js";
import { byId } from "./dom.js";
import { errorOf, showError } from "./errors.js";
import { loadClient, tellMissing } from "./library.js";
import { MembersPanel } from "./members.js";
import * as membership from "./membership.js";
import { Menu } from "./menu.js";
import { Rooms } from "./rooms.js";
import { Stream } from "./stream.js";
import { TypingLine } from "./typing.js";

class Console {
  #menu = new Menu();
  #typing = new TypingLine();
  #members = new MembersPanel(() => this.#refreshMembers());
  #rooms = new Rooms(
    (room) => this.#onSelect(room),
    (presence) => this.#members.show(presence, this.#identity),
    (room) => this.#leave(room),
  );
  #composer = new Composer((type, message) => this.#publish(type, message));
  #panel = new ConnectionPanel(
    (namespace, token) => this.#connect(namespace, token),
    () => this.#connection?.close(),
    () => this.#drop(),
  );
  /** @type {((namespace: string, options: object) => any) | null} */
  #io = null;
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Identity | null} */
  #identity = null;
  /** The identity and namespace of the rooms on the page; others must not be mixed with them. */
  #session = { namespace: "", owner: "" };

  constructor() {
    byId("join-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      void this.#openRoom(byId("channel").value.trim());
    });
  }

  /**
   * Let the person begin.
   *
   * @param {(namespace: string, options: object) => any} io
   */
  start(io) {
    this.#io = io;
    this.#panel.enable();
    this.#menu.show(true);
  }

  // The connection

  /**
   * @param {Namespace} namespace
   * @param {string} token
   */
  #connect(namespace, token) {
    if (this.#io === null) return;
    this.#connection = new Connection(this.#io, namespace.name, token, {
      onState: (state, error) => this.#onState(state, error),
      onAway: (seconds) => this.#panel.showAway(seconds),
      onIdentity: (identity) => this.#onIdentity(namespace, identity),
      onTransport: (name) => this.#panel.showTransport(name),
      onMessage: (envelope) => this.#onMessage(envelope),
      onError: (error) => this.#onError(error),
    });
    this.#connection.open();
  }

  #drop() {
    this.#connection?.drop();
    this.#menu.show(false); // on a phone it hides what this is to show
  }

  /**
   * @param {import("./connection.js").State} state
   * @param {ErrorObject | null} error
   */
  #onState(state, error) {
    const isConnected = state === "connected";
    this.#panel.showState(state, error);
    byId("join").disabled = !isConnected;
    this.#composer.setEnabled(isConnected);
    if (!isConnected) for (const room of this.#rooms.all()) room.channel.suspend();
  }

  /**
   * @param {Namespace} namespace
   * @param {Identity} identity
   */
  #onIdentity(namespace, identity) {
    const before = this.#session;
    this.#session = { namespace: namespace.name, owner: `${identity.kind} ${identity.user_id}` };
    const isSame = JSON.stringify(before) === JSON.stringify(this.#session);
    if (!isSame) this.#rooms.clear();
    this.#identity = identity;
    this.#panel.showIdentity(identity);
    this.#composer.offer(namespace, identity);
    const isNew = this.#rooms.all().length === 0;
    if (isNew && namespace.name === "/notifications") void this.#openOwnRooms(identity);
    for (const room of this.#rooms.all()) this.#rejoin(room);
  }

  /** @param {ErrorObject} error */
  #onError(error) {
    const room = this.#rooms.selected;
    if (room === null) this.#panel.showError(error);
    else room.stream.error(error);
  }

  /** @param {Envelope} envelope */
  #onMessage(envelope) {
    const room = this.#rooms.get(envelope.channel);
    if (room === undefined) return; // left, and this was on its way
    if (envelope.type === "circle_status") {
      const { online, members } = envelope.data;
      this.#rooms.setPresence(room, { count: online, members });
      return;
    }
    if (room === this.#rooms.selected) this.#typing.take(envelope);
    if (envelope.type !== "typing" && !room.channel.receive(envelope)) this.#rejoin(room);
  }

  // Rooms

  /** @param {Identity} identity */
  async #openOwnRooms({ user_id: id, kind }) {
    await this.#openRoom("broadcast");
    if (kind === "user") await this.#openRoom(`user:${id}`);
  }

  /** @param {string} name */
  async #openRoom(name) {
    const alert = byId("join-error");
    const known = this.#rooms.get(name);
    showError(alert, null);
    if (known !== undefined) {
      this.#rooms.select(known);
      return;
    }
    try {
      await membership.join(this.#openConnection, this.#rooms, this.#makeRoom(name));
    } catch (thrown) {
      showError(alert, errorOf(thrown));
    }
  }

  /**
   * @param {string} name
   * @returns {Room}
   */
  #makeRoom(name) {
    const stream = new Stream(
      name,
      this.#identity?.user_id,
      (count) => this.#onAppend(room, count),
      () => void membership.loadEarlier(this.#openConnection, this.#rooms, room),
    );
    /** @type {Room} */
    const room = { channel: new Channel(name, stream), stream, presence: null, unread: 0 };
    return room;
  }

  /** @param {Room} room */
  #rejoin(room) {
    void membership.rejoin(this.#openConnection, this.#rooms, room);
  }

  /** @param {Room} room */
  async #leave(room) {
    try {
      await membership.leave(this.#openConnection, this.#rooms, room);
    } catch (thrown) {
      showError(byId("join-error"), errorOf(thrown));
    }
  }

  #refreshMembers() {
    const room = this.#rooms.selected;
    if (room !== null) void membership.refreshMembers(this.#openConnection, this.#rooms, room);
  }

  /**
   * @param {string} type
   * @param {object} message
   */
  #publish(type, message) {
    const channel = this.#rooms.selected?.channel.name;
    return this.#openConnection.request(type, { channel, ...message });
  }

  /** The connection that whatever is on the page now belongs to; it may be cut at the moment. */
  get #openConnection() {
    if (this.#connection === null) throw new Error("there never was a connection");
    return this.#connection;
  }

  // What is shown

  /**
   * @param {Room} room
   * @param {number} count
   */
  #onAppend(room, count) {
    this.#rooms.countUnread(room, count);
    if (room === this.#rooms.selected) this.#showPosition(room);
  }

  /** @param {Room | null} room */
  #onSelect(room) {
    this.#typing.clear();
    this.#composer.setVisible(room !== null);
    byId("title").textContent = room?.channel.name ?? "No channel";
    this.#showPosition(room);
    if (room === null) {
      this.#members.clear();
      return;
    }
    this.#members.show(room.presence, this.#identity);
    this.#menu.show(false);
  }

  /** @param {Room | null} room */
  #showPosition(room) {
    const position = room?.channel.position;
    byId("position").textContent = position
      ? `${this.#session.namespace} · offset ${position.offset} · epoch ${position.epoch}`
      : "";
  }
}

const page = new Console();
const io = await loadClient();
if (io === null) tellMissing();
else page.start(io);
