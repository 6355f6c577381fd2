"""The schema that all of ours are: marshmallow's, which leaves nothing of what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import marshmallow
from marshmallow import ValidationError


class Schema(marshmallow.Schema):
    """`marshmallow.Schema`, which holds the error that it raises in the frame that raises it: both,
    and the value with them, would stay until the garbage collector comes, which is rare here."""

    def handle_error(
        self, error: ValidationError, data: Mapping[str, Any] | Any, *, many: bool, **kwargs: Any
    ) -> NoReturn:
        raise ValidationError(error.messages, data=data, valid_data=error.valid_data)
