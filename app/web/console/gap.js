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
 * @property {number} following how many messages come behind them, as events
 * @property {Range | null} filled the offsets of `fresh`
 * @property {Range | null} missing the offsets that history no longer has
 */

/**
 * Return the offset before a message: nothing is missing where that is one's place. History, or a
 * slow connection, has one message for several, which then says so itself.
 *
 * @param {Envelope} envelope
 * @returns {number}
 */
export function placeBefore({ prev, offset = 0 }) {
  return prev ?? offset - 1;
}

/**
 * @param {Position} seen the newest place seen before
 * @param {{offset: number, epoch: string, messages: Envelope[], following?: number}} answer to `join`
 * @returns {Gap}
 */
export function gapAfter(seen, { offset, epoch, messages, following = 0 }) {
  if (seen.epoch !== epoch || seen.offset > offset) {
    return { comparable: false, fresh: messages, following, filled: null, missing: null };
  }
  const fresh = messages.filter((message) => (message.offset ?? 0) > seen.offset);
  const before = fresh.length > 0 ? placeBefore(fresh[0]) : offset;
  return {
    comparable: true,
    fresh,
    following,
    filled: range(Math.max(before, seen.offset) + 1, offset),
    missing: range(seen.offset + 1, before),
  };
}

/**
 * Return a gap in words.
 *
 * @param {Gap} gap
 */
export function describeGap({ comparable, fresh, following, filled, missing }) {
  if (!comparable) return "History was lost; showing the newest";
  const told = [];
  if (filled) told.push(`recovered ${count(fresh.length)}, ${describeRange(filled)}`);
  if (following > 0) told.push(`${count(following)} more on the way`);
  if (missing) {
    const verb = missing.first === missing.last ? "is" : "are";
    told.push(`${describeRange(missing)} ${verb} no longer in history`);
  }
  return `Back again: ${told.join("; ") || "nothing was missed"}`;
}

/** @param {number} number of messages */
function count(number) {
  return number === 1 ? "1 message" : `${number} messages`;
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
