"""Epochs: their names tell when they were born, so that numbers of later ones can be higher."""

from __future__ import annotations

import re
from typing import Final

#: 2020-01-01, in ms since 1970: with it, numbers stay below 2^53 until 2089.
_FIRST_MS: Final = 1_577_836_800_000
_BIRTH_BITS: Final = 41
#: An epoch has that many numbers for each millisecond of its life.
_NUMBERS_PER_MS: Final = 4096
_NAME: Final = re.compile(r"([0-9a-f]{1,12})-\w+")


def name_epoch(born_at: float, unique: str) -> str:
    """Return the name of an epoch.

    Args:
        born_at: seconds since 1970.
        unique: what no other epoch of that instant has.
    """
    return f"{int(born_at * 1000):x}-{unique}"


def first_number(epoch: str) -> int:
    """Return what is added to the offsets of an epoch to number messages across epochs.

    The numbers of an epoch are higher than those of any that ended before it was born, as long as
    no channel has more than 4,096 messages a millisecond, and below 2^53, as numbers in JavaScript
    have to be. An epoch whose name doesn't tell, for an
    older server began it, is lower than all others.
    """
    found = _NAME.fullmatch(epoch)
    if found is None:
        return 0
    born = int(found[1], 16) - _FIRST_MS
    return min(max(born, 0), (1 << _BIRTH_BITS) - 1) * _NUMBERS_PER_MS
