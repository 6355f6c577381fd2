/**
 * The gap after a lost connection: which messages are new, and which are no longer in history
 * (docs/protocol.md, promise 3). Computed from offsets alone, so it is right also if the same gap
 * was requested twice.
 *
 * @typedef {import("./connection.js").Envelope} Envelope
 * @typedef {{offset: number, epoch: string}} Position
 * @typedef {{first: number, last: number}} Range of offsets, both included
 *
 * @typedef {object} Gap
 * @property {boolean} comparable false: offsets of before mean nothing now
 * @property {Envelope[]} fresh what wasn't seen yet
 * @property {Range | null} filled the offsets of `fresh`
 * @property {Range | null} missing the offsets that history no longer has
 */

/**
 * @param {Position} seen the newest place seen before
 * @param {{offset: number, epoch: string, recovered: boolean, messages: Envelope[]}} answer to `join`
 * @returns {Gap}
 */
export function gapAfter(seen, { offset, epoch, messages }) {
  if (seen.epoch !== epoch || seen.offset > offset) {
    return { comparable: false, fresh: messages, filled: null, missing: null };
  }
  const fresh = messages.filter((message) => (message.offset ?? 0) > seen.offset);
  const first = fresh[0]?.offset ?? offset + 1;
  return {
    comparable: true,
    fresh,
    filled: range(first, offset),
    missing: range(seen.offset + 1, first - 1),
  };
}

/**
 * Return a gap in words.
 *
 * @param {Gap} gap
 */
export function describeGap({ comparable, fresh, filled, missing }) {
  if (!comparable) return "History was lost; showing the newest";
  const told = [];
  if (filled) {
    const messages = fresh.length === 1 ? "1 message" : `${fresh.length} messages`;
    told.push(`recovered ${messages}, ${describeRange(filled)}`);
  }
  if (missing) {
    const verb = missing.first === missing.last ? "is" : "are";
    told.push(`${describeRange(missing)} ${verb} no longer in history`);
  }
  return `Back again: ${told.join("; ") || "nothing was missed"}`;
}

/**
 * @param {number} first
 * @param {number} last
 * @returns {Range | null} null: none
 */
function range(first, last) {
  return first <= last ? { first, last } : null;
}

/** @param {Range} range */
function describeRange({ first, last }) {
  // Spaces that don't break: half a range at the end of a line is read wrongly.
  return first === last ? `#${first}` : `#${first}\u00a0to\u00a0#${last}`;
}
