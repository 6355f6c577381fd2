/**
 * The address: what is on the page, so that a reload, a link or the browser's Back comes to it
 * again. It stands behind the `#`, which no server and no log sees, and never holds a token:
 *
 *     #/circles/dev-team?type=user_message&sender=bob&find=hello&view=dense&at=42&also=/feeds/logs
 *
 * @typedef {{namespace: string, channel: string}} Place
 *
 * @typedef {object} View what is shown of the channel that is selected
 * @property {string[]} types empty: all
 * @property {string[]} senders empty: all
 * @property {string} find
 * @property {"read" | "dense" | null} layout null: as is usual for its namespace
 * @property {number | null} at the offset of the message that is inspected
 *
 * @typedef {{selected: Place | null, also: Place[], view: View}} Address
 */

/**
 * @param {string} hash as `location.hash`
 * @returns {Address}
 */
export function readAddress(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const asked = new URLSearchParams(query);
  const layout = asked.get("view");
  const at = Number(asked.get("at"));
  return {
    selected: readPlace(path),
    also: asked.getAll("also").map(readPlace).filter((place) => place !== null),
    view: {
      types: asked.getAll("type"),
      senders: asked.getAll("sender"),
      find: asked.get("find") ?? "",
      layout: layout === "dense" || layout === "read" ? layout : null,
      at: Number.isSafeInteger(at) && at > 0 ? at : null,
    },
  };
}

/**
 * @param {Address} address
 * @returns {string} as `location.hash`; empty for a page with no channel
 */
export function writeAddress({ selected, also, view }) {
  if (selected === null) return "";
  const query = [
    ...view.types.map((type) => ["type", type]),
    ...view.senders.map((sender) => ["sender", sender]),
    ...(view.find ? [["find", view.find]] : []),
    ...(view.layout ? [["view", view.layout]] : []),
    ...(view.at ? [["at", String(view.at)]] : []),
    ...also.map((place) => ["also", writePlace(place)]),
  ];
  const written = query.map(([name, value]) => `${name}=${encode(value)}`).join("&");
  return `#${writePlace(selected)}${written && `?${written}`}`;
}

/**
 * @param {string} written `/<namespace>/<channel>`, percent-encoded
 * @returns {Place | null} null: it is none
 */
function readPlace(written) {
  const [, namespace, channel] = /^(\/[^/]+)\/(.+)$/s.exec(written) ?? [];
  if (channel === undefined) return null;
  try {
    return { namespace, channel: decodeURIComponent(channel) };
  } catch {
    return null; // a lone %
  }
}

/** @param {Place} place */
function writePlace({ namespace, channel }) {
  return `${namespace}/${encode(channel)}`;
}

/** @param {string} text */
function encode(text) {
  // What a fragment may hold as it is stays readable.
  return encodeURIComponent(text).replace(/%(?:2F|3A|40|2C)/g, decodeURIComponent);
}
