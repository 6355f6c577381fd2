"""The contract's suite is no test module of its own: have pytest explain its assertions too."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.broker.contract")
