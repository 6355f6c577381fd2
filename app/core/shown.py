"""Shown text: what somebody sent, as an error or a line of the log shows it."""

from __future__ import annotations

from typing import Final

_MOST_BYTES: Final = 200


def shown(text: str, most_bytes: int = _MOST_BYTES) -> str:
    """Return a text of at most so many bytes and an ellipsis, all of it printable.

    Control characters, what changes the direction of writing, and lone surrogates become U+FFFD.
    """
    short = text[:most_bytes]  # each character has a byte at least
    if not short.isprintable():
        short = "".join(one if one.isprintable() else "\ufffd" for one in short)
    if not short.isascii():
        short = short.encode()[:most_bytes].decode(errors="ignore")
    return short if len(short) == len(text) else f"{short}…"
