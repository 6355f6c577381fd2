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

log = structlog.get_logger("hearth.refusals")

#: Lines about one reason in so many seconds; then one that says how many more there were.
LINES: Final = 5
WINDOW_SECONDS: Final = 60.0

_STATUS: Final = {
    "invalid": 400,
    "unauthorized": 401,
    "token_expired": 401,
    "forbidden": 403,
    "too_large": 413,
    "rate_limited": 429,
    "unavailable": 503,
}
_HEADERS_TOO_LARGE: Final = 431
#: The query of what is answered may hold a token.
NO_STORE: Final = {"Cache-Control": "no-store"}
# Engine.IO's numbers and words, as the official server has them; stock clients show them.
_BAD_REQUEST: Final = 3, "Bad request"
_ENGINE: Final[Mapping[Refused, tuple[int, str]]] = {
    Refused.TRANSPORT: (0, "Transport unknown"),
    Refused.SESSION: (1, "Session ID unknown"),
    Refused.METHOD: (2, "Bad handshake method"),
    Refused.ORIGIN: (4, "Forbidden"),
    Refused.HOST: (4, "Forbidden"),
    Refused.PROTOCOL: (5, "Unsupported protocol version"),
}


class Refusals:
    """The log's lines about refusals, limited for each reason, and their counts.

    Args:
        counters: for metrics.
        window_seconds: after so many seconds a reason has `LINES` lines again.
    """

    def __init__(self, counters: Counters, window_seconds: float = WINDOW_SECONDS) -> None:
        self._counters = counters
        self._window_seconds = window_seconds
        # The refusals of each reason in its window.
        self._recent: Counter[Refused] = Counter()
        self._timers: dict[Refused, asyncio.TimerHandle] = {}

    def tell(self, refusal: Refusal, address: str) -> None:
        """Log and count a refusal.

        Args:
            address: the client's.
        """
        reason = refusal.reason
        self._counters.refused[reason.label] += 1
        self._recent[reason] += 1
        if self._recent[reason] > LINES:
            return
        if reason not in self._timers:
            self._timers[reason] = asyncio.get_running_loop().call_later(
                self._window_seconds, self._end_window, reason
            )
        fields = dict(refusal.details)
        if refusal.admitted_by:
            fields["admitted_by"] = refusal.admitted_by
        log.warning("refused", what=reason.what, reason=reason.label, address=address, **fields)

    def close(self) -> None:
        """Tell of what is not told yet."""
        for reason, timer in list(self._timers.items()):
            timer.cancel()
            self._end_window(reason)

    def _end_window(self, reason: Refused) -> None:
        del self._timers[reason]
        more = self._recent.pop(reason) - LINES
        if more > 0:
            log.warning(
                "refused more of the same",
                what=reason.what,
                reason=reason.label,
                more=more,
                seconds=self._window_seconds,
            )


def answer(refusal: Refusal) -> web.Response:
    """Return the HTTP response that refuses a request: Engine.IO's words, and the error object."""
    error = refusal.error
    number, words = _ENGINE.get(refusal.reason, _BAD_REQUEST)
    status = _STATUS[error.code]
    if refusal.reason is Refused.HEADERS:
        status = _HEADERS_TOO_LARGE
    told = error.to_dict() | {"reason": refusal.reason.label}
    body = {"code": number, "message": words, "error": told}
    response = web.json_response(body, status=status, headers=NO_STORE)
    if error.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_after))
    return response
