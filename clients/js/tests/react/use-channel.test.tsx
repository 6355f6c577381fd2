// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react";
import { type ReactNode, useEffect, useLayoutEffect, useState } from "react";
import { afterEach, expect, test, vi } from "vitest";
import type { Client, Payloads } from "../../src/index.js";
import { type ChannelView, useChannel, type UseChannelOptions } from "../../src/react/index.js";
import { Requests } from "../../src/requests.js";
import { client, messagesOf, PATIENCE, texts, token, until } from "../support/clients.js";
import { sharedServer, startServer } from "../support/processes.js";
import { Proxy } from "../support/proxy.js";
import { look as lookAt, type Looked, page, shown } from "./support.js";

const server = sharedServer({ ALLOWED_ORIGINS: "*" });

afterEach(cleanup);

type View = Looked<ChannelView<Payloads["/circles"]>>;

function look(as: Client, circle: string, options?: UseChannelOptions): View {
  return lookAt(as, () => useChannel("/circles", circle, options));
}

function said({ view }: View): string[] {
  return view.messages.map(({ data, status }) => `${(data as { content?: string }).content} ${status}`);
}

test("a message shows at once, and once when the server has it", async () => {
  const { port } = new URL(server.url);
  const proxy = await new Proxy(Number(port)).start();
  const looked = look(client(proxy.url), "optimistic");
  const bob = client(server.url, token("bob")).circle("optimistic");
  await until(bob);
  await shown(() => expect(looked.view.state).toBe("live"));
  expect(looked.view.members.map(({ id }) => id)).toContain("alice");
  proxy.deafen();
  act(() => looked.view.send("user_message", { content: "Hello" }));
  expect(said(looked)).toEqual(["Hello pending"]);
  expect(looked.view.messages[0]!.sender).toEqual({ id: "alice", kind: "user" });
  await bob.publish("user_message", { content: "Hi" });
  proxy.cut();
  await shown(() => expect(said(looked)).toHaveLength(2));
  await shown(() => expect([...said(looked)].sort()).toEqual(["Hello sent", "Hi sent"]));
  const offsets = looked.view.messages.map(({ offset }) => offset!);
  expect(offsets).toEqual([...offsets].sort((one, other) => one - other));
});

test("a message that fails is marked, and can be sent again", async () => {
  const grants = [["circles:failing:r"], ["*:*:rw"]];
  const proxy = await new Proxy(Number(new URL(server.url).port)).start();
  const looked = look(
    client(proxy.url, () => token("alice", { grants: grants.length > 1 ? grants.shift()! : grants[0]! })),
    "failing",
  );
  await shown(() => expect(looked.view.state).toBe("live"));
  act(() => looked.view.send("user_message", { content: "Please" }));
  await shown(() => expect(said(looked)).toEqual(["Please failed"]));
  expect(looked.view.messages[0]!.error?.code).toBe("forbidden");
  act(() => proxy.cut()); // a fresh token comes with the next connection
  await shown(() => expect(looked.view.state).toBe("recovering"));
  act(() => looked.view.resend(looked.view.messages[0]!));
  expect(said(looked)).toEqual(["Please pending"]);
  await shown(() => expect(said(looked)).toEqual(["Please sent"]));
});

test("a message that waits for a token says so, and is sent once there is one", async () => {
  let seconds = -60;
  const alice = client(server.url, () => token("alice", { seconds }));
  alice.on("error", () => {});
  const looked = look(alice, "waiting");
  act(() => looked.view.send("user_message", { content: "before" }));
  await shown(() => expect(looked.view.messages[0]!.error?.code).toBe("token_expired"));
  act(() => looked.view.send("user_message", { content: "after" }));
  expect(said(looked)).toEqual(["before pending", "after pending"]);
  expect(looked.view.messages.map(({ error }) => error?.code)).toEqual(["token_expired", "token_expired"]);
  seconds = 600;
  await shown(() => expect(said(looked)).toEqual(["before sent", "after sent"]));
  expect(looked.view.messages.map(({ error }) => error)).toEqual([undefined, undefined]);
});

