import { Manager, type ManagerOptions, type Socket } from "socket.io-client";
import type { Address } from "./address.js";
import { HearthError } from "./errors.js";
import { Pace } from "./pace.js";
import { askWhy, type OpenFailure, refusalIn, unreachable } from "./refusal.js";
import type { Backoff } from "./time.js";

/** How long a reason holds, before the server is asked for it again. */
const REASON_MS = 5_000;
const SECOND_MS = 1_000;

/** What a connection tells of itself. */
export interface ConnectionListener {
  /** It can't be opened: once for each loss, and again where the reason is another. */
  failed(error: HearthError): void;
}

interface Engine {
  on(event: "packet", listener: () => void): void;
  _resetPingTimeout?(): void;
}

/** The one connection of a client, for all its namespaces; it is opened again until it is closed. */
export class Connection {
  readonly pace = new Pace();
  readonly backoff: Backoff;
  readonly #manager: Manager;
  #failure: HearthError | undefined;
  #askedAtMs = 0;
  #isOpen = false;
  #hesitations = 0;

  constructor(
    private readonly address: Address,
    options: Partial<ManagerOptions>,
    private readonly listener: ConnectionListener,
  ) {
    const { origin, query, path } = address;
    this.#manager = new Manager(origin + query, { path, ...options, autoConnect: false });
    this.backoff = { firstMs: this.#manager.reconnectionDelay(), mostMs: this.#manager.reconnectionDelayMax() };
    this.#manager.on("open", () => this.#onOpen());
    this.#manager.on("close", () => this.#onClose());
    this.#manager.on("error", (error) => void this.#onFailure(error as Error & OpenFailure));
  }

  /** Whether there is one now. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The way to a namespace: the same as before, where there was one before. */
  socket(path: string): Socket {
    return this.#manager.socket(path);
  }

  /** Open the next one later than the last: the server has ended this one, for it can't serve. */
  hesitate(): void {
    const { firstMs, mostMs } = this.backoff;
    // By itself the manager begins anew with each connection that it could open.
    this.#manager.reconnectionDelay(Math.min(mostMs, firstMs * 2 ** Math.min(this.#hesitations++, 30)));
  }

  /** End `hesitate`. */
  goOn(): void {
    this.#hesitations = 0;
    this.#manager.reconnectionDelay(this.backoff.firstMs);
  }

  #onOpen(): void {
    this.#isOpen = true;
    this.#failure = undefined;
    this.#askedAtMs = 0;
    const engine = this.#manager.engine as unknown as Engine;
    let heardAtMs = 0;
    // A server's pings wait behind what it has to write. On a slow line those may be minutes, in
    // which the connection is well alive.
    engine.on("packet", () => {
      if (Date.now() - heardAtMs < SECOND_MS) return;
      heardAtMs = Date.now();
      engine._resetPingTimeout?.();
    });
  }

  #onClose(): void {
    this.#isOpen = false;
    this.pace.restart();
  }

  async #onFailure(failure: Error & OpenFailure): Promise<void> {
    const told = refusalIn(this.address, failure);
    // What an open one ends with is told when it has ended.
    if (this.#isOpen) await Promise.resolve();
    if (told) return this.#tell(told);
    if (Date.now() - this.#askedAtMs < REASON_MS) return;
    this.#askedAtMs = Date.now();
    const asked = await askWhy(this.address);
    if (this.#isOpen) return;
    this.#tell(asked ?? unreachable(this.address, `${failure.message}, though the server answers by HTTP`));
  }

  #tell(error: HearthError): void {
    if (error.message === this.#failure?.message) return;
    this.#failure = error;
    this.listener.failed(error);
  }
}
