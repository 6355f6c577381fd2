"""The last lines of a run that failed: how to run each failed test alone."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one command a test."""
    reports = [report for key in ("failed", "error") for report in terminalreporter.getreports(key)]
    if not reports:
        return
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    terminalreporter.section("to run one alone")
    for node in dict.fromkeys(report.nodeid for report in reports):
        terminalreporter.write_line(f"{python} -m pytest {shlex.quote(node)}")
