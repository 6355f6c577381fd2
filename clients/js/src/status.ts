import { Emitter } from "./emitter.js";
import type { HearthError } from "./errors.js";
import type { Member } from "./messages.js";
import { Troubles } from "./troubles.js";

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
  /** What no call rejects with: no server, no token, a connection that is refused; a channel's where nobody listens. */
  error: HearthError;
  state: ConnectionState;
  /** A change of any of it. */
  connection: ConnectionInfo;
}

/** How a client is connected, as its namespaces have it, and whoever listens for that. */
export class Status {
  readonly emitter = new Emitter();
  readonly #troubles = new Troubles();
  readonly #written = new Set<string>();
  #info: ConnectionInfo = { state: "idle", error: undefined, identity: undefined };

  /** @param spaces which namespaces there are, and who one is in each that has a connection */
  constructor(private readonly spaces: () => Iterable<{ readonly identity: Member | undefined }>) {}

  get info(): ConnectionInfo {
    return this.#info;
  }

  /** That the server lets one in, and can't serve; undefined where it can. */
  get trouble(): HearthError | undefined {
    return this.#troubles.error;
  }

  /** It is closed, for good. */
  close(): void {
    this.#change({ state: "closed" });
    this.emitter.clear();
  }

  /** A namespace has a connection now. */
  connected(identity: Member): void {
    const { id, kind } = this.#info.identity ?? {};
    const isSame = id === identity.id && kind === identity.kind;
    this.update({ error: undefined, ...(isSame ? {} : { identity }) });
  }

  /** Somebody is told that the server can't serve now; returns what everybody is to know of it. */
  begin(whose: object, error: HearthError): HearthError {
    const before = this.trouble;
    this.#troubles.begin(whose, error);
    const now = this.trouble ?? error;
    this.update({});
    if (now.message !== before?.message) this.tell(now);
    return now;
  }

  /** Somebody is served, or needs nothing any more. */
  end(whose: object): void {
    const before = this.trouble;
    this.#troubles.end(whose);
    if (before) this.update({ error: undefined });
  }

  /** There is no server now, or it lets nobody in: what it could serve is not known. */
  forget(): void {
    this.#troubles.clear();
  }

  /** Make a change, and the state what follows from it. */
  update(change: Partial<ConnectionInfo>): void {
    if (this.#info.state === "closed") return;
    const spaces = [...this.spaces()];
    const { trouble } = this;
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
    if (info.state !== before.state) this.emitter.emit("state", info.state);
    this.emitter.emit("connection", info);
  }

  /** Tell of an error; one that nobody listens for is written to the console, once. */
  tell(error: HearthError): void {
    if (this.#info.state === "closed" || this.emitter.emit("error", error)) return;
    // What is tried again is said once; that a server goes and comes back is no news.
    const { code, message } = error;
    if (this.#written.has(message) || (code === "disconnected" && this.#info.identity)) return;
    this.#written.add(message);
    console.error(error);
  }
}
