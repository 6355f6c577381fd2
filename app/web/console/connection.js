/**
 * One connection to one namespace: its states, its requests, what arrives on it.
 *
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 * @typedef {"connecting" | "connected" | "reconnecting" | "dropped"
 *   | "disconnected" | "refused"} State
 * @typedef {{type: string, channel: string | null, data: any, timestamp: string, offset?: number,
 *   action?: string, sender?: {id: string, kind: string}, nonce?: string, error?: ErrorObject}}
 *   Envelope
 * @typedef {{user_id: string, kind: string}} Identity
 *
 * @typedef {object} Listener
 * @property {(state: State, error: ErrorObject | null) => void} onState
 * @property {(seconds: number) => void} onAway counts the seconds down that it stays dropped
 * @property {(identity: Identity) => void} onIdentity after every connect, before any message
 * @property {(name: string) => void} onTransport
 * @property {(envelope: Envelope) => void} onMessage
 * @property {(error: ErrorObject) => void} onError an `error` event
 */

import { RequestError } from "./errors.js";

const ANSWER_MS = 10_000;
/** Long enough to let something be published meanwhile. */
const AWAY_SECONDS = 5;

export class Connection {
  #socket;
  #listener;
  #wasConnected = false;
  #isDropping = false;
  /** @type {Identity | null} */
  #identity = null;
  /** @type {ErrorObject | null} */
  #lastError = null;
  /** While it stays dropped. */
  #timer = 0;

  /**
   * @param {(namespace: string, options: object) => any} io
   * @param {string} namespace
   * @param {string} token may be empty
   * @param {Listener} listener
   */
  constructor(io, namespace, token, listener) {
    this.#listener = listener;
    // forceNew: a handshake of its own; a shared one would keep the former identity.
    const auth = token ? { token } : {};
    this.#socket = io(namespace, { auth, forceNew: true, autoConnect: false });
    this.#socket.on("connect", () => this.#onConnect());
    this.#socket.on("connect_error", (/** @type {any} */ error) => this.#onConnectError(error));
    this.#socket.on("disconnect", (/** @type {string} */ reason) => this.#onDisconnect(reason));
    this.#socket.onAny((/** @type {string} */ event, /** @type {Envelope} */ envelope) =>
      this.#onEvent(event, envelope),
    );
  }

  /** Connect; the listener is notified of the outcome. */
  open() {
    this.#listener.onState("connecting", null);
    this.#socket.connect();
  }

  /** Disconnect for good. */
  close() {
    clearTimeout(this.#timer);
    this.#socket.disconnect();
    this.#listener.onState("disconnected", null);
  }

  /** Lose the connection as a bad network does, and come back after a while. */
  drop() {
    this.#isDropping = true;
    this.#socket.io.engine.close(); // what it still has to send goes first
  }

  get connected() {
    return this.#socket.connected;
  }

  /**
   * Send a request and wait for its answer.
   *
   * @param {string} event
   * @param {object} argument
   * @param {(answer: any) => void} [take] called with the answer at once, when nothing that the
   *   server sent after it has been handled yet; a promise alone would come too late for that
   * @returns {Promise<any>} the answer; rejects with a `RequestError`
   */
  request(event, argument, take) {
    return new Promise((resolve, reject) => {
      const settle = (/** @type {Error | null} */ failure, /** @type {any} */ answer) => {
        if (failure) {
          const message = "The server did not answer. Sending the same again is safe.";
          reject(new RequestError({ code: "no_answer", message, temporary: true }));
        } else if (!answer.ok) {
          reject(new RequestError(answer.error));
        } else {
          take?.(answer);
          resolve(answer);
        }
      };
      if (this.connected) this.#socket.timeout(ANSWER_MS).emit(event, argument, settle);
      else reject(new RequestError({ code: "disconnected", message: "There is no connection." }));
    });
  }

  #onConnect() {
    this.#wasConnected = true;
    this.#lastError = null;
    const engine = this.#socket.io.engine;
    this.#listener.onState("connected", null);
    this.#listener.onTransport(engine.transport.name);
    engine.once("upgrade", () => this.#listener.onTransport(engine.transport.name));
    // Missed messages then come at once, perhaps before `connection_ack`.
    if (this.#isRecovered) this.#tellIdentity();
  }

  #onConnectError(/** @type {any} */ error) {
    if (this.#socket.active) {
      const message = "The server can't be reached; still trying.";
      const state = this.#wasConnected ? "reconnecting" : "connecting";
      this.#listener.onState(state, { code: "unreachable", message });
    } else {
      const told = error.data ?? { code: "refused", message: error.message };
      this.#listener.onState("refused", told);
    }
  }

  #onDisconnect(/** @type {string} */ reason) {
    if (reason === "io client disconnect") return; // `close` has notified the listener
    const isDropped = this.#isDropping;
    this.#isDropping = false;
    const error = this.#lastError;
    if (this.#socket.active && isDropped) {
      this.#stayAway();
    } else if (this.#socket.active) {
      this.#listener.onState("reconnecting", error?.code === "unavailable" ? error : null);
    } else {
      const ended = error ?? { code: "disconnected", message: BY_SERVER };
      this.#listener.onState("disconnected", ended);
    }
  }

  #stayAway() {
    // In time, for the client tries again only once it has told us of the loss. Its manager is of
    // this socket alone (`forceNew`).
    this.#socket.io.reconnection(false);
    this.#listener.onState("dropped", null);
    this.#countDown(AWAY_SECONDS);
  }

  /** @param {number} seconds */
  #countDown(seconds) {
    if (seconds > 0) {
      this.#listener.onAway(seconds);
      this.#timer = setTimeout(() => this.#countDown(seconds - 1), 1000);
    } else {
      this.#listener.onState("reconnecting", null);
      this.#socket.io.reconnection(true);
      this.#socket.connect();
    }
  }

  /** Whether native recovery has restored the connection (docs/protocol.md, promise 8). */
  get #isRecovered() {
    return this.#socket.recovered && this.#identity !== null;
  }

  #tellIdentity() {
    if (this.#identity !== null) this.#listener.onIdentity(this.#identity);
  }

  /**
   * @param {string} event
   * @param {Envelope} envelope
   */
  #onEvent(event, envelope) {
    if (event === "connection_ack") {
      if (this.#isRecovered) return; // the listener knows it
      this.#identity = envelope.data;
      this.#tellIdentity();
    } else if (event === "error" && envelope.error) {
      this.#lastError = envelope.error;
      this.#listener.onError(envelope.error);
    } else if (event !== "pong") {
      this.#listener.onMessage(envelope);
    }
  }
}

const BY_SERVER = "The server ended the connection.";
