"""User grants: what every user has whose token doesn't say what it grants (`USER_GRANTS`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.core.identity import Grant

# A whole part between separators: "x-{sub}" for "a" would be "{sub}-a" for "x", somebody else's.
_SUB: Final = re.compile(r"(?<![^/:])\{sub\}(?![^/:])")
# What would end the part that the sub stands in, and what marks that.
_ENCODED: Final = str.maketrans({"%": "%25", "/": "%2F", ":": "%3A"})


@dataclass(frozen=True, slots=True)
class UserGrant:
    """A grant in which `{sub}` stands for the `sub` of a token.

    In the `sub`, `%`, `/` and `:` are percent-encoded, so it is one part of a channel's name.
    """

    pattern: Grant

    @classmethod
    def parse(cls, text: str) -> UserGrant:
        """Parse a grant in which each `{sub}` is a whole part between `/` or `:`.

        Raises:
            ValueError: it is not of that form.
        """
        try:
            stand_in = Grant.parse(_SUB.sub("sub", text))
        except ValueError:
            raise ValueError(
                "not of the form <namespace>:<channel>:<r|w|rw>, where {sub} may be a whole part "
                f"of the channel between / or :: {text!r}"
            ) from None
        namespace, _, rest = text.partition(":")
        if "{" in namespace:
            raise ValueError(f"{{sub}} stands in a channel's name, not in a namespace: {text!r}")
        return cls(Grant(stand_in.namespace, rest.rpartition(":")[0], stand_in.mode))

    @property
    def is_personal(self) -> bool:
        """Whether it grants each user something else."""
        return _SUB.search(self.pattern.channel) is not None

    def of(self, sub: str) -> Grant:
        """Return the grant that the user `sub` has."""
        encoded = sub.translate(_ENCODED)
        channel = _SUB.sub(lambda _found: encoded, self.pattern.channel)
        return Grant(self.pattern.namespace, channel, self.pattern.mode)

    def __str__(self) -> str:
        return str(self.pattern)
