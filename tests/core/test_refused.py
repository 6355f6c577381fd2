"""The table of refusals, and the docs that list it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.core import errors
from app.core.refused import Refusal, Refused

DOCS = Path(__file__).parents[2] / "docs"
LABELS = {refused.label for refused in Refused}
# Those that no HTTP request is refused for.
AFTERWARDS = {"token_expired", "forbidden", "namespace", "auth"}
AFTERWARDS |= {"rate_limited", "identity_rate", "connections", "channels", "flood"}


def first_cells(page: str, heading: str) -> set[str]:
    """Return what stands in backticks in the first column of a section's table."""
    text = (DOCS / page).read_text()
    [section] = re.findall(rf"^## {heading}\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall("`(.*?)`", cell)} - {"reason"}


def test_operators_find_every_reason() -> None:
    assert first_cells("operations.md", "Refusals") == LABELS


def test_clients_find_every_reason_of_an_answer() -> None:
    assert first_cells("protocol.md", "Refusals") == LABELS - AFTERWARDS


@pytest.mark.parametrize("refused", Refused)
def test_a_refusal_is_an_error_that_the_client_is_told(refused: Refused) -> None:
    refusal = Refusal(refused, "Because.")
    assert refusal.error.message == "Because."
    assert type(refusal.error) is refused.error


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (errors.NoToken(), Refused.NO_TOKEN),
        (errors.Unauthorized(), Refused.TOKEN),
        (errors.TokenExpired(), Refused.TOKEN_EXPIRED),
        (errors.Forbidden(), Refused.FORBIDDEN),
        (errors.TooManyChannels(), Refused.CHANNELS),
        (errors.TooLarge(), Refused.TOO_LARGE),
        (errors.RateLimited(), Refused.RATE),
        (errors.AgentRateLimited(), Refused.RATE),
        (errors.TooManyRequests(), Refused.IDENTITY_RATE),
        (errors.TooManyConnections(), Refused.CONNECTIONS),
        (errors.TooManyFromAddress(), Refused.ADDRESS),
        (errors.Invalid(), Refused.REQUEST),
        (errors.Unavailable(), None),  # that lies with us, and is logged where it is found
        (errors.Internal(), None),
    ],
)
def test_an_error_is_a_refusal_where_it_lies_with_the_client(
    error: errors.HearthError, refused: Refused | None
) -> None:
    refusal = Refusal.of(error)
    assert (refusal and refusal.reason) == refused
