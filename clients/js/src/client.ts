import type { ManagerOptions } from "socket.io-client";
import { addressOf } from "./address.js";
import { Channel, type ChannelOptions } from "./channel.js";
import { Connection } from "./connection.js";
import { Emitter, type Off } from "./emitter.js";
import { HearthError } from "./errors.js";
import type { Member, NamespaceName, PayloadsOf, Types } from "./messages.js";
import { type ChannelName, keyOf, nameOf } from "./names.js";
import { Namespace } from "./namespace.js";
import { type ChannelState, Subscription } from "./subscription.js";
import { type Token, TokenSource } from "./token.js";
import { Troubles } from "./troubles.js";

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
 * `idle` until the first channel is asked for; `connecting`, also again; `connected`; `refused` while
 * the server lets nobody in from here, or can't serve, and says why; `closed` for good.
 */
export type ConnectionState = "idle" | "connecting" | "connected" | "refused" | "closed";

/** How a client is connected; another object after each change. */
export interface ConnectionInfo {
  state: ConnectionState;
  /** Why there is no connection; undefined where there is one, or no reason is known yet. */
  error: HearthError | undefined;
  /** Who one is, by the server's word; undefined before the first connection. */
  identity: Member | undefined;
}

/** What a client tells of itself. */
export interface ClientEvents {
  /** What no call rejects with: no server, a connection or a channel that is refused, no token. */
  error: HearthError;
  state: ConnectionState;
  /** A change of any of it. */
  connection: ConnectionInfo;
}

/**
 * Make a client of the server at `url`; it connects when the first channel is asked for.
 *
 * @param url may have a path, under which the server is: `https://example.org/hearth/`; in a page,
 *   one without a host is the page's own
 */
export function connect(url: string, options?: ClientOptions | null): Client {
  return new Client(url, options ?? {});
}

/** One connection to one server, and the channels in it. */
export class Client {
  readonly #connection: Connection;
  readonly #tokens: TokenSource;
  readonly #presenceMs: number;
  readonly #emitter = new Emitter();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #written = new Set<string>();
  readonly #troubles = new Troubles();
  #info: ConnectionInfo = { state: "idle", error: undefined, identity: undefined };

  constructor(url: string, { token, path, presenceInterval = PRESENCE_MS, socket = {} }: ClientOptions) {
    this.#tokens = new TokenSource(token);
    this.#presenceMs = presenceInterval;
    this.#connection = new Connection(addressOf(url, path), socket, { failed: (error) => this.#onFailed(error) });
  }

  /** How it is connected, and why it isn't. */
  get connection(): ConnectionInfo {
    return this.#info;
  }

  get state(): ConnectionState {
    return this.#info.state;
  }

  get error(): HearthError | undefined {
    return this.#info.error;
  }

  get identity(): Member | undefined {
    return this.#info.identity;
  }

