/** What a connection asks for: joins give way to nobody, and nobody to them. */
export type Lane = "joins" | "others";

/** Begins a request; it calls `answered` when it has its answer. */
type Begin = (answered: () => void) => void;

// The server's bucket holds twice as much. What is on its way for a while and then arrives at once
// has room in the other half.
const BURST_SECONDS = 1;
// Clocks differ a little, and who is just within the limit by one is over it by the other.
const SHARE = 0.98;

/**
 * The pace at which one connection asks, so that the server needn't refuse: a token bucket like its
 * own. What has to wait takes turns between the lanes, and is begun in order in each.
 */
export class Pace {
  readonly #lanes: Record<Lane, Begin[]> = { joins: [], others: [] };
  #last: Lane = "others";
  #perSecond = 0;
  #left = 0;
  #atMs = 0;
  #notBeforeMs = 0;
  /** Requests without an answer: a server that is slow gets no more at once than it admits at once. */
  #open = new Set<symbol>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param now in milliseconds, from any moment on */
  constructor(private readonly now: () => number = Date.now) {}

  /** Begin anew with a full bucket, for the connection is new; what waited is begun, to fail. */
  restart(): void {
    this.#perSecond = 0;
    this.#notBeforeMs = 0;
    this.#open.clear();
    this.#begin();
  }

  /** Keep to so many requests a second, and at a time; 0 sets no limit. */
  limit(perSecond: number): void {
    if (this.#perSecond === perSecond) return;
    this.#perSecond = perSecond;
    this.#left = BURST_SECONDS * perSecond;
    this.#atMs = this.now();
    this.#begin();
  }

  /** Begin nothing for so long: the server has said that it was too much. */
  pause(ms: number): void {
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.now() + ms);
    this.#left = 0;
  }

  /** Begin when it is time to: now, if it is. */
  take(lane: Lane, begin: Begin): void {
    this.#lanes[lane].push(begin);
    this.#begin();
  }

  #begin(): void {
    clearTimeout(this.#timer);
    for (let next = this.#nextLane(); next !== undefined; next = this.#nextLane()) {
      const waitMs = this.#waitMs();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#begin(), Math.ceil(waitMs));
        return;
      }
      if (this.#perSecond > 0 && this.#open.size >= BURST_SECONDS * this.#perSecond) return;
      this.#left--;
      this.#last = next;
      const request = Symbol(next);
      this.#open.add(request);
      this.#lanes[next].shift()!(() => {
        if (this.#open.delete(request)) this.#begin();
      });
    }
  }

  #nextLane(): Lane | undefined {
    const other: Lane = this.#last === "joins" ? "others" : "joins";
    return [other, this.#last].find((lane) => this.#lanes[lane].length > 0);
  }

  #waitMs(): number {
    if (this.#perSecond === 0) return 0;
    const nowMs = this.now();
    const rate = (this.#perSecond * SHARE) / 1000;
    const refilledMs = Math.max(0, nowMs - Math.max(this.#atMs, this.#notBeforeMs));
    this.#left = Math.min(BURST_SECONDS * this.#perSecond, this.#left + refilledMs * rate);
    this.#atMs = Math.max(this.#atMs, nowMs);
    return Math.max(this.#notBeforeMs - nowMs, (1 - this.#left) / rate);
  }
}
