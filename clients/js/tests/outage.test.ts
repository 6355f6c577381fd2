import { expect, test, vi } from "vitest";
import type { Position } from "../src/index.js";
import { client, messagesOf, PATIENCE, said, texts, token, until } from "./support/clients.js";
import { HearthServer, startRedis, startServer } from "./support/processes.js";
import { Proxy } from "./support/proxy.js";

const NUMBERS = Array.from({ length: 30 }, (_, number) => String(number));

test("a publish whose answer was lost is tried again, and published once", async () => {
  const server = await startServer();
  const proxy = await new Proxy(server.port).start();
  const [alice, bob] = [client(proxy.url).circle("dev"), client(server.url, token("bob")).circle("dev")];
  const [mine, heard] = [messagesOf(alice), messagesOf(bob)];
  await Promise.all([until(alice), until(bob)]);
  proxy.deafen();
  const sent = alice.publish("user_message", { content: "once" }, { nonce: "n1" });
  await vi.waitFor(() => expect(texts(heard)).toEqual(["once"]), PATIENCE);
  proxy.cut();
  expect(await sent).toMatchObject({ duplicate: true, offset: said(heard)[0]!.offset });
  await until(alice);
  await bob.publish("user_message", { content: "then" });
  await vi.waitFor(() => expect(texts(mine)).toEqual(["once", "then"]), PATIENCE);
  expect(texts(heard)).toEqual(["once", "then"]);
  expect(said(mine)[0]!.nonce).toBe("n1");
});

test("what is published while there is no server is published in order, once it is there", async () => {
  const { port } = await startServer().then(async (server) => (await server.kill(), server));
  const alice = client(`http://127.0.0.1:${port}`).circle("dev");
  const sent = NUMBERS.map((content) => alice.publish("user_message", { content }));
  const heard = messagesOf(alice);
  const server = new HearthServer(port, {});
  try {
    await server.start();
    const offsets = (await Promise.all(sent)).map(({ offset }) => offset);
    expect(offsets).toEqual(NUMBERS.map((_, index) => index + 1));
    await vi.waitFor(() => expect(texts(heard)).toEqual(NUMBERS), PATIENCE);
  } finally {
    await server.close();
  }
});

test("the server is killed and comes back: with Redis, nothing is lost or doubled", async () => {
  const redis = await startRedis();
  const [server, other] = await Promise.all([1, 2].map(() => startServer({ REDIS_URL: redis.url })));
  const [alice, bob] = [client(server!.url).circle("dev"), client(other!.url, token("bob")).circle("dev")];
  const heard = [alice, bob].map(messagesOf);
  const [states, lost] = [[] as string[], vi.fn()];
  alice.on("state", (state) => states.push(state));
  for (const one of [alice, bob]) one.on("discontinuity", lost);
  await Promise.all([until(alice), until(bob)]);
  const sent = NUMBERS.map((content) => alice.publish("user_message", { content }));
  await server!.kill();
  await until(alice, "recovering");
  sent.push(...NUMBERS.map((number) => bob.publish("user_message", { content: `bob ${number}` })));
  await server!.start();
  await Promise.all(sent);
  await bob.publish("user_message", { content: "last" });
  await vi.waitFor(() => heard.forEach((one) => expect(texts(one).at(-1)).toBe("last")), PATIENCE);
  expect(lost).not.toHaveBeenCalled();
  const [mine, theirs] = heard.map(texts);
  expect(mine).toEqual(theirs);
  expect(mine!.filter((text) => NUMBERS.includes(text as string))).toHaveLength(NUMBERS.length);
  expect(new Set(mine).size).toBe(2 * NUMBERS.length + 1);
  expect(states).toEqual(["live", "recovering", "live"]);
});

test("the server is killed and comes back: without Redis, one is told that history is lost", async () => {
  const server = await startServer();
  const alice = client(server.url).circle("dev");
  const heard = messagesOf(alice);
  const lost: Position[] = [];
  alice.on("discontinuity", (position) => lost.push(position));
  await until(alice);
  await alice.publish("user_message", { content: "before" });
  await vi.waitFor(() => expect(texts(heard)).toEqual(["before"]), PATIENCE);
  const before = alice.position!;
  await server.kill();
  await until(alice, "recovering");
  await server.start();
  await alice.publish("user_message", { content: "after" });
  await vi.waitFor(() => expect(texts(heard)).toEqual(["before", "after"]), PATIENCE);
  expect(lost).toHaveLength(1);
  expect(alice.position).toEqual({ offset: 1, epoch: lost[0]!.epoch });
  expect(lost[0]!.epoch).not.toBe(before.epoch);
});

test("Redis forgets everything: one is told, and goes on", async () => {
  const redis = await startRedis();
  const server = await startServer({ REDIS_URL: redis.url });
  const alice = client(server.url).circle("dev");
  const heard = messagesOf(alice);
  const lost: Position[] = [];
  alice.on("discontinuity", (position) => lost.push(position));
  await until(alice);
  await alice.publish("user_message", { content: "before" });
  await vi.waitFor(() => expect(texts(heard)).toEqual(["before"]), PATIENCE);
  await redis.kill();
  const sent = alice.publish("user_message", { content: "meanwhile" }); // unavailable, until it isn't
  await redis.start();
  expect((await sent).duplicate).toBe(false);
  await vi.waitFor(() => expect(lost).toHaveLength(1), PATIENCE);
  const { offset } = await alice.publish("user_message", { content: "after" });
  await vi.waitFor(() => expect(alice.position).toEqual({ offset, epoch: lost[0]!.epoch }), PATIENCE);
  expect(texts(heard).filter((text) => text !== "meanwhile")).toEqual(["before", "after"]);
});
