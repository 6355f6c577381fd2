import type { Socket } from "socket.io-client";
import type { Connection } from "./connection.js";
import { type ErrorObject, HearthError } from "./errors.js";
import type { Member, Message } from "./messages.js";
import { type Limits, Requests } from "./requests.js";
import { backoffMs, Ending } from "./time.js";
import { renewalMs, type TokenSource } from "./token.js";

/** The longest between two attempts with tokens that the server has refused, in milliseconds. */
const TOKEN_MOST_MS = 60_000;

/** What a namespace tells of: its channels. */
export interface Membership {
  /** What messages are told by; undefined as long as it isn't known. */
  readonly name: string | undefined;
  connected(identity: Member): void;
  disconnected(): void;
  /** There is no connection, for this reason; it is tried again. */
  refused(error: HearthError): void;
  receive(message: Message): void;
  end(error?: HearthError): void;
}

/** What a namespace tells its client. */
export interface NamespaceListener {
  /** It has a connection, or none any more. */
  changed(): void;
  /** The server doesn't let one in now; it is tried again. */
  refused(error: HearthError): void;
  /** The server has let one in, and can't serve a namespace or a channel now; it is tried again. */
  troubled(whose: object, error: HearthError): void;
  /** It can, or whoever was told so needs nothing any more. */
  served(whose: object): void;
  /** Another error that is nobody's request's. */
  failed(error: HearthError): void;
  /** It is closed; with an error, because the server has refused it for good. */
  ended(error?: HearthError): void;
}

/** The server's first word on each connection to a namespace. */
interface Welcome {
  user_id: string;
  kind: Member["kind"];
  server_time: string;
  limits: Limits;
}

/** One connection to one namespace, that comes back whatever happens until it is closed. */
export class Namespace {
  /** Of this namespace, when it is closed. */
  readonly ending = new Ending();
  readonly requests: Requests;
  readonly #socket: Socket;
  readonly #members = new Set<Membership>();
  #renewal = new Ending();
  #identity: Member | undefined;
  #token: string | undefined;
  #asked = 0;
  #refusals = 0;
  #isTroubled = false;

