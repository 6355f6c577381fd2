import { type ErrorCode, HearthError } from "./errors.js";
import type { Joined, Member, Message, Position, Presence } from "./messages.js";
import type { Membership, Namespace } from "./namespace.js";
import { Order, placeBefore } from "./order.js";
import type { Answer, Patience } from "./requests.js";
import { afterMessage, afterPresence, fromPresence, type Members, NOBODY } from "./roster.js";
import { MemberWatch } from "./watch.js";

/**
 * `connecting` until it is joined, then `live`; `recovering` while it is joined again and what was
 * missed is read; `refused` while the server lets nobody connect from here, or can't serve, and says
 * why; `closed` for good.
 */
export type ChannelState = "connecting" | "live" | "recovering" | "refused" | "closed";

/** What the server answers that can't serve now, whoever asks. */
const SERVERS_OWN: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["unavailable", "internal"]);

/** What a subscription hands over to. */
export interface Subscriber {
  /** Whether it wants to know of members. */
  readonly watchesMembers: boolean;
  message(message: Message): void;
  state(state: ChannelState): void;
  members(members: readonly Member[]): void;
  discontinuity(position: Position): void;
  /** Why it is closed or refused. */
  error(error: HearthError, isFinal: boolean): void;
}

/** How a channel is joined for the first time. */
export interface Beginning {
  /** How many of the newest messages to begin with; 0 to 1,000, none if left out. */
  history?: number;
  /** The place to go on from: a `position` of before. */
  since?: Position;
}

/** One channel that is joined, and joined again after each lost connection, as long as it has subscribers. */
export class Subscription implements Membership {
  readonly #order: Order;
  readonly #subscribers = new Set<Subscriber>();
  readonly #watch: MemberWatch;
  #name: string | undefined;
  #state: ChannelState = "connecting";
  #error: HearthError | undefined;
  #members: Members = NOBODY;
  #joins = 0;
  #following = 0;

  /**
   * @param named the channel's name, or how it follows from who one is
   * @param ended is called when it is left or closed
   */
  constructor(
    readonly space: Namespace,
    private readonly named: string | ((self: Member) => string),
    private readonly beginning: Beginning,
    private readonly ended: () => void,
    watchMs: number,
  ) {
    const { since } = beginning;
    // What else it has, as receipts do, is nothing to the server.
    this.#order = new Order(since && { offset: since.offset, epoch: since.epoch });
    this.#name = typeof named === "string" ? named : undefined;
    this.#watch = new MemberWatch(watchMs, () => this.#askMembers());
  }

  /** Begin; what it hands over has somebody to take it then. */
  start(): void {
    this.space.add(this);
  }

  get name(): string | undefined {
    return this.#name;
  }

  get state(): ChannelState {
    return this.#state;
  }

  /** Why it is closed or refused. */
  get error(): HearthError | undefined {
    return this.#error;
  }

  get members(): Members {
    return this.#members;
  }

  /** The place of the last message that was handed over. */
  get position(): Position | undefined {
    return this.#order.seen;
  }

  subscribe(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
  }

