import { expect, test } from "vitest";
import { textsOf } from "../src/index.js";

const token = (message_id: number | string, delta: string, offset: number): object => ({
  ...{ type: "chat_token", data: { message_id, index: 0, delta }, offset },
});

test("the tokens of a message are one text, in the place of the first, until the message stands for them", () => {
  const asked = { type: "user_message", data: { content: "?" }, offset: 1 };
  const tokens = [token("a", "Hel", 2), token("b", "B", 3), token("a", "lo", 4), token(7, "seven", 5)];
  const [, first, second, third] = textsOf([asked, ...tokens] as never[]) as unknown as { offset: number; data: object }[];
  expect(first).toMatchObject({ type: "chat_message", offset: 2, data: { content: "Hello", isStreaming: true } });
  expect([second!.data, third!.data]).toMatchObject([{ content: "B" }, { content: "seven" }]);
  const whole = { type: "chat_message", data: { message_id: "7", content: "Seven." }, offset: 6 };
  expect(textsOf([...tokens, whole] as never[]).at(-1)).toBe(whole);
  expect(textsOf([...tokens, whole] as never[])).toHaveLength(3);
});