  /** Listen. An error that nobody listens for is written to the console, once. */
  on<E extends keyof ClientEvents>(event: E, listener: (argument: ClientEvents[E]) => void): Off {
    return this.#emitter.on(event, listener);
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

  /** The state of a channel that some handle is open of; without a name, of one's own notifications. */
  stateOf(namespace: NamespaceName, name?: string): ChannelState | undefined {
    return this.#subscriptions.get(keyOf(namespace, name))?.state;
  }

  /** Leave everything and disconnect, for good. */
  close(): void {
    if (this.state === "closed") return;
    this.#change({ state: "closed" });
    for (const namespace of [...this.#namespaces.values()]) namespace.close();
    this.#emitter.clear();
  }

  #open<T extends Types>(
    namespace: string,
    name: string | undefined,
    named: string | ((self: Member) => string),
    given?: ChannelOptions,
  ): Channel<T> {
    if (this.state === "closed") throw HearthError.closed();
    if (typeof namespace !== "string") throw new TypeError(`A namespace must be text, not ${String(namespace)}.`);
    if (!namespace.startsWith("/")) throw new TypeError(`Namespaces begin with a slash: "/${namespace}"`);
    const options = given ?? {};
    const path = keyOf(namespace, name);
    const tell = (error: HearthError): void => this.#tell(error);
    const open = this.#subscriptions.get(path);
    if (open) return new Channel<T>(open, options, tell);
    const space = this.#namespace(namespace);
    const forget = (): void => void this.#subscriptions.delete(path);
    const subscription = new Subscription(space, named, options, forget, this.#presenceMs);
    this.#subscriptions.set(path, subscription);
    const channel = new Channel<T>(subscription, undefined, tell);
    subscription.start();
    return channel;
  }

  #namespace(path: string): Namespace {
    const known = this.#namespaces.get(path);
    if (known) return known;
    const namespace: Namespace = new Namespace(this.#connection, path, this.#tokens, {
      changed: () => this.#onChanged(namespace.identity),
      refused: (error) => this.#onRefused(error),
      troubled: (whose, error) => this.#onTroubled(whose, error),
      served: (whose) => this.#onServed(whose),
      failed: (error) => this.#tell(error),
      ended: (error) => {
        this.#namespaces.delete(path);
        this.#troubles.end(namespace);
        // That there is no such namespace is its channels' to tell.
        this.#update(error && error.code !== "invalid" ? { error } : {});
      },
    });
    this.#namespaces.set(path, namespace);
    this.#update({});
    return namespace;
  }

  #onChanged(identity: Member | undefined): void {
    if (identity) {
      const { id, kind } = this.identity ?? {};
      const isSame = id === identity.id && kind === identity.kind;
      return this.#update({ error: undefined, ...(isSame ? {} : { identity }) });
    }
    this.#update({});
    const trouble = this.#troubles.error;
    if (trouble) this.#refuse(trouble);
  }

  /** No connection could be opened, or the server has refused it; or the last one has ended with that. */
  #onFailed(error: HearthError): void {
    if (error.code === "unavailable" && error.reason === "closed") {
      // Who was told by the server itself knows more.
      if (!this.#troubles.error) for (const namespace of this.#namespaces.values()) namespace.trouble(error);
      return;
    }
    this.#troubles.clear();
    this.#onRefused(error);
    this.#refuse(error);
  }

  #onTroubled(whose: object, error: HearthError): void {
    const before = this.#troubles.error;
    this.#troubles.begin(whose, error);
    const now = this.#troubles.error!;
    this.#update({});
    this.#refuse(now);
    if (now.message !== before?.message) this.#tell(now);
  }

  #onServed(whose: object): void {
    const before = this.#troubles.error;
    this.#troubles.end(whose);
    if (before) this.#update({ error: undefined });
  }

  /** Tell everybody who has no connection why there is none. */
  #refuse(error: HearthError): void {
    for (const namespace of this.#namespaces.values()) namespace.refuse(error);
  }

  #onRefused(error: HearthError): void {
    this.#update({ error });
    this.#tell(error);
  }

  /** Make a change, and the state what follows from it. */
  #update(change: Partial<ConnectionInfo>): void {
    if (this.state === "closed") return;
    const spaces = [...this.#namespaces.values()];
    const trouble = this.#troubles.error;
    const isConnected = trouble === undefined && spaces.some(({ identity }) => identity);
    const error = isConnected ? undefined : (trouble ?? { ...this.#info, ...change }.error);
    const isRefused = error !== undefined && error.code !== "disconnected";
    const otherwise = spaces.length === 0 ? "idle" : "connecting";
    this.#change({ ...change, error, state: isConnected ? "connected" : isRefused ? "refused" : otherwise });
  }

  #change(change: Partial<ConnectionInfo>): void {
    const before = this.#info;
    const info = (this.#info = { ...before, ...change });
    if (info.state === before.state && info.error === before.error && info.identity === before.identity) {
      this.#info = before;
      return;
    }
    if (info.state !== before.state) this.#emitter.emit("state", info.state);
    this.#emitter.emit("connection", info);
  }

  #tell(error: HearthError): void {
    if (this.state === "closed" || this.#emitter.emit("error", error)) return;
    // What is tried again is said once; that a server goes and comes back is no news.
    const { code, message } = error;
    if (this.#written.has(message) || (code === "disconnected" && this.identity)) return;
    this.#written.add(message);
    console.error(error);
  }
}
