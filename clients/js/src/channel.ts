import { Emitter, type Off } from "./emitter.js";
import { HearthError } from "./errors.js";
import type {
  AnyMessage,
  Joined,
  JsonObject,
  Member,
  Message,
  Page,
  Position,
  Presence,
  Receipt,
  Types,
} from "./messages.js";
import type { Answer, Membership, Namespace } from "./namespace.js";
import { newNonce } from "./nonce.js";
import { Order } from "./order.js";
import { afterMessage, fromPresence, type Members, NOBODY } from "./roster.js";

const JOIN_MS = 10_000;
const READ_MS = 30_000;
const PUBLISH_MS = 60_000;
// The server remembers a nonce for 5 minutes; what is repeated later might be published twice.
const MAX_PUBLISH_MS = 240_000;

/**
 * `connecting` until it is joined, then `live`; `recovering` while it is joined again and what was
 * missed is read; `closed` for good.
 */
export type ChannelState = "connecting" | "live" | "recovering" | "closed";

/** A channel's own events. A type of message with such a name comes as `message` alone. */
export interface ChannelEvents<T extends Types> {
  /** Every message, after those who listen for its type. */
  message: AnyMessage<T>;
  state: ChannelState;
  members: readonly Member[];
  /**
   * Not all that was missed can be had. What is handed over from here on is of the history that
   * there is now: reload what you show.
   */
  discontinuity: Position;
  error: HearthError;
}

const OWN_EVENTS = ["message", "state", "members", "discontinuity", "error"];

export interface ChannelOptions {
  /** How many of the newest messages to begin with; 0 to 1,000, none if left out. */
  history?: number;
  /** The place to go on from: a `position` of before. */
  since?: Position;
}

export interface PublishOptions {
  action?: string;
  /** Names this publish, so that a repeat is none; made up if left out. */
  nonce?: string;
  /** How long to try, in milliseconds; a minute if left out, four at most. */
  timeout?: number;
}

/** One channel that is joined, and joined again after each lost connection, until `leave`. */
export class Channel<T extends Types = Record<string, JsonObject>> {
  readonly #emitter = new Emitter();
  readonly #order: Order;
  readonly #membership: Membership;
  #name: string | undefined;
  #state: ChannelState = "connecting";
  #members: Members = NOBODY;
  #joins = 0;

