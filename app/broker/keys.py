"""Keys: every key and channel in Redis, and when each key expires.

A channel's name is in braces, so that a Redis Cluster would keep its keys in one slot.

| key | contents | expires |
|---|---|---|
| `{…}:head` | hash: `epoch`, the offset of its `beginning` if that isn't 0, `offset` of the newest message, and the `note` of `log` by which its bytes are bounded (`lua/stream.lua`) | `HISTORY_SECONDS` (at least ten minutes) after the last message, never if that is 0; ten minutes (at least twice `RECOVERY_SECONDS`) after a join or renewal |
| `{…}:log` | stream of the messages, `<offset>-0` → `s` sequence, `m` record | as `head` |
| `{…}:nonce:<publisher> <nonce>` | receipt of a publish | six minutes after it |
| `{…}:connections` `{…}:joined` | identity → number of connections; identities by the time of joining | an hour after the last renewal |
| `{…}:of:<process>` | session id → identity, of one process's members | an hour after the last renewal |
| `{…}:announced` | agents that members believe to be there: identity → 0, or when it left, in ms | an hour after the last change or renewal |
| `{…}:announcing` | agents of whose arrival members may not be told yet: identity → its mark | an hour after the last of them |
| `{…}:turn` | claim on publishing the channel's status | after a second |
| `session:<pid>` | hash: `owner`, `whose` (the claimant), `record`; only `owner` once the session is over | `RECOVERY_SECONDS` after the connection was lost, or at most half as long again; three times that once it is over |
| `format` | the number of the format of all keys (`app/redis/format.py`) | never |
| `sequence` | counter of all publications | never |
| `processes` | process → its last heartbeat, in ms | an hour after the last heartbeat of any |
| `process:<process>` | set of the channels in which it has members | an hour after its last heartbeat |
| `owed` | status queue: channel → since when its status has been due, in ms | when none is due |
| `departures` | channels that agents have left, of which members may not be told yet → since when, in ms | when there are none |
| `emits:holder` | lease: fencing token of the leader, which ingests what workers emit | 3 seconds after the last renewal |
| `emits:taken` | log of digests: stream of what was ingested | ten minutes after a process last read it |
| `emits:whole` | process → when it last was caught up, in ms | a minute after that |
| `inbox` | stream of what clients published, capped | never |
| `inbox:bytes` | the note of the inbox, as `head` has one of `log` | never |
| `rejected` | stream of what no schema accepted, capped | never |

Each process renews the keys of the channels in which it has members.
"""  # noqa: E501

from __future__ import annotations

from typing import Final

from app.core.channel import Channel

INBOX_SIZE: Final = 10_000
REJECTED_SIZE: Final = 1_000
#: A rejected message is truncated to so many bytes: enough to recognise it.
REJECTED_BYTES: Final = 16_384
LEAST_HISTORY_SECONDS: Final = 600.0
PRESENCE_SECONDS: Final = 3600.0
#: How often the keys of a channel with members are renewed, in seconds.
RENEW_SECONDS: Final = 150.0


class Keys:
    """The names of keys and Redis channels, under a prefix (`HEARTH_PREFIX`)."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.format = f"{prefix}:format"
        self.sequence = f"{prefix}:sequence"
        self.processes = f"{prefix}:processes"
        self.statuses_due = f"{prefix}:owed"
        self.departures = f"{prefix}:departures"
        self.ingest_lease = f"{prefix}:emits:holder"
        self.ingest_digests = f"{prefix}:emits:taken"
        self.ingest_caught_up = f"{prefix}:emits:whole"
        # The Redis channel of barriers; see `app/workers/ingest.py`.
        self.ingest_barriers = f"{prefix}:emits:marks"
        self.inbox = f"{prefix}:inbox"
        self.inbox_note = f"{prefix}:inbox:bytes"
        self.rejected = f"{prefix}:rejected"
        # The Redis channel on which processes tell each other what identities have open and use.
        self.tallies = f"{prefix}:tallies"

    # Of a channel

    def live(self, channel: Channel) -> str:
        """Return the Redis channel of the channel's publications."""
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:live"

    def head(self, channel: Channel) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:head"

    def log(self, channel: Channel) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:log"

    def nonce(self, channel: Channel, nonce_key: str) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:nonce:{nonce_key}"

    def connections(self, channel: Channel) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:connections"

    def joined(self, channel: Channel) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:joined"

    def connections_of(self, channel: Channel, process: str) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:of:{process}"

    def announced(self, channel: Channel) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:announced"

    def announcing(self, channel: Channel) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:announcing"

    def status_claim(self, channel: Channel) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:turn"

    def live_pattern(self, namespace: str) -> str:
        """Return the glob pattern of `live` for every channel of a namespace."""
        return f"{self.prefix}:{{{namespace}:*}}:live"

    def channel_of(self, live: str) -> Channel:
        """Return the channel that `live` names."""
        tag = live[len(self.prefix) + 2 : -len("}:live")]
        return Channel(*tag.split(":", 1))

    # Of a process

    def process(self, process: str) -> str:
        return f"{self.prefix}:process:{process}"

    def ingest_echo(self, process: str) -> str:
        """Return the Redis channel on which a process learns how far it has received."""
        return f"{self.prefix}:emits:echo:{process}"

    def session(self, pid: str) -> str:
        return f"{self.prefix}:session:{pid}"

    def claimed(self, process: str) -> str:
        """Return the Redis channel that notifies a process of claims on its sessions."""
        return f"{self.prefix}:claimed:{process}"

    def canary(self, process: str) -> str:
        """Return the Redis channel on which a process checks that publishing works."""
        return f"{self.prefix}:canary:{process}"
