/**
 * A session: what one token opens, any number of namespaces over one connection. It comes back by
 * itself, and says when and why.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {import("./connection.js").Identity} Identity
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 * @typedef {"connecting" | "connected" | "waiting" | "dropped" | "disconnected" | "refused"} State
 *
 * @typedef {object} Listener
 * @property {(state: State, error: ErrorObject | null) => void} onState
 * @property {(seconds: number) => void} onWait counts the seconds down to the next attempt
 * @property {(namespace: string, identity: Identity) => void} onIdentity after every connect,
 *   before any message
 * @property {(name: string) => void} onTransport
 * @property {(namespace: string, envelope: Envelope) => void} onMessage
 * @property {(namespace: string, envelope: Envelope, error: ErrorObject) => void} onError
 */

import { Connection } from "./connection.js";
import { isTemporary } from "./errors.js";
import { describeFailure, describeLoss } from "./failure.js";

/** Long enough to let something be published meanwhile. */
const AWAY_SECONDS = 5;
const MAX_WAIT_SECONDS = 30;

export class Session {
  #manager;
  #auth;
  #listener;
  /** @type {Map<string, Connection>} by namespace */
  #connections = new Map();
  /** @type {State} */
  #state = "disconnected";
  #isOpen = false;
  #isDropping = false;
  /** @type {ErrorObject | null} why the connection is about to be lost */
  #cause = null;
  #attempts = 0; // since it was connected
  #timer = 0;

  /**
   * @param {new (options: object) => any} Manager of `socket.io-client`
   * @param {string} path of Engine.IO
   * @param {string} token may be empty
   * @param {Listener} listener
   */
  constructor(Manager, path, token, listener) {
    this.#listener = listener;
    this.#auth = token ? { token } : {};
    // The client's own reconnection tells neither when it tries again nor why.
    this.#manager = new Manager({ path, autoConnect: false, reconnection: false });
    this.#manager.on("open", () => this.#onOpen());
    this.#manager.on("error", (/** @type {any} */ error) => this.#onFailure(error));
    this.#manager.on("close", (/** @type {string} */ reason) => this.#onClose(reason));
  }

  get state() {
    return this.#state;
  }

  /** Connect to the namespaces that were asked for; the listener is notified of the outcome. */
  open() {
    this.#attempts = 0;
    this.#attempt();
  }

  /** Disconnect for good. */
  close() {
    this.#end("disconnected", null);
  }

  /** Lose the connection as a bad network does, and come back after a while. */
  drop() {
    this.#isDropping = true;
    this.#manager.engine.close(); // what it still has to send goes first
  }

  /** Make the next attempt now. */
  retry() {
    if (this.#state === "waiting" || this.#state === "dropped") this.#attempt();
  }

  /**
   * Return the connection to a namespace, which is opened if it isn't yet.
   *
   * @param {string} namespace
   * @returns {Connection}
   */
  connection(namespace) {
    const known = this.#connections.get(namespace);
    if (known !== undefined) return known;
    const listener = this.#listener;
    const connection = new Connection(this.#manager.socket(namespace, { auth: this.#auth }), {
      onIdentity: (identity) => this.#onIdentity(namespace, identity),
      onMessage: (envelope) => listener.onMessage(namespace, envelope),
      onError: (envelope, error) => this.#onError(namespace, envelope, error),
      onEnd: (error) => this.#onRefusal(error),
    });
    this.#connections.set(namespace, connection);
    if (this.#state === "connecting" || this.#state === "connected") connection.open();
    return connection;
  }

  /** Return a connection that works at the moment, if there is one. */
  get anyConnection() {
    return [...this.#connections.values()].find(({ connected }) => connected);
  }

  #attempt() {
    clearTimeout(this.#timer);
    this.#cause = null;
    this.#set("connecting", null);
    for (const connection of this.#connections.values()) connection.open();
  }

  #onOpen() {
    this.#isOpen = true;
    const { engine } = this.#manager;
    this.#listener.onTransport(engine.transport.name);
    engine.once("upgrade", () => this.#listener.onTransport(engine.transport.name));
  }

  /**
   * @param {string} namespace
   * @param {Identity} identity
   */
  #onIdentity(namespace, identity) {
    this.#attempts = 0;
    this.#set("connected", null);
    this.#listener.onIdentity(namespace, identity);
  }

  /**
   * @param {string} namespace
   * @param {Envelope} envelope
   * @param {ErrorObject} error
   */
  #onError(namespace, envelope, error) {
    if (error.code === "unavailable") this.#cause = error; // the connection is likely to follow
    this.#listener.onError(namespace, envelope, error);
  }

  /** @param {any} failed */
  #onFailure(failed) {
    this.#cause = describeFailure(failed);
    if (!this.#isOpen) this.#onLost(this.#cause);
  }

  /** @param {string} reason */
  #onClose(reason) {
    this.#isOpen = false;
    if (this.#isDropping) {
      this.#isDropping = false;
      this.#wait("dropped", null, AWAY_SECONDS);
    } else if (reason !== "forced close") {
      this.#onLost(this.#cause ?? describeLoss(reason));
    }
  }

  /** @param {ErrorObject} error */
  #onLost(error) {
    if (!isTemporary(error)) {
      this.#end("refused", error);
      return;
    }
    this.#attempts += 1;
    const seconds = Math.min(2 ** (this.#attempts - 1), MAX_WAIT_SECONDS);
    // Spread: a server that comes back is not to meet all of its pages at once.
    const spread = seconds + Math.floor(Math.random() * seconds);
    this.#wait("waiting", error, Math.max(spread, Math.ceil(error.retry_after ?? 0)));
  }

  /** @param {ErrorObject} error of one namespace; another would be told the same, by this token */
  #onRefusal(error) {
    if (isTemporary(error)) {
      this.#manager.disconnect();
      this.#onLost(error);
    } else {
      this.#end(this.#state === "connecting" ? "refused" : "disconnected", error);
    }
  }

  /**
   * @param {State} state
   * @param {ErrorObject | null} error
   */
  #end(state, error) {
    clearTimeout(this.#timer);
    this.#set(state, error);
    for (const connection of this.#connections.values()) connection.close();
  }

  /**
   * @param {State} state
   * @param {ErrorObject | null} error
   * @param {number} seconds
   */
  #wait(state, error, seconds) {
    this.#set(state, error);
    this.#countDown(seconds);
  }

  /** @param {number} seconds */
  #countDown(seconds) {
    if (seconds <= 0) {
      this.#attempt();
      return;
    }
    this.#listener.onWait(seconds);
    this.#timer = setTimeout(() => this.#countDown(seconds - 1), 1000);
  }

  /**
   * @param {State} state
   * @param {ErrorObject | null} error
   */
  #set(state, error) {
    this.#state = state;
    this.#listener.onState(state, error);
  }
}
