import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import type { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, onTestFinished } from "vitest";

const ROOT = join(import.meta.dirname, "../../../..");
const PYTHON = process.env["PYTHON"] ?? join(ROOT, ".venv/bin/python");
// For tests in which one identity has more connections, or sends more, than people do.
const UNLIMITED = {
  MESSAGES_PER_SECOND: "0",
  AGENT_MESSAGES_PER_SECOND: "0",
  MESSAGES_PER_SECOND_PER_IDENTITY: "0",
  CONNECTIONS_PER_IDENTITY: "0",
};
export const SECRET = "a secret of the tests, long enough for HS256";

// Below those that the kernel gives to outgoing connections: while nothing listens there, as after a
// kill, no connection of anybody's takes such a port.
const [FIRST_PORT, LAST_PORT] = [10_000, 32_000];

/** A TCP port that nothing listens on, and that no other test gets; the server's tests reserve theirs so too. */
export async function freePort(): Promise<number> {
  for (;;) {
    const address = { port: randomInt(FIRST_PORT, LAST_PORT), address: "127.0.0.1", exclusive: true };
    // The same port of UDP, which nobody needs; it is free again when this process has ended.
    const reservation = createSocket("udp4").unref();
    const probe = createServer();
    const isMine = await succeeds(reservation, () => reservation.bind(address));
    const isFree = isMine && (await succeeds(probe, () => probe.listen(address.port, address.address)));
    if (isFree) await new Promise((resolve) => probe.close(resolve));
    if (isFree) return address.port;
    if (isMine) reservation.close();
  }
}

/** Whether it listens then. */
function succeeds(one: EventEmitter, listen: () => void): Promise<boolean> {
  return new Promise((resolve) => {
    one.once("error", () => resolve(false));
    one.once("listening", () => resolve(true));
    listen();
  });
}

/** A child process of the tests'. */
class Child {
  protected readonly directory = mkdtempSync(join(tmpdir(), "hearth-"));
  protected process: ChildProcess | undefined;

  /** End it and remove its files. */
  async close(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true });
  }

  /** End it as a crash does. */
  async kill(): Promise<void> {
    const child = this.process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }
}

/** `python -m app`, on one port however often it is started. */
export class HearthServer extends Child {
  constructor(
    readonly port: number,
    readonly settings: Record<string, string>,
  ) {
    super();
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<this> {
    const defaults = { AUTH_SECRET: SECRET, LOG_FORMAT: "json", ...UNLIMITED };
    const child = (this.process = spawn(PYTHON, ["-W", "error", "-m", "app"], {
      cwd: this.directory, // without a .env of the developer's
      env: { PATH: process.env["PATH"], PYTHONPATH: ROOT, PORT: String(this.port), ...defaults, ...this.settings },
      stdio: ["ignore", "ignore", "pipe"],
    }));
    const lines: string[] = [];
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr! }).on("line", (line) => {
        lines.push(line);
        if (line.includes('"serving"')) resolve();
      });
      child.once("exit", () => reject(new Error(`The server has ended:\n${lines.join("\n")}`)));
    });
    return this;
  }
}

/** Start Hearth for this test. */
export async function startServer(settings: Record<string, string> = {}): Promise<HearthServer> {
  const server = new HearthServer(await freePort(), settings);
  onTestFinished(() => server.close());
  return server.start();
}

/** Have a Hearth for all tests of a file; each has channels of its own. */
export function sharedServer(settings: Record<string, string> = {}): { readonly url: string } {
  let server: HearthServer;
  beforeAll(async () => {
    server = await new HearthServer(await freePort(), settings).start();
  });
  afterAll(() => server.close());
  return { get url() { return server.url; } };
}

/** `redis-server` without persistence: started again, it has forgotten everything. */
export class RedisServer extends Child {
  constructor(readonly port: number) {
    super();
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}/0`;
  }

  async start(): Promise<this> {
    const options = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    this.process = spawn("redis-server", [...options, "--dir", this.directory], { stdio: "ignore" });
    while (!(await answers(this.port))) {
      if (this.process.exitCode !== null) throw new Error(`There is no Redis on port ${this.port}.`);
    }
    return this;
  }
}

/** Emit as workers do: `manager.emit(…)` with these arguments in Python, of a stock `RedisManager`. */
export async function emit(redis: RedisServer, ...calls: string[]): Promise<void> {
  const lines = calls.map((call) => `manager.emit(${call})`);
  const program = ["import socketio", `manager = socketio.RedisManager("${redis.url}", write_only=True)`, ...lines];
  const worker = spawn(PYTHON, ["-c", program.join("\n")], { stdio: ["ignore", "ignore", "inherit"] });
  await new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject));
}

/** Start a Redis for this test. */
export async function startRedis(): Promise<RedisServer> {
  const redis = new RedisServer(await freePort());
  onTestFinished(() => redis.close());
  return redis.start();
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(port, "127.0.0.1", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => setTimeout(resolve, 20, false));
  });
}
