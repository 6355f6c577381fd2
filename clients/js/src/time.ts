/** The longest that `setTimeout` can wait, in milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** How long to wait before each further attempt. */
export interface Backoff {
  /** Before the first, in milliseconds. */
  firstMs: number;
  /** Between any two, in milliseconds. */
  mostMs: number;
}

/** Twice as long each time, and never just as long as others wait. */
export function backoffMs({ firstMs, mostMs }: Backoff, attempt: number): number {
  const ms = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 30));
  return ms * (0.5 + Math.random() / 2);
}

/** Something that ends once, for whoever waits in it. (An `AbortSignal` warns of more than ten.) */
export class Ending {
  readonly #waiting = new Set<(reason: Error) => void>();
  #reason: Error | undefined;

  get isOver(): boolean {
    return this.#reason !== undefined;
  }

  /** What it ended with. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** End it: everything that waits in it rejects with `reason`. */
  end(reason: Error): void {
    this.#reason ??= reason;
    for (const stop of [...this.#waiting]) stop(this.#reason);
    this.#waiting.clear();
  }

  /**
   * Settle with what `begin` settles with; after `ms` as `atEnd` says; reject when this ends.
   *
   * @param begin is given `resolve`, and returns what undoes it
   */
  within<Value>(
    ms: number,
    begin: (resolve: (value: Value) => void) => () => void,
    atEnd: (resolve: (value: Value) => void, reject: (error: Error) => void) => void,
  ): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      if (this.#reason) return reject(this.#reason);
      const settle = <Argument>(then: (argument: Argument) => void) => (argument: Argument): void => {
        clearTimeout(timer);
        undo();
        this.#waiting.delete(stop);
        then(argument);
      };
      const stop = settle(reject);
      const undo = begin(settle(resolve));
      const end = (): void => atEnd(settle(resolve), stop);
      const timer = setTimeout(end, Math.min(Math.max(ms, 0), MAX_TIMER_MS));
      this.#waiting.add(stop);
    });
  }

  /** Resolve after `ms`; reject when this ends. */
  sleep(ms: number): Promise<void> {
    return this.within<void>(ms, () => () => {}, (resolve) => resolve());
  }
}
