/**
 * What a person can choose from: namespaces, and the types that one may publish there.
 *
 * The server's schemas are the source: `tests/web/test_console_page.py` compares this list with
 * them, and each template with its payload's schema.
 *
 * @typedef {object} MessageType
 * @property {string} name
 * @property {string[]} publishers kinds of identity that may publish it
 * @property {string} [text] the key of its one text; without it the payload is written as JSON
 * @property {string} [ownId] a key that holds the publisher's own id
 * @property {object} [template] a payload to begin with
 * @property {boolean} [action] whether its envelope has an action
 *
 * @typedef {object} Namespace
 * @property {string} name
 * @property {string} channel a sensible channel to begin with
 * @property {string} channels what its channels are
 * @property {MessageType[]} types
 */

const USERS = ["user"];
const AGENTS = ["agent"];
const SERVICES = ["service"];
const AGENTS_AND_SERVICES = ["agent", "service"];

const FILE = { path: "src/main.py", size_bytes: 1024 };
const TOOL_CALL = { call_id: "call-1", tool: "search", arguments: { query: "weather" } };
const TOOL_RESULT = { call_id: "call-1", output: "sunny" };

/** @type {Namespace[]} */
export const NAMESPACES = [
  {
    name: "/circles",
    channel: "dev-team",
    channels: "The name of a circle.",
    types: [
      { name: "user_message", publishers: ["user", "agent"], text: "content" },
      { name: "agent_message", publishers: AGENTS, text: "content", ownId: "agent_id" },
      { name: "typing", publishers: ["user", "agent"], template: { typing: true } },
    ],
  },
  {
    name: "/workspaces",
    channel: "demo",
    channels: "The id of a workspace.",
    types: [
      { name: "file_changed", publishers: AGENTS_AND_SERVICES, template: FILE },
      { name: "file_created", publishers: AGENTS_AND_SERVICES, template: FILE },
      { name: "file_deleted", publishers: AGENTS_AND_SERVICES, template: { path: "src/old.py" } },
      {
        name: "git_status",
        publishers: AGENTS_AND_SERVICES,
        template: { branch: "main", ahead: 1, behind: 0, changed: ["src/main.py"] },
      },
    ],
  },
  {
    name: "/agents",
    channel: "agent-7",
    channels: "The id of an agent.",
    types: [
      { name: "agent_activity", publishers: AGENTS_AND_SERVICES, text: "activity" },
      {
        name: "agent_status",
        publishers: AGENTS_AND_SERVICES,
        template: { status: "busy", detail: "Reading the docs" },
      },
      { name: "tool_call", publishers: AGENTS_AND_SERVICES, template: TOOL_CALL },
      { name: "tool_result", publishers: AGENTS_AND_SERVICES, template: TOOL_RESULT },
    ],
  },
  {
    name: "/notifications",
    channel: "broadcast",
    channels: "user:<id> or broadcast; your own are joined by themselves.",
    types: [
      {
        name: "notification",
        publishers: AGENTS_AND_SERVICES,
        template: { title: "Build finished", message: "All tests passed.", level: "info" },
      },
      {
        name: "task_update",
        publishers: AGENTS_AND_SERVICES,
        template: { task_id: 1, title: "Write the docs" },
        action: true,
      },
      {
        name: "notification_read",
        publishers: ["user", "service"],
        template: { all: true },
      },
      { name: "system_announcement", publishers: SERVICES, text: "message" },
    ],
  },
  {
    name: "/chat",
    channel: "demo/app/1",
    channels: "<workflow>/<app_id>/<chat_id>",
    types: [
      { name: "user_message", publishers: USERS, text: "content" },
      { name: "chat_cancel", publishers: USERS, template: {} },
      { name: "chat_message", publishers: AGENTS, text: "content" },
      {
        name: "chat_token",
        publishers: AGENTS,
        template: { message_id: "m1", index: 0, delta: "Hel" },
      },
      { name: "tool_call", publishers: AGENTS, template: TOOL_CALL },
      { name: "tool_output", publishers: AGENTS, template: TOOL_RESULT },
      { name: "chat_status", publishers: AGENTS, template: { status: "started", run_id: "run-1" } },
    ],
  },
  {
    name: "/feeds",
    channel: "codeworm:logs",
    channels: "The name of a feed.",
    types: [
      { name: "log", publishers: SERVICES, template: { level: "info", message: "It works." } },
      { name: "event", publishers: SERVICES, template: { event: "deployed", version: "1.4.2" } },
      { name: "stats", publishers: SERVICES, template: { requests: 1024, errors: 0 } },
    ],
  },
];

/** Where many messages of little text stream by: one line each is the way to see them. */
const FEEDS = ["/feeds"];

/**
 * @param {string} namespace
 * @returns {import("./message-list.js").Layout}
 */
export function usualLayout(namespace) {
  return FEEDS.includes(namespace) ? "dense" : "read";
}

/**
 * @param {string} name
 * @returns {Namespace}
 */
export function namespaceCalled(name) {
  const found = NAMESPACES.find((namespace) => namespace.name === name);
  if (found === undefined) throw new Error(`no namespace ${name}`);
  return found;
}
