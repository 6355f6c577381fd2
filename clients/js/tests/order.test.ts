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

test("what comes while a join is answered is held, and comes behind what is recovered", () => {
  const order = new Order({ offset: 2, epoch: "a" });
  order.hold();
  expect([4, 5].map((offset) => order.holds(message(offset)))).toEqual([true, true]);
  expect([2, 3, 4].filter((offset) => order.passes(message(offset)))).toEqual([3, 4]);
  expect(order.release().filter((held) => order.admit(held) === "next")).toEqual([message(5)]);
  expect(order.holds(message(6))).toBe(false);
});

test("offsets of another epoch count anew", () => {
  const order = new Order({ offset: 9, epoch: "a" });
  order.restart({ offset: 0, epoch: "b" });
  expect(order.admit(message(1))).toBe("next");
  expect(order.seen).toEqual({ offset: 1, epoch: "b" });
});
