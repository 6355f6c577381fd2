/**
 * One joined channel: our position in it, and so which messages are new to us.
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {import("./stream.js").Stream} Stream
 */

import { describeGap, gapAfter, placeBefore } from "./gap.js";

const PAGE = 50;
/** The server's own word for lost history; it says where the channel is now. */
const DISCONTINUITY = "discontinuity";

export class Channel {
  #stream;
  /** @type {{offset: number, epoch: string} | null} the newest message seen; null: never joined */
  #position = null;
  #newest = ""; // the timestamp of that message
  #live = false;
  #following = 0; // messages of the answer to `join` that are still to come, as events
  #isBack = false; // whether those were missed, rather than there before

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
      this.#isBack = since !== null;
      if (since === null) this.#enter(answer);
      else this.#enterAgain(answer);
      this.#following = answer.following ?? 0;
      onJoined(answer);
    });
  }

  /** The connection is lost: the next `join` says what was missed. */
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
    if (envelope.type === DISCONTINUITY) return !this.#live; // an answer under way knows already
    if (envelope.offset === undefined) {
      this.#stream.append([envelope]);
      return true;
    }
    // Until the join is answered, live messages are ignored: its answer has them too.
    if (!this.#live || this.#position === null) return true;
    const { offset, epoch } = this.#position;
    if (envelope.offset > offset && placeBefore(envelope) <= offset) {
      const isRecovered = this.#following > 0 && this.#isBack;
      this.#following = Math.max(0, this.#following - 1);
      this.#show([envelope], { offset: envelope.offset, epoch }, isRecovered);
      return true;
    }
    // Seen before; or, if it is newer than all we saw, the first of a new epoch.
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
    // If it was requested twice at a time, the second page is the same as the first.
    if (this.#stream.oldest === before) this.#stream.prepend(page.messages, page.more);
    return true;
  }

  /** @param {any} answer to `join` */
  #enter(answer) {
    this.#live = true;
    this.#show(answer.messages, answer);
    const [oldest] = answer.messages;
    this.#stream.setMore(oldest !== undefined && placeBefore(oldest) > 0);
  }

  /** @param {any} answer to `join` with `since` */
  #enterAgain(answer) {
    // The position now, not when the join was sent: two joins can overlap.
    const seen = /** @type {import("./gap.js").Position} */ (this.#position);
    const gap = gapAfter(seen, answer);
    if (!gap.comparable) this.#stream.retire();
    this.#stream.note(describeGap(gap));
    this.#live = true;
    // Messages of another epoch fill no gap.
    this.#show(gap.fresh, answer, gap.comparable);
  }

  /**
   * @param {Envelope[]} envelopes
   * @param {{offset: number, epoch: string}} position
   * @param {boolean} [recovered] whether they fill a gap
   */
  #show(envelopes, { offset, epoch }, recovered = false) {
    this.#position = { offset, epoch };
    this.#newest = envelopes.at(-1)?.timestamp ?? this.#newest;
    this.#stream.append(envelopes, recovered);
  }
}
