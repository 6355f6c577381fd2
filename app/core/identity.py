"""Identities and grants: what a token proves.

Source: docs/protocol.md, "Identity and permission".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, cast, get_args

from app.core.channel import MAX_ID, MAX_NAME, Channel, name_problem

Kind = Literal["user", "agent", "service"]
Mode = Literal["r", "w", "rw"]

KINDS: Final = frozenset(get_args(Kind))
MODES: Final = frozenset(get_args(Mode))
# What only several grants have, with a space between them: `chat:*:rw notifications:user:*:w`.
_SECOND_GRANT: Final = re.compile(r":(?:r|w|rw)[\s;]+/?[^\s:]+:")
_CACHED_DECISIONS: Final = 256
_CACHED_PATTERNS: Final = 1024


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to read, publish or both in the channels that a pattern matches.

    `*` stands for any run of characters, in the namespace and in the channel.
    """

    namespace: str
    channel: str
    mode: Mode
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        text = f"/{self.namespace}\n{self.channel}"
        head, *parts = map(re.escape, text.split("*"))
        # Atomic groups: each `*` settles for the first match of what follows it, as in fnmatch.
        # With plain `.*`, backtracking over eight of them takes minutes.
        middle = "".join(f"(?>.*?{part})" for part in parts[:-1])
        pattern = f"{head}{middle}.*{parts[-1]}" if parts else head
        object.__setattr__(self, "_pattern", re.compile(pattern))

    @classmethod
    def parse(cls, text: str) -> Grant:
        """Parse `"<namespace>:<channel pattern>:<r|w|rw>"`.

        The first colon ends the namespace and the last begins the mode, because names of channels
        contain colons (`"feeds:codeworm:logs:r"`).

        Raises:
            ValueError: it is not of that form, or no name can match one of its patterns.
        """
        namespace, _, rest = text.partition(":")
        channel, _, mode = rest.rpartition(":")
        if mode not in MODES:
            raise ValueError(f"not of the form <namespace>:<channel>:<r|w|rw>: {text!r}")
        for pattern, most in ((namespace, MAX_ID), (channel, MAX_NAME)):
            # A star stands for any characters, so any one that needs no other will do.
            if (problem := name_problem(pattern.replace("*", "x"), most)) is not None:
                form = "<namespace>:<channel>:<r|w|rw>"
                raise ValueError(f"not of the form {form}: {text!r}. {problem}")
        return cls(namespace.removeprefix("/"), channel, cast(Mode, mode))

    def covers(self, channel: Channel, mode: Literal["r", "w"]) -> bool:
        """Return whether this grant gives `mode` in `channel`."""
        # "." doesn't match the newline, so neither half of the pattern matches across it.
        return mode in self.mode and bool(
            self._pattern.fullmatch(f"{channel.namespace}\n{channel.name}")
        )

    def reaches(self, namespace: str) -> bool:
        """Return whether this grant may cover a channel of a namespace (`/circles`)."""
        return _reaches(self.namespace, namespace)

    def __str__(self) -> str:
        return f"{self.namespace}:{self.channel}:{self.mode}"


@lru_cache(maxsize=_CACHED_PATTERNS)
def _reaches(pattern: str, namespace: str) -> bool:
    return Grant(pattern, "*", "r").covers(Channel(namespace, ""), "r")


def parse_grants(texts: Iterable[str]) -> tuple[Grant, ...]:
    """Parse several grants. Raises `ValueError` as `Grant.parse` does."""
    return tuple(map(_parse_grant, texts))


def unknown_namespaces(grants: Iterable[Grant], namespaces: Collection[str]) -> list[Grant]:
    """Return the grants that reach none of the namespaces, so that they grant nothing."""
    return [grant for grant in grants if not any(map(grant.reaches, namespaces))]


def run_together(grants: Iterable[Grant]) -> list[Grant]:
    """Return the grants that are valid, for channels' names have spaces, and look like several."""
    return [grant for grant in grants if _SECOND_GRANT.search(str(grant))]


# Issuers give the same few grants to thousands of identities.
_parse_grant = lru_cache(maxsize=_CACHED_PATTERNS)(Grant.parse)


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated user, agent or service, or a stranger.

    Args:
        id: stable name, unique within a kind.
        kind: `user`, `agent` or `service`.
        grants: in no particular order.
        expires_at: when the token expires, in seconds since 1970; None: never.
        leeway: seconds that it counts beyond that, because clocks differ.
        stranger: whether it has proved nothing, and has an id for this connection only.
        agent_id: what else an agent may call itself in `agent_id`, where others number agents;
            None: its id alone.
        all_rights: whether it may do everything: anybody on a developer's machine.
    """

    id: str
    kind: Kind
    grants: tuple[Grant, ...] = ()
    expires_at: float | None = None
    stranger: bool = False
    agent_id: int | str | None = None
    leeway: float = field(default=0.0, repr=False, compare=False)
    all_rights: bool = field(default=False, compare=False)
    # A cache: a busy publisher needs the same decision again and again.
    _decisions: dict[tuple[Channel, str], bool] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def ends_at(self) -> float | None:
        """When its connections are closed, in seconds since 1970; None: never."""
        return None if self.expires_at is None else self.expires_at + self.leeway

    @property
    def key(self) -> str:
        """The identity as one string, which is the same on all of its connections."""
        return f"{self.kind}:{self.id}"

    def granted(self, channel: Channel, mode: Literal["r", "w"]) -> bool:
        """Return whether any grant gives `mode` in `channel`."""
        if self.all_rights:
            return True
        granted = self._decisions.get((channel, mode))
        if granted is None:
            granted = any(grant.covers(channel, mode) for grant in self.grants)
            if len(self._decisions) >= _CACHED_DECISIONS:
                self._decisions.clear()
            self._decisions[channel, mode] = granted
        return granted

    def granted_by_name(self, channel: Channel, mode: Literal["r", "w"]) -> bool:
        """Return whether a grant gives `mode` in `channel` that is for its namespace alone.

        One for every channel of the namespace (`*`) doesn't count.
        """
        return any(
            f"/{grant.namespace}" == channel.namespace
            and grant.channel.strip("*")
            and grant.covers(channel, mode)
            for grant in self.grants
        )

    def to_dict(self) -> dict[str, str]:
        """Return `{id, kind}`, as in `sender` and in member lists."""
        return {"id": self.id, "kind": self.kind}
