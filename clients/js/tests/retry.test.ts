import type { Manager } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { HearthError } from "../src/index.js";
import { Namespace } from "../src/namespace.js";
import { type Token, TokenSource } from "../src/token.js";

const FAILURES = ["rate_limited", "unavailable", "internal", "token_expired", "forbidden"] as const;

type Listener = (argument: object) => void;
type Failure = Parameters<typeof HearthError.from>[0];

/** A connected namespace whose server answers with these errors, one after the other, and then well. */
function failing(failures: Failure[], token?: Token): Namespace {
  const listeners: Record<string, Listener> = {};
  const answers = failures.map((error) => ({ ok: false, error }));
  const socket = {
    connected: true,
    on: (event: string, listener: Listener) => (listeners[event] = listener),
    timeout: () => ({
      emit: (_event: string, _argument: object, answer: (lost: null, told: object) => void) =>
        answer(null, answers.shift() ?? { ok: true }),
    }),
    ...{ onAny() {}, connect() {}, off() {}, offAny() {}, disconnect() {} },
  };
  const manager = { socket: () => socket } as unknown as Manager;
  const backoff = { firstMs: 1, mostMs: 1 };
  const space = new Namespace(manager, "/circles", new TokenSource(token), backoff, () => {}, () => {});
  listeners["connection_ack"]!({ data: { limits: { max_message_bytes: 1_000 } } });
  onTestFinished(() => space.close());
  return space;
}

test.each(FAILURES)("whether %s is temporary is the server's to say", async (code) => {
  const message = "No.";
  const temporary = { code, message, temporary: true, retry_after: 0.001 };
  await expect(failing([temporary, temporary]).persist("ping", {}, 5_000)).resolves.toEqual({ ok: true });
  const final = { code, message, temporary: false };
  await expect(failing([final]).persist("ping", {}, 5_000)).rejects.toMatchObject(final);
});

test("of a server that doesn't say it, the code does", () => {
  const temporary = FAILURES.filter((code) => HearthError.from({ code, message: "No." }).temporary);
  expect(temporary).toEqual(["rate_limited", "unavailable", "internal"]);
});

test("a token that has expired is waited for where there may be a fresh one", async () => {
  const expired = { code: "token_expired", message: "No.", temporary: false } as const;
  await expect(failing([expired], () => "fresh").persist("ping", {}, 5_000)).resolves.toEqual({ ok: true });
  await expect(failing([expired], "old").persist("ping", {}, 5_000)).rejects.toMatchObject(expired);
});
