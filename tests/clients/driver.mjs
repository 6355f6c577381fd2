// Drives real socket.io-client sockets for tests/support/node.py. It listens at the Unix socket that
// it is told; whoever connects writes commands, one a line, and reads one line for everything that
// happens. The sockets of a connection end with it, and the whole with stdin.
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

// JSON has no bytes: {"$bytes": [1, 2]} in a command stands for them.
const withBytes = (key, value) => (Array.isArray(value?.$bytes) ? Buffer.from(value.$bytes) : value);

function serve(connection) {
  const sockets = new Map();

  const say = (name, happening) => connection.write(JSON.stringify({ socket: name, ...happening }) + "\n");

  function watchEngine(name, engine) {
    say(name, { on: "open", transport: engine.transport.name });
    engine.on("upgrade", (transport) => say(name, { on: "upgrade", transport: transport.name }));
  }

  const commands = {
    connect({ socket: name, url, options }) {
      const socket = io(url, options);
      sockets.set(name, socket);
      socket.io.on("open", () => watchEngine(name, socket.io.engine));
      socket.on("connect", () => say(name, { on: "connect", sid: socket.id, recovered: socket.recovered }));
      socket.on("connect_error", ({ message, data }) => say(name, { on: "connect_error", message, data }));
      socket.on("disconnect", (reason) => say(name, { on: "disconnect", reason }));
      // An event that wants an acknowledgement brings a function, which JSON leaves out.
      socket.onAny((event, ...args) => say(name, { event, args }));
    },
    emit({ socket: name, event, args }) {
      sockets.get(name).emit(event, ...args);
    },
    request({ socket: name, id, event, args, timeout_ms: timeout }) {
      // With `retries` set, socket.io-client wants `ackTimeout` rather than a timeout per emit.
      const socket = timeout === null ? sockets.get(name) : sockets.get(name).timeout(timeout);
      socket.emit(event, ...args, (error, answer) => say(name, { id, error: error?.message, answer }));
    },
    answer({ socket: name, id, event, answer }) {
      sockets.get(name).on(event, (...args) => args.pop()(answer));
      say(name, { id });
    },
    // Bring something else from the next connect on.
    auth({ socket: name, auth }) {
      sockets.get(name).auth = auth;
    },
    reconnect({ socket: name }) {
      sockets.get(name).connect();
    },
    disconnect({ socket: name }) {
      sockets.get(name).disconnect();
    },
    // Lose the connection without a goodbye, as a laptop that is shut does.
    drop({ socket: name }) {
      const { engine } = sockets.get(name).io;
      if (engine.transport.name === "websocket") engine.transport.ws.terminate();
      else engine.transport.onError("dropped by the test");
    },
  };

  createInterface({ input: connection, crlfDelay: Infinity })
    .on("line", (line) => {
      const command = JSON.parse(line, withBytes);
      commands[command.do](command);
    })
    .on("close", () => {
      for (const socket of sockets.values()) socket.disconnect();
      connection.end();
    });
}

process.stdin.resume().on("end", () => process.exit(0));
createServer({ allowHalfOpen: true }, serve).listen(process.argv[2], () => console.log("listening"));
