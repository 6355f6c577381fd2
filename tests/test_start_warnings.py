"""What is told at the start about settings that are valid, and hardly meant."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.identity import parse_grants
from app.core.user_grants import UserGrant
from app.settings import Settings
from app.start_warnings import warnings
from tests.support.tokens import SECRET


def told(**settings: object) -> list[str]:
    given: Any = {"auth_secret": SECRET, "auth_mode": "required", **settings}
    return [str(one) for one in warnings(Settings(**given))]


@pytest.mark.parametrize(
    ("grant", "problem"),
    [
        ("circle:*:r", "names a namespace that isn't there"),
        ("circles:*:r feeds:*:r", "looks like several"),
        ("circles:Dev Team:r", ""),
    ],
)
def test_a_setting_with_a_grant_that_is_hardly_meant_is_named(grant: str, problem: str) -> None:
    anonymous = told(anonymous_grants=parse_grants([grant]))
    users = told(user_grants=(UserGrant.parse(grant),))
    if not problem:
        assert anonymous == users == []
        return
    for lines, name in ((anonymous, "ANONYMOUS_GRANTS"), (users, "USER_GRANTS")):
        [line] = lines
        assert problem in line
        assert f"setting={name} grant={grant}" in line
