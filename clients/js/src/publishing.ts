import { newNonce } from "./environment.js";
import type { Receipt } from "./messages.js";
import { checked, PUBLISH } from "./options.js";
import type { Answer, Patience } from "./requests.js";

const PUBLISH_MS = 60_000;
// The server remembers a nonce for 5 minutes; what is repeated later might be published twice.
const MAX_PUBLISH_MS = 240_000;

export interface PublishOptions {
  action?: string;
  /** Names this publish, so that a repeat is none; made up if left out. */
  nonce?: string;
  /**
   * How long to try, in milliseconds, four minutes at most. If left out, for a minute, and an
   * attempt that is under way then goes on as long as its connection lives.
   */
  timeout?: number;
}

/**
 * Publish: again with the same nonce until there is an answer, and so once.
 *
 * @param ask asks until there is an answer, as long as it is told to
 */
export async function publish(
  ask: (type: string, draft: object, patience: Patience) => Promise<Answer>,
  type: string,
  data: unknown,
  options: PublishOptions | null | undefined,
): Promise<Receipt> {
  const { action, nonce = newNonce(), timeout } = checked(PUBLISH, options);
  const draft = { data, nonce, ...(action === undefined ? {} : { action }) };
  const patience = { ms: Math.min(timeout ?? PUBLISH_MS, MAX_PUBLISH_MS), isHard: timeout !== undefined };
  const answer = await ask(type, draft, patience);
  const { offset, epoch, timestamp, duplicate = false } = answer as unknown as Receipt;
  return { ...(offset === undefined ? {} : { offset }), epoch, timestamp, duplicate };
}
