import { expect, test, vi } from "vitest";
import type { Message } from "../src/index.js";
import { readEarlier } from "../src/late.js";
import { client, messagesOf, PATIENCE, texts, token, until } from "./support/clients.js";
import { sharedServer } from "./support/processes.js";

const server = sharedServer();

test("a channel that is open is live at once for who comes later, and left by the last alone", async () => {
  const { url } = server;
  const alice = client(url);
  const bob = client(url, token("bob")).circle("shared");
  const first = alice.circle("shared");
  await Promise.all([until(first), until(bob)]);
  const second = alice.circle("shared");
  expect(second).not.toBe(first);
  expect([second.state, second.members, second.position]).toEqual(["live", first.members, first.position]);
  const [hers, theirs] = [messagesOf(first), messagesOf(second)];
  await first.leave();
  expect([first.state, second.state]).toEqual(["closed", "live"]);
  await bob.publish("user_message", { content: "still here?" });
  await vi.waitFor(() => expect(texts(theirs)).toEqual(["still here?"]), PATIENCE);
  expect(texts(hers)).toEqual([]);
  await second.leave();
  await vi.waitFor(async () => expect((await bob.presence()).count).toBe(1), PATIENCE);
});

test("who comes later gets the history, or what it missed, that it asks for, and then what is live", async () => {
  const { url } = server;
  const alice = client(url);
  const writer = client(url, token("bob")).circle("history");
  const receipts = [];
  for (let number = 0; number < 5; number++) {
    receipts.push(await writer.publish("user_message", { content: String(number) }));
  }
  const first = alice.circle("history");
  const live = messagesOf(first);
  await until(first);
  const { offset, epoch } = receipts[1]!;
  const handles = [
    alice.circle("history", { history: 2 }),
    alice.circle("history", { since: { offset: offset!, epoch } }),
    alice.circle("history", { since: { offset: 3, epoch: "another" }, history: 1 }),
    alice.circle("history"),
  ];
  const lost = handles.map((handle) => {
    const told = vi.fn();
    handle.on("discontinuity", told);
    return told;
  });
  const heard = handles.map(messagesOf);
  for (let number = 5; number < 30; number++) await writer.publish("user_message", { content: String(number) });
  await vi.waitFor(() => heard.forEach((one) => expect(texts(one).at(-1)).toBe("29")), PATIENCE);
  for (const one of heard) {
    const offsets = one.flatMap(({ offset = [] }) => offset);
    expect(offsets).toEqual(offsets.map((_, index) => offsets[0]! + index)); // no hole, nothing twice
  }
  // How much was published before its history was read is chance.
  expect(heard[0]!.length).toBeGreaterThanOrEqual(2 + texts(live).length - 25);
  expect(texts(heard[1]!)[0]).toBe("2");
  expect(texts(heard[3]!)).toEqual(texts(live));
  expect(lost.map((told) => told.mock.calls.length)).toEqual([0, 0, 1, 0]);
});

test("a second handle of a channel that is still connecting gets its own history", async () => {
  const { url } = server;
  const writer = client(url, token("bob")).circle("early");
  for (const content of ["one", "two"]) await writer.publish("user_message", { content });
  const alice = client(url);
  const handles = [alice.circle("early"), alice.circle("early", { history: 1 })];
  const heard = handles.map(messagesOf);
  await Promise.all(handles.map((handle) => until(handle)));
  await vi.waitFor(() => expect(texts(heard[1]!)).toEqual(["two"]), PATIENCE);
  expect(texts(heard[0]!)).toEqual([]);
});

test("one's own notifications under two names are left one by one", async () => {
  const alice = client(server.url);
  const handles = [alice.notifications(), alice.channel("/notifications", "user:alice")];
  const heard = messagesOf(handles[0]!);
  await Promise.all(handles.map((handle) => until(handle)));
  await handles[1]!.leave();
  const service = client(server.url, token("ci", { kind: "service" }));
  const data = { title: "CI", message: "green" };
  await service.channel("/notifications", "user:alice").publish("notification", data);
  await vi.waitFor(() => expect(heard).toHaveLength(1), PATIENCE);
});

test("what is before a place is read page by page, and begun anew when history is lost meanwhile", async () => {
  const message = (offset: number): Message => ({
    ...{ type: "log", channel: "ci", data: {}, timestamp: "2026-11-20T12:00:00.000Z", offset },
  });
  const page = (offsets: number[], epoch: string, more: boolean): object => ({
    ...{ messages: offsets.map(message), offset: 9, epoch, more },
  });
  const pages = [page([8, 9], "a", true), page([1], "b", false), page([8, 9], "b", true), page([6, 7], "b", true)];
  const asked: object[] = [];
  const read = async (wanted: object): Promise<never> => (asked.push(wanted), pages.shift() as never);
  const earlier = await readEarlier(read, { history: 4 });
  expect(earlier.messages.map(({ offset }) => offset)).toEqual([6, 7, 8, 9]);
  expect(earlier).toMatchObject({ position: { offset: 9, epoch: "b" }, isWhole: true });
  expect(asked.map((one) => (one as { before?: number }).before)).toEqual([undefined, 8, undefined, 8]);
});
