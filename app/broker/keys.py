"""Every key and channel of ours in Redis, and how long each lives.

A channel stands in braces, so that a Redis Cluster would keep what belongs to it in one slot.

| key | what it is | expires |
|---|---|---|
| `{…}:head` | hash: `epoch`, its `beginning` where that isn't 0, and `offset` of the newest message | `HISTORY_SECONDS` (at least ten minutes) after the last message or renewal; never where that is 0 |
| `{…}:log` | stream of the messages, `<offset>-0` → `s` sequence, `m` record | as `head` |
| `{…}:nonce:<publisher> <nonce>` | receipt of a publish | 5 minutes and a bit |
| `{…}:connections` `{…}:joined` | identity → connections; identities by the time of joining | an hour after the last renewal |
| `{…}:of:<process>` | session id → identity, of one process's members | an hour after the last renewal |
| `{…}:turn` | somebody has just told of the channel's members | a second |
| `session:<pid>` | hash: `owner`, `whose`, `record`: what restores a dropped connection; only `owner` once it is over | `RECOVERY_SECONDS` after the drop, or at most half as long again; three times that once it is over |
| `sequence` | counts all publications | never |
| `processes` | process → when it was last heard of, in ms | an hour after the last was heard of |
| `process:<process>` | set of the channels in which it has members | an hour after it was last heard of |
| `owed` | channel → since when its members are to be told who is there, in ms | when it was done |
| `emits:holder` | the process that takes in what workers emit | 3 seconds after it was last renewed |
| `emits:taken` | stream of digests: which emits were taken in | ten minutes after a process last read it |
| `emits:whole` | process → when it last said that it has heard all that is to be taken in, in ms | a minute after that |
| `inbox` | stream of what clients published, capped | never |
| `rejected` | stream of what no schema accepted, capped | never |

A process renews what belongs to the channels that it has members in.
"""  # noqa: E501

from __future__ import annotations

from typing import Final

from app.core.channel import Channel

INBOX_SIZE: Final = 10_000
REJECTED_SIZE: Final = 1_000
#: So much is kept of each rejected message: enough to see what it was.
REJECTED_BYTES: Final = 16_384
LEAST_HISTORY_SECONDS: Final = 600.0
PRESENCE_SECONDS: Final = 3600.0
#: How often what belongs to a channel with members is renewed, in seconds.
RENEW_SECONDS: Final = 150.0


class Keys:
    """The names, under a prefix (`HEARTH_PREFIX`)."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.sequence = f"{prefix}:sequence"
        self.processes = f"{prefix}:processes"
        self.statuses_due = f"{prefix}:owed"
        self.ingest_lease = f"{prefix}:emits:holder"
        self.ingest_digests = f"{prefix}:emits:taken"
        self.ingest_caught_up = f"{prefix}:emits:whole"
        # The Redis channel of marks: each says that all that was emitted before it is taken in.
        self.ingest_barriers = f"{prefix}:emits:marks"
        self.inbox = f"{prefix}:inbox"
        self.rejected = f"{prefix}:rejected"

    # Of a channel

    def live(self, channel: Channel) -> str:
        """Return the Redis channel that publications go through."""
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

    def of(self, channel: Channel, process: str) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:of:{process}"

    def status_claim(self, channel: Channel) -> str:
        return f"{self.prefix}:{{{channel.namespace}:{channel.name}}}:turn"

    def live_pattern(self, namespace: str) -> str:
        """Return what matches `live` of every channel of a namespace."""
        return f"{self.prefix}:{{{namespace}:*}}:live"

    def channel_of(self, live: str) -> Channel:
        """Return the channel that `live` made a name of."""
        tag = live[len(self.prefix) + 2 : -len("}:live")]
        return Channel(*tag.split(":", 1))

    # Of a process

    def process(self, process: str) -> str:
        return f"{self.prefix}:process:{process}"

    def ingest_echo(self, process: str) -> str:
        """Return the Redis channel through which a process learns how far it has heard."""
        return f"{self.prefix}:emits:echo:{process}"

    def session(self, pid: str) -> str:
        return f"{self.prefix}:session:{pid}"

    def claimed(self, process: str) -> str:
        """Return the Redis channel that tells a process which of its sessions it has lost."""
        return f"{self.prefix}:claimed:{process}"

    def canary(self, process: str) -> str:
        """Return the Redis channel through which a process sees whether publishing works."""
        return f"{self.prefix}:canary:{process}"
