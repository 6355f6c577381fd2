"""A client that got something wrong fails the run, and the report says what it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.drops.client import Client, Reconnect
from tests.drops.report import Report
from tests.promises.checker import Journal, check
from tests.promises.members import entry_of
from tests.promises.topics import TOPICS

TOPIC = TOPICS[0]
EPOCH = "e1"
Messages = list[dict[str, Any]]


class Told(Client):
    """A client that is told by the test what happens to it."""

    up = True

    async def start(self, url: str) -> None: ...

    async def close_transport(self) -> None: ...

    async def stop(self) -> None: ...


def messages(count: int) -> Messages:
    """Return what was published."""
    return [
        {"type": "user_message", "channel": TOPIC.channel, "data": {"mark": f"m{n}"}, "offset": n}
        for n in range(1, count + 1)
    ]


def client_that_got(envelopes: Messages, history_size: int | None = None) -> Told:
    """Return one that was there from the beginning."""
    client = Told([TOPIC], history_size)
    client.on_joined(str(TOPIC), 0, EPOCH)
    for envelope in envelopes:
        client.on_event(TOPIC.namespace, envelope)
    return client


def report_of(client: Told, published: Messages) -> Report:
    """Return the report of a run in which that was published."""
    truth = Journal("witness", str(TOPIC), EPOCH, 0, [entry_of(one) for one in published])
    findings = check([], {str(TOPIC): truth}, client.journals.values())
    findings = [finding for finding in findings if not finding.text.startswith("history")]
    return Report("told", 1, findings, Counter(cut=1), client, {str(TOPIC): truth})


def lose(got: Messages) -> None:
    del got[4]


def double(got: Messages) -> None:
    got.insert(6, got[2])


def swap(got: Messages) -> None:
    got[3], got[4] = got[4], got[3]


def get_another(got: Messages) -> None:
    got[3] = got[3] | {"data": {"mark": "m5"}}


def test_what_is_right_passes() -> None:
    client = client_that_got(messages(9))
    client.reconnects.append(Reconnect(TOPIC.namespace, recovered=True, same_sid=True))
    report = report_of(client, messages(9))
    assert report.findings == []
    said = list(report.lines())
    assert said[-1] == "all is right"
    assert "recovered        1 true, 0 false (one of each namespace)" in said
    assert (
        "/circles dev-team: 9 published, 9 received, 0 lost, 0 doubled, 0 out of order, "
        "0 missing as told" in said
    )


@pytest.mark.parametrize(
    ("spoil", "kind", "text"),
    [
        (lose, "lost", "1 lost, 0 doubled, 0 out of order"),
        (double, "doubled", "0 lost, 1 doubled, 0 out of order"),
        (swap, "swapped", "0 lost, 0 doubled, 1 out of order"),
        (get_another, "altered", "0 lost, 0 doubled, 0 out of order"),
    ],
)
def test_what_is_wrong_fails(spoil: Callable[[Messages], None], kind: str, text: str) -> None:
    got = messages(9)
    spoil(got)
    report = report_of(client_that_got(got), messages(9))
    assert {finding.kind for finding in report.findings} == {kind}
    assert any(text in line for line in report.lines())
    assert list(report.lines())[-1] == "WRONG"


@pytest.mark.parametrize(
    "reconnect",
    [
        Reconnect(TOPIC.namespace, recovered=False, same_sid=True),
        Reconnect(TOPIC.namespace, recovered=True, same_sid=False),
    ],
)
def test_who_is_not_recovered_fails(reconnect: Reconnect) -> None:
    client = client_that_got(messages(9))
    client.reconnects.append(reconnect)
    assert [one.kind for one in report_of(client, messages(9)).findings] == ["unrecovered"]


def client_told_of_a_gap(history_size: int | None) -> Told:
    """Return one that was told at message 9 that what is between 3 and 7 can't be had."""
    client = client_that_got(messages(9)[:3], history_size)
    client.on_discontinuity(str(TOPIC), 9, EPOCH)
    for envelope in messages(9)[6:]:
        client.on_event(TOPIC.namespace, envelope)
    return client


def test_a_gap_is_right_where_history_is_short() -> None:
    report = report_of(client_told_of_a_gap(3), messages(9))
    assert report.findings == []
    assert report.discontinuities == 1
    assert any("6 received, 0 lost" in line and "3 missing" in line for line in report.lines())


@pytest.mark.parametrize("history_size", [None, 4])
def test_a_gap_is_wrong_where_history_holds(history_size: int | None) -> None:
    report = report_of(client_told_of_a_gap(history_size), messages(9))
    assert "lost" in {finding.kind for finding in report.findings}
