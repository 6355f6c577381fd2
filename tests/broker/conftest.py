"""The contracts' suites are no test modules of their own: have pytest explain their assertions."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.broker.contracts")
