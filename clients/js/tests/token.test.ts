import { expect, test, vi } from "vitest";
import type { HearthError } from "../src/index.js";
import { Ending } from "../src/time.js";
import { client, messagesOf, PATIENCE, texts, token, until } from "./support/clients.js";
import { sharedServer } from "./support/processes.js";

const server = sharedServer({ AUTH_LEEWAY_SECONDS: "0" });

test("a token is asked for at each connect, and one that ends is renewed before it does", async () => {
  const fresh = vi.fn(async () => token("alice", { seconds: 3 }));
  const alice = client(server.url, fresh);
  const circle = alice.circle("renewed");
  const states: string[] = [];
  circle.on("state", (state) => states.push(state));
  await vi.waitFor(() => expect(fresh.mock.calls.length).toBeGreaterThanOrEqual(3), PATIENCE);
  await circle.publish("user_message", { content: "still here" });
  expect(states).toEqual(["live"]);
});

test("channels that the fresh token doesn't grant are closed", async () => {
  const grants = [["*:*:rw"], ["circles:other:rw"]];
  const alice = client(server.url, () => token("alice", { seconds: 3, grants: grants.shift() ?? [] }));
  const circle = alice.circle("withdrawn");
  const refused = new Promise<HearthError>((resolve) => circle.on("error", resolve));
  await until(circle);
  expect((await refused).code).toBe("forbidden");
  expect(circle.state).toBe("closed");
});

test("a token that ends with nothing to renew it closes everything, and says why", async () => {
  const alice = client(server.url, token("alice", { seconds: 2 }));
  const circle = alice.circle("ended");
  const refused = new Promise<HearthError>((resolve) => circle.on("error", resolve));
  await until(circle);
  expect((await refused).code).toBe("token_expired");
  await until(circle, "closed");
});

test("who can't get a token is told, and connects once there is one", async () => {
  const tokens = [() => Promise.reject(new Error("no network")), () => token("alice")];
  const alice = client(server.url, () => (tokens.length > 1 ? tokens.shift()! : tokens[0]!)());
  const told = new Promise<HearthError>((resolve) => alice.on("error", resolve));
  const circle = alice.circle("late");
  const states: string[] = [];
  circle.on("state", (state) => states.push(state));
  const heard = messagesOf(circle);
  await circle.publish("user_message", { content: "at last" });
  expect(await told).toMatchObject({ code: "unauthorized", message: expect.stringContaining("no network") });
  await vi.waitFor(() => expect(texts(heard)).toEqual(["at last"]), PATIENCE);
  expect(states).toEqual(["refused", "live"]);
});

test.each([
  ["unauthorized", "no token at all"],
  ["token_expired", token("alice", { seconds: -60 })],
])("whose tokens are refused as %s are asked for less and less often, and each waits with the reason", async (code, wrong) => {
  const waits = vi.spyOn(Ending.prototype, "sleep");
  const tokens = vi.fn(() => wrong);
  const alice = client(server.url, tokens);
  const told: HearthError[] = [];
  alice.on("error", (error) => told.push(error));
  const circle = alice.circle("backed-off");
  const sent = circle.publish("user_message", { content: "I" }, { timeout: 500, nonce: "again" });
  await expect(sent).rejects.toMatchObject({ code });
  expect([alice.state, circle.state, alice.error?.code, circle.error?.code]).toEqual(["refused", "refused", code, code]);
  await vi.waitFor(() => expect(tokens.mock.calls.length).toBeGreaterThanOrEqual(6), PATIENCE);
  expect(told.length).toBeGreaterThanOrEqual(5);
  // Of other failures, none is waited for longer than 50 ms here.
  expect(Math.max(...waits.mock.calls.map(([ms]) => ms))).toBeGreaterThan(100);
  tokens.mockImplementation(() => token("alice"));
  await circle.publish("user_message", { content: "I" }, { nonce: "again" });
  expect([alice.error, circle.error, circle.state]).toEqual([undefined, undefined, "live"]);
});

test("renewing with tokens that are refused is tried less and less often, and is told", async () => {
  const waits = vi.spyOn(Ending.prototype, "sleep");
  const tokens = [token("alice", { seconds: 3 })];
  const alice = client(server.url, () => tokens.shift() ?? token("alice", { seconds: -60 }));
  const told: HearthError[] = [];
  alice.on("error", (error) => told.push(error));
  await until(alice.circle("unrenewed"));
  await vi.waitFor(() => expect(told.length).toBeGreaterThanOrEqual(6), PATIENCE);
  expect(new Set(told.map(({ code }) => code))).toEqual(new Set(["token_expired"]));
  const untilRenewed = waits.mock.calls.findIndex(([ms]) => ms > 2_000);
  expect(Math.max(...waits.mock.calls.slice(untilRenewed + 1).map(([ms]) => ms))).toBeGreaterThan(100);
});
