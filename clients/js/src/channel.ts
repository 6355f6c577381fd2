import { Emitter, type Off } from "./emitter.js";
import { HearthError } from "./errors.js";
import { type Earlier, readEarlier } from "./late.js";
import type { AnyMessage, Draft, JsonObject, Member, Message, Page, Position, Presence, Receipt, Types } from "./messages.js";
import { checked, PAGE } from "./options.js";
import { publish, type PublishOptions } from "./publishing.js";
import { fromPresence } from "./roster.js";
import type { Beginning, ChannelState, Subscriber, Subscription } from "./subscription.js";

const READ_MS = 30_000;

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

export type ChannelOptions = Beginning;

/** One way to look at a channel, until `leave`; the channel is left when the last of its handles is. */
export class Channel<T extends Types = Record<string, JsonObject>> {
  readonly #emitter = new Emitter();
  readonly #subscriber: Subscriber;
  /** What is live while what was before it is read; undefined when it is handed over at once. */
  #held: (() => void)[] | undefined;
  #hasLeft = false;
  #readings = 0;
  /** While what was held is handed over, the place up to which that has been read. */
  #newest = 0;

  /**
   * @param options what to begin with, where the channel is open already
   * @param unheard is told of an error that nobody listens for
   */
  constructor(
    private readonly subscription: Subscription,
    private readonly options: ChannelOptions | undefined,
    private readonly unheard: (error: HearthError) => void,
  ) {
    this.#subscriber = this.#asSubscriber();
    subscription.subscribe(this.#subscriber);
    if (options?.since || options?.history) {
      this.#held = [];
      if (subscription.state === "live") void this.#read();
    }
  }

  get namespace(): string {
    return this.subscription.space.path;
  }

  /** Of `notifications()`, it is empty until the server has said who one is. */
  get name(): string {
    return this.subscription.name ?? "";
  }

  get state(): ChannelState {
    return this.#hasLeft ? "closed" : this.subscription.state;
  }

  /** Why it is refused or closed; undefined otherwise, and after `leave`. */
  get error(): HearthError | undefined {
    return this.#hasLeft ? undefined : this.subscription.error;
  }

  /** Who is here, as far as one is told: the first 100 where there are more. */
  get members(): readonly Member[] {
    return this.subscription.members.list;
  }

  /** How many are here, by identity. */
  get memberCount(): number {
    return this.subscription.members.count;
  }

  /** The place of the last message that was handed over: the `since` of a later program. */
  get position(): Position | undefined {
    return this.#held ? this.options?.since : this.subscription.position;
  }

  /** Listen; the returned function ends that. */
  on<E extends keyof ChannelEvents<T>>(event: E, listener: (argument: ChannelEvents<T>[E]) => void): Off;
  on<E extends keyof T & string>(type: E, listener: (message: Message<E, T[E]>) => void): Off;
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
    data: Draft<T[E]>,
    options?: PublishOptions | null,
  ): Promise<Receipt> {
    return publish((...request) => this.#ask(...request), type, data, options);
  }

  /** Read a page of history: the newest `limit` (50) messages, or those before an offset. */
  async history(page?: { before?: number; limit?: number } | null): Promise<Page<T>> {
    const { messages, offset, epoch, more } = await this.#ask("history", checked(PAGE, page), { ms: READ_MS });
    return { messages, offset, epoch, more } as unknown as Page<T>;
  }

  /** Read who is here, all of them. */
  async presence(): Promise<Presence> {
    const { count, members } = await this.#ask("presence", {}, { ms: READ_MS });
    const presence = { count, members } as Presence;
    this.subscription.setMembers(fromPresence(presence));
    return presence;
  }

  /** Leave, for good. */
  async leave(): Promise<void> {
    if (this.state === "closed") return;
    this.#hasLeft = true;
    const left = this.subscription.unsubscribe(this.#subscriber);
    this.#emitter.emit("state", "closed");
    this.#emitter.clear();
    await left;
  }

  async #ask(event: string, argument: object, patience: { ms: number; isHard?: boolean }): Promise<JsonObject> {
    if (this.#hasLeft) throw HearthError.closed();
    return this.subscription.ask(event, argument, patience);
  }

  #asSubscriber(): Subscriber {
    const inTurn = (tell: () => void): void => void (this.#held ? this.#held.push(tell) : tell());
    const emitter = this.#emitter;
    return {
      get watchesMembers() {
        return emitter.hears("members");
      },
      message: (message) => inTurn(() => this.#hand(message)),
      state: (state) => {
        if (state === "live" && this.#held) void this.#read();
        this.#emitter.emit("state", state);
        if (state === "closed") this.#emitter.clear();
      },
      members: (members) => void this.#emitter.emit("members", members),
      discontinuity: (position) => {
        // What is being read is of the history before it.
        if (this.#held) {
          this.#held = [];
          void this.#read();
        }
        this.#emitter.emit("discontinuity", position);
      },
      error: (error, isFinal) => {
        const isHeard = this.#emitter.emit("error", error);
        if (!isHeard && isFinal) this.unheard(error);
      },
    };
  }

  /** Hand over what was before, then what is live. */
  async #read(): Promise<void> {
    const number = ++this.#readings;
    let earlier: Earlier | undefined;
    try {
      const read = (page: object): Promise<Page<Record<string, JsonObject>>> => this.history(page) as never;
      earlier = await readEarlier(read, this.options ?? {});
    } catch (error) {
      // When it is live again, it is read again; else there is nothing to be had.
      if (this.subscription.state !== "live" || (error as HearthError).code === "closed") return;
    }
    if (number !== this.#readings || this.#hasLeft) return;
    const held = this.#held ?? [];
    this.#held = undefined;
    if (earlier && !earlier.isWhole) this.#emitter.emit("discontinuity", earlier.position);
    for (const message of earlier?.messages ?? []) this.#hand(message);
    this.#newest = earlier?.position.offset ?? 0;
    for (const tell of held) tell();
    this.#newest = 0;
  }

  #hand(message: Message): void {
    if (message.offset !== undefined && message.offset <= this.#newest) return;
    if (!OWN_EVENTS.includes(message.type)) this.#emitter.emit(message.type, message);
    this.#emitter.emit("message", message);
  }
}
