"""Lines that others cause again and again are few, whoever writes them, and short and printable."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from app.core.sampler import LINES, REASONS, WINDOW_SECONDS
from tests.support.process import clean_environment

pytestmark = pytest.mark.processes

MORE: Final = "more of the same"
SCRIPT: Final = """
import logging, sys
import structlog
from app.logs import logging_to_stderr
from app.settings import Settings

log = structlog.get_logger("hearth.tests")
with logging_to_stderr(Settings(log_format=sys.argv[1], log_level="debug")):
"""


def logged(directory: Path, script: str, log_format: str = "json") -> str:
    """Run lines of Python that log; return what they have written."""
    body = "".join(f"    {line}\n" for line in script.strip().splitlines())
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT + body, log_format],
        cwd=directory,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return result.stderr


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_of_each_event_and_reason_there_are_a_few_lines_and_a_count(tmp_path: Path) -> None:
    first, *rest = lines(
        logged(
            tmp_path,
            """
for number in range(100):
    log.warning("rejected", reason="a", number=number)
    log.warning("rejected", reason="b", number=number)
    log.error("went wrong", number=number)
            """,
        )
    )
    assert first["number"] == 0
    told = [line for line in rest if line["event"] == MORE]
    assert len(rest) + 1 - len(told) == 3 * LINES
    assert [(line["of"], line.get("reason"), line["level"], line["more"]) for line in told] == [
        ("rejected", "a", "warning", 100 - LINES),
        ("rejected", "b", "warning", 100 - LINES),
        ("went wrong", None, "error", 100 - LINES),
    ]
    assert {(line["logger"], line["seconds"]) for line in told} == {
        ("hearth.tests", WINDOW_SECONDS)
    }


def test_the_reason_of_an_exception_is_its_type(tmp_path: Path) -> None:
    text = logged(
        tmp_path,
        """
for number in range(100):
    for error in (KeyError(number), ValueError(number)):
        try:
            raise error
        except Exception as raised:
            log.exception("a handler failed")
            log.error("a request failed", exc_info=raised)
        """,
    )
    written = [(line["event"], line["error"]) for line in lines(text) if line["event"] != MORE]
    assert len(written) == 4 * LINES
    told = [(line["of"], line["reason"]) for line in lines(text) if line["event"] == MORE]
    assert sorted(told) == sorted(set(written))


def test_lines_of_libraries_are_sampled_too(tmp_path: Path) -> None:
    """By their texts before arguments are filled in; what has the arguments in it is bounded."""
    text = logged(
        tmp_path,
        """
for number in range(1000):
    logging.getLogger("aiohttp.server").error("Error handling request from %s", number)
    logging.getLogger("asyncio").error(f"Exception in callback {number}\\nhandle: <{number}>")
import warnings
warnings.simplefilter("always")
for number in range(1000):
    warnings.warn(f"number {number}")
        """,
    )
    written = [line["logger"] for line in lines(text) if line["event"] != MORE]
    assert written.count("aiohttp.server") == LINES
    assert written.count("asyncio") == REASONS + LINES
    assert written.count("hearth.logs") == LINES
    told = [line for line in lines(text) if line["event"] == MORE]
    assert sum(line["more"] for line in told) == 3000 - len(written)


def test_what_is_asked_for_isnt_sampled(tmp_path: Path) -> None:
    """Details, and what is told of settings at start."""
    text = logged(
        tmp_path,
        """
for number in range(100):
    log.debug("a detail")
    structlog.get_logger("hearth").warning("a variable is not a setting")
        """,
    )
    assert len(lines(text)) == 200


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_values_are_short_and_without_control_characters(tmp_path: Path, log_format: str) -> None:
    text = logged(
        tmp_path,
        r"""
evil = "\x1b[5m\x07\u202e\x00" + "x" * 1_000_000
log.warning("rejected", reason=evil, address="a\r\nb", names=[evil], data=evil.encode())
logging.getLogger("library").warning("of %s", evil)
        """,
        log_format,
    )
    assert len(text) < 6_000
    assert len(text.splitlines()) == 2
    if log_format == "json":
        values = [value for line in lines(text) for value in line.values()]
        assert all(value.isprintable() for value in values if isinstance(value, str))
    else:  # colours are the format's own
        assert not any(one in text for one in ("\x1b[5m", "\x07", "\u202e", "\x00", "\r"))


def test_an_exception_that_python_ignores_is_told_in_the_log(tmp_path: Path) -> None:
    [line] = lines(
        logged(
            tmp_path,
            """
class Odd:
    def __del__(self):
        raise ValueError("hunter2")
Odd()
            """,
        )
    )
    assert (line["event"], line["error"]) == ("an exception was ignored", "ValueError")
