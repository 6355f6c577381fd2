"""All targets, by name."""

from __future__ import annotations

from typing import Final

from tests.fuzz.readers import Frames, Packets, Requests, Tokens
from tests.fuzz.redis_readers import Emits, Records
from tests.fuzz.sockets import Http, Plain, SessionTarget
from tests.fuzz.target import Target

TARGETS: Final[dict[str, type[Target]]] = {
    target.name: target
    for target in (Packets, Frames, Requests, Tokens, Records, Emits, Http, SessionTarget, Plain)
}
