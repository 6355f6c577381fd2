import { expect, test, vi } from "vitest";
import { client, messagesOf, PATIENCE, token, until } from "./support/clients.js";
import { freePort, sharedServer, startRedis, startServer } from "./support/processes.js";

const server = sharedServer();
const NOTIFICATION = { id: 1, title: "Report", message: "It is ready" };
const writer = (): string => token("reporter", { kind: "agent", grants: ["notifications:user:*:w", "circles:*:w"] });

test("an agent that may write and not read notifies a user, each time, without joining anything", async () => {
  const own = client(server.url).notifications();
  const heard = messagesOf(own);
  await until(own);
  const agent = client(server.url, writer());
  const told = vi.fn();
  agent.on("error", told);
  const first = await agent.publish("/notifications", "user:alice", "notification", NOTIFICATION, { nonce: "n1" });
  const again = await agent.publish("/notifications", "user:alice", "notification", NOTIFICATION, { nonce: "n1" });
  const other = await agent.publish("/notifications", "user:alice", "notification", { ...NOTIFICATION, id: 2 });
  expect(again).toEqual({ ...first, timestamp: expect.any(String), duplicate: true });
  expect(other).toMatchObject({ offset: first.offset! + 1, duplicate: false });
  await vi.waitFor(() => expect(heard.map(({ data }) => data["id"])).toEqual([1, 2]), PATIENCE);
  expect([agent.state, told.mock.calls]).toEqual(["connected", []]);
});

test("what may not be published there is refused at once, and hurts nobody else", async () => {
  const agent = client(server.url, writer());
  const refused = agent.publish("/notifications", "broadcast", "notification", NOTIFICATION);
  await expect(refused).rejects.toMatchObject({ code: "forbidden" });
  const nowhere = agent.publish("/nowhere" as "/circles", "x", "agent_message", { content: "I" });
  await expect(nowhere).rejects.toMatchObject({ code: "invalid", message: expect.stringContaining("/nowhere") });
  await agent.publish("/circles", 7, "agent_message", { content: "I" }, { action: "greet" });
});

test("a name that is none rejects, and so does everything once the client is closed", async () => {
  const agent = client(server.url, writer());
  const nameless = agent.publish("/circles", undefined as never, "agent_message", { content: "I" });
  await expect(nameless).rejects.toThrow("must be text");
  await expect(agent.publish("circles" as never, "x", "agent_message", {} as never)).rejects.toThrow("slash");
  agent.close();
  await expect(agent.publish("/circles", "x", "agent_message", { content: "I" })).rejects.toMatchObject({ code: "closed" });
});

test("it is patient: without a server until its time is over, and while the broker is away", async () => {
  const nobody = client(`http://127.0.0.1:${await freePort()}`, writer());
  nobody.on("error", () => {});
  const vain = nobody.publish("/notifications", "user:alice", "notification", NOTIFICATION, { timeout: 100 });
  await expect(vain).rejects.toMatchObject({ code: "disconnected" });
  const redis = await startRedis();
  const own = await startServer({ REDIS_URL: redis.url });
  await redis.kill();
  const agent = client(own.url, writer());
  const states: string[] = [];
  agent.on("state", (state) => states.push(state));
  agent.on("error", () => {});
  const sent = agent.publish("/notifications", "user:alice", "notification", NOTIFICATION);
  await vi.waitFor(() => expect(agent.error?.code).toBe("unavailable"), PATIENCE);
  await redis.start();
  expect((await sent).duplicate).toBe(false);
  await vi.waitFor(() => expect(agent.state).toBe("connected"), PATIENCE);
  expect(states.slice(states.indexOf("refused"))).toEqual(["refused", "connected"]);
});
