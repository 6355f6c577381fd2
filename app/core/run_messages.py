"""The messages of a run: those that are being written, are whole, or were withdrawn."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from app.core.deltas import Delta, Fit

#: Whole messages whose ends are remembered, for a producer that repeats what may not have arrived.
REMEMBERED_MESSAGES: Final = 64


class RunError(Exception):
    """A run doesn't take what was to be done."""


class Withdrawn(RunError):
    """The message was of an attempt that was lost; its id isn't used again."""


class RunMessages:
    """How far each message of a run has been written."""

    __slots__ = ("_ends", "_whole", "_withdrawn")

    def __init__(self) -> None:
        # By message and part: the index of the token after the last.
        self._ends: dict[str, dict[str, int]] = {}
        self._whole: OrderedDict[str, dict[str, int]] = OrderedDict()
        self._withdrawn: set[str] = set()

    @property
    def open(self) -> list[str]:
        """The messages that have deltas and aren't whole, in the order in which they began."""
        return list(self._ends)

    def write(self, delta: Delta) -> Fit:
        """Note a delta if it is the next of its message; return whether it is.

        Raises:
            Withdrawn: nobody goes on with the message.
        """
        name = self._require(delta.message_id)
        if (ends := self._whole.get(name)) is not None:
            fit = delta.fits(ends.get(delta.part, 0))
            return Fit.GAP if fit is Fit.NEXT else fit  # nothing follows
        ends = self._ends.get(name, {})
        fit = delta.fits(ends.get(delta.part, 0))
        if fit is Fit.NEXT:
            ends[delta.part] = delta.end
            self._ends[name] = ends
        return fit

    def make_whole(self, message_id: int | str) -> None:
        """Note that a message was published as a whole. Raises as `write` does."""
        name = self._require(message_id)
        self._whole[name] = self._ends.pop(name, {}) or self._whole.get(name, {})
        if len(self._whole) > REMEMBERED_MESSAGES:
            self._whole.popitem(last=False)

    def withdraw(self) -> list[str]:
        """Go on with no message that is open; return which these were."""
        withdrawn = self.open
        self._withdrawn.update(withdrawn)
        self._ends.clear()
        return withdrawn

    def _require(self, message_id: int | str) -> str:
        name = str(message_id)
        if name in self._withdrawn:
            raise Withdrawn
        return name
