import type { ManagerOptions } from "socket.io-client";
import { addressOf } from "./address.js";
import { Channel, type ChannelOptions } from "./channel.js";
import { Connection } from "./connection.js";
import type { Off } from "./emitter.js";
import { HearthError } from "./errors.js";
import type { Draft, Member, NamespaceName, PayloadsOf, Receipt, Types } from "./messages.js";
import { type ChannelName, keyOf, nameOf } from "./names.js";
import { Namespace } from "./namespace.js";
import { checked, CONNECT, JOIN } from "./options.js";
import { publish, type PublishOptions } from "./publishing.js";
import type { Answer, Patience } from "./requests.js";
import { type ClientEvents, type ConnectionInfo, type ConnectionState, Status } from "./status.js";
import { type ChannelState, Subscription } from "./subscription.js";
import { type Token, TokenSource } from "./token.js";

const PRESENCE_MS = 10_000;

export interface ClientOptions {
  /** Who one is; a callback is asked at each connect, and before the token that it gave ends. */
  token?: Token;
  /** Where Engine.IO is on the server, if it isn't `socket.io` below the URL's own path. */
  path?: string;
  /**
   * How often to ask who is in a channel that doesn't tell of it by itself, in milliseconds: all but
   * circles, while somebody listens for `members`. 10 seconds if left out; 0 asks never.
   */
  presenceInterval?: number;
  /** What socket.io-client's `Manager` takes, e.g. `transports` and `reconnectionDelayMax`. */
  socket?: Partial<ManagerOptions>;
}

/**
 * Make a client of the server at `url`; it connects when the first channel is asked for.
 *
 * @param url may have a path, under which the server is: `https://example.org/hearth/`; in a page,
 *   one without a host is the page's own
 */
export function connect(url: string, options?: ClientOptions | null): Client {
  return new Client(url, checked(CONNECT, options));
}

/** One connection to one server, and the channels in it. */
export class Client {
  readonly #connection: Connection;
  readonly #tokens: TokenSource;
  readonly #presenceMs: number;
  readonly #namespaces = new Map<string, Namespace>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #status = new Status(() => this.#namespaces.values());

  constructor(url: string, { token, path, presenceInterval = PRESENCE_MS, socket = {} }: ClientOptions) {
    this.#tokens = new TokenSource(token);
    this.#presenceMs = presenceInterval;
    this.#connection = new Connection(addressOf(url, path), socket, { failed: (error) => this.#onFailed(error) });
  }

  /** How it is connected, and why it isn't. */
  get connection(): ConnectionInfo {
    return this.#status.info;
  }

  get state(): ConnectionState {
    return this.#status.info.state;
  }

  get error(): HearthError | undefined {
    return this.#status.info.error;
  }

  get identity(): Member | undefined {
    return this.#status.info.identity;
  }

  /** Listen. An error that nobody listens for is written to the console, once. */
  on<E extends keyof ClientEvents>(event: E, listener: (argument: ClientEvents[E]) => void): Off {
    return this.#status.emitter.on(event, listener);
  }

  circle(name: ChannelName, options?: ChannelOptions): Channel<PayloadsOf<"/circles">> {
    return this.channel("/circles", name, options);
  }

  workspace(id: ChannelName, options?: ChannelOptions): Channel<PayloadsOf<"/workspaces">> {
    return this.channel("/workspaces", id, options);
  }

  agent(id: ChannelName, options?: ChannelOptions): Channel<PayloadsOf<"/agents">> {
    return this.channel("/agents", id, options);
  }

  /** A chat by its three parts, or by its whole address: `chat("writer/app-1/chat-1")`. */
  chat(
    workflow: ChannelName,
    app: ChannelName,
    chat: ChannelName,
    options?: ChannelOptions,
  ): Channel<PayloadsOf<"/chat">>;
  chat(address: string, options?: ChannelOptions): Channel<PayloadsOf<"/chat">>;
  chat(first: unknown, ...others: unknown[]): Channel<PayloadsOf<"/chat">> {
    const [app, chat, options] = others;
    const isAddress = others.length < 2 && (app === undefined || typeof app === "object");
    const name = isAddress ? nameOf(first) : [first, app, chat].map(nameOf).join("/");
    return this.channel("/chat", name, (isAddress ? app : options) as ChannelOptions | undefined);
  }

  feed(name: ChannelName, options?: ChannelOptions): Channel<PayloadsOf<"/feeds">> {
    return this.channel("/feeds", name, options);
  }

  /** One's own notifications, on each of one's devices. */
  notifications(options?: ChannelOptions): Channel<PayloadsOf<"/notifications">> {
    return this.#open("/notifications", undefined, ({ id }) => `user:${id}`, options);
  }

  /** What everybody is told. */
  broadcast(options?: ChannelOptions): Channel<PayloadsOf<"/notifications">> {
    return this.channel("/notifications", "broadcast", options);
  }

