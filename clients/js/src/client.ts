import { Manager, type ManagerOptions } from "socket.io-client";
import { Channel, type ChannelOptions } from "./channel.js";
import { Emitter, type Off } from "./emitter.js";
import { HearthError } from "./errors.js";
import type { Payloads } from "./generated/payloads.js";
import type { JsonObject, Member, NamespaceName, Types } from "./messages.js";
import { Namespace } from "./namespace.js";
import type { Backoff } from "./time.js";
import { type Token, TokenSource } from "./token.js";

export interface ClientOptions {
  /** Who one is; a callback is asked at each connect, and before the token that it gave ends. */
  token?: Token;
  /** What socket.io-client's `Manager` takes, e.g. `transports` and `reconnectionDelayMax`. */
  socket?: Partial<ManagerOptions>;
}

/** The payloads of a namespace by type; of one that is not known here, anything. */
export type PayloadsOf<N extends string> = N extends NamespaceName ? Payloads[N] : Record<string, JsonObject>;

/** Make a client of the server at `url`; it connects when the first channel is asked for. */
export function connect(url: string, options: ClientOptions = {}): Client {
  return new Client(url, options);
}

/** One connection to one server, and the channels in it. */
export class Client {
  readonly #manager: Manager;
  readonly #tokens: TokenSource;
  readonly #backoff: Backoff;
  readonly #emitter = new Emitter();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #channels = new Map<string, Channel<never>>();
  #isClosed = false;

  constructor(url: string, { token, socket = {} }: ClientOptions) {
    this.#tokens = new TokenSource(token);
    this.#manager = new Manager(url, { ...socket, autoConnect: false });
    this.#backoff = {
      firstMs: this.#manager.reconnectionDelay(),
      mostMs: this.#manager.reconnectionDelayMax(),
    };
  }

  /**
   * Listen for errors that no call rejects with: a token that can't be had, a connection or a
   * channel that is refused. What nobody listens for is written to the console.
   */
  on(event: "error", listener: (error: HearthError) => void): Off {
    return this.#emitter.on(event, listener);
  }

  circle(name: string, options?: ChannelOptions): Channel<Payloads["/circles"]> {
    return this.channel("/circles", name, options);
  }

  workspace(id: string, options?: ChannelOptions): Channel<Payloads["/workspaces"]> {
    return this.channel("/workspaces", id, options);
  }

  agent(id: string, options?: ChannelOptions): Channel<Payloads["/agents"]> {
    return this.channel("/agents", id, options);
  }

  chat(workflow: string, app: string, chat: string, options?: ChannelOptions): Channel<Payloads["/chat"]> {
    return this.channel("/chat", `${workflow}/${app}/${chat}`, options);
  }

  feed(name: string, options?: ChannelOptions): Channel<Payloads["/feeds"]> {
    return this.channel("/feeds", name, options);
  }

  /** One's own notifications, on each of one's devices. */
  notifications(options?: ChannelOptions): Channel<Payloads["/notifications"]> {
    return this.#open("/notifications", "", ({ id }) => `user:${id}`, options);
  }

  /** What everybody is told. */
  broadcast(options?: ChannelOptions): Channel<Payloads["/notifications"]> {
    return this.channel("/notifications", "broadcast", options);
  }

  /**
   * Join a channel; the same one is returned as long as it isn't left, with the options of the
   * first time. With types of your own, say their payloads:
   * `client.channel<"/feeds", { build: Build }>("/feeds", "ci")`.
   */
  channel<N extends string, T extends Types = PayloadsOf<N>>(
    namespace: N,
    name: string,
    options?: ChannelOptions,
  ): Channel<T> {
    return this.#open<T>(namespace, name, name, options);
  }

  /** Leave everything and disconnect, for good. */
  close(): void {
    this.#isClosed = true;
    for (const namespace of [...this.#namespaces.values()]) namespace.close();
    this.#emitter.clear();
  }

  #open<T extends Types>(
    namespace: string,
    key: string,
    name: string | ((self: Member) => string),
    options: ChannelOptions = {},
  ): Channel<T> {
    if (this.#isClosed) throw HearthError.closed();
    const path = `${namespace} ${key}`;
    const known = this.#channels.get(path);
    if (known) return known as unknown as Channel<T>;
    const tell = (error: HearthError): void => this.#tell(error);
    const space = this.#namespace(namespace);
    const channel = new Channel<T>(space, name, options, () => this.#channels.delete(path), tell);
    this.#channels.set(path, channel as unknown as Channel<never>);
    return channel;
  }

  #namespace(path: string): Namespace {
    const known = this.#namespaces.get(path);
    if (known) return known;
    const tell = (error: HearthError): void => this.#tell(error);
    const forget = (): void => void this.#namespaces.delete(path);
    const namespace = new Namespace(this.#manager, path, this.#tokens, this.#backoff, tell, forget);
    this.#namespaces.set(path, namespace);
    return namespace;
  }

  #tell(error: HearthError): void {
    if (!this.#emitter.emit("error", error)) console.error(error);
  }
}
