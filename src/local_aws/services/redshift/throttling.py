"""Requests per second: a bucket of tokens for each operation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from local_aws.errors import AwsError


class Throttle:
    """Lets through as many requests of an operation as its rate allows; at most those of one second come at once.

    Args:
        rates: requests per second by operation; one that is missing has no limit.
        clock: seconds, from any moment on.
    """

    def __init__(self, rates: Mapping[str, float], clock: Callable[[], float]) -> None:
        self._rates = rates
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # tokens, and when they were counted

    def take(self, operation: str) -> None:
        """Raises AwsError (ThrottlingException) where the operation's rate is used up."""
        rate = self._rates.get(operation)
        if rate is None:
            return
        with self._lock:
            now = self._clock()
            left, counted = self._left.get(operation, (float(rate), now))
            left = min(float(rate), left + (now - counted) * rate)
            self._left[operation] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            raise AwsError("ThrottlingException", "Rate exceeded")
