import { expect, test, vi } from "vitest";
import type { Member } from "../src/index.js";
import { Typing } from "../src/typing.js";
import { client, PATIENCE, token, until } from "./support/clients.js";
import { sharedServer, startServer } from "./support/processes.js";

const server = sharedServer();

test("members are up to date where the server doesn't tell of them, while somebody listens", async () => {
  const alice = client(server.url, token("alice"), {}, { presenceInterval: 20 });
  const chat = alice.chat("writer", "app", "chat-1");
  await until(chat);
  const other = client(server.url, token("agent-7", { kind: "agent" })).chat("writer", "app", "chat-1");
  await until(other);
  expect(chat.memberCount).toBe(1); // nobody listens, and nothing is asked
  const seen: (readonly Member[])[] = [];
  const off = chat.on("members", (members) => seen.push(members));
  await vi.waitFor(() => expect(chat.members.map(({ id }) => id)).toEqual(["agent-7", "alice"]), PATIENCE);
  await other.leave();
  await vi.waitFor(() => expect(chat.members.map(({ id }) => id)).toEqual(["alice"]), PATIENCE);
  expect(seen.map((members) => members.length)).toEqual([2, 1]); // told of changes alone
  off();
});

test("members keep their order when a server is started again, whoever comes back first", async () => {
  const own = await startServer();
  const names = ["dora", "alice", "carol", "bob"];
  const circles = names.map((name) => client(own.url, token(name)).circle("ordered"));
  const listed = (): string[] => circles[0]!.members.map(({ id }) => id);
  await vi.waitFor(() => expect(listed()).toHaveLength(4), PATIENCE);
  expect(listed()).toEqual([...names].sort());
  const seen: string[][] = [];
  circles[0]!.on("members", (members) => seen.push(members.map(({ id }) => id)));
  await own.kill();
  await own.start();
  await vi.waitFor(() => expect(seen.at(-1)).toHaveLength(4), PATIENCE);
  for (const list of seen) expect(list).toEqual([...list].sort());
});

test("typing ends when it is said, when a message comes, and by itself", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  const listeners: Record<string, (message: object) => void> = {};
  const published: unknown[] = [];
  const channel = {
    on: (event: string, listener: (message: object) => void) => ((listeners[event] = listener), () => {}),
    publish: async (_type: string, data: unknown) => void published.push(data),
  };
  const bob = { id: "bob", kind: "user" } as const;
  const said: string[][] = [];
  const typing = new Typing(
    channel as never,
    () => ({ id: "alice", kind: "user" }),
    (members) => said.push(members.map(({ id }) => id)),
  );
  const hear = (data: object, sender: object = bob): void => listeners["typing"]!({ type: "typing", data, sender });
  try {
    hear({ typing: true }, { id: "alice", kind: "user" }); // oneself, on another device
    hear({ typing: true });
    hear({ typing: true });
    hear({ typing: false });
    hear({ typing: true });
    listeners["message"]!({ type: "user_message", data: {}, sender: bob });
    hear({ typing: true });
    vi.advanceTimersByTime(8_000);
    expect(said).toEqual([["bob"], [], ["bob"], [], ["bob"], []]);

    typing.key();
    typing.key();
    vi.advanceTimersByTime(3_000);
    typing.key();
    vi.advanceTimersByTime(4_000);
    typing.stop();
    expect(published).toEqual([{ typing: true }, { typing: true }, { typing: false }]);
  } finally {
    vi.useRealTimers();
  }
});
