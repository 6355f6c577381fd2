/**
 * The messages of one channel as rows, oldest first, in the layout and through the filter that
 * somebody chose.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {"read" | "dense"} Layout
 *
 * @typedef {object} Row
 * @property {HTMLElement} node
 * @property {Envelope[]} envelopes several are the pieces of one text; none: a note
 * @property {boolean} recovered whether they were missed when they were published
 * @property {boolean} retired whether they are of a history that is no more
 */

import { element } from "./dom.js";
import { Filter, SERVER } from "./filter.js";
import {
  appendPiece,
  arePieces,
  isWhole,
  markRecovered,
  messageLine,
  messageRow,
} from "./message.js";

/** A page left open on a busy feed for days must not eat the machine. */
const MAX_MESSAGES = 2000;

export class MessageList {
  node = element("ol", { class: "messages" });
  filter = new Filter();
  /** @type {Row[]} */
  #rows = [];
  #count = 0; // messages in all rows, and notes
  #ownId;
  /** @type {Layout} */
  #layout;

  /**
   * @param {string | undefined} ownId the id of who looks on
   * @param {Layout} layout
   */
  constructor(ownId, layout) {
    this.#ownId = ownId;
    this.#layout = layout;
    this.node.dataset.layout = layout;
  }

  get layout() {
    return this.#layout;
  }

  /** Whether there is nothing to see, for want of rows or by the filter. */
  get isBlank() {
    return this.#rows.every(({ node }) => node.hidden);
  }

  /** The oldest message, whose history goes on. */
  get oldest() {
    return this.#rows.find(({ envelopes, retired }) => !retired && envelopes[0]?.offset)
      ?.envelopes[0];
  }

