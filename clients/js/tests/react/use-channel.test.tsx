// @vitest-environment jsdom
import { act, cleanup, render, renderHook, screen } from "@testing-library/react";
import { StrictMode, type ReactNode } from "react";
import { afterEach, expect, test, vi } from "vitest";
import type { Client, Payloads } from "../../src/index.js";
import { type ChannelView, HearthProvider, useChannel } from "../../src/react/index.js";
import { client, messagesOf, PATIENCE, texts, token, until } from "../support/clients.js";
import { sharedServer, startServer } from "../support/processes.js";
import { Proxy } from "../support/proxy.js";

const server = sharedServer({ ALLOWED_ORIGINS: "*" });

afterEach(cleanup);

interface Looked {
  readonly view: ChannelView<Payloads["/circles"]>;
  unmount: () => void;
}

function look(as: Client, circle: string): Looked {
  const wrapper = ({ children }: { children: ReactNode }): ReactNode => (
    <StrictMode>
      <HearthProvider client={as}>{children}</HearthProvider>
    </StrictMode>
  );
  const { result, unmount } = renderHook(() => useChannel("/circles", circle), { wrapper });
  return {
    get view() {
      return result.current;
    },
    unmount,
  };
}

/** Wait for something to be shown, with React's updates done. */
async function shown(expectation: () => void): Promise<void> {
  await act(() => vi.waitFor(expectation, PATIENCE));
}

function said({ view }: Looked): string[] {
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

test("without a provider, the hook says what is missing", () => {
  const Lonely = (): ReactNode => String(useChannel("/circles", "lonely").state);
  vi.spyOn(console, "error").mockImplementation(() => {});
  expect(() => render(<Lonely />)).toThrow("HearthProvider");
  expect(screen.queryByText("connecting")).toBeNull();
});
