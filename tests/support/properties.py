"""Property tests: how thorough they are, and the JSON that they try.

The profile is chosen by the environment variable `HYPOTHESIS_PROFILE`.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

PROFILES: Final[dict[str, Any]] = {
    # The same examples each time, so that a failure is a change's own;
    "quick": {"max_examples": 20, "derandomize": True},
    "usual": {"max_examples": 100, "derandomize": True},
    # and one to look for new ones with.
    "long": {"max_examples": 5000, "print_blob": True},
}
for _name, _settings in PROFILES.items():
    settings.register_profile(
        _name,
        **_settings,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "usual")


@cache
def json_like(*keys: str) -> st.SearchStrategy[Any]:
    """Whatever a JSON reader returns, with what JSON should not hold: NaN, huge integers, lone
    surrogates.

    Args:
        keys: names that objects are likely to use.
    """
    text = st.text(st.characters(exclude_categories=()), max_size=8)
    hostile = st.sampled_from(["\ud800", "\x00", "", "a.b", "_schema", "__class__", "5", "a\n"])
    names = st.sampled_from(sorted(keys)) | text | hostile if keys else text | hostile
    numbers = st.integers(-(2**70), 2**70) | st.sampled_from([0, 1, 2**53, 2**63, -(2**63)])
    leaves = st.none() | st.booleans() | numbers | st.floats() | text | hostile
    return st.recursive(
        leaves,
        lambda below: st.lists(below, max_size=4) | st.dictionaries(names, below, max_size=5),
        max_leaves=12,
    )


def nested_lists(depth: int) -> list[Any]:
    """Return an empty list inside `depth` - 1 others."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value
