import { useChannel, useConnection, useTyping } from "hearth-realtime/react";
import { type FormEvent, type ReactNode, useState } from "react";

/** A circle: who is there, what is said, and a line to say something. */
export function Circle({ name }: { name: string }): ReactNode {
  const { messages, members, state, error, send, resend, hasMore, isLoadingMore, loadMore } = useChannel("/circles", name);
  const { identity, error: lost } = useConnection();
  const { typing, onKey, onStop } = useTyping(name);
  const [content, setContent] = useState("");

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (content !== "") send("user_message", { content });
    setContent("");
    onStop();
  }

  return (
    <main>
      <h1>{name}</h1>
      <p>
        <span role="status">{error?.message ?? lost?.message ?? state}</span>: {members.map(({ id }) => id).join(", ")}
      </p>
      {hasMore && (
        <button type="button" disabled={isLoadingMore} onClick={() => void loadMore()}>
          Older messages
        </button>
      )}
      <ol role="log">
        {messages.map((message) => (
          <li key={message.nonce ?? message.offset} className={message.status}>
            <b title={message.sender?.id === identity?.id ? "You" : ""}>{message.sender?.id}</b> {textOf(message)}
            {message.status === "failed" && (
              <button type="button" title={message.error?.message} onClick={() => resend(message)}>
                Send again
              </button>
            )}
          </li>
        ))}
      </ol>
      <p aria-live="polite">{typing.length > 0 && `${typing.map(({ id }) => id).join(", ")} …`}</p>
      <form onSubmit={submit}>
        <input
          aria-label="Text"
          value={content}
          onChange={(event) => {
            setContent(event.target.value);
            onKey();
          }}
        />
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
