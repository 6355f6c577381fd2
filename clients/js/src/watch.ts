/** Asks now and then who is in a channel, where the server doesn't tell of changes. */
export class MemberWatch {
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
    this.#isOn = this.isPossible && this.everyMs > 0;
    this.#wait();
  }

  stop(): void {
    this.#isOn = false;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (!this.#isOn) return;
    // Never just when others do.
    this.#timer = setTimeout(() => void this.#turn(), this.everyMs * (0.8 + 0.4 * Math.random()));
    // In Node, this alone is no reason for a program to go on.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  async #turn(): Promise<void> {
    await this.ask().catch(() => {});
    this.#wait();
  }
}
