import type { Manager, Socket } from "socket.io-client";
import { HearthError, type ErrorObject } from "./errors.js";
import type { Member, Message } from "./messages.js";
import { type Backoff, backoffMs, Ending } from "./time.js";
import { renewalMs, type TokenSource } from "./token.js";

/** The longest that one attempt waits for its answer. */
const ANSWER_MS = 10_000;

/** What a request is answered with, when it succeeds. */
export type Answer = Record<string, unknown>;

/** What a namespace tells of: its channels. */
export interface Membership {
  /** What messages are told by; undefined as long as it isn't known. */
  readonly name: string | undefined;
  connected(identity: Member): void;
  disconnected(): void;
  receive(message: Message): void;
  end(error?: HearthError): void;
}

/** The server's first word on each connection to a namespace. */
interface Welcome {
  user_id: string;
  kind: Member["kind"];
  server_time: string;
  limits: { max_message_bytes: number };
}

/** One connection to one namespace, that comes back whatever happens until it is closed. */
export class Namespace {
  /** Of this namespace, when it is closed. */
  readonly ending = new Ending();
  readonly #socket: Socket;
  readonly #members = new Set<Membership>();
  readonly #gates = new Set<() => void>();
  #renewal = new Ending();
  #welcome: Welcome | undefined;
  #token: string | undefined;
  #asked = 0;
  #refusals = 0;

  /**
   * @param tell is told of errors that are nobody's request's
   * @param ended is called when the server has refused this connection for good
   */
  constructor(
    manager: Manager,
    readonly path: string,
    private readonly tokens: TokenSource,
    readonly backoff: Backoff,
    private readonly tell: (error: HearthError) => void,
    private readonly ended: () => void,
  ) {
    this.#socket = manager.socket(path); // the same as before, where there was one before
    this.#socket.auth = (answer) => void this.#identify(answer);
    this.#socket.on("connection_ack", ({ data }: { data: Welcome }) => this.#onWelcome(data));
    this.#socket.on("connect_error", (error) => this.#onRefused(error));
    this.#socket.on("disconnect", (reason) => this.#onDisconnect(reason));
    this.#socket.onAny((_type: string, message: Message) => this.#onMessage(message));
    this.#socket.connect();
  }

  get isConnected(): boolean {
    return this.#welcome !== undefined;
  }