test("what is missed is shown in its place; what was lost is not", async () => {
  const own = await startServer({ ALLOWED_ORIGINS: "*" });
  const looked = look(client(own.url), "recovered");
  const bob = client(own.url, token("bob")).circle("recovered");
  await bob.publish("user_message", { content: "before" });
  await shown(() => expect(said(looked)).toEqual(["before sent"]));
  await own.kill();
  await shown(() => expect(looked.view.state).toBe("recovering"));
  act(() => looked.view.send("user_message", { content: "mine" }));
  expect(said(looked)).toEqual(["before sent", "mine pending"]);
  await own.start();
  await shown(() => expect(said(looked)).toEqual(["mine sent"]));
  expect(looked.view.state).toBe("live");
});

test("components that show the same channel share it, and the last one leaves it", async () => {
  const alice = client(server.url);
  const bob = client(server.url, token("bob")).circle("shared");
  const heard = messagesOf(bob);
  await until(bob);
  const [first, second] = [look(alice, "shared"), look(alice, "shared")];
  await shown(() => expect([first.view.state, second.view.state]).toEqual(["live", "live"]));
  expect((await bob.presence()).members.map(({ connections }) => connections)).toEqual([1, 1]);
  first.unmount();
  act(() => second.view.send("user_message", { content: "still here" }));
  await shown(() => expect(said(second)).toEqual(["still here sent"]));
  const own = alice.circle("shared");
  second.unmount();
  await own.publish("user_message", { content: "I too" });
  expect(own.state).toBe("live");
  expect((await bob.presence()).count).toBe(2);
  await own.leave();
  await vi.waitFor(async () => expect((await bob.presence()).count).toBe(1), PATIENCE);
  expect(texts(heard)).toEqual(["still here", "I too"]);
});

test("a channel that is refused says why", async () => {
  const looked = look(client(server.url, token("alice", { grants: [] })), "refused");
  await shown(() => expect(looked.view.error?.code).toBe("forbidden"));
  expect(looked.view.state).toBe("closed");
});

test("without a name, it is idle until there is one; an empty one is refused; what is no name says so", async () => {
  const alice = client(server.url);
  const written = vi.spyOn(console, "error").mockImplementation(() => {});
  let name: string | number | null | undefined;
  const looked = lookAt(alice, () => useChannel("/circles", name));
  expect([looked.view.state, looked.view.error, alice.state]).toEqual(["idle", undefined, "idle"]);
  looked.view.send("user_message", { content: "I" });
  expect(written).toHaveBeenCalledWith(expect.stringContaining("no channel yet"));
  expect(await looked.view.loadMore()).toBe(false);
  name = 7;
  looked.rerender();
  await shown(() => expect(looked.view.state).toBe("live"));
  expect(looked.view.members.map(({ id }) => id)).toEqual(["alice"]);
  name = null;
  looked.rerender();
  expect([looked.view.state, looked.view.members]).toEqual(["idle", []]);
  const empty = look(alice, "");
  await shown(() => expect(empty.view.error).toMatchObject({ code: "invalid", fields: { channel: expect.any(String) } }));
  expect(empty.view.state).toBe("closed");
  expect(() => look(alice, {} as string)).toThrow("not an object");
});

test("without a provider, the hook says what is missing", () => {
  const Lonely = (): ReactNode => String(useChannel("/circles", "lonely").state);
  vi.spyOn(console, "error").mockImplementation(() => {});
  expect(() => render(<Lonely />)).toThrow("HearthProvider");
  expect(screen.queryByText("connecting")).toBeNull();
});

test("what is sent in first effects, layout effects and their clean-up is published, and never dropped", async () => {
  const bob = client(server.url, token("bob")).circle("effects");
  const heard = messagesOf(bob);
  await until(bob);
  function Child(): ReactNode {
    const { send } = useChannel("/circles", "effects");
    useLayoutEffect(() => send("user_message", { content: "layout" }), [send]);
    useEffect(() => {
      send("user_message", { content: "effect" });
      return () => send("user_message", { content: "clean-up" });
    }, [send]);
    return null;
  }
  const Page = page(client(server.url));
  const { unmount } = render(<Page><Child /></Page>);
  unmount(); // before there is a connection at all
  // StrictMode runs effects, their clean-up, and effects again.
  const all = ["clean-up", "clean-up", "effect", "effect", "layout", "layout"];
  await vi.waitFor(() => expect([...texts(heard)].sort()).toEqual(all), PATIENCE);
  await vi.waitFor(async () => expect((await bob.presence()).count).toBe(1), PATIENCE); // it has left
});

