/**
 * One joined channel: where we are in it, and so which messages are new to us (contract §4).
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {import("./stream.js").Stream} Stream
 */

const PAGE = 50;

export class Channel {
  #stream;
  /** @type {{offset: number, epoch: string} | null} the newest message seen; null: never joined */
  #position = null;
  #newest = ""; // the timestamp of that message
  #live = false;

  /**
   * @param {string} name
   * @param {Stream} stream shows what is new
   */
  constructor(name, stream) {
    this.name = name;
    this.#stream = stream;
  }

  get position() {
    return this.#position;
  }

  /**
   * Join, or join again and recover what was missed.
   *
   * @param {Connection} connection
   * @param {(answer: any) => void} onJoined called with the answer before any message after it
   * @returns {Promise<any>} rejects with a `RequestError`
   */
  join(connection, onJoined) {
    const since = this.#position;
    this.#live = false;
    const asked = since
      ? { channel: this.name, since }
      : { channel: this.name, history: PAGE };
    // At once, for the live messages that follow the answer count from its offset.
    return connection.request("join", asked, (answer) => {
      this.#enter(answer, since !== null);
      onJoined(answer);
    });
  }

  /** The connection is gone: what comes next is for `join` to find out. */
  suspend() {
    this.#live = false;
  }

  /**
   * Take a live message.
   *
   * @param {Envelope} envelope
   * @returns {boolean} false when it doesn't fit what we know: join again to learn the truth
   */
  receive(envelope) {
    if (envelope.offset === undefined) {
      this.#stream.append([envelope]);
      return true;
    }
    // Until the join is answered: its answer holds this message as well.
    if (!this.#live || this.#position === null) return true;
    const { offset, epoch } = this.#position;
    if (envelope.offset === offset + 1) {
      this.#show([envelope], { offset: envelope.offset, epoch });
      return true;
    }
    // Seen already; unless it is younger than all we saw, for then the offsets began anew.
    return envelope.offset <= offset && envelope.timestamp <= this.#newest;
  }

  /**
   * Load the page before the oldest message shown.
   *
   * @param {Connection} connection
   * @returns {Promise<boolean>} false when history is of another epoch: join again
   */
  async loadEarlier(connection) {
    const before = this.#stream.oldest;
    if (before === null) return true;
    const asked = { channel: this.name, before, limit: PAGE };
    const page = await connection.request("history", asked);
    if (page.epoch !== this.#position?.epoch) return false;
    // Asked twice at a time, the second page is the first.
    if (this.#stream.oldest === before) this.#stream.prepend(page.messages, page.more);
    return true;
  }

  /**
   * @param {any} answer to `join`
   * @param {boolean} again whether it was asked with `since`
   */
  #enter(answer, again) {
    const { offset, epoch, messages } = answer;
    // What was seen by now, which may be more than when it was asked: two joins can overlap.
    const seen = this.#position;
    const comparable = seen !== null && seen.epoch === epoch && seen.offset <= offset;
    const fresh = comparable
      ? messages.filter((/** @type {any} */ message) => message.offset > seen.offset)
      : messages;
    if (again) this.#tellRecovery(answer.recovered, fresh.length, comparable);
    this.#live = true;
    this.#show(fresh, { offset, epoch });
    if (!again) this.#stream.setMore((this.#stream.oldest ?? 1) > 1);
  }

  /**
   * @param {boolean} recovered
   * @param {number} count
   * @param {boolean} comparable
   */
  #tellRecovery(recovered, count, comparable) {
    if (recovered) {
      const messages = count === 1 ? "1 message" : `${count} messages`;
      this.#stream.note(`Back again: recovered ${messages}`);
      return;
    }
    if (!comparable) this.#stream.retire();
    this.#stream.note("History was lost; showing the newest");
  }

  /**
   * @param {Envelope[]} envelopes
   * @param {{offset: number, epoch: string}} position
   */
  #show(envelopes, position) {
    this.#position = position;
    this.#newest = envelopes.at(-1)?.timestamp ?? this.#newest;
    this.#stream.append(envelopes);
  }
}