  constructor(
    private readonly connection: Connection,
    readonly path: string,
    private readonly tokens: TokenSource,
    private readonly listener: NamespaceListener,
  ) {
    const socket = (this.#socket = connection.socket(path));
    this.requests = new Requests(socket, connection.pace, connection.backoff, this.ending, tokens.renews);
    socket.auth = (answer) => void this.#identify(answer);
    socket.on("connection_ack", (message: { data: Welcome }) => {
      // The first is the server's own word; a worker's event of that name can only come later.
      // When polling, socket.io-client hands over what came last after the end of the connection.
      if (!this.#identity && connection.isOpen) this.#onWelcome(message.data);
    });
    socket.on("error", (message?: Message) => this.#onError(message));
    socket.on("connect_error", (error) => this.#onRefused(error));
    socket.on("disconnect", (reason) => this.#onDisconnect(reason));
    socket.onAny((_type: string, message?: Message) => this.#onMessage(message));
    socket.connect();
  }

  /** Who one is here; undefined without a connection. */
  get identity(): Member | undefined {
    return this.#identity;
  }

  add(member: Membership): void {
    this.#members.add(member);
    if (this.#identity) member.connected(this.#identity);
  }

  remove(member: Membership): void {
    this.#members.delete(member);
  }

  /** Whether some member goes by that name. */
  has(name: string): boolean {
    return [...this.#members].some((member) => member.name === name);
  }

  /** The server can't serve this namespace now; the next connection may find that it can. */
  trouble(error: HearthError): void {
    this.#isTroubled = true;
    this.connection.hesitate();
    this.listener.troubled(this, error);
  }

  /** The server can't serve a channel now; it is joined again. */
  troubled(member: Membership, error: HearthError): void {
    this.listener.troubled(member, error);
  }

  /** A channel is served, or needs nothing any more. */
  served(member: Membership): void {
    this.listener.served(member);
  }

  /** Tell everything in it that there is no connection, and why. */
  refuse(error: HearthError): void {
    if (this.#identity) return;
    this.requests.refuse(error);
    for (const member of [...this.#members]) member.refused(error);
  }

  /** End it, and everything in it; for good. */
  close(error?: HearthError): void {
    if (this.ending.isOver) return;
    const reason = error ?? HearthError.closed();
    this.ending.end(reason);
    this.#renewal.end(reason);
    this.#identity = undefined;
    this.requests.close();
    for (const member of [...this.#members]) member.end(error);
    this.#socket.offAny();
    this.#socket.off();
    this.#socket.disconnect();
    this.listener.ended(error);
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
        this.listener.refused(error as HearthError);
        this.refuse(error as HearthError);
        await this.ending.sleep(backoffMs(this.connection.backoff, attempt)).catch(() => {});
      }
    }
  }

  #onWelcome({ user_id: id, kind, server_time, limits }: Welcome): void {
    this.#identity = { id, kind };
    this.#refusals = 0;
    this.requests.open(limits);
    this.listener.changed();
    // Joins are asked for before what waited for the connection.
    this.#joinAll();
    if (this.#isTroubled) this.#askWhetherServed();
    this.requests.release();
    void this.#renew(Date.parse(server_time) - Date.now());
  }

  #joinAll(): void {
    for (const member of [...this.#members]) {
      if (this.#identity) member.connected(this.#identity);
    }
  }

  /** Whether it is let in for good: what keeps the server from that comes before any answer. */
  #askWhetherServed(): void {
    this.requests.ask("ping", {}, (error) => {
      if (error) return;
      this.#isTroubled = false;
      this.connection.goOn();
      this.listener.served(this);
    });
  }

  /** An error that the server tells before it ends the connection. */
  #onError(message?: Message): void {
    if (!isObject(message) || message.channel !== null || !isObject(message.data)) return;
    const error = message.data as unknown as ErrorObject;
    if (error.code === "unavailable") this.trouble(HearthError.from(error));
  }

  async #askToken(): Promise<string | undefined> {
    try {
      return await this.tokens.ask();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new HearthError("unauthorized", `There is no token: ${reason}`);
    }
  }

  /** Hand on what is a message: a worker may emit anything, and nothing. */
  #onMessage(message?: Message): void {
    if (!isObject(message) || typeof message.type !== "string" || !isObject(message.data)) return;
    for (const member of [...this.#members]) {
      if (member.name === message.channel) member.receive(message);
    }
  }

  #onDisconnect(reason: string): void {
    this.#identity = undefined;
    this.requests.close();
    this.#renewal.end(HearthError.disconnected());
    for (const member of [...this.#members]) member.disconnected();
    this.listener.changed();
    // Alone what the server has ended is not taken up again by socket.io-client.
    if (reason === "io server disconnect") void this.#comeBack();
  }

  #onRefused(refusal: Error & { data?: ErrorObject }): void {
    if (this.#socket.active) return; // no server; socket.io-client tries again
    // Where it says nothing more, there is no such namespace.
    const message = `The server has no namespace ${this.path}: ${refusal.message}.`;
    const error = HearthError.from(refusal.data ?? { code: "invalid", message });
    if (isOfToken(error) ? !this.tokens.renews : !error.temporary) return this.close(error);
    this.listener.refused(error);
    this.refuse(error);
    void this.#comeBack(error);
  }

  async #comeBack(error?: HearthError): Promise<void> {
    const attempt = this.#refusals++;
    const waitMs =
      error?.retryAfter === undefined ? this.#backoffMs(error, attempt) : this.requests.waitMs(error, attempt);
    await this.ending.sleep(waitMs).then(
      () => this.#socket.connect(),
      () => {}, // closed meanwhile
    );
  }

  /** How long to wait before the next attempt: much longer where one has to find another token first. */
  #backoffMs(error: HearthError | undefined, attempt: number): number {
    const { firstMs, mostMs } = this.connection.backoff;
    return backoffMs({ firstMs, mostMs: error && isOfToken(error) ? Math.max(mostMs, TOKEN_MOST_MS) : mostMs }, attempt);
  }

  /** Ask for a fresh token before each one ends, until the connection does. */
  async #renew(serverAheadMs: number): Promise<void> {
    const { firstMs } = this.connection.backoff;
    const life = (this.#renewal = new Ending());
    let failure: HearthError | undefined;
    for (let attempt = 0; this.tokens.renews && !life.isOver; ) {
      const waitMs = renewalMs(this.#token, Date.now() + serverAheadMs);
      if (waitMs === undefined) return;
      try {
        // Not at once, even if all that it gets are tokens that have just about ended.
        await life.sleep(attempt ? this.#backoffMs(failure, attempt) : Math.max(waitMs, firstMs));
        const token = await this.#askToken();
        if (life.isOver) return;
        await this.#authenticate(token);
        attempt = 0;
      } catch (error) {
        if (life.isOver) return;
        attempt++;
        failure = error as HearthError;
        this.listener.failed(failure);
      }
    }
  }

  async #authenticate(token: string | undefined): Promise<void> {
    const { left } = await this.requests.once("authenticate", { token });
    this.#token = token;
    const names = new Set(left as string[]);
    for (const member of [...this.#members]) {
      if (member.name !== undefined && names.has(member.name)) {
        member.end(new HearthError("forbidden", `The fresh token doesn't open ${member.name}.`));
      }
    }
  }
}

function isOfToken({ code }: HearthError): boolean {
  return code === "unauthorized" || code === "token_expired";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
