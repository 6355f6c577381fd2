/**
 * One namespace of a session: its requests, and what arrives in it.
 *
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 * @typedef {{type: string, channel: string | null, data: any, timestamp: string, offset?: number,
 *   prev?: number, action?: string, sender?: {id: string, kind: string}, nonce?: string,
 *   error?: ErrorObject}} Envelope
 * @typedef {{user_id: string, kind: string}} Identity
 *
 * @typedef {object} Listener
 * @property {(identity: Identity) => void} onIdentity after every connect, before any message
 * @property {(envelope: Envelope) => void} onMessage
 * @property {(envelope: Envelope, error: ErrorObject) => void} onError an `error` event
 * @property {(error: ErrorObject) => void} onEnd refused, or ended by the server
 */

import { RequestError } from "./errors.js";

const ANSWER_MS = 10_000;

export class Connection {
  #socket;
  #listener;
  /** @type {ErrorObject | null} of an `error` event, which may say why the connection ends */
  #lastError = null;

  /**
   * @param {any} socket of `socket.io-client`, not connected yet
   * @param {Listener} listener
   */
  constructor(socket, listener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on("connect", () => (this.#lastError = null));
    socket.on("connect_error", (/** @type {any} */ error) => this.#onConnectError(error));
    socket.on("disconnect", (/** @type {string} */ reason) => this.#onDisconnect(reason));
    socket.onAny((/** @type {string} */ event, /** @type {Envelope} */ envelope) =>
      this.#onEvent(event, envelope),
    );
  }

  open() {
    this.#socket.connect();
  }

  close() {
    this.#socket.disconnect();
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

  #onConnectError(/** @type {any} */ error) {
    if (this.#socket.active) return; // not the server's answer: the session hears of it as well
    this.#listener.onEnd(error.data ?? { code: "refused", message: error.message });
  }

  #onDisconnect(/** @type {string} */ reason) {
    if (reason !== "io server disconnect") return;
    this.#listener.onEnd(this.#lastError ?? { code: "disconnected", message: BY_SERVER });
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
      this.#listener.onError(envelope, envelope.error);
    } else if (event !== "pong") {
      this.#listener.onMessage(envelope);
    }
  }
}

const BY_SERVER = "The server ended the connection.";
