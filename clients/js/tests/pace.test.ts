import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Lane, Pace } from "../src/pace.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }));
afterEach(() => void vi.useRealTimers());

/** What is begun at 10 requests a second; each is answered at once, or when the function is called. */
function paced(): { begun: string[]; take: (name: string, lane?: Lane) => void; pace: Pace; answers: (() => void)[] } {
  const pace = new Pace();
  const [begun, answers]: [string[], (() => void)[]] = [[], []];
  pace.limit(10);
  const take = (name: string, lane: Lane = "others"): void =>
    pace.take(lane, (answered) => (begun.push(name), answers.push(answered)));
  return { begun, take, pace, answers };
}

test("as many as a second may have begin at once, and the others at that rate", () => {
  const { begun, take, answers } = paced();
  for (let number = 0; number < 30; number++) take(`${number}`);
  expect(begun).toHaveLength(10);
  for (const answer of answers.splice(0)) answer();
  vi.advanceTimersByTime(1_050);
  expect(begun).toHaveLength(20);
  for (const answer of answers.splice(0)) answer();
  vi.advanceTimersByTime(1_050);
  expect(begun).toEqual(Array.from({ length: 30 }, (_, number) => `${number}`));
});

test("joins and what else is asked take turns", () => {
  const { begun, take, answers } = paced();
  for (let number = 0; number < 100; number++) take("join", "joins");
  for (const answer of answers.splice(0)) answer();
  take("publish");
  vi.advanceTimersByTime(250);
  expect(begun.slice(10)).toEqual(["publish", "join"]);
});

test("a server that doesn't answer isn't asked any more than it admits at once", () => {
  const { begun, take, answers } = paced();
  for (let number = 0; number < 40; number++) take("x");
  vi.advanceTimersByTime(60_000);
  expect(begun).toHaveLength(10);
  for (const answer of answers.splice(0)) answer();
  expect(begun).toHaveLength(20);
});

test("after a refusal nothing begins for as long as the server says", () => {
  const { begun, take, pace } = paced();
  pace.pause(5_000);
  take("x");
  vi.advanceTimersByTime(5_000);
  expect(begun).toEqual([]);
  vi.advanceTimersByTime(150);
  expect(begun).toEqual(["x"]);
});

test("what waits when the connection ends is begun at once, to fail, and the next one begins anew", () => {
  const { begun, take, pace, answers } = paced();
  for (let number = 0; number < 30; number++) take("x");
  pace.restart();
  expect(begun).toHaveLength(30);
  for (const answer of answers) answer();
  pace.limit(10);
  for (let number = 0; number < 30; number++) take("y");
  expect(begun.filter((name) => name === "y")).toHaveLength(10);
});
