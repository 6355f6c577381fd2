import { expect, test, vi } from "vitest";
import { client, messagesOf, PATIENCE, texts, until } from "./support/clients.js";
import { emit, startRedis, startServer } from "./support/processes.js";

test("an event without data, or with anything, ends nothing", async () => {
  const redis = await startRedis();
  const server = await startServer({ REDIS_URL: redis.url });
  const circle = client(server.url).circle("odd");
  const heard = messagesOf(circle);
  await until(circle);
  // With skip_sid an emit isn't checked by the server.
  const message = (data: string): string => `{"type": event, "channel": "odd", "data": ${data}}`;
  const odd = ["None", "7", "'text'", "[None, 1]", "{}", ...["None", "{}", "[]"].map(message)];
  const events = ["refresh", "connection_ack", "user_message", "circle_status", "typing", "discontinuity", "error"];
  const calls = events.flatMap((event) =>
    odd.map((data) => `"${event}", ${data.replace("event", `"${event}"`)}, room="odd", namespace="/circles", skip_sid="nobody"`),
  );
  await emit(redis, ...calls, `"user_message", {"content": "still here"}, room="odd", namespace="/circles"`);
  await vi.waitFor(() => expect(texts(heard)).toContain("still here"), PATIENCE);
  expect(circle.state).toBe("live");
  const told = heard.find(({ data }) => data["content"] === "still here")!;
  expect(told.sender).toBeUndefined(); // a worker's has none, and none is made up
});
