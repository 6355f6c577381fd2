/**
 * The messages of one channel, oldest first, as one scrolling list.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 */

import { element } from "./dom.js";
import { describeError } from "./errors.js";
import { appendToken, markRecovered, messageRow } from "./message.js";

/** A page left open on a busy feed for days must not eat the machine. */
const MAX_ROWS = 2000;
/** Who is this close to the end, in pixels, wants to follow. */
const NEAR_END_PX = 80;

export class Stream {
  #list = element("ol", { class: "messages" });
  #more = /** @type {HTMLButtonElement} */ (
    element("button", { class: "quiet more", type: "button" }, "Load earlier messages")
  );
  #jump = element("button", { class: "jump", type: "button" }, "Newest messages ↓");
  #empty = element("p", { class: "hint empty" }, "No messages yet.");
  #follows = true;
  #top = 0; // where it was scrolled to
  #ownId;
  #onAppend;

  /**
   * @param {string} name of the channel
   * @param {string | undefined} ownId the id of who looks on
   * @param {(count: number) => void} onAppend called when so many messages were added at the end
   * @param {() => void} onEarlier called when earlier messages are wanted
   */
  constructor(name, ownId, onAppend, onEarlier) {
    this.#ownId = ownId;
    this.#onAppend = onAppend;
    const log = element(
      "div",
      { role: "log", "aria-live": "polite", "aria-label": `Messages of ${name}` },
      this.#list,
    );
    this.node = element(
      "section",
      { class: "stream", "aria-label": name, tabindex: "0" },
      ...[this.#more, this.#empty, log, this.#jump],
    );
    this.#more.hidden = true;
    this.#jump.hidden = true;
    this.#more.addEventListener("click", onEarlier);
    this.#jump.addEventListener("click", () => this.scrollToEnd());
    this.node.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    // The composer grows and shrinks, and takes the room from here.
    new ResizeObserver(() => this.#follows && this.scrollToEnd()).observe(this.node);
  }

  /** The offset of the oldest message shown, or null. */
  get oldest() {
    const row = this.#oldestRow;
    return row === null ? null : Number(row.dataset.first);
  }

  /** @returns {HTMLElement | null} */
  get #oldestRow() {
    return this.#list.querySelector("li[data-first]:not(.retired)");
  }

  /**
   * @param {Envelope[]} envelopes in offset order
   * @param {boolean} [recovered] whether they were missed when they were published
   */
  append(envelopes, recovered = false) {
    for (const envelope of envelopes) {
      if (!appendToken(this.#list.lastElementChild, envelope)) {
        const row = messageRow(envelope, this.#ownId);
        if (recovered) markRecovered(row);
        this.#add(row);
      }
    }
    this.#keepUp();
    this.#onAppend(envelopes.length);
  }

  /**
   * @param {Envelope[]} envelopes in offset order, all before the oldest shown
   * @param {boolean} more whether there are still earlier ones
   */
  prepend(envelopes, more) {
    const page = document.createDocumentFragment();
    for (const envelope of envelopes) {
      if (!appendToken(page.lastElementChild, envelope)) {
        page.append(messageRow(envelope, this.#ownId));
      }
    }
    // What one reads stays where it is.
    const fromEnd = this.node.scrollHeight - this.node.scrollTop;
    this.#list.insertBefore(page, this.#oldestRow);
    this.setMore(more);
    this.node.scrollTop = this.node.scrollHeight - fromEnd;
  }

  /** @param {boolean} more whether there are earlier messages to load */
  setMore(more) {
    this.#more.hidden = !more;
  }

  /** Mark all messages as of a history that is no more: their offsets mean nothing now. */
  retire() {
    for (const row of this.#list.children) row.classList.add("retired");
    this.setMore(false);
  }

  /** @param {string} text tells of the connection rather than of the channel */
  note(text) {
    this.#add(element("li", { class: "note" }, text));
    this.#keepUp();
  }

  /** @param {ErrorObject} error */
  error(error) {
    this.#add(element("li", { class: "note error" }, ...describeError(error)));
    this.#keepUp();
  }

  scrollToEnd() {
    this.#follows = true;
    this.node.scrollTop = this.node.scrollHeight;
  }

  /** @param {HTMLElement} row */
  #add(row) {
    this.#list.append(row);
    if (this.#list.childElementCount > MAX_ROWS) {
      this.#list.firstElementChild?.remove();
      this.setMore(true);
    }
  }

  #keepUp() {
    this.#empty.hidden = this.#list.childElementCount > 0;
    // In the next frame, once for however many messages came: a busy feed lays out once a frame.
    if (this.#follows) requestAnimationFrame(() => this.#follows && this.scrollToEnd());
    else this.#jump.hidden = false;
  }

  #onScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    const isNearEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    // Only who goes up stops following: away from the end one is also by what came or resized.
    if (isNearEnd) this.#follows = true;
    else if (scrollTop < this.#top) this.#follows = false;
    this.#top = scrollTop;
    if (this.#follows) this.#jump.hidden = true;
  }
}
