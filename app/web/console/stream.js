/**
 * The messages of one channel as one scrolling list, which follows the newest unless it is paused.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {import("./errors.js").ErrorObject} ErrorObject
 * @typedef {import("./message-list.js").Layout} Layout
 * @typedef {import("./message-list.js").Row} Row
 *
 * @typedef {object} Listener
 * @property {(count: number) => void} onAppend so many messages came
 * @property {() => void} onChange what is shown has changed: the numbers, or what to filter by
 * @property {() => void} onEarlier earlier messages are wanted
 * @property {(row: Row) => void} onInspect
 */

import { element } from "./dom.js";
import { describeError } from "./errors.js";
import { isMomentary } from "./filter.js";
import { MessageList } from "./message-list.js";

/** Who is this close to the end, in pixels, wants to follow. */
const NEAR_END_PX = 80;
/** What comes while it is paused is kept up to this number; older ones are in history. */
const MAX_HELD = 2000;

export class Stream {
  list;
  /** @type {{count: number, show: () => void}[] | null} what came while it is paused, if it is */
  #held = null;
  #isDrawing = false;
  #more = /** @type {HTMLButtonElement} */ (
    element("button", { class: "quiet more", type: "button" }, "Load earlier messages")
  );
  #jump = element("button", { class: "jump", type: "button" }, "Newest messages ↓");
  #empty = element("p", { class: "hint empty" });
  #follows = true;
  #top = 0; // where it was scrolled to
  #listener;

  /**
   * @param {string} name of the channel
   * @param {string | undefined} ownId the id of who looks on
   * @param {Layout} layout
   * @param {Listener} listener
   */
  constructor(name, ownId, layout, listener) {
    this.#listener = listener;
    this.list = new MessageList(ownId, layout);
    const label = `Messages of ${name}`;
    const log = element("div", { role: "log", "aria-live": "polite", "aria-label": label });
    log.append(this.list.node);
    const attributes = { class: "stream", "aria-label": name, tabindex: "0" };
    this.node = element("section", attributes, this.#more, this.#empty, log, this.#jump);
    this.#more.hidden = true;
    this.#jump.hidden = true;
    this.#more.addEventListener("click", listener.onEarlier);
    this.#jump.addEventListener("click", () => this.scrollToEnd());
    this.list.node.addEventListener("click", (event) => this.#onClick(event));
    this.node.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    // The composer grows and shrinks, and takes the room from here.
    new ResizeObserver(() => this.#follows && this.scrollToEnd()).observe(this.node);
    this.#tellEmpty();
  }

  /** The offset of the oldest message shown, or null. */
  get oldest() {
    return this.list.oldest?.offset ?? null;
  }

  get hasMore() {
    return !this.#more.hidden;
  }

  get isPaused() {
    return this.#held !== null;
  }

  /** How many messages came since it was paused; of more than can wait, the newest. */
  get waiting() {
    return (this.#held ?? []).reduce((sum, { count }) => sum + count, 0);
  }

  pause() {
    this.#held ??= [];
  }

  /** Show what came meanwhile, and go on. */
  resume() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const { show } of held) show();
    this.#listener.onChange();
  }

  /**
   * @param {Envelope[]} envelopes in offset order
   * @param {boolean} [recovered] whether they were missed when they were published
   */
  append(envelopes, recovered = false) {
    const count = envelopes.filter(({ type }) => !isMomentary(type)).length;
    this.#show(count, () => this.list.append(envelopes, recovered));
    this.#listener.onAppend(count);
  }

  /**
   * @param {Envelope[]} envelopes in offset order, all before the oldest shown
   * @param {boolean} more whether there are still earlier ones
   */
  prepend(envelopes, more) {
    // What one reads stays where it is.
    const fromEnd = this.node.scrollHeight - this.node.scrollTop;
    this.list.prepend(envelopes);
    this.setMore(more);
    this.refresh();
    this.node.scrollTop = this.node.scrollHeight - fromEnd;
  }

  /** @param {boolean} more whether there are earlier messages to load */
  setMore(more) {
    this.#more.hidden = !more;
  }

  /** Mark all messages as of a history that is no more: their offsets mean nothing now. */
  retire() {
    this.resume();
    this.list.retire();
    this.setMore(false);
  }

  /** @param {string} text tells of the connection rather than of the channel */
  note(text) {
    this.#show(0, () => this.list.note(element("li", { class: "note" }, text)));
  }

  /**
   * @param {ErrorObject} error
   * @param {Envelope | null} [envelope] that brought it
   */
  error(error, envelope = null) {
    const row = element("li", { class: "note error" }, ...describeError(error));
    if (envelope !== null) {
      row.append(element("button", { class: "quiet inspect", type: "button" }, "Raw"));
    }
    this.#show(0, () => this.list.note(row, envelope));
  }

  clear() {
    this.list.clear();
    this.setMore(false);
    this.refresh();
  }

  /** @param {Layout} layout */
  setLayout(layout) {
    this.list.setLayout(layout);
    this.refresh();
    this.scrollToEnd();
  }

  applyFilter() {
    this.list.applyFilter();
    this.refresh();
    if (this.#follows) this.scrollToEnd();
  }

  scrollToEnd() {
    this.#follows = true;
    this.node.scrollTop = this.node.scrollHeight;
  }

  /** Tell of what is shown now. */
  refresh() {
    this.#tellEmpty();
    this.#listener.onChange();
  }

  /**
   * @param {number} count of messages
   * @param {() => boolean} add
   */
  #show(count, add) {
    const show = () => {
      if (add()) this.setMore(true);
      this.#keepUp();
    };
    if (this.#held === null) {
      show();
      return;
    }
    this.#held.push({ count, show });
    if (this.#held.length > MAX_HELD) this.#held.shift()?.show();
    this.#listener.onChange();
  }

  #tellEmpty() {
    const { filter, isBlank } = this.list;
    this.#empty.hidden = !isBlank;
    this.#empty.textContent = filter.isEmpty ? "No messages yet." : "No message fits the filter.";
  }

  #keepUp() {
    if (!this.#follows) this.#jump.hidden = false;
    if (this.#isDrawing) return;
    // In the next frame, once for however many messages came: a busy feed lays out once a frame.
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.refresh();
      if (this.#follows) this.scrollToEnd();
    });
  }

  /** @param {MouseEvent} event */
  #onClick({ target }) {
    if (!(target instanceof Element)) return;
    const row = this.list.rowAt(target);
    // A click into a text is to select some of it; a line is one thing.
    const isAsked = target.closest(".inspect") !== null || this.list.layout === "dense";
    if (row !== undefined && isAsked) this.#listener.onInspect(row);
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
