"""Near misses: names that look like one that is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final

# REDIS_URI and ALLOWED_ORIGIN are near misses; HOSTNAME, REDIS_TLS_URL and POST are not.
_LIKENESS: Final = 0.85
_MOST_COMPARED: Final = 64


def near_miss(name: str, known: Collection[str], prefix: str = "") -> str | None:
    """Return the known name that `name` was probably meant to be, or None.

    Args:
        known: names in capitals, of words that `_` joins.
        prefix: what somebody may have put before a known name.
    """
    word = name.upper()
    if name in known or word in known:
        return word if word != name else None
    if prefix and word.removeprefix(prefix) in known:
        return word.removeprefix(prefix)
    if "_" in word:
        longer = [one for one in known if one.startswith(f"{word}_")]
        if len(longer) == 1:
            return longer[0]
    matches = get_close_matches(word, known, n=1, cutoff=_LIKENESS)
    return matches[0] if matches else None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like what a client wrote, in any case; None: none is."""
    by_lower = {one.lower(): one for one in known}
    matches = get_close_matches(name[:_MOST_COMPARED].lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def choice(name: str, known: Iterable[str]) -> str:
    """Return a sentence that lists the known names, and asks whether the nearest was meant."""
    names = sorted(known)
    text = f"There are {', '.join(names)}"
    found = nearest(name, names)
    return f"{text}; did you mean {found}?" if found else f"{text}."
