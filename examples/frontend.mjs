import { io } from "socket.io-client";

// In a page, write yours down, or have the bundler do so.
const { HEARTH_URL, TOKEN } = globalThis.process?.env ?? {};
const socket = io(`${HEARTH_URL ?? "http://localhost:8000"}/circles`, {
  auth: { token: TOKEN, recover: true },
});
socket.on("agent_message", ({ data }) => console.log(`agent ${data.agent_id}: ${data.content}`));
socket.on("user_message", ({ sender, data }) => console.log(`${sender?.id}: ${data.content}`));
socket.on("connect_error", ({ data, context, message }) =>
  console.error(data ?? (context?.responseText || message)));
socket.on("error", ({ data }) => console.error(data)); // its token has expired, say
socket.on("connect", async function join() {
  if (socket.recovered) return; // still joined, and what was missed arrives by itself
  const joined = await socket.emitWithAck("join", { channel: "dev-team", history: 10 });
  if (joined.error?.temporary) setTimeout(join, 1000); // Redis is away, say
  if (!joined.ok) return console.error(joined.error);
  console.log(`joined, ${joined.presence.count} here`);
  for (const { type, data } of joined.messages) console.log(`earlier ${type}: ${data.content}`);
  await socket.emitWithAck("user_message", { channel: "dev-team", data: { content: "Hello" } });
});
