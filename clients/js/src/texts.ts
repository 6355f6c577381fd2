import type { ChatMessage, ChatToken } from "./generated/payloads.js";

/** As much of a message as tells what it is. */
interface Entry {
  type: string;
  data: object;
}

/** A text that is still being written: what has come of it so far. */
export type Streaming<M extends object> = Omit<M, "type" | "data"> & {
  type: "chat_message";
  data: ChatMessage & { isStreaming: true };
};

/**
 * A chat's messages as people read them: the tokens of a message are one text, in the place of the
 * first, until its `chat_message` stands for them.
 */
export function textsOf<M extends Entry>(messages: readonly M[]): (M | Streaming<M>)[] {
  const whole = new Set(messages.flatMap(({ type, data }) => (type === "chat_message" ? [idOf(data)] : [])));
  const streams = new Map<string, Streaming<M>>();
  const shown: (M | Streaming<M>)[] = [];
  for (const message of messages) {
    if (message.type !== "chat_token") {
      shown.push(message);
      continue;
    }
    const { message_id, delta } = message.data as ChatToken;
    const id = String(message_id);
    if (whole.has(id)) continue;
    const before = streams.get(id)?.data.content ?? "";
    const text = { message_id, content: before + delta, isStreaming: true } as const;
    const stream = { ...(streams.get(id) ?? message), type: "chat_message", data: text } as Streaming<M>;
    const index = shown.indexOf(streams.get(id) as Streaming<M>);
    streams.set(id, stream);
    if (index < 0) shown.push(stream);
    else shown[index] = stream;
  }
  return shown;
}

/** 7 and "7" are the same id. */
function idOf(data: object): string {
  return String((data as ChatMessage).message_id);
}
