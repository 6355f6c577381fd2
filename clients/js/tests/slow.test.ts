import { expect, test, vi } from "vitest";
import { client, messagesOf, texts, token, until } from "./support/clients.js";
import { sharedServer } from "./support/processes.js";
import { Proxy } from "./support/proxy.js";

const LARGE = "x".repeat(25_000);
const server = sharedServer();
const limited = sharedServer({ MESSAGES_PER_SECOND: "100" });

test("50 messages of 25 kB over 100 kB/s are joined with, read and published, however long that takes", async () => {
  const bob = client(server.url, token("bob")).circle("slow");
  for (let number = 0; number < 50; number++) await bob.publish("user_message", { content: `${number} ${LARGE}` });
  const proxy = await new Proxy(Number(new URL(server.url).port)).start();
  proxy.bytesPerSecond = 100_000;
  const alice = client(proxy.url).circle("slow", { history: 50 });
  const heard = messagesOf(alice);
  const states: string[] = [];
  alice.on("state", (state) => states.push(state));
  await vi.waitFor(() => expect(texts(heard)).toHaveLength(50), { timeout: 50_000 });
  expect(texts(heard).map((text) => parseInt(String(text)))).toEqual(Array.from({ length: 50 }, (_, number) => number));
  await until(alice);
  expect(states).toEqual(["live"]);
  const sent = alice.publish("user_message", { content: "y".repeat(900_000) });
  expect((await sent).duplicate).toBe(false);
}, 90_000);

test("a thousand channels asked for at once are joined without a storm", async () => {
  const proxy = await new Proxy(Number(new URL(limited.url).port)).start();
  let refusals = 0;
  proxy.onAnswer = (data) => (refusals += data.toString("latin1").split("rate_limited").length - 1);
  const alice = client(proxy.url);
  const refused = vi.fn();
  alice.on("error", refused);
  const circles = Array.from({ length: 1_000 }, (_, number) => alice.circle(`storm-${number}`));
  const { offset } = await circles[999]!.publish("user_message", { content: "not behind them all" });
  expect(offset).toBe(1);
  expect(circles.some(({ state }) => state === "connecting")).toBe(true);
  await vi.waitFor(() => expect(new Set(circles.map(({ state }) => state))).toEqual(new Set(["live"])), {
    timeout: 30_000,
  });
  expect(refused).not.toHaveBeenCalled();
  expect(refusals).toBeLessThanOrEqual(5);
}, 60_000);