test("a channel that is open already is live from the first look on, and neither side's leaving ends the other", async () => {
  const alice = client(server.url);
  const own = alice.circle("open");
  await until(own);
  await own.publish("user_message", { content: "before" });
  const looked = look(alice, "open");
  expect(looked.all.map(({ state }) => state)).not.toContain("connecting");
  await shown(() => expect(said(looked)).toEqual(["before sent"]));
  await own.leave();
  act(() => looked.view.send("user_message", { content: "after" }));
  await shown(() => expect(said(looked)).toEqual(["before sent", "after sent"]));
  const again = alice.circle("open");
  looked.unmount();
  await again.publish("user_message", { content: "still here" });
  expect(again.state).toBe("live");
});

test("who is shown elsewhere at once is joined once, and doesn't flicker", async () => {
  const asked = vi.spyOn(Requests.prototype, "ask");
  const alice = client(server.url);
  const states: string[] = [];
  let move = (): void => {};
  function Circle(): ReactNode {
    const { state, messages } = useChannel("/circles", "moved");
    states.push(`${state} ${messages.length}`);
    return null;
  }
  function Rooms(): ReactNode {
    const [isLeft, setLeft] = useState(true);
    move = () => setLeft(!isLeft);
    return isLeft ? <p><Circle /></p> : <div><Circle /></div>;
  }
  const Page = page(alice);
  const own = client(server.url, token("bob")).circle("moved");
  await own.publish("user_message", { content: "Hello" });
  render(<Page><Rooms /></Page>);
  await shown(() => expect(states.at(-1)).toBe("live 1"));
  states.length = 0;
  act(() => move());
  await own.publish("user_message", { content: "Again" });
  await shown(() => expect(states.at(-1)).toBe("live 2"));
  expect(new Set(states)).toEqual(new Set(["live 1", "live 2"]));
  const requests = asked.mock.calls.map(([event, argument]) => [event, (argument as { history?: number }).history]);
  expect(requests.filter(([event, history]) => event === "leave" || (event === "join" && history))).toEqual([["join", 50]]);
});

test("older messages are loaded page by page, to the first one", async () => {
  const bob = client(server.url, token("bob")).circle("older");
  for (let number = 1; number <= 7; number++) await bob.publish("user_message", { content: `${number}` });
  const looked = look(client(server.url), "older", { history: 3 });
  const numbers = (): string[] => said(looked).map((text) => text.split(" ")[0]!);
  await shown(() => expect(numbers()).toEqual(["5", "6", "7"]));
  expect(looked.view.hasMore).toBe(true);
  let more = await act(() => looked.view.loadMore(2));
  expect([numbers(), more, looked.view.isLoadingMore]).toEqual([["3", "4", "5", "6", "7"], true, false]);
  more = await act(() => looked.view.loadMore());
  expect([numbers().length, more, looked.view.hasMore]).toEqual([7, false, false]);
  expect(await act(() => looked.view.loadMore())).toBe(false);
});

test("a second component that wants more history gets it", async () => {
  const bob = client(server.url, token("bob")).circle("wanted");
  for (let number = 1; number <= 7; number++) await bob.publish("user_message", { content: `${number}` });
  const alice = client(server.url);
  const short = look(alice, "wanted", { history: 2 });
  await shown(() => expect(said(short)).toHaveLength(2));
  const long = look(alice, "wanted", { history: 5 });
  await shown(() => expect(said(long)).toHaveLength(5));
});

test("on a client that is closed nothing fails, and nothing is sent", async () => {
  const written = vi.spyOn(console, "error").mockImplementation(() => {});
  const alice = client(server.url);
  alice.close();
  const looked = look(alice, "closed");
  expect(looked.view.state).toBe("closed");
  act(() => looked.view.send("user_message", { content: "I" }));
  expect(said(looked)).toEqual([]);
  expect(written).toHaveBeenCalled();
});
