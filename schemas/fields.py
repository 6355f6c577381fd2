"""Fields without coercion: marshmallow's own load `"5"` as 5 and 1 as true."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate

from app.core.channel import MAX_ID, name_problem
from schemas.json_value import json_problem


def is_channel_name(value: Any) -> bool:
    """Return whether `value` can be the name of a channel in some namespace."""
    if type(value) is not str:
        return False
    return _is_name(value) if len(value) <= MAX_ID else name_problem(value) is None


# Called for each message; the caller checks the length, so the cache holds no long texts.
@lru_cache(maxsize=4096)
def _is_name(name: str) -> bool:
    return name_problem(name) is None


class Text(fields.String):
    """A string of Unicode text; `max_length` counts characters."""

    def __init__(
        self, *, min_length: int = 0, max_length: int | None = None, **kwargs: Any
    ) -> None:
        length = validate.Length(min=min_length or None, max=max_length)
        super().__init__(validate=length if min_length or max_length else None, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if (problem := json_problem(value)) is not None:
            raise ValidationError(problem)
        return value


class ShortText(Text):
    """A name or a title: 1 to 1,024 characters."""

    def __init__(self, max_length: int = 1024, **kwargs: Any) -> None:
        super().__init__(min_length=1, max_length=max_length, **kwargs)


class ChannelName(Text):
    """The name of a channel in some namespace."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if (problem := name_problem(value)) is not None:
            raise ValidationError(problem)
        return value


class Integer(fields.Integer):
    """A whole number, not text that looks like one and not a boolean."""

    def __init__(self, *, minimum: int | None = None, maximum: int = 2**53, **kwargs: Any) -> None:
        # JavaScript can't represent larger integers exactly.
        bounds = validate.Range(min=-maximum if minimum is None else minimum, max=maximum)
        super().__init__(strict=True, validate=bounds, **kwargs)


class Boolean(fields.Boolean):
    """`true` or `false`, not 1 or "yes"."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class IntegerOrText(fields.Field[int | str]):
    """An id, which some systems write as an integer: 7 or "agent-7"."""

    TEXT: ClassVar[Text] = ShortText()
    INTEGER: ClassVar[Integer] = Integer()
    default_error_messages = {"invalid": "Must be an integer or text."}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            return self.TEXT.deserialize(value, attr, data)
        if isinstance(value, int) and not isinstance(value, bool):
            return self.INTEGER.deserialize(value, attr, data)
        raise self.make_error("invalid")


class Object(fields.Field[dict[str, Any]]):
    """An object whose contents are checked elsewhere."""

    default_error_messages = {"invalid": "Must be an object."}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping):
            raise self.make_error("invalid")
        return value


class JsonObject(fields.Field[dict[str, Any]]):
    """A JSON object, loaded unchanged."""

    default_error_messages = {"invalid": "Must be an object."}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping):
            raise self.make_error("invalid")
        if (problem := json_problem(value)) is not None:
            raise ValidationError(problem)
        return value


class JsonValue(fields.Field[Any]):
    """Any JSON value."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if (problem := json_problem(value)) is not None:
            raise ValidationError(problem)
        return value
