/** As many watches ask as often as they are told to; more of them ask less often each. */
const MOST = 10;

/** Asks now and then who is in a channel, where the server doesn't tell of changes. */
export class MemberWatch {
  static #count = 0;
  /** Whether there is anything to ask for. */
  isPossible = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOn = false;

  /**
   * @param everyMs how often, in milliseconds; 0 asks never
   * @param ask may fail; it is asked again the next time
   */
  constructor(
    private readonly everyMs: number,
    private readonly ask: () => Promise<void>,
  ) {}

  start(): void {
    this.stop();
    if (!this.isPossible || this.everyMs === 0) return;
    this.#isOn = true;
    MemberWatch.#count++;
    this.#wait();
  }

  stop(): void {
    if (this.#isOn) MemberWatch.#count--;
    this.#isOn = false;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (!this.#isOn) return;
    const everyMs = this.everyMs * Math.max(1, MemberWatch.#count / MOST);
    // Never just when others do.
    this.#timer = setTimeout(() => void this.#turn(), everyMs * (0.8 + 0.4 * Math.random()));
    // In Node, this alone is no reason for a program to go on.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  async #turn(): Promise<void> {
    await this.ask().catch(() => {});
    this.#wait();
  }
}
