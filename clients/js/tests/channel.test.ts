import { expect, test, vi } from "vitest";
import type { Member } from "../src/index.js";
import { client, messagesOf, PATIENCE, texts, token, until } from "./support/clients.js";
import { sharedServer } from "./support/processes.js";

const server = sharedServer();

test("a message reaches the others with its type's payload, and its publisher gets a receipt", async () => {
  const { url } = server;
  const alice = client(url).circle("circle-2");
  const agent = client(url, token("agent-7", { kind: "agent" })).circle("circle-2");
  expect(alice.state).toBe("connecting");
  await Promise.all([until(alice), until(agent)]);
  const heard = new Promise<string>((resolve) => {
    alice.on("agent_message", ({ data, sender }) => resolve(`${sender?.id} ${data.agent_id}: ${data.content}`));
  });
  const receipt = await agent.publish("agent_message", { content: "Hello" }, { action: "said" });
  expect(await heard).toBe("agent-7 agent-7: Hello");
  const { offset, epoch, timestamp } = receipt;
  expect(receipt).toEqual({ offset, epoch, timestamp, duplicate: false });
  await vi.waitFor(() => expect(agent.position).toEqual({ offset, epoch }), PATIENCE);
  const [last] = (await alice.history({ limit: 1 })).messages;
  expect(last).toMatchObject({ type: "agent_message", action: "said", offset, timestamp });
});

test("what history doesn't keep has no offset", async () => {
  const { url } = server;
  const alice = client(url).circle("circle-3");
  const messages = messagesOf(alice);
  const receipt = await alice.publish("typing", { typing: true });
  expect(receipt.offset).toBeUndefined();
  await vi.waitFor(() => expect(messages.map(({ type }) => type)).toContain("typing"), PATIENCE);
});

test("members are kept up to date", async () => {
  const { url } = server;
  const alice = client(url).circle("circle-4");
  const seen: (readonly Member[])[] = [];
  alice.on("members", (members) => seen.push(members));
  await until(alice);
  expect(alice.members).toMatchObject([{ id: "alice", kind: "user" }]);
  const agent = client(url, token("agent-7", { kind: "agent" })).circle("circle-4");
  await vi.waitFor(() => expect(alice.members.map(({ id }) => id)).toEqual(["agent-7", "alice"]), PATIENCE);
  expect(alice.memberCount).toBe(2);
  await agent.leave();
  await vi.waitFor(() => expect(alice.members.map(({ id }) => id)).toEqual(["alice"]), PATIENCE);
  expect(seen.at(-1)).toBe(alice.members);
  expect(await alice.presence()).toMatchObject({ count: 1, members: [{ id: "alice", connections: 1 }] });
});

test("two tabs of one user see the same, and count once", async () => {
  const { url } = server;
  const tabs = [client(url), client(url)].map((one) => one.circle("circle-5"));
  const heard = tabs.map(messagesOf);
  await Promise.all(tabs.map((tab) => until(tab)));
  await Promise.all(tabs.map((tab, number) => tab.publish("user_message", { content: `tab ${number}` })));
  await vi.waitFor(() => heard.forEach((messages) => expect(texts(messages)).toHaveLength(2)), PATIENCE);
  expect(texts(heard[0]!)).toEqual(texts(heard[1]!));
  expect(tabs[0]!.memberCount).toBe(1);
});

test("one begins with as much history as one likes, or with the place one had", async () => {
  const { url } = server;
  const writer = client(url).circle("circle-6");
  const receipts = [];
  for (let number = 0; number < 5; number++) {
    receipts.push(await writer.publish("user_message", { content: String(number) }));
  }
  const { offset, epoch } = receipts[2]!;
  const newest = client(url).circle("circle-6", { history: 2 });
  const later = client(url).circle("circle-6", { since: { offset: offset!, epoch } });
  const [two, rest] = [messagesOf(newest), messagesOf(later)];
  await Promise.all([until(newest), until(later)]);
  expect(texts(two)).toEqual(["3", "4"]);
  expect(texts(rest)).toEqual(["3", "4"]);
  const { messages, more } = await newest.history({ before: two[0]!.offset!, limit: 1 });
  expect([texts(messages), more]).toEqual([["2"], true]);
});

test("notifications are one's own, on every device", async () => {
  const { url } = server;
  const devices = [client(url), client(url)].map((one) => one.notifications());
  const everybody = client(url, token("bob")).broadcast();
  const heard = [...devices, everybody].map(messagesOf);
  await Promise.all([...devices, everybody].map((channel) => until(channel)));
  expect(devices[0]!.name).toBe("user:alice");
  const service = client(url, token("ci", { kind: "service" }));
  await service.channel("/notifications", "user:alice").publish("notification", { title: "CI", message: "green" });
  await service.broadcast().publish("system_announcement", { message: "Tea" });
  await vi.waitFor(
    () => expect(heard.map((messages) => messages.map(({ type }) => type))).toEqual([
      ["notification"], ["notification"], ["system_announcement"],
    ]),
    PATIENCE,
  );
});

test("a type of one's own has a payload of one's own", async () => {
  const { url } = server;
  type Custom = { my_plugin_update: { progress: number } };
  const service = client(url, token("ci", { kind: "service" }));
  const channel = service.channel<"/notifications", Custom>("/notifications", "broadcast");
  const heard = new Promise<number>((resolve) => channel.on("my_plugin_update", ({ data }) => resolve(data.progress)));
  await until(channel);
  await channel.publish("my_plugin_update", { progress: 5 });
  expect(await heard).toBe(5);
});

test("who leaves hears nothing more, and may come again", async () => {
  const { url } = server;
  const alice = client(url);
  const [before, bob] = [alice.circle("circle-9"), client(url, token("bob")).circle("circle-9")];
  const heard = messagesOf(before);
  await until(before);
  await before.leave();
  await bob.publish("user_message", { content: "Anybody?" });
  expect(before.state).toBe("closed");
  await expect(before.publish("user_message", { content: "I" })).rejects.toMatchObject({ code: "closed" });
  const after = alice.circle("circle-9");
  expect(after.state).toBe("connecting");
  await until(after);
  expect(texts(heard)).toEqual([]);
});

test("a listener that fails disturbs nobody else", async () => {
  const { url } = server;
  const alice = client(url).circle("circle-10");
  const failures: unknown[] = [];
  vi.spyOn(globalThis, "queueMicrotask").mockImplementation((rethrow) => {
    try {
      rethrow();
    } catch (error) {
      failures.push(error);
    }
  });
  alice.on("user_message", () => {
    throw new Error("mine");
  });
  const heard = messagesOf(alice);
  await until(alice);
  await alice.publish("user_message", { content: "Hello" });
  await vi.waitFor(() => expect(texts(heard)).toEqual(["Hello"]), PATIENCE);
  expect(failures).toEqual([new Error("mine")]);
});
