// Node without Socket.IO: the ws library, plain JSON, each message serialised once.
import { WebSocketServer } from "ws";

const rooms = new Map();

function join(socket, channel) {
  if (!rooms.has(channel)) rooms.set(channel, new Set());
  rooms.get(channel).add(socket);
  socket.on("close", () => rooms.get(channel).delete(socket));
}

function publish(channel, data) {
  const timestamp = new Date().toISOString();
  const text = JSON.stringify({ type: "user_message", channel, data, timestamp });
  for (const member of rooms.get(channel) ?? []) member.send(text);
}

const server = new WebSocketServer({ port: Number(process.env.PORT), host: "127.0.0.1" });

server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (text) => {
    const { type, id, channel, data } = JSON.parse(text);
    if (type === "join") join(socket, channel);
    else publish(channel, data);
    if (id !== undefined) socket.send(JSON.stringify({ type: "ack", id, ok: true }));
  });
});
