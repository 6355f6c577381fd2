import { expect, test, vi } from "vitest";
import { addressOf } from "../src/address.js";
import { fromBase64Url, newNonce, utf8Length } from "../src/environment.js";
import { client, messagesOf, PATIENCE, texts, token } from "./support/clients.js";
import { sharedServer } from "./support/processes.js";

const server = sharedServer();

test("where neither crypto nor TextEncoder nor atob nor URL is there, as in React Native, one publishes", async () => {
  const missing = { crypto: undefined, TextEncoder: undefined, atob: undefined, URL: undefined, structuredClone: undefined };
  const fresh = vi.fn(() => token("alice", { seconds: 3 }));
  const alice = client(server.url, fresh).circle("native");
  const heard = messagesOf(alice);
  for (const [name, value] of Object.entries(missing)) vi.stubGlobal(name, value);
  try {
    const content = "é€😀".repeat(40_000); // near enough to the limit to be counted
    await alice.publish("user_message", { content });
    await vi.waitFor(() => expect(texts(heard)).toEqual([content]), PATIENCE);
    // Its token is read without atob, and so renewed.
    await vi.waitFor(() => expect(fresh.mock.calls.length).toBeGreaterThanOrEqual(2), PATIENCE);
  } finally {
    vi.unstubAllGlobals();
  }
});

test("nonces differ without crypto", () => {
  vi.stubGlobal("crypto", undefined);
  const nonces = Array.from({ length: 1_000 }, newNonce);
  vi.unstubAllGlobals();
  expect(new Set(nonces).size).toBe(1_000);
  expect(nonces[0]).toMatch(/^[0-9a-f]{32}$/);
});

test.each(["", "a", "é", "€", "😀", "aé€😀\u0000\uffff"])("%j has as many bytes as it has", (text) => {
  expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
});

test.each(["", "a", "ab", "abc", "abcd", '{"exp":1790000000}', "\u00ff\u00fe~~~"])("%j is read from base64url", (text) => {
  expect(fromBase64Url(Buffer.from(text, "latin1").toString("base64url"))).toBe(text);
});

test.each([
  ["http://localhost:8000", undefined, "http://localhost:8000", "/socket.io", ""],
  ["https://example.org/hearth/", undefined, "https://example.org", "/hearth/socket.io", ""],
  ["https://example.org/a/b?token=x", undefined, "https://example.org", "/a/b/socket.io", "?token=x"],
  ["https://example.org", "/rt/", "https://example.org", "/rt", ""],
  ["wss://[::1]:8000/x#y", undefined, "wss://[::1]:8000", "/x/socket.io", ""],
  ["example.org:81/x", undefined, "http://example.org:81", "/x/socket.io", ""],
])("%s with the path %s is %s %s", (url, path, origin, engine, query) => {
  expect(addressOf(url, path)).toEqual({ origin, path: engine, query });
});

test("an address without a host is the page's own, and outside a page a mistake", () => {
  expect(() => addressOf("/hearth")).toThrow("host");
  vi.stubGlobal("location", { origin: "https://app.example.org" });
  const address = addressOf("/hearth");
  vi.unstubAllGlobals();
  expect(address).toEqual({ origin: "https://app.example.org", path: "/hearth/socket.io", query: "" });
});
