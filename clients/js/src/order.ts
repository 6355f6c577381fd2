import type { Message, Position } from "./messages.js";

/** What to do with a message: hand it over, nothing, or read first what is missing before it. */
export type Verdict = "next" | "nothing" | "gap";

/** The place right before a message that has an offset: nothing lies between the two. */
export function placeBefore({ offset = 0, prev = offset - 1 }: Message): number {
  return prev;
}

/**
 * The order of one channel: lets each message pass once, in offset order. While a join is asked
 * for, nothing passes: its answer, and what follows that, has all that history keeps.
 */
export class Order {
  #held: Message[] | undefined;

  /** @param position of the last message that has passed; none before the first join */
  constructor(private position?: Position) {}

  /** The place of the last message that has passed. */
  get seen(): Position | undefined {
    return this.position;
  }

  get isHolding(): boolean {
    return this.#held !== undefined;
  }

  /** Hold whatever comes until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  /** End `hold`; returns what history doesn't keep of what came meanwhile. */
  release(): Message[] {
    const held = this.#held ?? [];
    this.#held = undefined;
    return held;
  }

  /** Hold a message if it is time to. */
  holds(message: Message): boolean {
    if (message.offset === undefined) this.#held?.push(message);
    return this.#held !== undefined;
  }

  /** Go on from another position. */
  restart(position: Position): void {
    this.position = { offset: position.offset, epoch: position.epoch };
  }

  /** Let a message of a join's answer pass, unless it has already; none are missing before it. */
  passes({ offset }: Message): boolean {
    if (offset === undefined || this.position === undefined) return false;
    if (offset <= this.position.offset) return false;
    this.position = { ...this.position, offset };
    return true;
  }

  /** Judge a message, and note it if it is the next. */
  admit(message: Message): Verdict {
    const { offset } = message;
    if (offset === undefined) return "next"; // history doesn't keep it
    if (this.position === undefined) return "nothing"; // of an earlier membership
    if (offset <= this.position.offset) return "nothing";
    if (placeBefore(message) > this.position.offset) return "gap";
    this.position = { ...this.position, offset };
    return "next";
  }
}
