import { expect, test } from "vitest";
import type { Message } from "../src/index.js";
import { Order } from "../src/order.js";

function message(offset?: number): Message {
  const common = { type: "log", channel: "ci", data: {}, timestamp: "2026-11-20T12:00:00.000Z" };
  return offset === undefined ? common : { ...common, offset };
}

test("each message passes once, in its turn", () => {
  const order = new Order({ offset: 2, epoch: "a" });
  expect([1, 2, 3, 3, 5, 4, undefined].map((offset) => order.admit(message(offset)))).toEqual([
    ...["nothing", "nothing", "next", "nothing", "gap", "next", "next"],
  ]);
  expect(order.seen).toEqual({ offset: 4, epoch: "a" });
});

test("nothing is missing where `prev` is one's place, whatever lies between", () => {
  const order = new Order({ offset: 2, epoch: "a" });
  const joined = (prev: number, offset: number): Message => ({ ...message(offset), prev });
  expect(order.admit(joined(2, 6))).toBe("next");
  expect(order.admit(joined(7, 9))).toBe("gap");
  expect(order.admit(joined(4, 8))).toBe("next"); // it stands for some that have passed, too
  expect(order.seen).toEqual({ offset: 8, epoch: "a" });
  expect(order.admit(message(9))).toBe("next");
});

test("what comes while a join is answered is in its answer, unless history doesn't keep it", () => {
  const order = new Order({ offset: 2, epoch: "a" });
  order.hold();
  const typing = message();
  expect([message(4), typing].map((one) => order.holds(one))).toEqual([true, true]);
  expect([2, 3, 4].filter((offset) => order.passes(message(offset)))).toEqual([3, 4]);
  expect(order.release()).toEqual([typing]);
  expect(order.holds(message(5))).toBe(false);
});

test("offsets of another epoch count anew", () => {
  const order = new Order({ offset: 9, epoch: "a" });
  order.restart({ offset: 0, epoch: "b" });
  expect(order.admit(message(1))).toBe("next");
  expect(order.seen).toEqual({ offset: 1, epoch: "b" });
});
