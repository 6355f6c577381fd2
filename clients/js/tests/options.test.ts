import { expect, test } from "vitest";
import { connect } from "../src/index.js";
import { client, messagesOf, texts, until } from "./support/clients.js";
import { sharedServer } from "./support/processes.js";

const server = sharedServer();

test.each([
  [{ history: -1 }, "history: Must be an integer from 0 to 1000, not -1."],
  [{ history: 1.5 }, "history: Must be"],
  [{ history: "5" }, 'history: Must be an integer from 0 to 1000, not "5".'],
  [{ history: 1n }, "history: Must be"],
  [{ hstory: 5 }, "hstory: Not an option. Did you mean history?"],
  [{ bogus: 5 }, "bogus: Not an option. There are: history, since."],
  [{ since: { offset: 1 } }, 'since: Must be a position, {offset, epoch}, not {"offset":1}.'],
  [{ since: 5 }, "since: Must be"],
  [5, "options: Must be an object, not 5."],
])("a channel with %o says so at the call, and its other handles stay", async (options, message) => {
  const alice = client(server.url);
  const open = (): unknown => alice.circle("options", options as object);
  expect(open).toThrow(expect.objectContaining({ name: "HearthError", code: "invalid" }) as Error);
  expect(open).toThrow(message);
  expect(alice.state).toBe("idle");
  const circle = alice.circle("options");
  await until(circle);
  expect(open).toThrow(message);
  expect([circle.state, circle.error]).toEqual(["live", undefined]);
});

test.each([
  [{ timeout: "x" }, "timeout"],
  [{ timeout: -1 }, "timeout"],
  [{ timeout: NaN }, "timeout"],
  [{ actoin: "greet" }, "actoin"],
  [{ nonce: 7 }, "nonce"],
  [{ bogus: 1 }, "bogus"],
])("a publish with %j is rejected, it alone", async (options, field) => {
  const alice = client(server.url);
  const circle = alice.circle("publishing");
  const heard = messagesOf(circle);
  await until(circle);
  const given = options as object;
  for (const sent of [
    circle.publish("user_message", { content: "I" }, given),
    alice.publish("/circles", "publishing", "user_message", { content: "I" }, given),
  ]) {
    await expect(sent).rejects.toMatchObject({ code: "invalid", fields: { [field]: expect.any(String) } });
  }
  expect([circle.state, texts(heard)]).toEqual(["live", []]);
});

test("what is null or undefined is left out, and a receipt is a position", async () => {
  const alice = client(server.url);
  const circle = alice.circle("nulls", { history: undefined, since: null } as object);
  const nulls = { action: null, nonce: null, timeout: null } as object;
  const receipt = await circle.publish("user_message", { content: "I" }, nulls);
  await circle.leave();
  const again = alice.circle("nulls", { since: receipt as { offset: number; epoch: string } });
  await until(again);
  expect(again.position).toEqual({ offset: receipt.offset, epoch: receipt.epoch });
});

test("a page of history, and a client, with options that make no sense say so", async () => {
  const circle = client(server.url).circle("pages");
  await expect(circle.history({ limit: 0 })).rejects.toThrow("limit: Must be an integer from 1 to 1000, not 0.");
  await expect(circle.history({ befor: 1 } as object)).rejects.toThrow("Did you mean before?");
  expect(() => connect(server.url, { tokn: "x" } as object)).toThrow("tokn: Not an option. Did you mean token?");
  expect(() => connect(server.url, { presenceInterval: -1 })).toThrow("presenceInterval: Must be");
  connect(server.url, { presenceInterval: 0 });
});

test("what marks notifications as read that have no id is refused", async () => {
  const own = client(server.url).notifications();
  for (const ids of [[undefined], [null], undefined] as unknown[]) {
    const sent = own.publish("notification_read", { ids } as { ids: string[] });
    await expect(sent).rejects.toMatchObject({ code: "invalid", message: expect.stringContaining("ids") });
  }
});
