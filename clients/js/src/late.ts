import type { Message, Position } from "./messages.js";
import { placeBefore } from "./order.js";
import type { Beginning } from "./subscription.js";

/** A page of history, as the request reads it. */
interface Page extends Position {
  messages: Message[];
  more: boolean;
}

/** What who comes later has to be handed over first. */
export interface Earlier {
  messages: Message[];
  /** The newest place that was read: what is live goes on from there. */
  position: Position;
  /** Whether nothing is missing since the place that was asked for. */
  isWhole: boolean;
}

const PAGE = 1_000;

/** Read backwards from the newest message, as far as a beginning wants. */
export async function readEarlier(
  read: (page: { before?: number; limit: number }) => Promise<Page>,
  { since, history = 0 }: Beginning,
): Promise<Earlier> {
  let messages: Message[] = [];
  let position: Position | undefined;
  for (let before: number | undefined; ; ) {
    const limit = since ? PAGE : Math.min(PAGE, history - messages.length);
    const page = await read({ limit, ...(before === undefined ? {} : { before }) });
    position ??= { offset: page.offset, epoch: page.epoch };
    // History was lost while it was read: begin anew.
    if (page.epoch !== position.epoch) return readEarlier(read, { history, ...(since ? { since } : {}) });
    messages = [...page.messages, ...messages];
    const start = messages[0] ? placeBefore(messages[0]) : page.offset;
    if (since && since.epoch !== position.epoch) {
      return { messages: history === 0 ? [] : messages.slice(-history), position, isWhole: false };
    }
    if (since && start <= since.offset) {
      const missed = messages.filter(({ offset = 0 }) => offset > since.offset);
      return { messages: missed, position, isWhole: true };
    }
    const isEnough = !since && messages.length >= history;
    if (isEnough || !page.more || page.messages.length === 0) return { messages, position, isWhole: !since };
    before = start + 1;
  }
}
