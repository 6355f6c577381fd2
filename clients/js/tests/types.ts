// What the compiler has to accept, and to refuse: `npm run types` reads this, and nobody runs it.
import { type Client, textsOf } from "../src/index.js";
import { useChannel } from "../src/react/index.js";

export function channels(client: Client): void {
  const circle = client.circle("dev-team");
  circle.on("agent_message", ({ data }) => data.content.trim());
  // @ts-expect-error - further keys are kept, of whatever type, and are written as such: data["mood"]
  circle.on("user_message", ({ data }) => data.contnt);
  circle.on("user_message", ({ data }) => data["mood"] === "well");
  circle.on("state", (state) => state === "live");
  void circle.publish("user_message", { content: "Hello" });
  // @ts-expect-error - no such type
  circle.on("agent_mesage", () => {});
  // @ts-expect-error - no such state
  circle.on("state", (state) => state === "alive");
  // @ts-expect-error - a type of another namespace
  void circle.publish("notification", { title: "CI", message: "green" });
  // @ts-expect-error - not its payload
  void circle.publish("user_message", { text: "Hello" });
  // @ts-expect-error - no such namespace
  client.channel("/circle", "dev-team");
  // @ts-expect-error - no such event
  client.on("eror", () => {});

  // Publishing without joining has the same types.
  void client.publish("/notifications", "user:ann", "notification", { id: 1, title: "CI", message: "green" });
  void client.publish<"/feeds", { build: { green: boolean } }>("/feeds", "ci", "build", { green: true });
  // @ts-expect-error - not its payload
  void client.publish("/notifications", "user:ann", "notification", { title: "CI" });
  // @ts-expect-error - a type of another namespace
  void client.publish("/circles", "dev-team", "notification", { title: "CI", message: "green" });

  // Who says it is filled in, and further keys are kept; what is said isn't made up.
  void circle.publish("agent_message", { content: "Hello", mood: "well" });
  void circle.publish("agent_message", { content: "Hello", agent_id: 7 });
  // @ts-expect-error - no content
  void circle.publish("agent_message", { agent_id: 7 });

  // Ids may be integers, and a chat's address is in one or in three.
  client.circle(7);
  client.chat("writer/app/chat-1", { history: 5 });
  // @ts-expect-error - two of three
  client.chat("writer", "app");

  // Where the server takes types of applications' own, those have a dot, or are named.
  const chat = client.chat("writer", "app", "chat-1");
  chat.on("artifact.action", ({ data }) => data["id"]);
  chat.on("message", (message) => (message.type === "user_message" ? message.data.content.trim() : message.data));
  void chat.publish("user.input.submit", { anything: 1 });
  // @ts-expect-error - neither known nor with a dot
  chat.on("artifact_action", () => {});
  const builds = client.channel<"/feeds", { build: { green: boolean } }>("/feeds", "ci");
  builds.on("build", ({ data }) => !data.green);
  // @ts-expect-error - not its payload
  void builds.publish("build", { green: 1 });
}

export function Shown(): null {
  const { messages, send } = useChannel("/circles", "dev-team");
  for (const message of messages) if (message.type === "user_message") message.data.content.trim();
  send("user_message", { content: "Hello" });
  // @ts-expect-error - no such type
  send("user_mesage", { content: "Hello" });
  // @ts-expect-error - no such namespace
  useChannel("/circle", "dev-team");
  useChannel("/circles", undefined);
  const chat = useChannel("/chat", "writer/app/chat-1");
  for (const message of textsOf(chat.messages)) {
    if (message.type === "chat_message") return message.data.content && message.data["isStreaming"] === true ? null : null;
  }
  return useChannel("/circles", 7).state === "idle" ? null : null;
}
