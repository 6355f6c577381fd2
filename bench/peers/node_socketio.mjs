// The official server: socket.io with its defaults.
import { createServer } from "node:http";
import { Server } from "socket.io";

const server = createServer();
const circles = new Server(server).of("/circles");

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

server.listen(Number(process.env.PORT), "127.0.0.1");
