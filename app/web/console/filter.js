/**
 * The filter of a channel's messages: by type, by sender, by what stands in them.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 */

/** Types that tell of a moment and aren't kept: shown where everything is, or when asked for. */
const MOMENTARY = ["typing", "circle_status"];

/** Who sends what nobody published. */
export const SERVER = { id: "server", kind: "server" };

export class Filter {
  /** @type {Set<string>} empty: all */
  types = new Set();
  /** @type {Set<string>} ids; empty: all */
  senders = new Set();
  find = "";

  get isEmpty() {
    return this.types.size === 0 && this.senders.size === 0 && this.find === "";
  }

  clear() {
    this.types.clear();
    this.senders.clear();
    this.find = "";
  }

  /**
   * Tell whether one of the envelopes of a row is asked for.
   *
   * @param {Envelope[]} envelopes of one type and sender
   * @param {boolean} all whether momentary ones are shown without being asked for
   */
  fits(envelopes, all) {
    // The whole text, if it is there, is the last.
    const { type, sender = SERVER } = /** @type {Envelope} */ (envelopes.at(-1));
    const isType = this.types.size > 0 ? this.types.has(type) : all || !isMomentary(type);
    if (!isType) return false;
    if (this.senders.size > 0 && !this.senders.has(sender.id)) return false;
    return this.find === "" || written(envelopes).includes(this.find.toLowerCase());
  }
}

/** @param {string} type */
export function isMomentary(type) {
  return MOMENTARY.includes(type);
}

/** @param {Envelope[]} envelopes */
function written(envelopes) {
  // The pieces of a text read as one: what one looks for may lie across two of them.
  const pieces = envelopes.length > 1 ? envelopes.map(({ data }) => data.delta ?? "").join("") : "";
  return `${pieces}\n${JSON.stringify(envelopes.at(-1))}`.toLowerCase();
}
