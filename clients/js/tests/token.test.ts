import { expect, test, vi } from "vitest";
import type { HearthError } from "../src/index.js";
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
  const heard = messagesOf(circle);
  await circle.publish("user_message", { content: "at last" });
  expect(await told).toMatchObject({ code: "unauthorized", message: expect.stringContaining("no network") });
  await vi.waitFor(() => expect(texts(heard)).toEqual(["at last"]), PATIENCE);
});
