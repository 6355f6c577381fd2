import type { HearthError } from "../errors.js";
import type { Member, Message, Receipt } from "../messages.js";
import { placeBefore } from "../order.js";

/**
 * A message as it is shown: `pending` until the server has answered, `failed` when it refused or
 * did not answer in time.
 */
export type Shown<M extends object = Message> = M & {
  status: "sent" | "pending" | "failed";
  /** Of a failed one: why; of a pending one: what it waits for, where the server refuses the connection. */
  error?: HearthError;
};

/** Messages as they are shown: the channel's in offset order, then one's own that aren't there yet. */
export type Entries = readonly Shown[];

/** With a message of the channel's, in its place; what had been shown of it gives way. */
export function withMessage(entries: Entries, message: Message): Entries {
  const { offset, nonce } = message;
  if (offset === undefined) return entries; // history doesn't keep it, and neither does a list
  const others = entries.filter((one) => one.offset !== offset && !(isOwn(one) && one.nonce === nonce));
  const before = others.findLastIndex((one) => one.offset !== undefined && one.offset < offset) + 1;
  return [...others.slice(0, before), { ...message, status: "sent" }, ...others.slice(before)];
}

/** With one's own message that is on its way, for the first time or again. */
export function withPending(entries: Entries, message: Message): Entries {
  return [...entries.filter((one) => one.nonce !== message.nonce), { ...message, status: "pending" }];
}

/** After the answer to one's own message, which may come before the message itself or after it. */
export function withReceipt(entries: Entries, nonce: string, receipt: Receipt): Entries {
  const own = entries.find((one) => isOwn(one) && one.nonce === nonce);
  if (own === undefined) return entries;
  const { offset, timestamp } = receipt;
  if (offset === undefined) return entries.filter((one) => one !== own);
  const { status: _status, error: _error, ...message } = own;
  return withMessage(entries, { ...message, offset, timestamp });
}

/** After one's own message has failed. */
export function withFailure(entries: Entries, nonce: string, error: HearthError): Entries {
  return entries.map((one) => (isOwn(one) && one.nonce === nonce ? { ...one, status: "failed", error } : one));
}

/** With what one's own messages wait for, where they do. */
export function withReason(entries: Entries, error: HearthError | undefined): Entries {
  const waits = (one: Shown): boolean => one.status === "pending" && one.error !== error;
  if (!entries.some(waits)) return entries;
  return entries.map((one) => {
    if (!waits(one)) return one;
    const { error: _error, ...message } = one;
    return { ...message, ...(error === undefined ? {} : { error }) };
  });
}

/** With oneself as the sender of what one has sent before it was known who one is. */
export function withSender(entries: Entries, sender: Member): Entries {
  if (entries.every((one) => !isOwn(one) || one.sender !== undefined)) return entries;
  return entries.map((one) => (isOwn(one) && one.sender === undefined ? { ...one, sender } : one));
}

/** What is left when history was lost: one's own that aren't there yet. */
export function withoutHistory(entries: Entries): Entries {
  return entries.filter(isOwn);
}

/** The offset right before which a list begins; undefined where it has none of the channel's. */
export function startOf(entries: Entries): number | undefined {
  const first = entries.find(({ offset }) => offset !== undefined);
  return first && placeBefore(first);
}

function isOwn({ status }: Shown): boolean {
  return status !== "sent";
}
