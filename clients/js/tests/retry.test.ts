import type { Socket } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { HearthError } from "../src/index.js";
import { Pace } from "../src/pace.js";
import { Requests } from "../src/requests.js";
import { Ending } from "../src/time.js";

const FAILURES = ["rate_limited", "unavailable", "internal", "token_expired", "forbidden"] as const;
const PATIENCE = { ms: 5_000 };

type Failure = Parameters<typeof HearthError.from>[0];

/** Requests to a server that answers with these errors, one after the other, and then well. */
function failing(failures: Failure[], renews = false): Requests {
  const answers = failures.map((error) => ({ ok: false, error }));
  const emit = (_event: string, _argument: object, answer: (lost: null, told: object) => void): void =>
    answer(null, answers.shift() ?? { ok: true });
  const socket = { connected: true, timeout: () => ({ emit }) } as unknown as Socket;
  const ending = new Ending();
  const requests = new Requests(socket, new Pace(), { firstMs: 1, mostMs: 1 }, ending, renews);
  requests.open({ max_message_bytes: 1_000 });
  onTestFinished(() => ending.end(HearthError.closed()));
  return requests;
}

test.each(FAILURES)("whether %s is temporary is the server's to say", async (code) => {
  const message = "No.";
  const temporary = { code, message, temporary: true, retry_after: 0.001 };
  await expect(failing([temporary, temporary]).persist("ping", {}, PATIENCE)).resolves.toEqual({ ok: true });
  const final = { code, message, temporary: false };
  await expect(failing([final]).persist("ping", {}, PATIENCE)).rejects.toMatchObject(final);
});

test("of a server that doesn't say it, the code does", () => {
  const temporary = FAILURES.filter((code) => HearthError.from({ code, message: "No." }).temporary);
  expect(temporary).toEqual(["rate_limited", "unavailable", "internal"]);
});

test("a token that has expired is waited for where there may be a fresh one", async () => {
  const expired = { code: "token_expired", message: "No.", temporary: false } as const;
  await expect(failing([expired], true).persist("ping", {}, PATIENCE)).resolves.toEqual({ ok: true });
  await expect(failing([expired]).persist("ping", {}, PATIENCE)).rejects.toMatchObject(expired);
});

test("who has been too fast comes back later than told, and not when others do", () => {
  const requests = failing([]);
  const error = new HearthError("rate_limited", "No.", undefined, 1);
  const waits = Array.from({ length: 100 }, () => requests.waitMs(error, 0));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000);
  expect(new Set(waits.map(Math.round)).size).toBeGreaterThan(50);
});
