import { io } from "socket.io-client";

const url = process.env.HEARTH_URL ?? "http://localhost:8000";
const socket = io(`${url}/circles`, { auth: { token: process.env.TOKEN, recover: true } });
socket.on("agent_message", ({ data }) => console.log(`agent ${data.agent_id}: ${data.content}`));
socket.on("user_message", ({ sender, data }) => console.log(`${sender?.id}: ${data.content}`));
socket.on("connect_error", (error) => console.error(error.data ?? error.message));
socket.on("connect", async () => {
  if (socket.recovered) return; // still joined, and what was missed arrives by itself
  const joined = await socket.emitWithAck("join", { channel: "dev-team", history: 10 });
  console.log(joined.ok ? `joined, ${joined.presence.count} here` : joined.error);
  await socket.emitWithAck("user_message", { channel: "dev-team", data: { content: "Hello" } });
});
