/**
 * One connection to one namespace: its states, its requests, what arrives on it.
 *
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 * @typedef {"connecting" | "connected" | "reconnecting" | "disconnected" | "refused"} State
 * @typedef {{type: string, channel: string | null, data: any, timestamp: string, offset?: number,
 *   action?: string, sender?: {id: string, kind: string}, nonce?: string, error?: ErrorObject}}
 *   Envelope
 * @typedef {{user_id: string, kind: string}} Identity
 *
 * @typedef {object} Listener
 * @property {(state: State, error: ErrorObject | null) => void} onState
 * @property {(identity: Identity) => void} onIdentity after every connect, before any message
 * @property {(name: string) => void} onTransport
 * @property {(envelope: Envelope) => void} onMessage
 * @property {(error: ErrorObject) => void} onError an `error` event
 */

import { RequestError } from "./errors.js";

const ANSWER_MS = 10_000;
const RETRY_MS = 2_000;

export class Connection {
  #socket;
  #listener;
  #wasConnected = false;
  /** @type {ErrorObject | null} */
  #lastError = null;
  #retryTimer = 0;

  /**
   * @param {(namespace: string, options: object) => any} io
   * @param {string} namespace
   * @param {string} token may be empty
   * @param {Listener} listener
   */
  constructor(io, namespace, token, listener) {
    this.#listener = listener;
    // forceNew: a handshake of its own, or a former one's identity would still be looked at.
    const auth = token ? { token } : {};
    this.#socket = io(namespace, { auth, forceNew: true, autoConnect: false });
    this.#socket.on("connect", () => this.#onConnect());
    this.#socket.on("connect_error", (/** @type {any} */ error) => this.#onConnectError(error));
    this.#socket.on("disconnect", (/** @type {string} */ reason) => this.#onDisconnect(reason));
    this.#socket.onAny((/** @type {string} */ event, /** @type {Envelope} */ envelope) =>
      this.#onEvent(event, envelope),
    );
  }

  /** Connect; what comes of it is told to the listener. */
  open() {
    this.#listener.onState("connecting", null);
    this.#socket.connect();
  }

  /** Disconnect for good. */
  close() {
    clearTimeout(this.#retryTimer);
    this.#socket.disconnect();
    this.#listener.onState("disconnected", null);
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
          reject(new RequestError({ code: "no_answer", message }));
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
  }

  #onConnectError(/** @type {any} */ error) {
    if (this.#socket.active) {
      const message = "The server can't be reached; still trying.";
      const state = this.#wasConnected ? "reconnecting" : "connecting";
      this.#listener.onState(state, { code: "unreachable", message });
    } else {
      this.#end("refused", error.data ?? { code: "refused", message: error.message });
    }
  }

  #onDisconnect(/** @type {string} */ reason) {
    if (reason === "io client disconnect") return; // `close` has said so already
    if (this.#socket.active) this.#listener.onState("reconnecting", null);
    else this.#end("disconnected", this.#lastError ?? { code: "disconnected", message: BY_SERVER });
  }

  /**
   * Tell that the client won't try again of its own; we do where only the broker was missing.
   *
   * @param {State} state
   * @param {ErrorObject} error
   */
  #end(state, error) {
    if (error.code === "unavailable") {
      this.#listener.onState("reconnecting", error);
      this.#retryTimer = setTimeout(() => this.#socket.connect(), RETRY_MS);
    } else {
      this.#listener.onState(state, error);
    }
  }

  /**
   * @param {string} event
   * @param {Envelope} envelope
   */
  #onEvent(event, envelope) {
    if (event === "connection_ack") {
      this.#listener.onIdentity(envelope.data);
    } else if (event === "error" && envelope.error) {
      this.#lastError = envelope.error;
      this.#listener.onError(envelope.error);
    } else if (event !== "pong") {
      this.#listener.onMessage(envelope);
    }
  }
}

const BY_SERVER = "The server ended the connection.";
