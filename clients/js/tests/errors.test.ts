import { expect, test, vi } from "vitest";
import { HearthError } from "../src/index.js";
import { client, PATIENCE, token, until } from "./support/clients.js";
import { freePort, sharedServer } from "./support/processes.js";

const MAX_BYTES = 2_000;
const narrow = sharedServer({ CONNECTIONS_PER_IDENTITY: "1" });
const server = sharedServer({ MAX_MESSAGE_BYTES: String(MAX_BYTES), MESSAGES_PER_SECOND: "5" });

test("an invalid payload is rejected with the fields that offend", async () => {
  const circle = client(server.url).circle("invalid");
  const wrong = { content: 5 } as unknown as { content: string };
  const error = await circle.publish("user_message", wrong).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(HearthError);
  expect(error).toMatchObject({ code: "invalid", fields: { "data.content": expect.any(String) } });
});

test("what the token doesn't permit is forbidden, and a channel that it doesn't open is closed", async () => {
  const alice = client(server.url, token("alice", { grants: ["circles:read:r"] }));
  const [readable, secret] = [alice.circle("read"), alice.circle("secret")];
  const refused = new Promise<HearthError>((resolve) => secret.on("error", resolve));
  await expect(readable.publish("user_message", { content: "I" })).rejects.toMatchObject({ code: "forbidden" });
  expect((await refused).code).toBe("forbidden");
  expect(secret.state).toBe("closed");
});

test.each([MAX_BYTES + 1, 10 * MAX_BYTES])("a message of %i bytes is too large, and ends nothing", async (size) => {
  const circle = client(server.url).circle(`large-${size}`);
  await until(circle);
  const states = vi.fn();
  circle.on("state", states);
  const content = "x".repeat(size);
  const message = expect.stringMatching(new RegExp(`has \\d{4,5} bytes, and the server takes ${MAX_BYTES} `));
  await expect(circle.publish("user_message", { content })).rejects.toMatchObject({ code: "too_large", message });
  await circle.publish("user_message", { content: "short" });
  expect(states).not.toHaveBeenCalled();
});

test("what can't be sent is invalid and says why, and hurts nothing else", async () => {
  const circle = client(server.url).circle("unsendable");
  const circular: Record<string, unknown> = { content: "I" };
  circular["self"] = circular;
  const wrong: [unknown, unknown, RegExp][] = [
    ["user_message", { content: "I", number: 7n }, /data: Has no form in JSON: .*BigInt/],
    ["user_message", circular, /data: Has no form in JSON: .*circular/],
    ["user_message", null, /data: /],
    [undefined, {}, /type: Must be text, not undefined/],
    ["connect", {}, /reserved/], // a name of socket.io-client's
  ];
  for (const [type, data, message] of wrong) {
    const sent = circle.publish(type as "user_message", data as { content: string });
    await expect(sent).rejects.toMatchObject({ name: "HearthError", code: "invalid", message: expect.stringMatching(message) });
  }
  await circle.publish("user_message", { content: "I" }, null); // null is what is left out
  expect(circle.state).toBe("live");
});

test("who is too fast waits, and everything is published", async () => {
  const circle = client(server.url).circle("fast");
  const sent = Array.from({ length: 15 }, (_, number) => circle.publish("user_message", { content: `${number}` }));
  expect(new Set((await Promise.all(sent)).map(({ offset }) => offset)).size).toBe(15);
});

test.each([
  ["unauthorized", "no token at all"],
  ["token_expired", token("alice", { seconds: -60 })],
])("a connection that is refused is %s, and closes its channels", async (code, wrong) => {
  const alice = client(server.url, wrong);
  const circle = alice.circle("refused");
  const sent = circle.publish("user_message", { content: "I" });
  const refused = new Promise<HearthError>((resolve) => circle.on("error", resolve));
  await expect(sent).rejects.toMatchObject({ code });
  expect((await refused).code).toBe(code);
  expect(circle.state).toBe("closed");
});

test.each([true, false])("a refused token is the client's error, once, whether channels listen: %s", async (listens) => {
  const alice = client(server.url, "no token at all");
  const told: HearthError[] = [];
  alice.on("error", (error) => told.push(error));
  const channels = [alice.circle("one"), alice.circle("two")];
  if (listens) for (const channel of channels) channel.on("error", () => {});
  await vi.waitFor(() => expect(told).toHaveLength(1), PATIENCE);
  expect(channels.map(({ state, error }) => [state, error])).toEqual([["closed", told[0]], ["closed", told[0]]]);
  expect([alice.error, told[0]!.code]).toEqual([told[0], "unauthorized"]);
});

test.each([true, false])("what closes a channel is the client's error only where nobody listens there: %s", async (listens) => {
  const alice = client(server.url, token("alice", { grants: ["circles:open:rw"] }));
  const [told, heard] = [[] as HearthError[], [] as HearthError[]];
  alice.on("error", (error) => told.push(error));
  const secret = alice.circle("secret");
  if (listens) secret.on("error", (error) => heard.push(error));
  await until(secret, "closed");
  expect([told, heard]).toEqual(listens ? [[], [secret.error]] : [[secret.error], []]);
  expect(alice.error).toBeUndefined();
});

test("one connection too many is told, and let in once there is room", async () => {
  const [first, second] = [client(narrow.url), client(narrow.url)];
  await until(first.circle("room"));
  const told = vi.fn();
  second.on("error", told);
  const circle = second.circle("room");
  await until(circle, "refused");
  expect(told).toHaveBeenCalledWith(expect.objectContaining({ code: "rate_limited", retryAfter: 5 }));
  first.close();
  await until(circle);
});

test("an error that nobody listens for is written to the console", async () => {
  const written = vi.spyOn(console, "error").mockImplementation(() => {});
  client(server.url, "no token at all").circle("unheard");
  await vi.waitFor(() => expect(written).toHaveBeenCalledWith(expect.any(HearthError)), PATIENCE);
});

test("a namespace that there isn't is invalid", async () => {
  const channel = client(server.url).channel("/nowhere" as "/circles", "at-all");
  const refused = new Promise<HearthError>((resolve) => channel.on("error", resolve));
  expect((await refused).code).toBe("invalid");
});

test("without a server, a publish is given up when its time is over", async () => {
  const circle = client(`http://127.0.0.1:${await freePort()}`).circle("nobody");
  const sent = circle.publish("user_message", { content: "Anybody?" }, { timeout: 100 });
  await expect(sent).rejects.toMatchObject({ code: "disconnected" });
  expect(circle.state).toBe("connecting");
});

test("what waits when the client is closed is rejected, and nothing begins any more", async () => {
  const alice = client(`http://127.0.0.1:${await freePort()}`);
  const circle = alice.circle("closed");
  const sent = circle.publish("user_message", { content: "Anybody?" });
  alice.close();
  await expect(sent).rejects.toMatchObject({ code: "closed" });
  expect(circle.state).toBe("closed");
  expect(() => alice.circle("another")).toThrow(HearthError);
});
