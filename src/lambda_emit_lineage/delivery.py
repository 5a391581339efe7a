"""Events go to the lake, each once, and from there to the URL, where one is set.

To the lake: an object that is written only where it is not there yet. To the URL: at least once; the object below
`lineage-sent/` says that the URL took it, so another delivery of the same event of EventBridge does not post it again.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from dataset_contract import places
from dataset_contract.json_types import JsonObject
from lambda_emit_lineage.aws import HttpResponse, exchange
from lambda_emit_lineage.events import Event
from lambda_emit_lineage.settings import Settings

_POST_SECONDS: Final = 5.0
# Who wrote an event posts it. Another one does only once that one has had the time, and has not.
_SECONDS_TO_POST: Final = 30.0

Exchange = Callable[[str, str, str, dict[str, str], bytes, float], HttpResponse]
Log = Callable[..., None]


class NotSentError(Exception):
    """The URL did not take events. Lambda tries the whole invocation again, twice; the lake has them already."""


class DeliveryServices(Protocol):
    """What is asked of S3 and Secrets Manager."""

    def put_new(self, bucket: str, key: str, body: bytes) -> bool:
        """Write an object if there is none, and say whether it was written."""

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object."""

    def age(self, bucket: str, key: str, now: float) -> float | None:
        """The age of an object in seconds; None if there is none."""

    def call(self, service: str, operation: str, document: JsonObject) -> Any:
        """Call an operation of a service, and return its answer."""


class Delivery:
    """clock: seconds since 1970, as S3 dates objects."""

    def __init__(
        self,
        settings: Settings,
        store: DeliveryServices,
        log: Log,
        *,
        post: Exchange = exchange,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._store, self._log = settings, store, log
        self._post, self._clock = post, clock

    def deliver(self, folder: str, events: Iterable[Event]) -> int:
        """Write events and post them, in their order.

        Args:
            folder: `<dataset>/<job ID>`.

        Returns:
            How many were new.

        Raises:
            NotSentError: the URL did not take one, so those after it were not posted either.
            AwsRequestError: S3 or Secrets Manager refused.
        """
        listed = list(events)
        keys = [f"{folder}/{event.name}.json" for event in listed]
        bodies = [json.dumps(event.document, ensure_ascii=False, sort_keys=True).encode() for event in listed]
        lake = self._settings.lake_bucket
        new = {
            key for key, body in zip(keys, bodies, strict=True) if self._store.put_new(lake, places.LINEAGE + key, body)
        }
        if self._settings.url:
            for key, body in zip(keys, bodies, strict=True):
                if key in new or self._is_left(key):
                    self._send(key, body)
        return len(new)

    def _is_left(self, key: str) -> bool:
        lake, now = self._settings.lake_bucket, self._clock()
        if self._store.age(lake, places.LINEAGE_SENT + key, now) is not None:
            return False
        written = self._store.age(lake, places.LINEAGE + key, now)
        return written is not None and written >= _SECONDS_TO_POST

    def _send(self, key: str, body: bytes) -> None:
        try:
            status = self._posted(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = f"{type(error).__name__}: {error}"
        else:
            if 200 <= status < 300:
                self._store.put(self._settings.lake_bucket, places.LINEAGE_SENT + key, b"")
                return
            said = f"HTTP status {status}"
        place = urlsplit(self._settings.url).netloc.rpartition("@")[2]
        self._log("event not sent", level="ERROR", event=key, host=place, error=said)
        raise NotSentError(f"{place} did not take {key}: {said}")

    def _posted(self, body: bytes) -> int:
        parts = urlsplit(self._settings.url)
        headers = {"content-type": "application/json", "user-agent": "traceable-data-pipeline"}
        if self._settings.token_secret_arn:
            headers["authorization"] = f"Bearer {self._token()}"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return self._post(self._settings.url, "POST", target, headers, body, _POST_SECONDS).status

    def _token(self) -> str:
        asked = {"SecretId": self._settings.token_secret_arn}
        found = str(self._store.call("secretsmanager", "GetSecretValue", asked)["SecretString"]).strip()
        if not found.isascii() or not found.isprintable() or " " in found:
            raise ValueError("the secret is not a token: it has characters that a header may not have")
        return found
