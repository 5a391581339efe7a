"""The one exception type that a service raises for an answer AWS would give as an error."""

from __future__ import annotations


class AwsError(Exception):
    """An AWS-shaped error answer.

    ``code`` is the exception name of the service's API model (``ValidationException``), ``message`` is what the
    caller reads, ``status`` the HTTP status. ``fields`` holds the further members of the exception's shape, for
    example ``ResourceId``.
    """

    def __init__(self, code: str, message: str, status: int = 400, **fields: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields
