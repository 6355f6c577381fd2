import { useChannel } from "hearth-realtime/react";
import { type FormEvent, type ReactNode, useState } from "react";

/** A circle: who is there, what is said, and a line to say something. */
export function Circle({ name }: { name: string }): ReactNode {
  const { messages, members, state, error, send, resend } = useChannel("/circles", name);
  const [content, setContent] = useState("");

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (content !== "") send("user_message", { content });
    setContent("");
  }

  return (
    <main>
      <h1>{name}</h1>
      <p>
        <span role="status">{error?.message ?? state}</span>: {members.map(({ id }) => id).join(", ")}
      </p>
      <ol role="log">
        {messages.map((message) => (
          <li key={message.nonce ?? message.offset} className={message.status}>
            <b>{message.sender?.id ?? "me"}</b> {textOf(message)}
            {message.status === "failed" && (
              <button type="button" title={message.error?.message} onClick={() => resend(message)}>
                Send again
              </button>
            )}
          </li>
        ))}
      </ol>
      <form onSubmit={submit}>
        <input aria-label="Text" value={content} onChange={(event) => setContent(event.target.value)} />
        <button>Send</button>
      </form>
    </main>
  );
}

type CircleMessage = ReturnType<typeof useChannel<"/circles">>["messages"][number];

function textOf(message: CircleMessage): string {
  switch (message.type) {
    case "user_message":
    case "agent_message":
      return message.data.content;
    case "agent_joined":
      return "joined";
    case "agent_left":
      return "left";
    default:
      return message.type;
  }
}
