/**
 * Who is in a channel.
 *
 * @typedef {{id: string, kind: string, connections?: number}} Member
 * @typedef {{count: number, members: Member[]}} Presence
 */

import { byId, element } from "./dom.js";

export class MembersPanel {
  #list = byId("members");
  #count = byId("members-count");
  #hint = byId("members-hint");
  #refresh = byId("members-refresh");

  /** @param {() => void} onRefresh */
  constructor(onRefresh) {
    this.#refresh.addEventListener("click", onRefresh);
    this.clear();
  }

  /** Show that no channel is chosen. */
  clear() {
    this.#show([], "", "Join a channel to see who is there.");
    this.#refresh.hidden = true;
  }

  /**
   * @param {Presence | null} presence null where one may not see it
   * @param {{user_id: string, kind: string} | null} own
   */
  show(presence, own) {
    this.#refresh.hidden = false;
    if (presence === null) {
      this.#show([], "", "You may not see who is here.");
      return;
    }
    const { count, members } = presence;
    const unlisted = count - members.length;
    const rows = members.map((member) => memberRow(member, own));
    this.#show(rows, String(count), unlisted > 0 ? `and ${unlisted} more` : "");
  }

  /**
   * @param {HTMLElement[]} rows
   * @param {string} count
   * @param {string} hint
   */
  #show(rows, count, hint) {
    this.#list.replaceChildren(...rows);
    this.#count.textContent = count;
    this.#hint.textContent = hint;
  }
}

/**
 * @param {Member} member
 * @param {{user_id: string, kind: string} | null} own
 */
function memberRow({ id, kind, connections }, own) {
  const row = element(
    "li",
    { "data-kind": kind },
    element("span", { class: "dot", "aria-hidden": "true" }),
    element("span", { class: "member-id" }, id),
    element("span", { class: "kind" }, kind),
  );
  if (own?.user_id === id && own.kind === kind) row.append(element("span", { class: "you" }, "you"));
  if (connections !== undefined && connections > 1) {
    row.append(element("span", { class: "hint" }, `${connections} connections`));
  }
  return row;
}
