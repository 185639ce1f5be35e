"""The one kind of error that users are meant to read."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can put right: what is wrong, and what to do about it.

    The command line prints the message and the hint without a stack trace and ends with `exit_code`.
    """

    def __init__(self, message: str, hint: str | None = None, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code