  add(member: Membership): void {
    this.#members.add(member);
    if (this.#welcome) member.connected(identityOf(this.#welcome));
  }

  remove(member: Membership): void {
    this.#members.delete(member);
  }

  /**
   * Ask once. `done` is called synchronously with the arrival of the answer: what the server sent
   * after it comes after it.
   */
  ask(
    event: string,
    argument: object,
    ms: number,
    done: (error: HearthError | undefined, answer: Answer) => void,
  ): void {
    if (!this.#welcome) return done(HearthError.disconnected(), {});
    if (isLonger(argument, this.#welcome.limits.max_message_bytes)) {
      // Far beyond the limit, the server ends the connection rather than answer.
      return done(new HearthError("too_large", "The message is too large."), {});
    }
    const onAnswer = (lost: Error | null, answer: Answer & { error?: ErrorObject }): void => {
      if (!lost) return done(answer.ok ? undefined : HearthError.from(answer.error!), answer);
      const isTimeout = this.#socket.connected;
      done(isTimeout ? timeout(ms) : HearthError.disconnected(), {});
    };
    this.#socket.timeout(ms).emit(event, argument, onAnswer);
  }

  /** Ask until there is an answer, for `ms` at most; the same request must be safe to repeat. */
  async persist(event: string, argument: object, ms: number): Promise<Answer> {
    const end = Date.now() + ms;
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#connected(end - Date.now());
        return await this.#request(event, argument, Math.min(ANSWER_MS, end - Date.now()));
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
    return temporary || (code === "token_expired" && this.tokens.renews);
  }

  /** How long to wait after such an error, before the next attempt. */
  waitMs(error: HearthError, attempt: number): number {
    if (error.retryAfter !== undefined) return Math.ceil(error.retryAfter * 1000);
    return error.code === "disconnected" ? 0 : backoffMs(this.backoff, attempt);
  }

  /** End it, and everything in it; for good. */
  close(error: HearthError = HearthError.closed()): void {
    if (this.ending.isOver) return;
    this.ending.end(error);
    this.#renewal.end(error);
    this.#welcome = undefined;
    const told = error.code === "closed" ? undefined : error;
    for (const member of [...this.#members]) member.end(told);
    this.#socket.offAny();
    this.#socket.off();
    this.#socket.disconnect();
    this.ended();
  }

  #request(event: string, argument: object, ms: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.ask(event, argument, ms, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }

  #connected(ms: number): Promise<void> {
    if (this.#welcome) return Promise.resolve();
    return this.ending.within<void>(
      ms,
      (resolve) => {
        const open = (): void => resolve();
        this.#gates.add(open);
        return () => this.#gates.delete(open);
      },
      (_resolve, reject) => reject(HearthError.disconnected()),
    );
  }

  /** Answer a connect with a token: the newest connect alone, once there is one. */
  async #identify(answer: (auth: object) => void): Promise<void> {
    const asked = ++this.#asked;
    for (let attempt = 0; asked === this.#asked && !this.ending.isOver; attempt++) {
      try {
        const token = await this.#askToken();
        if (asked !== this.#asked || this.ending.isOver) return;
        this.#token = token;
        return answer(token === undefined ? {} : { token });
      } catch (error) {
        this.tell(error as HearthError);
        await this.ending.sleep(backoffMs(this.backoff, attempt)).catch(() => {});
      }
    }
  }

  #onWelcome(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#refusals = 0;
    // Joins are asked for before what waited for the connection.
    this.#joinAll();
    for (const open of [...this.#gates]) open();
    void this.#renew(Date.parse(welcome.server_time) - Date.now());
  }

  #joinAll(): void {
    for (const member of [...this.#members]) {
      if (this.#welcome) member.connected(identityOf(this.#welcome));
    }
  }

  async #askToken(): Promise<string | undefined> {
    try {
      return await this.tokens.ask();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new HearthError("unauthorized", `There is no token: ${reason}`);
    }
  }

  #onMessage(message: Message): void {
    for (const member of [...this.#members]) {
      if (member.name === message.channel) member.receive(message);
    }
  }

  #onDisconnect(reason: string): void {
    this.#welcome = undefined;
    this.#renewal.end(HearthError.disconnected());
    for (const member of [...this.#members]) member.disconnected();
    // Alone what the server has ended is not taken up again by socket.io-client.
    if (reason === "io server disconnect") void this.#comeBack();
  }

  #onRefused(refusal: Error & { data?: ErrorObject }): void {
    if (this.#socket.active) return; // no server; socket.io-client tries again
    const { code, message } = { code: "invalid" as const, message: refusal.message };
    const error = HearthError.from(refusal.data ?? { code, message });
    const needsToken = error.code === "unauthorized" || error.code === "token_expired";
    if (needsToken ? !this.tokens.renews : !error.temporary) return this.close(error);
    if (needsToken) this.tell(error);
    void this.#comeBack(error);
  }

  async #comeBack(error?: HearthError): Promise<void> {
    const attempt = this.#refusals++;
    const waitMs = error?.retryAfter ? this.waitMs(error, attempt) : backoffMs(this.backoff, attempt);
    await this.ending.sleep(waitMs).then(
      () => this.#socket.connect(),
      () => {}, // closed meanwhile
    );
  }

  /** Ask for a fresh token before each one ends, until the connection does. */
  async #renew(serverAheadMs: number): Promise<void> {
    const life = (this.#renewal = new Ending());
    for (let attempt = 0; this.tokens.renews && !life.isOver; ) {
      const waitMs = renewalMs(this.#token, Date.now() + serverAheadMs);
      if (waitMs === undefined) return;
      try {
        // Not at once, even if all that it gets are tokens that have just about ended.
        await life.sleep(attempt ? backoffMs(this.backoff, attempt) : Math.max(waitMs, this.backoff.firstMs));
        const token = await this.#askToken();
        if (life.isOver) return;
        await this.#request("authenticate", { token }, ANSWER_MS);
        this.#token = token;
        attempt = 0;
        // The server leaves what the fresh token doesn't grant, and says no word of it.
        this.#joinAll();
      } catch (error) {
        if (life.isOver) return;
        attempt++;
        this.tell(error as HearthError);
      }
    }
  }
}

function identityOf({ user_id: id, kind }: Welcome): Member {
  return { id, kind };
}

function timeout(ms: number): HearthError {
  return new HearthError("timeout", `The server has not answered within ${Math.round(ms)} ms.`);
}

/** Whether a value as JSON has more bytes than that. */
function isLonger(value: object, bytes: number): boolean {
  const text = JSON.stringify(value);
  // UTF-8 has at most three bytes for each unit of UTF-16.
  return text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes;
}
