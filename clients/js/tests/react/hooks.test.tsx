// @vitest-environment jsdom
import { act, cleanup } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { HearthError } from "../../src/index.js";
import { noticesOf } from "../../src/notices.js";
import {
  type NotificationsView,
  type TypingView,
  useChannel,
  useClient,
  useConnection,
  useNotifications,
  useTyping,
} from "../../src/react/index.js";
import { client, token, until } from "../support/clients.js";
import { freePort, sharedServer } from "../support/processes.js";
import { look, type Looked, shown } from "./support.js";

type Typists = Looked<TypingView>;

const server = sharedServer({ ALLOWED_ORIGINS: "*" });

afterEach(cleanup);

test("a component gets at the client, how it is connected and who one is", async () => {
  const alice = client(server.url);
  const looked = look(alice, () => ({ client: useClient(), connection: useConnection() }));
  expect(looked.view.client).toBe(alice);
  expect(looked.view.connection).toEqual({ state: "idle", error: undefined, identity: undefined });
  await act(() => until(alice.circle("hooks")));
  const identity = { id: "alice", kind: "user" };
  await shown(() => expect(looked.view.connection).toEqual({ state: "connected", error: undefined, identity }));
});

test("a component is told why there is no connection", async () => {
  const alice = client(`http://127.0.0.1:${await freePort()}`);
  alice.on("error", () => {});
  const looked = look(alice, useConnection);
  alice.circle("nobody");
  await shown(() => expect(looked.view.error?.message).toContain("can't be reached"));
  expect(looked.view.state).toBe("connecting");
});

test("who is typing is shown to the others until they stop", async () => {
  const [hers, his] = [client(server.url), client(server.url, token("bob"))];
  const [looked, bob] = [hers, his].map((one) => look(one, () => useTyping("typing"))) as [Typists, Typists];
  await act(() => Promise.all([hers, his].map((one) => until(one.circle("typing")))));
  act(() => looked.view.onKey());
  await shown(() => expect(bob.view.typing).toEqual([{ id: "alice", kind: "user" }]));
  expect(looked.view.typing).toEqual([]);
  act(() => looked.view.onStop());
  await shown(() => expect(bob.view.typing).toEqual([]));
  act(() => looked.view.onKey());
  await shown(() => expect(bob.view.typing).toHaveLength(1));
  looked.unmount(); // the page is gone before the text is sent
  await shown(() => expect(bob.view.typing).toEqual([]));
});

test("without a circle nobody is typing, and nothing is joined", () => {
  const alice = client(server.url);
  const looked = look(alice, () => [useTyping(undefined), useTyping(null)]);
  for (const { typing, onKey, onStop } of looked.view) {
    expect(typing).toEqual([]);
    onKey();
    onStop();
  }
  expect(alice.state).toBe("idle");
});

test("a notification without an id can't be marked as read by itself, and the client says so", async () => {
  const service = client(server.url, token("ci", { kind: "service" })).channel("/notifications", "user:carol");
  for (const id of [1, 2]) await service.publish("notification", { id, title: "CI", message: "green" });
  const carol = client(server.url, token("carol"));
  const told: HearthError[] = [];
  carol.on("error", (error) => told.push(error));
  const looked = look(carol, useNotifications);
  await shown(() => expect(looked.view.unread).toBe(2));
  act(() => looked.view.markRead(undefined as never));
  expect(told).toMatchObject([{ code: "invalid", message: expect.stringContaining("no id") }]);
  expect(looked.view.unread).toBe(2);
  act(() => looked.view.markRead(1, null as never));
  expect([looked.view.unread, told.length]).toEqual([1, 2]);
});

test("a hook or a send with options that aren't there says so at the call", async () => {
  const alice = client(server.url);
  vi.spyOn(console, "error").mockImplementation(() => {}); // React tells of it too
  expect(() => look(alice, () => useChannel("/circles", "dev", { hstory: 5 } as object))).toThrow("Did you mean history?");
  expect(() => look(alice, () => useNotifications({ history: -1 }))).toThrow("history: Must be");
  const { view } = look(alice, () => useChannel("/circles", "dev"));
  expect(() => view.send("user_message", { content: "I" }, { acton: "x" } as object)).toThrow("Did you mean action?");
});

test("what is read on one device is read on all", async () => {
  const service = client(server.url, token("ci", { kind: "service" })).channel("/notifications", "user:alice");
  const send = (id?: number): Promise<unknown> =>
    service.publish("notification", { title: "CI", message: "green", ...(id === undefined ? {} : { id }) });
  await Promise.all([send(1), send(2), send()]);
  const devices = [client(server.url), client(server.url)].map((one) => look(one, useNotifications));
  const [phone, desk] = devices as [Looked<NotificationsView>, Looked<NotificationsView>];
  for (const { view } of devices) expect(view.notifications).toEqual([]);
  await shown(() => devices.forEach(({ view }) => expect([view.state, view.unread]).toEqual(["live", 3])));
  act(() => phone.view.markRead(1));
  expect(phone.view.unread).toBe(2); // at once
  await shown(() => expect(desk.view.unread).toBe(2));
  await send(3);
  await shown(() => expect(phone.view.unread).toBe(3));
  act(() => desk.view.markAllRead());
  await shown(() => devices.forEach(({ view }) => expect(view.unread).toBe(0)));
  expect(phone.view.notifications.map(({ type }) => type)).toEqual(Array.from({ length: 4 }, () => "notification"));
  // And so does whoever comes later.
  const late = look(client(server.url), useNotifications);
  await shown(() => expect([late.view.state, late.view.notifications.length, late.view.unread]).toEqual(["live", 4, 0]));
});

test("a notification is read once a later message says so, of it or of all", () => {
  const notice = (id?: number | string): object => ({ type: "notification", data: id === undefined ? {} : { id } });
  const read = (data: object, status = "sent"): object => ({ type: "notification_read", data, status });
  const messages = [notice(1), notice(), read({ all: true }), notice(2), notice("3"), read({ ids: ["2", 3] }), notice(2)];
  const isRead = (all: object[]): boolean[] => noticesOf(all as never[]).map((one: { isRead: boolean }) => one.isRead);
  expect(isRead(messages)).toEqual([true, true, true, true, false]);
  expect(isRead([notice(1), read({ all: true }, "failed")])).toEqual([false]);
});
