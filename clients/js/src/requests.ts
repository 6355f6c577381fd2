import type { Socket } from "socket.io-client";
import { utf8Length } from "./environment.js";
import { type ErrorObject, HearthError } from "./errors.js";
import type { Lane, Pace } from "./pace.js";
import { type Backoff, backoffMs, type Ending, MAX_TIMER_MS } from "./time.js";

/** What a request is answered with, when it succeeds. */
export type Answer = Record<string, unknown>;

/** What a connection may ask for. */
export interface Limits {
  max_message_bytes: number;
  messages_per_second?: number;
}

/** How long to go on with a request. */
export interface Patience {
  /** In milliseconds, for how long to begin further attempts. */
  ms: number;
  /** Whether that ends the attempt that is under way too; else it has as long as its connection lives. */
  isHard?: boolean;
}

/**
 * The requests of one namespace: at the pace that the server allows, and again after what is
 * temporary. An answer is waited for as long as the connection lives, however long it takes to
 * arrive; whether it lives is Engine.IO's to say.
 */
export class Requests {
  readonly #gates = new Set<() => void>();
  #limits: Limits | undefined;
  /** Why there is no connection, once it is known. */
  #reason: HearthError | undefined;

  /**
   * @param ending of the namespace
   * @param renews whether there may be a fresh token when one has expired
   */
  constructor(
    private readonly socket: Socket,
    private readonly pace: Pace,
    readonly backoff: Backoff,
    private readonly ending: Ending,
    private readonly renews: boolean,
  ) {}

  /** Requests are possible from now on. */
  open(limits: Limits): void {
    this.#limits = limits;
    this.#reason = undefined;
    this.pace.limit(limits.messages_per_second ?? 0);
  }

  /** Begin what waits for the connection. */
  release(): void {
    for (const begin of [...this.#gates]) begin();
  }

  /** No request is possible until `open`. */
  close(): void {
    this.#limits = undefined;
  }

  /** There is no connection, for this reason: what has waited in vain fails with it. */
  refuse(reason: HearthError): void {
    this.#reason = reason;
  }

  /**
   * Ask once, in its turn. `done` is called synchronously with the arrival of the answer: what the
   * server sent after it comes after it.
   */
  ask(
    event: string,
    argument: object,
    done: (error: HearthError | undefined, answer: Answer) => void,
    { lane = "others", ms = MAX_TIMER_MS }: { lane?: Lane; ms?: number } = {},
  ): void {
    const limits = this.#limits;
    if (!limits) return done(HearthError.disconnected(), {});
    const problem = problemIn(event, argument, limits.max_message_bytes);
    if (problem) return done(problem, {});
    const endMs = Date.now() + ms;
    this.pace.take(lane, (answered) => {
      // What was to be asked on a connection that has ended is no longer.
      if (this.#limits !== limits) {
        answered();
        return done(HearthError.disconnected(), {});
      }
      const onAnswer = (lost: Error | null, answer: Answer & { error?: ErrorObject }): void => {
        answered();
        if (lost) return done(this.socket.connected ? timeout(ms) : HearthError.disconnected(), {});
        const error = answer["ok"] ? undefined : HearthError.from(answer.error!);
        if (error?.retryAfter !== undefined) this.pace.pause(error.retryAfter * 1000);
        done(error, answer);
      };
      try {
        this.socket.timeout(Math.max(1, Math.min(endMs - Date.now(), MAX_TIMER_MS))).emit(event, argument, onAnswer);
      } catch (error) {
        // What one caller asks for is no reason to keep the others from asking.
        answered();
        done(new HearthError("invalid", `It can't be sent: ${(error as Error).message}`), {});
      }
    });
  }

  /** Ask until there is an answer; the same request must be safe to repeat. */
  async persist(event: string, argument: object, { ms, isHard = false }: Patience): Promise<Answer> {
    const end = Date.now() + ms;
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#connected(end - Date.now());
        return await this.once(event, argument, isHard ? Math.max(0, end - Date.now()) : MAX_TIMER_MS);
      } catch (thrown) {
        const error = thrown as HearthError;
        const waitMs = this.waitMs(error, attempt);
        if (!this.mayRetry(error) || Date.now() + waitMs >= end) throw error;
        await this.ending.sleep(waitMs);
      }
    }
  }

  /** Whether another attempt may succeed: later, or with the fresh token that comes meanwhile. */
  mayRetry({ temporary, code }: HearthError): boolean {
    return temporary || (code === "token_expired" && this.renews);
  }

  /** How long to wait after such an error, before the next attempt; never just as long as others. */
  waitMs(error: HearthError, attempt: number): number {
    if (error.code === "disconnected") return 0;
    const ownMs = backoffMs(this.backoff, attempt);
    return error.retryAfter === undefined ? ownMs : error.retryAfter * 1000 * (1 + Math.random()) + ownMs * attempt;
  }

  /** Ask once, of this connection. */
  once(event: string, argument: object, ms: number = MAX_TIMER_MS): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.ask(event, argument, (error, answer) => (error ? reject(error) : resolve(answer)), { ms });
    });
  }

  #connected(ms: number): Promise<void> {
    if (this.#limits) return Promise.resolve();
    return this.ending.within<void>(
      ms,
      (resolve) => {
        const open = (): void => resolve();
        this.#gates.add(open);
        return () => this.#gates.delete(open);
      },
      (_resolve, reject) => reject(this.#reason ?? HearthError.disconnected()),
    );
  }
}

function timeout(ms: number): HearthError {
  return new HearthError("timeout", `The server has not answered within ${Math.round(ms)} ms.`);
}

/** Why a request can't be sent, where it can't. */
function problemIn(event: unknown, argument: object, mostBytes: number): HearthError | undefined {
  if (typeof event !== "string") return HearthError.of("type", `Must be text, not ${String(event)}.`);
  let text: string;
  try {
    text = JSON.stringify(argument);
  } catch (error) {
    return HearthError.of("data", `Has no form in JSON: ${(error as Error).message}`);
  }
  // UTF-8 has at most three bytes for each unit of UTF-16.
  if (text.length * 3 <= mostBytes) return undefined;
  const bytes = utf8Length(text);
  // Far beyond the limit, the server ends the connection rather than answer.
  if (bytes <= mostBytes) return undefined;
  return new HearthError(
    "too_large",
    `The message is too large: it has ${bytes} bytes, and the server takes ${mostBytes} (MAX_MESSAGE_BYTES).`,
  );
}
