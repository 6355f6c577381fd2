"""Who somebody is and what they were granted: what a token proves (contract §5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, cast, get_args

from app.core.channel import Channel

Kind = Literal["user", "agent", "service"]
Mode = Literal["r", "w", "rw"]

KINDS: Final = frozenset(get_args(Kind))
MODES: Final = frozenset(get_args(Mode))
# An id becomes part of a channel's name ("user:<id>"), so it keeps to the same alphabet.
ID_PATTERN: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,120}")
_REMEMBERED_ANSWERS: Final = 256
_GRANT_PART: Final = re.compile(r"[A-Za-z0-9_.:/*-]{1,128}")


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
        # Atomic groups: each `*` settles for the first match of what follows it, as fnmatch's do.
        # With plain `.*`, eight of them in one grant keep the process busy for minutes.
        middle = "".join(f"(?>.*?{part})" for part in parts[:-1])
        pattern = f"{head}{middle}.*{parts[-1]}" if parts else head
        object.__setattr__(self, "_pattern", re.compile(pattern))

    @classmethod
    def parse(cls, text: str) -> Grant:
        """Read `"<namespace>:<channel pattern>:<r|w|rw>"`.

        The first colon ends the namespace and the last begins the mode, for channel names hold
        colons themselves (`"feeds:codeworm:logs:r"`).

        Raises:
            ValueError: it is not of that form.
        """
        namespace, _, rest = text.partition(":")
        channel, _, mode = rest.rpartition(":")
        if (
            mode not in MODES
            or not _GRANT_PART.fullmatch(namespace)
            or not _GRANT_PART.fullmatch(channel)
        ):
            raise ValueError(f"not of the form <namespace>:<channel>:<r|w|rw>: {text!r}")
        return cls(namespace.removeprefix("/"), channel, cast(Mode, mode))

    def covers(self, channel: Channel, mode: Literal["r", "w"]) -> bool:
        """Tell whether this grant gives `mode` in `channel`."""
        # No name holds a newline, so the pattern's halves can't run into each other: "." doesn't
        # match it.
        return mode in self.mode and bool(
            self._pattern.fullmatch(f"{channel.namespace}\n{channel.name}")
        )

    def __str__(self) -> str:
        return f"{self.namespace}:{self.channel}:{self.mode}"


def parse_grants(texts: Iterable[str]) -> tuple[Grant, ...]:
    """Read several grants. Raises `ValueError` as `Grant.parse` does."""
    return tuple(map(_parse_grant, texts))


# Issuers give the same few to thousands.
_parse_grant = lru_cache(maxsize=1024)(Grant.parse)


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who passed the door.

    Args:
        id: stable name; unique within a kind.
        kind: `user`, `agent` or `service`.
        grants: what was granted, in no particular order.
        expires_at: when the proof ends, in seconds since 1970; None if it doesn't.
        stranger: whether it proved nothing, and got an id for this connection only.
    """

    id: str
    kind: Kind
    grants: tuple[Grant, ...] = ()
    expires_at: float | None = None
    stranger: bool = False
    # What was asked before: a busy publisher asks the same question again and again.
    _answers: dict[tuple[Channel, str], bool] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def key(self) -> str:
        """The identity as one string, the same on each of its connections."""
        return f"{self.kind}:{self.id}"

    def granted(self, channel: Channel, mode: Literal["r", "w"]) -> bool:
        """Tell whether any grant gives `mode` in `channel`."""
        answer = self._answers.get((channel, mode))
        if answer is None:
            answer = any(grant.covers(channel, mode) for grant in self.grants)
            if len(self._answers) >= _REMEMBERED_ANSWERS:
                self._answers.clear()
            self._answers[channel, mode] = answer
        return answer

    def to_dict(self) -> dict[str, str]:
        """Return `{id, kind}`, as `sender` and member lists show it."""
        return {"id": self.id, "kind": self.kind}
