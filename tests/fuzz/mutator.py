"""Mutator: makes cases of a corpus, the same for each seed and number."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any, Final

#: Values that parsers and schemas have trouble with.
ODD: Final[list[Any]] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**53, 2**64, -(2**63), 1e308, 0.1, float("nan")),
    *("", " ", "a", "*", "~", "\x00", "\ud800", "é", "e\u0301", "🚀", "a/b", "..", "/", ":", "0"),
    *("x" * 300, "user:ann", "broadcast", "__init__", "connect", "dev-team"),
    *([], {}, [[]], {"": ""}, {"_placeholder": True, "num": 0}, {"$": {"a": None}}),
]
_TOKENS: Final = [
    *(b"\x00", b"\xff", b"\n", b"\r\n", b" ", b",", b"-", b"/", b"?", b"[", b"]", b"{", b"}", b'"'),
    *(b"0", b"1", b"99999999999999999999", b"\\u0000", b"\xed\xa0\x80", b"\xc3", b"e9", b"NaN"),
    *(b"\x80\x04", b"\x1e", b"[" * 200, b'{"a":' * 100, b"42", b"451-", b"40", b"41", b"43"),
]
_MOST_STEPS: Final = 6


class Mutator:
    """Makes cases.

    Args:
        corpus: what really arrives.
        seed: of all that is done by chance.
    """

    def __init__(self, corpus: Sequence[bytes], seed: int) -> None:
        self._corpus = corpus
        self._seed = seed

    def case(self, number: int) -> tuple[random.Random, bytes]:
        """Return a case by its number, and the chance that goes on with it."""
        chance = random.Random(f"{self._seed}:{number}")
        data = chance.choice(self._corpus)
        for _step in range(chance.randrange(_MOST_STEPS)):
            data = (
                self._change_json(chance, data)
                if chance.random() < 0.5
                else self._cut(chance, data)
            )
        return chance, data

    def _change_json(self, chance: random.Random, data: bytes) -> bytes:
        """Change one value in the first JSON text of `data`, whatever comes before it."""
        starts = [at for at in (data.find(b"["), data.find(b"{")) if at >= 0]
        if not starts:
            return self._cut(chance, data)
        start = min(starts)
        try:
            value = json.loads(data[start:])
            changed = change(chance, value)
            return data[:start] + json.dumps(changed, ensure_ascii=chance.random() < 0.7).encode(
                errors="surrogatepass"
            )
        except (ValueError, RecursionError):
            return self._cut(chance, data)

    def _cut(self, chance: random.Random, data: bytes) -> bytes:
        at, to = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        match chance.randrange(8):
            case 0:
                return data[:at] + data[to:]
            case 1:
                return data[:to] + data[at:]
            case 2:
                return data[:at] + chance.choice(_TOKENS) + data[at:]
            case 3:
                return data[:at] + chance.choice(_TOKENS) + data[to:]
            case 4:
                return data[:at] + chance.choice(self._corpus)[at:]
            case 5:
                return data[:at]
            case 6:
                return data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
        flipped = bytearray(data or b"\x00")
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        return bytes(flipped)


def change(chance: random.Random, value: Any) -> Any:
    """Return a JSON value with one part changed."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        match chance.randrange(8):
            case 0:
                return {name: one for name, one in value.items() if name != key}
            case 1:
                return {**value, str(chance.choice(ODD)): chance.choice(ODD)}
            case _:
                return {**value, key: change(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.85:
        at = chance.randrange(len(value))
        match chance.randrange(8):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return value[:at] + value[at:] * chance.randrange(2, 30)
            case _:
                return [*value[:at], change(chance, value[at]), *value[at + 1 :]]
    return chance.choice(ODD)
