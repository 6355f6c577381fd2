import { createHmac } from "node:crypto";
import { onTestFinished, vi } from "vitest";
import {
  type Channel,
  type ChannelState,
  type Client,
  type ClientOptions,
  connect,
  type Message,
  type Types,
} from "../../src/index.js";
import { SECRET } from "./processes.js";

/** Tests wait for things, not for a client's patience to come back. */
export const AT_ONCE = { transports: ["websocket"], reconnectionDelay: 10, reconnectionDelayMax: 50 };
const LONG_SECONDS = 600;

interface Claims {
  kind?: "user" | "agent" | "service";
  grants?: string[];
  seconds?: number;
}

/** A token that the test servers believe. */
export function token(sub: string, { kind = "user", grants = ["*:*:rw"], seconds = LONG_SECONDS }: Claims = {}): string {
  const exp = Math.floor(Date.now() / 1000) + seconds;
  const [head, claims] = [{ alg: "HS256", typ: "JWT" }, { sub, kind, grants, exp }].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const signature = createHmac("sha256", SECRET).update(`${head}.${claims}`).digest("base64url");
  return `${head}.${claims}.${signature}`;
}

/** A client that ends with the test. */
export function client(
  url: string,
  as: ClientOptions["token"] = token("alice"),
  socket: object = {},
  options: ClientOptions = {},
): Client {
  const made = connect(url, { ...(as ? { token: as } : {}), ...options, socket: { ...AT_ONCE, ...socket } });
  onTestFinished(() => made.close());
  return made;
}

/** Wait until a channel is in a state. */
export async function until<T extends Types>(channel: Channel<T>, state: ChannelState = "live"): Promise<void> {
  await vi.waitFor(() => {
    if (channel.state !== state) throw new Error(`still ${channel.state}`);
  }, PATIENCE);
}

/** What a channel hands over from here on. */
export function messagesOf<T extends Types>(channel: Channel<T>): Message[] {
  const messages: Message[] = [];
  channel.on("message", (message) => messages.push(message as unknown as Message));
  return messages;
}

/** Those messages that are people's; who is there is told in between, at any moment. */
export function said(messages: readonly Message[]): Message[] {
  return messages.filter(({ type }) => type === "user_message");
}

/** The texts of those messages that are people's. */
export function texts(messages: readonly Message[]): unknown[] {
  return said(messages).map(({ data }) => data["content"]);
}

export const PATIENCE = { timeout: 20_000, interval: 10 };
