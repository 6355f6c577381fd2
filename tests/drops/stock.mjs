// The stock socket.io-client, which knows nothing of Hearth: it joins once, and what comes after a
// lost connection comes by connection state recovery. See tests/drops/node_client.py.
import { Manager } from "socket.io-client";
import { obey, say } from "./driver.mjs";

let manager;

function open({ url, token, channels, options }) {
  manager = new Manager(url, { ...options, autoConnect: false });
  manager.on("open", () => say({ on: "open" }));
  for (const namespace of new Set(channels.map((channel) => channel.namespace))) {
    const mine = channels.filter((channel) => channel.namespace === namespace);
    watch(namespace, manager.socket(namespace, { auth: { recover: true, token } }), mine);
  }
}

function watch(namespace, socket, channels) {
  socket.on("connect", () => {
    say({ on: "connect", namespace, sid: socket.id, recovered: Boolean(socket.recovered) });
  });
  socket.on("disconnect", (reason) => say({ on: "disconnect", namespace, reason }));
  socket.on("connect_error", ({ message, data }) => {
    // Without `active`, socket.io-client has given up: that was no lost connection but a refusal.
    if (!socket.active) say({ on: "refused", namespace, message, data });
  });
  socket.onAny((_event, envelope) => say({ on: "event", namespace, envelope }));
  socket.once("connect", () => {
    for (const { channel } of channels) {
      socket.emit("join", { channel }, ({ ok, offset, epoch, error }) => {
        say(ok ? { on: "joined", namespace, channel, offset, epoch } : { on: "refused", namespace, ...error });
      });
    }
  });
  socket.connect();
}

obey({ open, close: () => manager.engine.close() });