  /**
   * @param name of the channel, or how it follows from who one is
   * @param ended is called when it is left or closed
   * @param unheard is told of an error that nobody listens for
   */
  constructor(
    private readonly space: Namespace,
    private readonly named: string | ((self: Member) => string),
    private readonly options: ChannelOptions,
    private readonly ended: () => void,
    private readonly unheard: (error: HearthError) => void,
  ) {
    this.#order = new Order(options.since);
    this.#name = typeof named === "string" ? named : undefined;
    this.#membership = this.#asMembership();
    space.add(this.#membership);
  }

  get namespace(): string {
    return this.space.path;
  }

  /** Of `notifications()`, it is empty until the server has said who one is. */
  get name(): string {
    return this.#name ?? "";
  }

  get state(): ChannelState {
    return this.#state;
  }

  /** Who is here, as far as one is told: the first 100 where there are more. */
  get members(): readonly Member[] {
    return this.#members.list;
  }

  /** How many are here, by identity. */
  get memberCount(): number {
    return this.#members.count;
  }

  /** The place of the last message that was handed over: the `since` of a later program. */
  get position(): Position | undefined {
    return this.#order.seen;
  }

  /** Listen; the returned function ends that. */
  on<E extends keyof ChannelEvents<T>>(event: E, listener: (argument: ChannelEvents<T>[E]) => void): Off;
  on<E extends keyof T & string>(type: E, listener: (message: Message<E, T[E]>) => void): Off;
  on(type: string, listener: (message: Message) => void): Off;
  on(event: string, listener: (argument: never) => void): Off {
    return this.#emitter.on(event, listener);
  }

  /**
   * Publish, whatever happens to the connection meanwhile: it is tried again with the same nonce
   * until the server has answered, and so published once.
   *
   * Rejects with a `HearthError`: the server's, or the last attempt's when the time is over.
   */
  async publish<E extends keyof T & string>(
    type: E,
    data: T[E],
    options: PublishOptions = {},
  ): Promise<Receipt> {
    const { action, nonce = newNonce(), timeout = PUBLISH_MS } = options;
    const draft = { data, nonce, ...(action === undefined ? {} : { action }) };
    const answer = await this.#ask(type, draft, Math.min(timeout, MAX_PUBLISH_MS));
    const { offset, epoch, timestamp, duplicate = false } = answer as unknown as Receipt;
    return { ...(offset === undefined ? {} : { offset }), epoch, timestamp, duplicate };
  }

  /** Read a page of history: the newest `limit` (50) messages, or those before an offset. */
  async history(page: { before?: number; limit?: number } = {}): Promise<Page<T>> {
    const { messages, offset, epoch, more } = await this.#ask("history", page, READ_MS);
    return { messages, offset, epoch, more } as unknown as Page<T>;
  }

  /** Read who is here, all of them. */
  async presence(): Promise<Presence> {
    const { count, members } = await this.#ask("presence", {}, READ_MS);
    const presence = { count, members } as Presence;
    this.#setMembers(fromPresence(presence));
    return presence;
  }

  /** Leave, for good. */
  async leave(): Promise<void> {
    if (this.#state === "closed") return;
    const left = new Promise<void>((resolve) => {
      // Without a connection one has left already.
      if (this.#name === undefined) return resolve();
      this.space.ask("leave", { channel: this.#name }, JOIN_MS, () => resolve());
    });
    this.#membership.end();
    await left;
  }

  #asMembership(): Membership {
    const channel = this;
    return {
      get name() {
        return channel.#name;
      },
      connected(self) {
        channel.#name ??= (channel.named as (self: Member) => string)(self);
        channel.#join();
      },
      disconnected() {
        channel.#lose();
      },
      receive(message) {
        if (!channel.#order.holds(message)) channel.#receive(message);
      },
      end(error) {
        channel.#close(error);
      },
    };
  }

  async #ask(event: string, argument: object, ms: number): Promise<Answer> {
    if (this.#state === "closed") throw HearthError.closed();
    const channel = this.#name;
    if (channel === undefined) {
      await this.space.persist("ping", {}, ms); // then it is known
      return this.#ask(event, argument, ms);
    }
    return this.space.persist(event, { channel, ...argument }, ms);
  }

  #join(attempt = 0): void {
    const number = ++this.#joins;
    this.#order.hold();
    const since = this.#order.seen;
    const { history } = this.options;
    const asked = {
      channel: this.#name,
      ...(since === undefined ? {} : { since }),
      ...(history === undefined ? {} : { history }),
    };
    this.space.ask("join", asked, JOIN_MS, (error, answer) => {
      if (number !== this.#joins || this.#state === "closed") return;
      if (!error) return this.#onJoined(answer as unknown as Joined, since !== undefined);
      if (error.code === "disconnected") return; // the next connection joins again
      if (!this.space.mayRetry(error)) return this.#close(error);
      const again = (): void => {
        if (number === this.#joins && this.space.isConnected) this.#join(attempt + 1);
      };
      void this.space.ending.sleep(this.space.waitMs(error, attempt)).then(again, () => {});
    });
  }

  #onJoined({ offset, epoch, recovered, messages, presence }: Joined, hadPlace: boolean): void {
    if (!recovered) {
      this.#order.restart({ offset: (messages[0]?.offset ?? offset + 1) - 1, epoch });
      if (hadPlace) this.#emitter.emit("discontinuity", { offset, epoch });
    }
    for (const message of messages) if (this.#order.passes(message)) this.#hand(message);
    this.#setMembers(fromPresence(presence));
    this.#setState("live");
    for (const message of this.#order.release()) this.#membership.receive(message);
  }

  #receive(message: Message): void {
    if (message.type === "discontinuity") return this.#onDiscontinuity(message.data as unknown as Position);
    switch (this.#order.admit(message)) {
      case "next":
        this.#hand(message);
        return this.#setMembers(afterMessage(this.#members, message));
      case "gap":
        this.#lose();
        this.#order.holds(message);
        return this.#join();
      case "nothing":
    }
  }

  #onDiscontinuity(position: Position): void {
    if (position.epoch === this.#order.seen?.epoch) return; // the answer to a join knew of it
    this.#order.restart(position);
    this.#emitter.emit("discontinuity", position);
  }

  #hand(message: Message): void {
    if (!OWN_EVENTS.includes(message.type)) this.#emitter.emit(message.type, message);
    this.#emitter.emit("message", message);
  }

  #lose(): void {
    this.#joins++;
    this.#order.hold();
    if (this.#state === "live") this.#setState("recovering");
  }

  #close(error?: HearthError): void {
    if (this.#state === "closed") return;
    if (error && !this.#emitter.emit("error", error)) this.unheard(error);
    this.space.remove(this.#membership);
    this.#setState("closed");
    this.#emitter.clear();
    this.ended();
  }

  #setState(state: ChannelState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#emitter.emit("state", state);
  }

  #setMembers(members: Members): void {
    if (members === this.#members || this.#state === "closed") return;
    this.#members = members;
    this.#emitter.emit("members", members.list);
  }
}