  /**
   * Open a channel: each call returns a handle of its own, and the channel is left when the last of
   * them is. With types of your own, say their payloads:
   * `client.channel<"/feeds", { build: Build }>("/feeds", "ci")`.
   */
  channel<N extends NamespaceName, T extends Types = PayloadsOf<N>>(
    namespace: N,
    name: ChannelName,
    options?: ChannelOptions,
  ): Channel<T> {
    const text = nameOf(name);
    return this.#open<T>(namespace, text, text, options);
  }

  /**
   * Publish into a channel without joining it: who may write there need not be let read. It is tried
   * again as by `Channel.publish`, and rejects as that does.
   */
  async publish<N extends NamespaceName, T extends Types = PayloadsOf<N>, E extends keyof T & string = keyof T & string>(
    namespace: N,
    channel: ChannelName,
    type: E,
    data: Draft<T[E]>,
    options?: PublishOptions | null,
  ): Promise<Receipt> {
    const name = nameOf(channel);
    const { requests } = this.#namespace(namespace);
    const ask = (event: string, draft: object, patience: Patience): Promise<Answer> =>
      requests.persist(event, { channel: name, ...draft }, patience);
    return publish(ask, type, data, options);
  }

  /** Tell of an error that no call rejects with, as hooks do. */
  tell(error: HearthError): void {
    this.#status.tell(error);
  }

  /** The state of a channel that some handle is open of; without a name, of one's own notifications. */
  stateOf(namespace: NamespaceName, name?: string): ChannelState | undefined {
    return this.#subscriptions.get(keyOf(namespace, name))?.state;
  }

  /** Leave everything and disconnect, for good. */
  close(): void {
    if (this.state === "closed") return;
    this.#status.close();
    for (const namespace of [...this.#namespaces.values()]) namespace.close();
  }

  #open<T extends Types>(
    namespace: string,
    name: string | undefined,
    named: string | ((self: Member) => string),
    given?: ChannelOptions,
  ): Channel<T> {
    const options = checked(JOIN, given);
    const space = this.#namespace(namespace);
    const path = keyOf(namespace, name);
    const open = this.#subscriptions.get(path);
    const tell = (error: HearthError): void => this.#onUnheard(open?.space ?? space, error);
    if (open) return new Channel<T>(open, options, tell);
    const forget = (): void => void this.#subscriptions.delete(path);
    const subscription = new Subscription(space, named, options, forget, this.#presenceMs);
    this.#subscriptions.set(path, subscription);
    const channel = new Channel<T>(subscription, undefined, tell);
    subscription.start();
    return channel;
  }

  #namespace(path: string): Namespace {
    if (this.state === "closed") throw HearthError.closed();
    if (typeof path !== "string") throw new TypeError(`A namespace must be text, not ${String(path)}.`);
    if (!path.startsWith("/")) throw new TypeError(`Namespaces begin with a slash: "/${path}"`);
    const known = this.#namespaces.get(path);
    if (known) return known;
    const namespace: Namespace = new Namespace(this.#connection, path, this.#tokens, {
      changed: () => this.#onChanged(namespace.identity),
      refused: (error) => this.#onRefused(error),
      troubled: (whose, error) => this.#refuse(this.#status.begin(whose, error)),
      served: (whose) => this.#status.end(whose),
      failed: (error) => this.#status.tell(error),
      ended: (error) => {
        this.#namespaces.delete(path);
        this.#status.end(namespace);
        if (error && isClients(error)) this.#onRefused(error);
        else this.#status.update({});
      },
    });
    this.#namespaces.set(path, namespace);
    this.#status.update({});
    return namespace;
  }

  #onChanged(identity: Member | undefined): void {
    if (identity) return this.#status.connected(identity);
    this.#status.update({});
    const { trouble } = this.#status;
    if (trouble) this.#refuse(trouble);
  }

  /** No connection could be opened, or the server has refused it; or the last one has ended with that. */
  #onFailed(error: HearthError): void {
    if (error.code === "unavailable" && error.reason === "closed") {
      // Who was told by the server itself knows more.
      if (!this.#status.trouble) for (const namespace of this.#namespaces.values()) namespace.trouble(error);
      return;
    }
    this.#status.forget();
    this.#onRefused(error);
    this.#refuse(error);
  }

  /** Tell everybody who has no connection why there is none. */
  #refuse(error: HearthError): void {
    for (const namespace of this.#namespaces.values()) namespace.refuse(error);
  }

  #onRefused(error: HearthError): void {
    this.#status.update({ error });
    this.#status.tell(error);
  }

  /** A channel is closed, and nobody listens there; why all of them are is told once. */
  #onUnheard({ ending }: Namespace, error: HearthError): void {
    if (error !== ending.reason || !isClients(error)) this.#status.tell(error);
  }
}

/** Whether what has ended a namespace is an error of the client's: that there is none is its channels'. */
function isClients({ code }: HearthError): boolean {
  return code !== "invalid";
}
