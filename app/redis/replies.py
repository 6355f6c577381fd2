"""Replies of Redis that are errors."""

from __future__ import annotations

import re
from typing import Final

from app.core.errors import Internal

#: Errors of a Redis that can't do its work at the moment; any other error is a defect of ours.
TEMPORARY: Final = frozenset(
    {"LOADING", "READONLY", "OOM", "MASTERDOWN", "MISCONF", "BUSY", "NOREPLICAS", "CLUSTERDOWN"}
    | {"TRYAGAIN", "NOAUTH", "NOPERM", "LATE", "UNBLOCKED", "NOGOODSLAVE"}
)
#: Errors that are part of normal operation, and aren't logged.
EXPECTED: Final = frozenset({"NOSCRIPT", "FENCED", "LATE"})
NOT_ANSWERED: Final = (
    "The broker did not answer in time. The message may have been published: repeat it with the "
    "same nonce."
)


class ReplyError(Internal):
    """Redis refused a command; `word` is the first of its error, which no client is sent.

    Redis before 7 wraps the errors of commands in scripts: `ERR Error running script (call to f_…):
    @user_script:1: @user_script: 1: -OOM command not allowed …`.
    """

    def __init__(self, message: str) -> None:
        super().__init__()
        self.reply = message
        self.word = message.partition(" ")[0]
        if "The user executing the script can't run this command" in message:
            self.word = "NOPERM"
        elif wrapped := re.match(r"ERR Error running script .*? -?([A-Z]{3,}) ", message):
            self.word = wrapped[1]

    def __str__(self) -> str:
        return self.reply
