// hearth-realtime, as made in clients/js/dist. See tests/drops/node_client.py.
import { connect } from "../../clients/js/dist/index.js";
// The very module that hearth-realtime uses: its connection is its own, and is to be closed here.
import { Manager } from "../../clients/js/node_modules/socket.io-client/build/esm-debug/index.js";
import { obey, say } from "./driver.mjs";

let manager;
const socketOf = Manager.prototype.socket;
Manager.prototype.socket = function (...args) {
  if (manager !== this) this.on("open", () => say({ on: "open" }));
  manager = this;
  return socketOf.apply(this, args);
};

function open({ url, token, channels, options }) {
  const client = connect(url, { token, socket: options });
  // That a killed server can't be reached is as it should be.
  client.on("error", ({ code, message }) => code !== "disconnected" && say({ on: "refused", code, message }));
  for (const { namespace, channel } of channels) watch(namespace, channel, client.channel(namespace, channel));
}

function watch(namespace, channel, joined) {
  let isJoined = false;
  joined.on("state", (state) => {
    if (state === "live" && !isJoined) say({ on: "joined", namespace, channel, ...joined.position });
    isJoined ||= state === "live";
    say({ on: "state", namespace, channel, state });
  });
  joined.on("message", (envelope) => say({ on: "event", namespace, envelope }));
  joined.on("discontinuity", ({ offset, epoch }) => {
    say({ on: "discontinuity", namespace, channel, offset, epoch });
  });
  joined.on("error", ({ code, message }) => say({ on: "refused", namespace, channel, code, message }));
}

obey({ open, close: () => manager.engine.close() });
