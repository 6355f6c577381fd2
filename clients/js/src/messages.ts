import type { Envelope, MemberIdentity, Payloads } from "./generated/payloads.js";

/** The `data` of a type that is not known here. */
export type JsonObject = Record<string, unknown>;

/** One message: the whole envelope, with its type's payload as `data`. */
export type Message<Type extends string = string, Data = JsonObject> = Omit<
  Envelope,
  "type" | "channel" | "data"
> & {
  type: Type;
  channel: string;
  data: Data;
  /** The offset of the message before it, where it isn't the one just below its own. */
  prev?: number;
};

/** Payloads by type: one namespace's of `Payloads`, or those and a plugin's own. */
export type Types = object;

/** A payload as it is published: an agent's own id is the server's to fill in. */
export type Draft<Data> = Data extends { agent_id: number | string }
  ? { [Key in keyof Data as Key extends "agent_id" ? never : Key]: Data[Key] } & { agent_id?: Data["agent_id"] }
  : Data;

/** Any message of a channel; its `type` tells which. */
export type AnyMessage<T extends Types> = {
  [Type in keyof T & string]: Message<Type, T[Type]>;
}[keyof T & string];

/** A namespace of Hearth's. */
export type NamespaceName = keyof Payloads;

/** Types with a dot, as applications name them where the server lets them: of any payload. */
export interface DottedTypes {
  [type: `${string}.${string}`]: JsonObject;
}

/** The payloads of a namespace by type. */
export type PayloadsOf<N extends NamespaceName> = N extends "/chat" | "/notifications"
  ? Payloads[N] & DottedTypes
  : Payloads[N];

/** A place in a channel: the offset of the last message seen, in one epoch. */
export interface Position {
  offset: number;
  epoch: string;
}

/** One who is in a channel, by identity. */
export type Member = MemberIdentity;

/** A member, as the server lists them. */
export interface PresentMember extends Member {
  connections: number;
  joined_at: string;
}

/** Who is in a channel; `members` are the first 100 of them where the server doesn't tell all. */
export interface Presence {
  count: number;
  members: readonly PresentMember[];
}

/** A stretch of history, oldest first; `more` when older messages are still kept. */
export interface Page<T extends Types> extends Position {
  messages: AnyMessage<T>[];
  more: boolean;
}

/** What a publish is answered with; `offset` where history keeps the type. */
export interface Receipt {
  offset?: number;
  epoch: string;
  timestamp: string;
  /** Whether an earlier attempt with the same nonce had been published. */
  duplicate: boolean;
}

/** The answer to `join`. */
export interface Joined extends Position {
  recovered: boolean;
  messages: Message[];
  presence: Presence | null;
  /** How many more messages follow as events, before anything newer. */
  following?: number;
}