  /** How many messages there are to see in this layout, and how many the filter lets through. */
  get counts() {
    const all = new Filter();
    let [total, shown] = [0, 0];
    for (const row of this.#rows) {
      const { length } = row.envelopes;
      if (!row.node.hidden) shown += length;
      if (!row.node.hidden || this.#fits(row, all)) total += length;
    }
    return { total, shown };
  }

  /**
   * Return what there is to filter by, with the number of messages of each.
   *
   * @returns {{types: Map<string, number>, senders: Map<string, number>}}
   */
  get kinds() {
    const types = new Map();
    const senders = new Map();
    for (const { envelopes } of this.#rows) {
      for (const { type, sender = SERVER } of envelopes) {
        types.set(type, (types.get(type) ?? 0) + 1);
        senders.set(sender.id, (senders.get(sender.id) ?? 0) + 1);
      }
    }
    return { types, senders };
  }

  /**
   * @param {Envelope[]} envelopes in offset order
   * @param {boolean} recovered
   * @returns {boolean} whether earlier ones had to make room
   */
  append(envelopes, recovered) {
    for (const envelope of envelopes) this.#append(envelope, recovered, false);
    return this.#trim();
  }

  /**
   * @param {HTMLElement} node
   * @param {Envelope | null} envelope that it tells of
   * @returns {boolean} as `append`
   */
  note(node, envelope = null) {
    const envelopes = envelope === null ? [] : [envelope];
    this.#add({ node, envelopes, recovered: false, retired: false });
    return this.#trim();
  }

  /** @param {Envelope[]} envelopes in offset order, all before the oldest */
  prepend(envelopes) {
    const first = this.#rows.findIndex(({ envelopes: [one], retired }) => !retired && one?.offset);
    const later = this.#rows.splice(first < 0 ? this.#rows.length : first);
    const before = later[0]?.node ?? null;
    const known = this.#rows.length;
    for (const envelope of envelopes) this.#append(envelope, false, false, known);
    for (const { node } of this.#rows.slice(known)) this.node.insertBefore(node, before);
    this.#rows.push(...later);
  }

  /** Mark all messages as of a history that is no more: their offsets mean nothing now. */
  retire() {
    for (const row of this.#rows) {
      row.retired = row.envelopes.length > 0;
      row.node.classList.toggle("retired", row.retired);
    }
  }

  clear() {
    this.#rows = [];
    this.#count = 0;
    this.node.replaceChildren();
  }

  /** @param {Layout} layout */
  setLayout(layout) {
    const rows = this.#rows;
    this.#layout = layout;
    this.node.dataset.layout = layout;
    this.clear();
    for (const { node, envelopes, recovered, retired } of rows) {
      if (node.classList.contains("note")) this.note(node, envelopes[0]);
      else for (const envelope of envelopes) this.#append(envelope, recovered, retired);
    }
  }

  /** Show what the filter lets through, after it has changed. */
  applyFilter() {
    for (const row of this.#rows) row.node.hidden = !this.#isShown(row);
  }

  /**
   * Return the row that an element of the page is in, if it has something to inspect.
   *
   * @param {Element} target
   */
  rowAt(target) {
    const node = target.closest("li");
    return this.#rows.find((row) => row.node === node && row.envelopes.length > 0);
  }

  /**
   * Return the row that has the message of this offset.
   *
   * @param {number} offset
   */
  rowOf(offset) {
    return this.#rows.find(
      ({ envelopes, retired }) => !retired && envelopes.some((one) => one.offset === offset),
    );
  }

  /**
   * Return the next row that is shown and has something to inspect; from none, the newest.
   *
   * @param {Row | null} row
   * @param {1 | -1} step
   */
  beside(row, step) {
    const shown = this.#rows.filter(({ node, envelopes }) => !node.hidden && envelopes.length > 0);
    const at = row === null ? -1 : shown.indexOf(row);
    return at < 0 ? shown.at(-1) : shown[at + step];
  }

  /**
   * @param {Envelope} envelope
   * @param {boolean} recovered
   * @param {boolean} retired
   * @param {number} [from] the first row that it may be a piece of
   */
  #append(envelope, recovered, retired, from = 0) {
    const begun = this.#layout === "read" ? this.#begun(envelope, retired, from) : undefined;
    if (begun !== undefined) {
      appendPiece(begun.node, begun.envelopes[0], envelope);
      begun.envelopes.push(envelope);
      this.#count += 1;
      begun.node.hidden = !this.#isShown(begun);
      return;
    }
    const isDense = this.#layout === "dense";
    const node = isDense ? messageLine(envelope) : messageRow(envelope, this.#ownId);
    if (recovered) markRecovered(node);
    node.classList.toggle("retired", retired);
    this.#add({ node, envelopes: [envelope], recovered, retired });
  }

  /**
   * Return the row of the pieces that a message goes on with, or stands for.
   *
   * @param {Envelope} envelope
   * @param {boolean} retired
   * @param {number} from
   */
  #begun(envelope, retired, from) {
    const rows = this.#rows.slice(isWhole(envelope) ? from : Math.max(from, this.#rows.length - 1));
    return rows.findLast((row) => {
      const before = row.envelopes.at(-1);
      return row.retired === retired && before !== undefined && arePieces(before, envelope);
    });
  }

  /** @param {Row} row */
  #add(row) {
    row.node.hidden = !this.#isShown(row);
    this.#rows.push(row);
    this.#count += Math.max(1, row.envelopes.length);
    this.node.append(row.node);
  }

  /** Remove the oldest rows past the limit; returns whether there were any. */
  #trim() {
    let removed = 0;
    while (this.#count > MAX_MESSAGES && removed < this.#rows.length - 1) {
      const { node, envelopes } = this.#rows[removed];
      node.remove();
      this.#count -= Math.max(1, envelopes.length);
      removed += 1;
    }
    this.#rows.splice(0, removed);
    return removed > 0;
  }

  /** @param {Row} row */
  #isShown(row) {
    return this.#fits(row, this.filter);
  }

  /**
   * @param {Row} row
   * @param {Filter} filter
   */
  #fits({ node, envelopes }, filter) {
    return node.classList.contains("note") || filter.fits(envelopes, this.#layout === "dense");
  }
}
