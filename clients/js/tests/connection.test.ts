import { createServer, request } from "node:http";
import { connect as connectTcp } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { connect, HearthError } from "../src/index.js";
import { client, messagesOf, PATIENCE, texts, token, until } from "./support/clients.js";
import { freePort, sharedServer, startServer } from "./support/processes.js";

const server = sharedServer();

test("who one is and how one is connected is known to the client", async () => {
  const alice = client(server.url);
  const states: string[] = [];
  alice.on("state", (state) => states.push(state));
  expect([alice.state, alice.identity]).toEqual(["idle", undefined]);
  await until(alice.circle("who"));
  expect([alice.state, alice.identity, alice.error]).toEqual(["connected", { id: "alice", kind: "user" }, undefined]);
  alice.close();
  expect(states).toEqual(["connecting", "connected", "closed"]);
});

test("where there is no server, one is told once, and lives on until there is one", async () => {
  const written = vi.spyOn(console, "error").mockImplementation(() => {});
  const port = await freePort();
  const alice = client(`http://127.0.0.1:${port}`);
  const heard = vi.fn();
  const circle = alice.circle("nobody");
  await vi.waitFor(() => expect(written).toHaveBeenCalled(), PATIENCE);
  const error = written.mock.calls[0]![0] as HearthError;
  expect(error).toMatchObject({ code: "disconnected", temporary: true });
  expect(error.message).toContain(`http://127.0.0.1:${port} can't be reached`);
  expect([alice.state, circle.state, alice.error]).toEqual(["connecting", "connecting", error]);
  alice.on("error", heard);
  const attempts = vi.spyOn(globalThis, "fetch");
  const late = createServer((_question, answer) => answer.end());
  await new Promise<void>((resolve) => late.listen(port, "127.0.0.1", resolve));
  await new Promise((resolve) => late.once("connection", resolve)); // it is still trying
  late.closeAllConnections();
  await new Promise((resolve) => late.close(resolve));
  expect(written).toHaveBeenCalledTimes(1);
  expect(attempts).not.toHaveBeenCalled(); // the reason was asked for once
});

test.each([{ transports: ["websocket"] }, { transports: ["polling"] }])(
  "an origin that isn't admitted is told, and one is let in once it is: %j",
  async (transport) => {
    const extraHeaders = { Origin: "https://stranger.example" };
    vi.spyOn(console, "error").mockImplementation(() => {});
    // What a browser does by itself: to send the page's origin.
    const ask = globalThis.fetch;
    vi.spyOn(globalThis, "fetch").mockImplementation((url, options) => ask(url, { ...options, headers: extraHeaders }));
    const own = await startServer();
    const alice = client(own.url, token("alice"), { ...transport, extraHeaders });
    const told: HearthError[] = [];
    alice.on("error", (error) => told.push(error));
    const circle = alice.circle("refused");
    await until(circle, "refused");
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ code: "forbidden", reason: "origin" });
    expect(told[0]!.message).toContain("ALLOWED_ORIGINS");
    expect([alice.state, alice.error, circle.error]).toEqual(["refused", told[0], told[0]]);
    await own.kill();
    await until(circle, "connecting"); // nobody refuses it now
    own.settings["ALLOWED_ORIGINS"] = extraHeaders.Origin;
    await own.start();
    await until(circle);
    expect([alice.state, alice.error, circle.error]).toEqual(["connected", undefined, undefined]);
  },
);

test.each([["websocket", 200], ["polling", 200], ["polling", 404], ["websocket", 403]] as const)(
  "where another server answers by %s with %i, the error has its address and says that it isn't Hearth",
  async (transport, status) => {
    const stranger = createServer((_question, answer) => answer.writeHead(status).end("<h1>Hello</h1>"));
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      stranger.closeAllConnections();
      stranger.close();
    });
    const url = `http://127.0.0.1:${(stranger.address() as { port: number }).port}`;
    const alice = client(url, token("alice"), { transports: [transport] });
    alice.on("error", () => {});
    alice.circle("anywhere");
    await vi.waitFor(() => expect(alice.error).toBeDefined(), PATIENCE);
    expect(alice.error!.message).toContain(`what answers at ${url}/socket.io/ is not Hearth, and says ${status}`);
    expect([alice.error!.code, alice.state]).toEqual(status === 403 ? ["forbidden", "refused"] : ["disconnected", "connecting"]);
  },
);

test("a server below a path of a proxy is found by its URL, or by the path of Engine.IO", async () => {
  const proxy = await prefixProxy("/hearth", Number(new URL(server.url).port));
  const clients = [
    connect(`${proxy}/hearth/`, { token: token("alice") }),
    connect(proxy, { token: token("alice"), path: "/hearth/socket.io", socket: { transports: ["websocket"] } }),
  ];
  for (const [number, one] of clients.entries()) {
    onTestFinished(() => one.close());
    const circle = one.circle(`prefix-${number}`);
    const heard = messagesOf(circle);
    await circle.publish("user_message", { content: "Hello" });
    await vi.waitFor(() => expect(texts(heard)).toEqual(["Hello"]), PATIENCE);
  }
});

/** A proxy that serves what is on a port below a path, and takes the path off. */
async function prefixProxy(prefix: string, port: number): Promise<string> {
  const proxy = createServer((question, answer) => {
    const { url = "", method, headers } = question;
    if (!url.startsWith(`${prefix}/`)) return void answer.writeHead(404).end();
    const options = { port, host: "127.0.0.1", path: url.slice(prefix.length), method, headers };
    const onwards = request(options, (reply) => {
      answer.writeHead(reply.statusCode!, reply.headers);
      reply.pipe(answer);
    });
    question.pipe(onwards.on("error", () => answer.destroy()));
  });
  proxy.on("upgrade", ({ url = "", headers }, socket) => {
    const onwards = connectTcp(port, "127.0.0.1", () => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      onwards.write(`GET ${url.slice(prefix.length)} HTTP/1.1\r\n${lines.join("")}\r\n`);
      socket.pipe(onwards).pipe(socket);
    });
    for (const [one, other] of [[socket, onwards], [onwards, socket]] as const) {
      one.on("error", () => {}).on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
}
