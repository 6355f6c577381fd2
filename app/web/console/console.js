/**
 * The console: wires the parts of the page to one session.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {import("./connection.js").Identity} Identity
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 * @typedef {import("./rooms.js").Room} Room
 */

import { namespaceCalled } from "./catalogue.js";
import { Channels } from "./channels.js";
import { Composer } from "./composer.js";
import { ConnectionPanel } from "./connection-panel.js";
import { Directory } from "./directory.js";
import { byId } from "./dom.js";
import { SERVER } from "./filter.js";
import { Inspector } from "./inspector.js";
import { JoinForm } from "./join-form.js";
import { Latency } from "./latency.js";
import { loadClient, tellMissing } from "./library.js";
import { MembersPanel } from "./members.js";
import { Menu } from "./menu.js";
import { Rooms } from "./rooms.js";
import { askServer, SOCKET_PATH } from "./server.js";
import { Session } from "./session.js";
import { Shortcuts } from "./shortcuts.js";
import { Toolbar } from "./toolbar.js";
import { TypingLine } from "./typing.js";
import { Visit } from "./visit.js";

class Console {
  #menu = new Menu();
  #typing = new TypingLine();
  #members = new MembersPanel(() => this.#onMembersWanted());
  #rooms = new Rooms(
    (room) => this.#onSelect(room),
    (presence) => this.#members.show(presence, this.#identity),
    (room) => void this.#channels.leave(room).then(() => this.#directory.refresh()),
  );
  #visit = new Visit(this.#rooms);
  #channels = new Channels(this.#rooms, this.#visit, {
    onAppend: (room, count) => this.#onAppend(room, count),
    onChange: (room) => room === this.#rooms.selected && this.#toolbar.refresh(),
    onInspect: (row) => this.#inspector.open(row),
    onShown: (room) => this.#onShown(room),
    onError: (error) => this.#joinForm.showError(error),
  });
  #joinForm = new JoinForm((place) => this.#channels.open(place));
  #directory = new Directory(
    (place) => this.#channels.open(place),
    ({ namespace, channel }) => this.#rooms.get(namespace, channel) !== undefined,
  );
  #composer = new Composer((type, message) => this.#publish(type, message));
  #toolbar = new Toolbar(() => this.#onView());
  #inspector = new Inspector({
    onChange: () => this.#writeAddress(),
    onType: ({ type }) => this.#toolbar.only("types", type),
    onSender: ({ sender = SERVER }) => this.#toolbar.only("senders", sender.id),
    onReuse: (envelope) => this.#composer.reuse(envelope),
  });
  #panel = new ConnectionPanel({
    onConnect: (token) => this.#connect(token, true),
    onDisconnect: () => this.#session?.close(),
    onDrop: () => this.#drop(),
    onRetry: () => this.#session?.retry(),
  });
  #latency = new Latency(() => this.#session?.anyConnection);
  /** @type {(new (options: object) => any) | null} */
  #Manager = null;
  /** @type {Session | null} */
  #session = null;
  #token = "";
  /** @type {Identity | null} */
  #identity = null;

  /**
   * Let the person begin; where that needs nothing of them, begin.
   *
   * @param {new (options: object) => any} Manager
   */
  async start(Manager) {
    this.#Manager = Manager;
    const { development, strangers } = await askServer();
    if (development) {
      this.#panel.tellDevelopment();
      this.#composer.allowAll();
    }
    this.#panel.enable();
    this.#addShortcuts();
    addEventListener("hashchange", () => this.#visit.read() && this.#channels.follow());
    addEventListener("online", () => this.#session?.state === "waiting" && this.#session.retry());
    const isAsked = this.#visit.read();
    const token = this.#panel.keptToken();
    if (development || strangers || token) {
      if (development && !isAsked) this.#visit.want(this.#joinForm.suggestion);
      this.#connect(token, false);
    } else {
      this.#menu.show(true);
    }
  }

  // The session

  /**
   * @param {string} token
   * @param {boolean} isChosen whether to open the namespace that is chosen in the form
   */
  #connect(token, isChosen) {
    if (this.#Manager === null) return;
    this.#token = token;
    const session = new Session(this.#Manager, SOCKET_PATH, token, {
      onState: (state, error) => this.#onState(state, error),
      onWait: (seconds) => this.#panel.showWait(session.state, seconds),
      onIdentity: (namespace, identity) => this.#onIdentity(namespace, identity),
      onTransport: (name) => this.#panel.showTransport(name),
      onMessage: (namespace, envelope) => this.#onMessage(namespace, envelope),
      onError: (namespace, envelope, error) => this.#onError(namespace, envelope, error),
    });
    this.#session = session;
    this.#channels.use(session);
    const { namespaces } = this.#visit;
    if (isChosen || namespaces.length === 0) session.connection(this.#joinForm.namespace);
    for (const namespace of namespaces) session.connection(namespace);
    session.open();
  }

  #drop() {
    this.#session?.drop();
    this.#menu.show(false); // on a phone it hides what this is to show
  }

  /**
   * @param {import("./session.js").State} state
   * @param {ErrorObject | null} error
   */
  #onState(state, error) {
    const isConnected = state === "connected";
    this.#panel.showState(state, error);
    this.#joinForm.setEnabled(isConnected);
    this.#composer.setEnabled(isConnected);
    if (isConnected) return;
    this.#channels.suspend();
    this.#latency.stop();
    this.#directory.stop();
  }

  /**
   * @param {string} namespace
   * @param {Identity} identity
   */
  #onIdentity(namespace, identity) {
    this.#identity = identity;
    this.#panel.showIdentity(identity);
    this.#latency.start();
    this.#directory.start(this.#token);
    this.#channels.enter(namespace, identity);
  }

  /**
   * @param {string} namespace
   * @param {Envelope} envelope
   */
  #onMessage(namespace, envelope) {
    const room = this.#rooms.get(namespace, envelope.channel);
    if (room === undefined) return; // left, and this was on its way
    if (room === this.#rooms.selected) this.#typing.take(envelope);
    this.#channels.receive(room, envelope);
  }

  /**
   * @param {string} namespace
   * @param {Envelope} envelope
   * @param {ErrorObject} error
   */
  #onError(namespace, envelope, error) {
    const room = this.#rooms.selected;
    if (room?.namespace === namespace) room.stream.error(error, envelope);
    else this.#panel.showError(error);
  }

  /**
   * @param {string} type
   * @param {object} message
   */
  #publish(type, message) {
    const room = this.#rooms.selected;
    if (room === null) throw new Error("there is no channel to publish into");
    return this.#channels.publish(room, type, message);
  }

  // What is shown

  /** Somebody has chosen a filter or a layout; the row that is inspected may be drawn anew. */
  #onView() {
    const { row } = this.#inspector;
    const offset = row?.envelopes.at(-1)?.offset;
    if (row && !row.node.isConnected) {
      const anew = offset && this.#rooms.selected?.stream.list.rowOf(offset);
      if (anew) this.#inspector.open(anew);
      else this.#inspector.close();
    }
    this.#writeAddress();
  }

  #writeAddress() {
    this.#visit.write(this.#inspector.row?.envelopes.at(-1)?.offset ?? null);
  }

  /** @param {Room} room */
  #onShown(room) {
    if (room === this.#rooms.selected) this.#toolbar.show(room.stream);
    this.#writeAddress();
    void this.#directory.refresh();
  }

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
    this.#inspector.close();
    this.#composer.setVisible(room !== null);
    this.#toolbar.show(room?.stream ?? null);
    byId("title").textContent = room?.channel.name ?? "No channel";
    document.title = room ? `${room.channel.name} · Hearth console` : "Hearth console";
    this.#showPosition(room);
    this.#writeAddress();
    if (room === null) {
      this.#members.clear();
      return;
    }
    if (this.#identity) this.#composer.offer(namespaceCalled(room.namespace), this.#identity);
    this.#members.show(room.presence, this.#identity);
    this.#menu.show(false);
  }

  /** @param {Room | null} room */
  #showPosition(room) {
    const position = room?.channel.position;
    byId("position").textContent = position
      ? `${room?.namespace} · offset ${position.offset} · epoch ${position.epoch}`
      : "";
  }

  #onMembersWanted() {
    if (this.#rooms.selected !== null) this.#channels.refreshMembers(this.#rooms.selected);
  }

  /** @param {1 | -1} step */
  #inspectBeside(step) {
    const room = this.#rooms.selected;
    const row = room?.stream.list.beside(this.#inspector.row, step);
    if (row === undefined) return;
    this.#inspector.open(row);
    row.node.scrollIntoView({ block: "nearest" });
  }

  #addShortcuts() {
    new Shortcuts([
      { keys: ["/"], what: "Search", run: () => this.#toolbar.search() },
      { keys: ["j"], what: "Inspect the next message", run: () => this.#inspectBeside(1) },
      { keys: ["k"], what: "Inspect the message before", run: () => this.#inspectBeside(-1) },
      { keys: ["c"], what: "Copy the envelope", run: () => this.#inspector.copy() },
      { keys: ["Escape"], what: "Close the inspector", run: () => this.#inspector.close() },
      { keys: ["p"], what: "Pause, resume", run: () => this.#toolbar.togglePause() },
      { keys: ["d"], what: "Dense or roomy", run: () => this.#toolbar.toggleLayout() },
      { keys: ["x"], what: "Clear the filter", run: () => this.#toolbar.clearFilter() },
      { keys: ["]"], what: "Next channel", run: () => this.#rooms.selectBeside(1) },
      { keys: ["["], what: "Channel before", run: () => this.#rooms.selectBeside(-1) },
      { keys: ["m"], what: "Write a message", run: () => this.#composer.write() },
    ]);
  }
}

const page = new Console();
const Manager = await loadClient();
if (Manager === null) tellMissing();
else void page.start(Manager);
