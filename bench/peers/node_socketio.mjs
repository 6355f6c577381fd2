// The official server: socket.io with its defaults; one of several where REDIS_URL is set.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

async function shareBy(url) {
  const publisher = createClient({ url });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return { adapter: createAdapter(publisher, subscriber) };
}

const { PORT, REDIS_URL, RECOVER } = process.env;
const server = createServer();
const options = REDIS_URL ? await shareBy(REDIS_URL) : RECOVER ? { connectionStateRecovery: {} } : {};
const circles = new Server(server, options).of("/circles");

circles.on("connection", (socket) => {
  socket.on("join", ({ channel }, ack) => {
    socket.join(channel);
    ack?.({ ok: true });
  });
  socket.on("user_message", ({ channel, data }, ack) => {
    const timestamp = new Date().toISOString();
    circles.to(channel).emit("user_message", { type: "user_message", channel, data, timestamp });
    ack?.({ ok: true });
  });
});

server.listen(Number(PORT), "127.0.0.1");
