"""Refusals, told: a line in the log, a count, and an answer that the client can show."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from typing import Final

import structlog
from aiohttp import hdrs, web

from app.core.counters import Counters
from app.core.refused import Refusal, Refused
from app.core.sampler import WINDOW_SECONDS, More, Sampler

log = structlog.get_logger("hearth.refusals")

_STATUS: Final = {
    "invalid": 400,
    "unauthorized": 401,
    "token_expired": 401,
    "forbidden": 403,
    "too_large": 413,
    "rate_limited": 429,
    "unavailable": 503,
}
#: Where a reason has a status of its own.
_STATUS_OF: Final = {
    Refused.HEADERS: 431,
    Refused.TIMEOUT: 408,
    Refused.CLOSED: 400,
    Refused.PATH: 404,
}
#: The query of what is answered may hold a token.
NO_STORE: Final = {"Cache-Control": "no-store"}
# Engine.IO's numbers and words, as the official server has them; stock clients show them.
_BAD_REQUEST: Final = 3, "Bad request"
_ENGINE: Final[Mapping[Refused, tuple[int, str]]] = {
    Refused.TRANSPORT: (0, "Transport unknown"),
    Refused.SESSION: (1, "Session ID unknown"),
    Refused.CLOSED: (1, "Session ID unknown"),
    Refused.METHOD: (2, "Bad handshake method"),
    Refused.ORIGIN: (4, "Forbidden"),
    Refused.HOST: (4, "Forbidden"),
    Refused.PROTOCOL: (5, "Unsupported protocol version"),
}


class Refusals:
    """The log's lines about refusals, limited for each reason and cause, and their counts.

    Args:
        counters: for metrics.
        window_seconds: after so many seconds a reason has some lines again.
    """

    def __init__(self, counters: Counters, window_seconds: float = WINDOW_SECONDS) -> None:
        self._counters = counters
        self._sampler = Sampler(seconds=window_seconds)
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, refusal: Refusal, address: str) -> None:
        """Log and count a refusal.

        Args:
            address: the client's.
        """
        reason = refusal.reason
        self._counters.refused[reason.label] += 1
        cause = " ".join(refusal.details.values())  # a page that tries again must not hide another
        if not self._sampler.admits(reason, cause, asyncio.get_running_loop().time()):
            return
        self._set_timer()
        fields = dict(refusal.details)
        if refusal.admitted_by:
            fields["admitted_by"] = refusal.admitted_by
        log.warning("refused", what=reason.what, reason=reason.label, address=address, **fields)

    def close(self) -> None:
        """Tell of what is not told yet."""
        if self._timer is not None:
            self._timer.cancel()
        self._tell_more(self._sampler.end_all())

    def _set_timer(self) -> None:
        if self._timer is None and (end := self._sampler.next_end) is not None:
            self._timer = asyncio.get_running_loop().call_at(end, self._end_windows, end)

    def _end_windows(self, now: float) -> None:
        self._timer = None
        self._tell_more(self._sampler.ended(now))
        self._set_timer()

    def _tell_more(self, more: list[More]) -> None:
        counts: Counter[Refused] = Counter()
        for reason, _cause, count in more:
            counts[reason] += count
        for reason, count in counts.items():
            log.warning(
                "refused more of the same",
                what=reason.what,
                reason=reason.label,
                more=count,
                seconds=self._sampler.seconds,
            )


def answer(refusal: Refusal) -> web.Response:
    """Return the HTTP response that refuses a request: Engine.IO's words, and the error object."""
    error = refusal.error
    number, words = _ENGINE.get(refusal.reason, _BAD_REQUEST)
    status = _STATUS_OF.get(refusal.reason, _STATUS[error.code])
    told = error.to_dict() | {"reason": refusal.reason.label}
    body = {"code": number, "message": words, "error": told}
    headers = dict(NO_STORE)
    if status == 401:  # RFC 9110 §15.5.2
        headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    if error.retry_after is not None:
        headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_after))
    return web.json_response(body, status=status, headers=headers)
