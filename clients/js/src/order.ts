import type { Message, Position } from "./messages.js";

/** What to do with a message: hand it over, nothing, or read first what is missing before it. */
export type Verdict = "next" | "nothing" | "gap";

/**
 * The order of one channel: lets each message pass once, in offset order. While a join is asked
 * for, messages are held, for those that it recovers come first.
 */
export class Order {
  #held: Message[] | undefined;

  /** @param position of the last message that has passed; none before the first join */
  constructor(private position?: Position) {}

  /** The place of the last message that has passed. */
  get seen(): Position | undefined {
    return this.position;
  }

  /** Hold whatever comes until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  /** End `hold`; returns what was held, to be taken in now. */
  release(): Message[] {
    const held = this.#held ?? [];
    this.#held = undefined;
    return held;
  }

  /** Go on from another position. */
  restart(position: Position): void {
    this.position = { offset: position.offset, epoch: position.epoch };
  }

  /** Hold a message if it is time to. */
  holds(message: Message): boolean {
    this.#held?.push(message);
    return this.#held !== undefined;
  }

  /** Let a message of a join's answer pass, unless it has already; none are missing before it. */
  passes({ offset }: Message): boolean {
    if (offset === undefined || this.position === undefined) return false;
    if (offset <= this.position.offset) return false;
    this.position = { ...this.position, offset };
    return true;
  }

  /** Judge a message, and note it if it is the next. */
  admit({ offset }: Message): Verdict {
    if (offset === undefined) return "next"; // history doesn't keep it
    if (this.position === undefined) return "nothing"; // of an earlier membership
    if (offset <= this.position.offset) return "nothing";
    if (offset > this.position.offset + 1) return "gap";
    this.position = { ...this.position, offset };
    return "next";
  }
}
