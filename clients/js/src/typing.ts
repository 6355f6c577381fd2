import type { Channel } from "./channel.js";
import type { Off } from "./emitter.js";
import type { Member, PayloadsOf } from "./messages.js";

/** How long somebody is typing without saying so again. */
const END_MS = 8_000;
/** How often one says again that one is. */
const AGAIN_MS = 3_000;
/** How long after the last key one isn't any more. */
const PAUSE_MS = 4_000;

type Timer = ReturnType<typeof setTimeout>;

/** A channel in which members say that they are typing. */
type TypingChannel = Channel<PayloadsOf<"/circles">>;

/**
 * Who is typing in a channel, and that one is oneself. Both end: when a message comes, when it is
 * said so, and after a while without a word, for a page may just be gone.
 */
export class Typing {
  readonly #ends = new Map<string, Timer>();
  readonly #offs: Off[];
  #typing: readonly Member[] = [];
  #saidAtMs = -Infinity;
  #pause: Timer | undefined;

  /** @param self who isn't to be listed */
  constructor(
    private readonly channel: TypingChannel,
    private readonly self: () => Member | undefined,
    private readonly changed: (typing: readonly Member[]) => void,
  ) {
    this.#offs = [
      channel.on("typing", ({ sender, data }) => this.#heard(sender, data.typing)),
      channel.on("message", ({ type, sender }) => {
        if (type !== "typing") this.#heard(sender, false);
      }),
    ];
  }

  /** Say that one is typing: at each key, for it isn't told more often than needed. */
  key(): void {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.stop(), PAUSE_MS);
    if (Date.now() - this.#saidAtMs < AGAIN_MS) return;
    this.#saidAtMs = Date.now();
    this.#say(true);
  }

  /** Say that one isn't any more: the text is sent, or given up. */
  stop(): void {
    clearTimeout(this.#pause);
    if (this.#saidAtMs === -Infinity) return;
    this.#saidAtMs = -Infinity;
    this.#say(false);
  }

  /** Listen to nothing any more. */
  end(): void {
    this.stop();
    for (const off of this.#offs) off();
    for (const timer of this.#ends.values()) clearTimeout(timer);
    this.#ends.clear();
  }

  #say(typing: boolean): void {
    // Who misses it misses little, and the next key says it again.
    this.channel.publish("typing", { typing }, { timeout: AGAIN_MS }).catch(() => {});
  }

  #heard(sender: Member | undefined, isTyping: boolean): void {
    const self = this.self();
    if (sender === undefined || (sender.id === self?.id && sender.kind === self.kind)) return;
    const key = `${sender.kind} ${sender.id}`;
    clearTimeout(this.#ends.get(key));
    const wasTyping = this.#ends.delete(key);
    if (isTyping) this.#ends.set(key, setTimeout(() => this.#heard(sender, false), END_MS));
    if (isTyping === wasTyping) return;
    const others = this.#typing.filter((one) => one.id !== sender.id || one.kind !== sender.kind);
    this.#typing = isTyping ? [...others, sender] : others;
    this.changed(this.#typing);
  }
}
