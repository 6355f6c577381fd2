"""Deltas: pieces of a message's text as it is written, each with its place in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

Part = Literal["text", "reasoning", "arguments"]


class Fit(Enum):
    """How a delta fits behind what there is of its message."""

    NEXT = auto()
    #: It was taken before.
    REPEATED = auto()
    #: Something is missing before it; or it begins within what there is and ends after it, and it
    #: isn't known where its text would have to be cut.
    GAP = auto()


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the text of one part of one message.

    Args:
        message_id: names the message within its channel; `7` is `"7"`.
        index: of its first token, counted from the message's beginning.
        text: what it adds.
        count: tokens that it stands for.
        part: which of the message's texts it belongs to.
    """

    message_id: int | str
    index: int
    text: str
    count: int = 1
    part: Part = "text"

    @property
    def end(self) -> int:
        """The index of the token after its last one."""
        return self.index + self.count

    def fits(self, end: int) -> Fit:
        """Return how it fits behind a text that ends at an index."""
        if self.index == end:
            return Fit.NEXT
        return Fit.REPEATED if self.end <= end else Fit.GAP

    def to_data(self) -> dict[str, int | str]:
        """Return it as keys of a payload; those that are left out have their defaults."""
        data: dict[str, int | str] = {
            "message_id": self.message_id,
            "index": self.index,
            "delta": self.text,
        }
        if self.count != 1:
            data["count"] = self.count
        if self.part != "text":
            data["part"] = self.part
        return data


def join(deltas: Sequence[Delta]) -> Delta:
    """Return one delta that stands for several, of which each begins where the one before it ends.

    Raises:
        ValueError: there are none, or one doesn't.
    """
    if not deltas:
        raise ValueError("no deltas")
    first, *others = deltas
    end = first.end
    for one in others:
        is_same = str(one.message_id) == str(first.message_id) and one.part == first.part
        if not is_same or one.index != end:
            raise ValueError(f"{one} doesn't follow token {end} of {first.message_id}")
        end = one.end
    text = "".join(one.text for one in deltas)
    return Delta(first.message_id, first.index, text, end - first.index, first.part)


class Pieces:
    """Deltas that follow one another, each with the offset at which it was published.

    Whoever has seen a part of them gets the rest as one delta, from that exact place.

    Args:
        delta, offset: the first.
    """

    __slots__ = ("_deltas", "_offsets", "bytes")

    def __init__(self, delta: Delta, offset: int) -> None:
        self._deltas = [delta]
        self._offsets = [offset]
        #: Of their text, in UTF-8.
        self.bytes = _size(delta)

    def __len__(self) -> int:
        return len(self._deltas)

    @property
    def first(self) -> Delta:
        """The first of them."""
        return self._deltas[0]

    @property
    def offset(self) -> int:
        """At which the last one was published, and at which all of them stand."""
        return self._offsets[-1]

    @property
    def first_offset(self) -> int:
        """At which the first one was published."""
        return self._offsets[0]

    @property
    def end(self) -> int:
        """The index of the token after the last one."""
        return self._deltas[-1].end

    def add(self, delta: Delta, offset: int) -> None:
        """Add the next.

        Raises:
            ValueError: it isn't.
        """
        if delta.fits(self.end) is not Fit.NEXT or offset <= self.offset:
            raise ValueError(f"{delta} at offset {offset} doesn't follow token {self.end}")
        self._deltas.append(delta)
        self._offsets.append(offset)
        self.bytes += _size(delta)

    def after(self, offset: int) -> Delta | None:
        """Return what was published after an offset, as one delta; None if nothing was."""
        rest = self._deltas[bisect_right(self._offsets, offset) :]
        return join(rest) if rest else None


def _size(delta: Delta) -> int:
    return len(delta.text.encode("utf-8", "surrogatepass"))
