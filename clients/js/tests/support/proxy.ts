import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A network that fails on demand, between a client and the server on a port. */
export class Proxy {
  readonly #sockets = new Set<Socket>();
  /** How much passes each way; all there is if left out. */
  bytesPerSecond = Infinity;
  /** Is told of what the server says. */
  onAnswer: (data: Buffer) => void = () => {};
  #isDeaf = false;
  #port = 0;
  readonly #server = createServer((client) => this.#carry(client));

  constructor(private readonly target: number) {
    onTestFinished(() => {
      this.cut();
      this.#server.close();
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as { port: number }).port;
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** From now on, nothing that the server says arrives. */
  deafen(): void {
    this.#isDeaf = true;
  }

  /** End all connections; new ones work. */
  cut(): void {
    this.#isDeaf = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  #carry(client: Socket): void {
    const server = connect(this.target, "127.0.0.1");
    client.on("data", (data) => this.#pass(data, client, server));
    server.on("data", (data) => {
      this.onAnswer(data);
      if (!this.#isDeaf) this.#pass(data, server, client);
    });
    for (const [one, other] of [[client, server], [server, client]] as const) {
      this.#sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }

  #pass(data: Buffer, from: Socket, to: Socket): void {
    if (this.bytesPerSecond === Infinity) return void to.write(data);
    from.pause();
    setTimeout(() => {
      to.write(data);
      from.resume();
    }, (data.length * 1000) / this.bytesPerSecond);
  }
}