  /** Hand nothing more over to somebody, and leave when that was the last one. */
  async unsubscribe(subscriber: Subscriber): Promise<void> {
    if (!this.#subscribers.delete(subscriber) || this.#subscribers.size > 0 || this.#state === "closed") return;
    const name = this.#name;
    this.end();
    // Without a connection one has left already; under another handle's name one stays.
    if (name === undefined || this.space.has(name)) return;
    await new Promise<void>((resolve) => this.space.requests.ask("leave", { channel: name }, () => resolve()));
  }

  /** Ask something of this channel until there is an answer. */
  async ask(event: string, argument: object, patience: Patience): Promise<Answer> {
    if (this.#state === "closed") throw this.#error ?? HearthError.closed();
    const { requests } = this.space;
    if (this.#name === undefined) await requests.persist("ping", {}, patience); // then it is known
    return requests.persist(event, { channel: this.#name, ...argument }, patience);
  }

  setMembers(members: Members): void {
    if (members === this.#members || this.#state === "closed") return;
    this.#members = members;
    for (const one of [...this.#subscribers]) one.members(members.list);
  }

  // What its namespace tells

  connected(self: Member): void {
    this.#name ??= (this.named as (self: Member) => string)(self);
    this.#join();
  }

  disconnected(): void {
    this.#lose();
  }

  refused(error: HearthError): void {
    if (error.code === "disconnected") return this.#unrefuse(); // there is no server now to refuse it
    if (this.#state === "refused" && this.#error?.message === error.message) return;
    this.#error = error;
    this.#setState("refused");
    for (const one of [...this.#subscribers]) one.error(error, false);
  }

  receive(message: Message): void {
    if (message.type === "discontinuity") return this.#onDiscontinuity(message.data as unknown as Position);
    if (this.#order.holds(message)) return;
    switch (this.#order.admit(message)) {
      case "next":
        this.#hand(message);
        this.setMembers(afterMessage(this.#members, message));
        break;
      case "gap":
        this.#lose();
        return this.#join();
      case "nothing":
    }
    if (message.offset !== undefined && this.#following > 0 && --this.#following === 0) this.#settle();
  }

  end(error?: HearthError): void {
    if (this.#state === "closed") return;
    this.#watch.stop();
    this.space.remove(this);
    this.space.served(this);
    this.#error = error;
    if (error) for (const one of [...this.#subscribers]) one.error(error, true);
    this.#setState("closed");
    this.ended();
  }

  #join(attempt = 0): void {
    const number = ++this.#joins;
    this.#order.hold();
    this.#following = 0;
    const since = this.#order.seen;
    const { history } = this.beginning;
    const asked = {
      channel: this.#name,
      ...(since === undefined ? {} : { since }),
      ...(history === undefined ? {} : { history }),
    };
    const { requests, ending } = this.space;
    const onAnswer = (error: HearthError | undefined, answer: Answer): void => {
      if (number !== this.#joins || this.#state === "closed") return;
      if (!error) return this.#onJoined(answer as unknown as Joined, since !== undefined);
      if (error.code === "disconnected") return; // the next connection joins again
      if (!requests.mayRetry(error)) return this.end(error);
      if (SERVERS_OWN.has(error.code)) this.refused(error);
      if (error.code === "unavailable") this.space.troubled(this, error);
      const again = (): void => {
        if (number === this.#joins && this.space.identity) this.#join(attempt + 1);
      };
      void ending.sleep(requests.waitMs(error, attempt)).then(again, () => {});
    };
    requests.ask("join", asked, onAnswer, { lane: "joins" });
  }

  #onJoined(joined: Joined, hadPlace: boolean): void {
    const { offset, epoch, recovered, messages, presence, following = 0 } = joined;
    const first = messages[0];
    if (!recovered || !hadPlace) {
      this.#order.restart({ offset: first ? placeBefore(first) : offset, epoch });
      if (hadPlace) for (const one of [...this.#subscribers]) one.discontinuity({ offset, epoch });
    }
    for (const message of messages) if (this.#order.passes(message)) this.#hand(message);
    this.setMembers(fromPresence(presence));
    this.#watch.isPossible = presence !== null && this.space.path !== "/circles";
    const held = this.#order.release();
    this.#following = following;
    if (following === 0) this.#settle();
    for (const message of held) this.receive(message);
  }

  /** Everything that was missed has been handed over. */
  #settle(): void {
    this.#following = 0;
    this.#error = undefined;
    this.space.served(this);
    this.#setState("live");
    this.#watch.start();
  }

  #onDiscontinuity(position: Position): void {
    if (this.#order.isHolding || typeof position.epoch !== "string") return; // the answer to the join tells of it
    const isKnown = position.epoch === this.#order.seen?.epoch;
    if (isKnown && this.#following === 0) return;
    this.#order.restart(position);
    for (const one of [...this.#subscribers]) one.discontinuity(position);
    if (this.#following > 0) this.#settle();
  }

  async #askMembers(): Promise<void> {
    if (![...this.#subscribers].some(({ watchesMembers }) => watchesMembers)) return;
    const presence = await this.space.requests.once("presence", { channel: this.#name });
    if (this.#state === "live") this.setMembers(afterPresence(this.#members, presence as unknown as Presence));
  }

  #hand(message: Message): void {
    for (const one of [...this.#subscribers]) one.message(message);
  }

  #lose(): void {
    this.#joins++;
    this.#following = 0;
    this.#watch.stop();
    this.#order.hold();
    if (this.#state === "live") this.#setState("recovering");
  }

  #unrefuse(): void {
    if (this.#state !== "refused") return;
    this.#error = undefined;
    this.#setState(this.#order.seen ? "recovering" : "connecting");
  }

  #setState(state: ChannelState): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    for (const one of [...this.#subscribers]) one.state(state);
  }
}
