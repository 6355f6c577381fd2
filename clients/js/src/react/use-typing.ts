import { useCallback, useEffect, useRef, useState } from "react";
import type { Member } from "../messages.js";
import type { ChannelName } from "../names.js";
import { Typing } from "../typing.js";
import { useClient } from "./use-client.js";

export interface TypingView {
  /** Who else is typing now. */
  typing: readonly Member[];
  /** Say that one is typing oneself: at each key. */
  onKey: () => void;
  /** Say that one isn't any more: when the text is sent or given up. */
  onStop: () => void;
}

const NOBODY: readonly Member[] = [];

/**
 * Show who is typing in a circle, and say so oneself.
 *
 * @param circle as long as it is undefined or null, nobody is
 */
export function useTyping(circle: ChannelName | null | undefined): TypingView {
  const client = useClient();
  const [typing, setTyping] = useState(NOBODY);
  const current = useRef<Typing | undefined>(undefined);
  useEffect(() => {
    if (circle == null || client.state === "closed") return;
    const channel = client.circle(circle);
    const watch = new Typing(channel, () => client.identity, setTyping);
    current.current = watch;
    return () => {
      current.current = undefined;
      watch.end();
      setTyping(NOBODY);
      // What it has just said is sent before it leaves.
      setTimeout(() => void channel.leave(), 0);
    };
  }, [client, circle]);
  const onKey = useCallback(() => current.current?.key(), []);
  const onStop = useCallback(() => current.current?.stop(), []);
  return { typing, onKey, onStop };
}
