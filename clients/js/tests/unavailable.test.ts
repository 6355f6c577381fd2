import { expect, test, vi } from "vitest";
import { addressOf } from "../src/address.js";
import { Connection } from "../src/connection.js";
import type { Channel, HearthError } from "../src/index.js";
import { refusalIn } from "../src/refusal.js";
import { Requests } from "../src/requests.js";
import { client, PATIENCE, token, until } from "./support/clients.js";
import { startRedis, startServer } from "./support/processes.js";

const ATTEMPTS = 4;

test.each([
  ["websocket", ["circle", "own"]],
  ["polling", ["circle", "own"]],
  ["polling,websocket", ["circle", "own"]],
  ["websocket", ["circle"]],
  ["websocket", ["own"]],
  ["polling", ["own"]],
])("while the broker is away, one is told so at once, once, until it is back: %s, %j", async (transports, opened) => {
  const redis = await startRedis();
  const server = await startServer({ REDIS_URL: redis.url });
  await redis.kill();
  const alice = client(server.url, token("alice"), { transports: transports.split(",") });
  const [states, told] = [[] as string[], [] as HearthError[]];
  alice.on("state", (state) => states.push(state));
  alice.on("error", (error) => told.push(error));
  const channels = opened.map((one) => (one === "own" ? alice.notifications() : alice.circle("away"))) as object[] as Channel[];
  const [joins, ends] = [vi.spyOn(Requests.prototype, "ask"), vi.spyOn(Connection.prototype, "hesitate")];
  for (const channel of channels) await until(channel, "refused");
  const { error } = alice;
  expect(error).toMatchObject({ code: "unavailable", temporary: true, message: expect.stringContaining("broker") });
  await vi.waitFor(() => expect(joins.mock.calls.length + ends.mock.calls.length).toBeGreaterThan(ATTEMPTS), PATIENCE);
  expect(alice.error).toBe(error);
  expect(states.slice(states.indexOf("refused"))).toEqual(["refused"]);
  expect(told).toEqual([error]);
  for (const channel of channels) expect([channel.state, channel.error?.message]).toEqual(["refused", error!.message]);
  await redis.start();
  for (const channel of channels) await until(channel);
  await vi.waitFor(() => expect([alice.state, alice.error]).toEqual(["connected", undefined]), PATIENCE);
  expect(states.slice(states.indexOf("refused"))).toEqual(["refused", "connected"]);
});

test("a channel that the broker keeps from being joined, and that is left, keeps nothing from anybody", async () => {
  const redis = await startRedis();
  const server = await startServer({ REDIS_URL: redis.url });
  const alice = client(server.url);
  alice.on("error", () => {});
  const live = alice.circle("live");
  await until(live);
  await redis.kill();
  const late = alice.circle("late");
  await until(late, "refused");
  expect([alice.state, alice.error?.code, live.state]).toEqual(["refused", "unavailable", "live"]);
  await late.leave();
  expect([alice.state, alice.error]).toEqual(["connected", undefined]);
});

test("what the server says to programs of a session that is gone is put in words for people", async () => {
  const redis = await startRedis();
  const { url } = await startServer({ REDIS_URL: redis.url });
  await redis.kill();
  const open = await (await fetch(`${url}/socket.io/?EIO=4&transport=polling`)).text();
  const { sid } = JSON.parse(open.slice(1)) as { sid: string };
  const path = `${url}/socket.io/?EIO=4&transport=polling&sid=`;
  await fetch(path + sid, { method: "POST", body: "1" }); // Engine.IO's close
  await fetch(path + sid);
  const another = await (await fetch(`${url}/socket.io/?EIO=4&transport=polling`)).text();
  const { sid: ended } = JSON.parse(another.slice(1)) as { sid: string };
  const entering = `40/notifications,${JSON.stringify({ token: token("alice") })}`;
  await fetch(path + ended, { method: "POST", body: entering });
  // A poll brings what was said, until the end.
  while ((await fetch(path + ended)).ok);
  for (const [gone, words, code] of [
    [sid, "has closed the connection", "disconnected"],
    [ended, "can't reach its broker", "unavailable"],
    ["nobodys", "doesn't know this connection", "disconnected"],
  ] as const) {
    const answer = await fetch(path + gone);
    const text = await answer.text();
    const failure = { message: "xhr poll error", description: answer.status, context: { responseText: text } };
    const error = refusalIn(addressOf(url), failure)!;
    expect(text).toContain("open a new one");
    expect(error.message).toContain(words);
    expect(error.message).not.toContain("open a new one");
    expect(error.code).toBe(code);
  }
});
