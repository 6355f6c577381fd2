"""Refusals in the log: a few lines for each reason, and then how many more there were."""

from __future__ import annotations

import asyncio

from app.core.counters import Counters
from app.core.refused import Refusal, Refused
from app.core.sampler import LINES, REASONS, WINDOW_SECONDS
from app.transport.refusals import Refusals
from tests.fixtures.logs import Logs
from tests.support.virtual_loop import run_virtually

MORE = "refused more of the same"


def test_a_line_says_what_from_where_and_what_would_admit_it(logs: Logs) -> None:
    async def main() -> None:
        refusals = Refusals(Counters())
        refusals.tell(Refusal(Refused.ORIGIN, origin="https://a.example"), "192.0.2.1")

    run_virtually(main)
    assert logs.lines == [
        {
            "event": "refused",
            "log_level": "warning",
            "reason": "origin",
            "what": "a page of an origin that is not allowed",
            "address": "192.0.2.1",
            "origin": "https://a.example",
            "admitted_by": "ALLOWED_ORIGINS",
        }
    ]


def test_many_of_one_reason_are_counted_and_told_in_the_end(logs: Logs) -> None:
    counters = Counters()

    async def main() -> None:
        refusals = Refusals(counters)
        for number in range(1000):
            refusals.tell(Refusal(Refused.RATE), f"192.0.2.{number % 250}")
        refusals.tell(Refusal(Refused.SESSION), "192.0.2.9")  # another reason has lines of its own
        await asyncio.sleep(WINDOW_SECONDS + 1)
        refusals.tell(Refusal(Refused.RATE), "192.0.2.1")
        refusals.close()

    run_virtually(main)
    told = [(line["event"], line["reason"], line.get("more")) for line in logs.lines]
    assert told == [
        *[("refused", "rate_limited", None)] * LINES,
        ("refused", "session", None),
        (MORE, "rate_limited", 1000 - LINES),
        ("refused", "rate_limited", None),
    ]
    assert counters.refused["rate_limited"] == 1001
    assert counters.refused["session"] == 1


def test_one_that_tries_again_does_not_hide_others_and_no_number_of_them_fills_the_log(
    logs: Logs,
) -> None:
    async def main() -> None:
        refusals = Refusals(Counters())
        for origin in ["https://a.example"] * 1000 + ["https://b.example"]:
            refusals.tell(Refusal(Refused.ORIGIN, origin=origin), "192.0.2.1")
        told = [line["origin"] for line in logs.lines]
        assert told == ["https://a.example"] * LINES + ["https://b.example"]
        for number in range(1000):
            refusals.tell(Refusal(Refused.ORIGIN, origin=f"https://{number}.example"), "192.0.2.1")
        assert len(logs.lines) <= LINES + REASONS + LINES
        refusals.close()

    run_virtually(main)
    [more] = [line for line in logs.lines if line["event"] == MORE]
    assert more["more"] + len(logs.lines) - 1 == 2001


def test_what_is_not_told_yet_is_told_as_the_server_stops(logs: Logs) -> None:
    async def main() -> None:
        refusals = Refusals(Counters())
        for _time in range(LINES + 2):
            refusals.tell(Refusal(Refused.HOST), "192.0.2.1")
        refusals.close()
        refusals.close()

    run_virtually(main)
    assert [line["more"] for line in logs.lines if line["event"] == MORE] == [2]
