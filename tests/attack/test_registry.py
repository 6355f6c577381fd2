"""The registry of attacks: all are there, described, and can be made small."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace

from bench.attack.registry import Who, load
from tests.attack.test_verdict import HARMLESS

ATTACKS = load()


def test_there_are_as_many_as_promised() -> None:
    assert len(ATTACKS) >= 60
    assert {one.who for one in ATTACKS.values()} == set(Who)


def test_each_says_what_it_does() -> None:
    for one in ATTACKS.values():
        assert one.about, one.name
        assert one.name.replace("-", "").isalnum(), one.name


def test_the_arguments_that_make_one_small_are_its_own() -> None:
    for one in ATTACKS.values():
        for function in filter(None, (one.run, one.prepare)):
            parameters = list(inspect.signature(function).parameters.values())
            assert all(parameter.default is not parameter.empty for parameter in parameters[1:])
            assert one.short.keys() <= {parameter.name for parameter in parameters}, one.name


def test_results_can_be_written() -> None:
    for one in ATTACKS.values():
        measured = replace(HARMLESS, attack=one)
        assert json.loads(json.dumps(measured.to_dict()))["name"] == one.name
