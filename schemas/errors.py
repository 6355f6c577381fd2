"""SchemaError: the one exception of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.core.shown import shown

_MOST_FIELDS: Final = 50
_NAME_BYTES: Final = 100


class SchemaError(ValueError):
    """A value doesn't fit its schema.

    Args:
        fields: dotted path of each offending field → what is wrong with it.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(dict(fields))
        self.fields = dict(fields)

    @classmethod
    def from_marshmallow(cls, messages: Any, prefix: str = "") -> SchemaError:
        """Flatten marshmallow's tree of messages: `{"data": {"path": ["…"]}}` → `data.path`."""
        return cls(dict(_flatten(messages, prefix)))

    def __str__(self) -> str:
        return "; ".join(f"{name}: {problem}" for name, problem in self.fields.items())


def _flatten(messages: Any, prefix: str) -> list[tuple[str, str]]:
    if not isinstance(messages, Mapping):
        return [(prefix, " ".join(map(str, messages)))]
    flat: list[tuple[str, str]] = []
    for key, below in messages.items():
        # "_schema" is marshmallow's name for the object itself.
        name = shown(str(key), _NAME_BYTES)
        path = prefix if name == "_schema" else f"{prefix}.{name}" if prefix else name
        flat += _flatten(below, path)
    return flat[:_MOST_FIELDS]
