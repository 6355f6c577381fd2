import { expect, test, vi } from "vitest";
import { Subscription } from "../src/subscription.js";
import { client, messagesOf, PATIENCE, texts, token, until } from "./support/clients.js";
import { freePort, sharedServer } from "./support/processes.js";

const server = sharedServer();

test("a channel without a name is refused, and is never one's own notifications", async () => {
  const alice = client(server.url);
  const own = alice.notifications();
  await until(own);
  for (const namespace of ["/circles", "/notifications"] as const) {
    const empty = alice.channel(namespace, "");
    empty.on("error", () => {});
    await until(empty, "closed");
    expect(empty.error).toMatchObject({ code: "invalid", fields: { channel: expect.stringContaining("empty") } });
  }
  expect(own.state).toBe("live");
});

test.each([
  [undefined, "not undefined"],
  [null, "not null"],
  [{ id: 7 }, "not an object"],
  [7.5, "not 7.5"],
  [NaN, "not NaN"],
  [true, "not true"],
])("%j is no name, and says so at the call, before there is a connection and after", async (wrong, problem) => {
  const alice = client(server.url);
  const name = wrong as unknown as string;
  const calls = [
    () => alice.circle(name),
    () => alice.workspace(name),
    () => alice.agent(name),
    () => alice.feed(name),
    () => alice.channel("/notifications", name),
    () => alice.chat("writer", "app", name),
    () => alice.chat(name, "app", "chat-1"),
    () => alice.chat(name),
  ];
  for (const call of calls) expect(call).toThrow(problem);
  const other = alice.circle("other");
  await until(other); // what another call asked for in vain is nothing to it
  for (const call of calls) expect(call).toThrow(TypeError);
  expect(other.state).toBe("live");
});

test("a channel that can't be asked for is closed with the reason, and the others are joined", async () => {
  const alice = client(server.url);
  const wrong = alice.circle("wrong\u200b");
  wrong.on("error", () => {});
  const right = alice.circle("right");
  await until(right);
  expect([wrong.state, wrong.error?.code]).toEqual(["closed", "invalid"]);
});

test("7 and \"7\" are the same channel", async () => {
  const alice = client(server.url);
  const joins = vi.spyOn(Subscription.prototype, "start");
  const [number, text] = [alice.circle(7), alice.circle("7")];
  const heard = messagesOf(text);
  await number.publish("user_message", { content: "Hello" });
  await vi.waitFor(() => expect(texts(heard)).toEqual(["Hello"]), PATIENCE);
  expect([number.name, joins.mock.calls.length]).toEqual(["7", 1]);
});

test("a chat is named by its parts or by its address", async () => {
  const alice = client(server.url);
  const names = [
    alice.chat("writer", "app", 1),
    alice.chat("writer/app/1"),
    alice.chat("writer/app/1", { history: 5 }),
  ].map(({ name }) => name);
  expect(new Set(names)).toEqual(new Set(["writer/app/1"]));
  expect(() => alice.chat("writer", "app" as never)).toThrow("not undefined");
});

test("a namespace that is no text, or has no slash, says so at the call", async () => {
  const alice = client(`http://127.0.0.1:${await freePort()}`);
  expect(() => alice.channel(undefined as never, "x")).toThrow("must be text");
  expect(() => alice.channel("circles" as never, "x")).toThrow("begin with a slash");
});

test("a namespace that there isn't is its channels' error, and not the client's", async () => {
  for (const isFirst of [true, false]) {
    const alice = client(server.url, token("alice"));
    if (isFirst) await until(alice.circle("there"));
    const nowhere = alice.channel("/nowhere" as "/circles", "at-all");
    nowhere.on("error", () => {});
    await until(nowhere, "closed");
    expect(nowhere.error).toMatchObject({ code: "invalid", message: expect.stringContaining("no namespace /nowhere") });
    expect(alice.error).toBeUndefined();
    expect(alice.state).toBe(isFirst ? "connected" : "idle");
  }
});
