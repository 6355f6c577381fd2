"""The table of errors and its form on the wire."""

from __future__ import annotations

import pytest

from app.core import errors
from app.core.errors import HearthError, Invalid, RateLimited

CODES = {
    "invalid": errors.Invalid,
    "unauthorized": errors.Unauthorized,
    "token_expired": errors.TokenExpired,
    "forbidden": errors.Forbidden,
    "too_large": errors.TooLarge,
    "rate_limited": errors.RateLimited,
    "unavailable": errors.Unavailable,
    "internal": errors.Internal,
}


def test_the_table_has_the_documented_codes_and_no_other() -> None:
    assert {error.code: error for error in HearthError.__subclasses__()} == CODES


@pytest.mark.parametrize("error", CODES.values(), ids=CODES.keys())
def test_an_error_without_details_is_its_code_and_a_sentence(error: type[HearthError]) -> None:
    assert error().to_dict() == {
        "code": error.code,
        "message": error.default_message,
        "temporary": error.temporary,
    }
    assert list(error().to_dict()) == ["code", "message", "temporary"]
    assert error.default_message.endswith(".")


def test_the_same_request_may_succeed_later_after_some_of_them() -> None:
    temporary = {error.code for error in HearthError.__subclasses__() if error.temporary}
    assert temporary == {"rate_limited", "unavailable", "internal"}


def test_a_message_of_its_own_replaces_the_default() -> None:
    error = Invalid("No such event.")
    assert error.to_dict()["message"] == error.message == str(error) == "No such event."


def test_fields_say_which_and_why() -> None:
    fields = {"data.content": "Not a valid string."}
    error = Invalid(fields=fields)
    fields.clear()  # the error keeps its own
    assert error.to_dict()["fields"] == {"data.content": "Not a valid string."}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"channel": "Must not be empty."},
            "The request is not valid: channel: Must not be empty.",
        ),
        ({"a": "First.", "b": "Second."}, "The request is not valid: a: First."),
        ({"": "Must be an object."}, "The request is not valid: Must be an object."),
    ],
)
def test_without_a_message_it_says_the_first_field(fields: dict[str, str], message: str) -> None:
    assert Invalid(fields=fields).message == message
    assert Invalid("No such event.", fields=fields).message == "No such event."


def test_a_message_of_fields_is_bounded() -> None:
    assert len(Invalid(fields={"x" * 10_000: "y" * 10_000}).message) < 350


def test_no_fields_are_left_out() -> None:
    assert "fields" not in Invalid(fields={}).to_dict()


@pytest.mark.parametrize("seconds", [0.0, 0.25, 3.0])
def test_retry_after_is_in_seconds(seconds: float) -> None:
    assert RateLimited(retry_after=seconds).to_dict()["retry_after"] == seconds
