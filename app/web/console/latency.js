/**
 * The latency: how long the server takes to answer a ping, again and again.
 *
 * @typedef {import("./connection.js").Connection} Connection
 */

import { byId } from "./dom.js";

const EVERY_MS = 5_000;
/** How many are remembered. */
const KEPT = 60;

export class Latency {
  #shown = byId("latency");
  #connectionOf;
  #timer = 0;
  /** @type {number[]} in milliseconds */
  #measured = [];

  /** @param {() => Connection | undefined} connectionOf returns one that works */
  constructor(connectionOf) {
    this.#connectionOf = connectionOf;
  }

  start() {
    this.stop();
    this.#measured = [];
    void this.#measure();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#shown.textContent = "–";
  }

  async #measure() {
    const asked = performance.now();
    const connection = this.#connectionOf();
    this.#timer = setTimeout(() => void this.#measure(), EVERY_MS);
    const timer = this.#timer;
    if (connection === undefined || document.hidden) return;
    try {
      await connection.request("ping", {});
    } catch {
      return; // whatever is wrong shows by itself
    }
    if (this.#timer === timer) this.#show(performance.now() - asked);
  }

  /** @param {number} ms */
  #show(ms) {
    this.#measured = [...this.#measured, ms].slice(-KEPT);
    const sorted = [...this.#measured].sort((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)];
    const most = sorted[sorted.length - 1];
    this.#shown.textContent = describe(ms);
    this.#shown.title = `Round trip; median ${describe(middle)}, longest ${describe(most)}`;
  }
}

/** @param {number} ms */
function describe(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
