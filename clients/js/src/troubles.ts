import type { HearthError } from "./errors.js";

/**
 * That the server lets one in and can't serve, by who was told so: namespaces and channels, which try
 * again until it can.
 */
export class Troubles {
  readonly #errors = new Map<object, HearthError>();

  /** The first that isn't over. */
  get error(): HearthError | undefined {
    return this.#errors.values().next().value;
  }

  /** Somebody is told; the same words again are the same error. */
  begin(whose: object, error: HearthError): void {
    if (this.#errors.get(whose)?.message !== error.message) this.#errors.set(whose, error);
  }

  /** Somebody is served, or needs nothing any more. */
  end(whose: object): void {
    this.#errors.delete(whose);
  }

  /** There is no server now that could say so. */
  clear(): void {
    this.#errors.clear();
  }
}
