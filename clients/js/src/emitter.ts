/** Ends what `on` began. */
export type Off = () => void;

type Listener = (argument: never) => void;

/** Listeners by the name of their event; they are called in the order in which they came. */
export class Emitter {
  readonly #listeners = new Map<string, Set<Listener>>();

  on(event: string, listener: Listener): Off {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => {
      listeners.delete(listener);
    };
  }

  /** Whether anybody listens for an event. */
  hears(event: string): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0;
  }

  /** Call everybody who listens; tell whether anybody does. */
  emit(event: string, argument: unknown): boolean {
    const listeners = [...(this.#listeners.get(event) ?? [])];
    for (const listener of listeners) {
      try {
        listener(argument as never);
      } catch (error) {
        // A listener's failure is its author's to see, and nobody else's to suffer.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    return listeners.length > 0;
  }

  clear(): void {
    this.#listeners.clear();
  }
}
