// Made from schemas/*.py by `make types-js`; don't edit.

/**
 * The `data` of each type of message, by namespace.
 */
export interface Payloads {
  "/circles": {
    user_message: UserMessage;
    agent_message: AgentMessage;
    agent_joined: AgentPresence;
    agent_left: AgentPresence;
    circle_status: CircleStatus;
    typing: Typing;
  };
  "/workspaces": {
    file_changed: FileChange;
    file_created: FileChange;
    file_deleted: FileChange;
    git_status: GitStatus;
  };
  "/agents": {
    agent_status: AgentStatus;
    agent_activity: AgentActivity;
    tool_call: ToolCall;
    tool_result: ToolResult;
  };
  "/notifications": {
    notification: Notification;
    task_update: TaskUpdate;
    notification_read: NotificationRead;
    system_announcement: SystemAnnouncement;
    my_plugin_update: Payload;
  };
  "/chat": {
    user_message: UserMessage;
    chat_message: ChatMessage;
    chat_token: ChatToken;
    tool_call: ToolCall;
    tool_output: ToolResult;
    chat_status: ChatStatus;
    chat_cancel: ChatCancel;
  };
  "/feeds": {
    log: Payload;
    event: Payload;
    stats: Payload;
  };
}
export interface UserMessage {
  content: string;
  [k: string]: unknown;
}
export interface AgentMessage {
  agent_id: number | string;
  content: string;
  [k: string]: unknown;
}
/**
 * `agent_joined` and `agent_left`.
 */
export interface AgentPresence {
  agent_id: number | string;
  name?: string;
  [k: string]: unknown;
}
export interface CircleStatus {
  online: number;
  members: MemberIdentity[];
  [k: string]: unknown;
}
export interface MemberIdentity {
  id: string;
  kind: "user" | "agent" | "service";
}
export interface Typing {
  typing: boolean;
  [k: string]: unknown;
}
/**
 * `file_changed`, `file_created` and `file_deleted`.
 */
export interface FileChange {
  path: string;
  agent_id?: number | string;
  size_bytes?: number;
  [k: string]: unknown;
}
export interface GitStatus {
  branch: string;
  ahead?: number;
  behind?: number;
  changed?: string[];
  [k: string]: unknown;
}
export interface AgentStatus {
  status: "idle" | "busy" | "offline" | "error";
  detail?: string;
  [k: string]: unknown;
}
export interface AgentActivity {
  activity: string;
  [k: string]: unknown;
}
export interface ToolCall {
  call_id: number | string;
  tool: string;
  arguments?: {
    [k: string]: unknown;
  };
  [k: string]: unknown;
}
/**
 * `tool_result` and `tool_output`.
 */
export interface ToolResult {
  call_id: number | string;
  output?: unknown;
  error?: unknown;
  [k: string]: unknown;
}
export interface Notification {
  title: string;
  message: string;
  id?: number | string;
  level?: string;
  [k: string]: unknown;
}
export interface TaskUpdate {
  task_id: number | string;
  title?: string;
  [k: string]: unknown;
}
/**
 * What a user has read on one device, for all of them: some notifications, or all so far.
 */
export interface NotificationRead {
  ids?: (number | string)[];
  all?: boolean;
  [k: string]: unknown;
}
export interface SystemAnnouncement {
  message: string;
  [k: string]: unknown;
}
/**
 * Any object; the base of all payloads.
 */
export interface Payload {
  [k: string]: unknown;
}
export interface ChatMessage {
  content: string;
  message_id?: number | string;
  agent?: string;
  [k: string]: unknown;
}
export interface ChatToken {
  message_id: number | string;
  index: number;
  delta: string;
  [k: string]: unknown;
}
export interface ChatStatus {
  status: "started" | "finished" | "cancelled" | "failed";
  run_id?: number | string;
  detail?: string;
  [k: string]: unknown;
}
export interface ChatCancel {
  run_id?: number | string;
  message_id?: number | string;
  [k: string]: unknown;
}
/**
 * A whole envelope, as members receive it.
 */
export interface Envelope {
  type: string;
  channel: string | null;
  data: {
    [k: string]: unknown;
  };
  timestamp: string;
  offset?: number;
  action?: string;
  sender?: MemberIdentity;
  nonce?: string;
}
