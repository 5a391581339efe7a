"""The access key of an endpoint's job runs and COPYs: LocalStack itself takes any key that there is.

A run of an endpoint that was killed could otherwise write into the buckets of the next one. LocalStack holds nobody to
a policy, so one key does for all roles.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from localstack.aws import handlers
from localstack.aws.api import CommonServiceException, RequestContext
from localstack.utils.aws.request_context import extract_access_key_id_from_auth_header

# What AWS calls the keys of temporary credentials. LocalStack's own begin with LSIA.
TEMPORARY: Final = "ASIA"
_UNKNOWN: Final = "The security token included in the request is invalid."


class GivenKeys:
    """Gives a key out, and refuses every other one that looks like it."""

    def __init__(self) -> None:
        self._key = TEMPORARY + secrets.token_hex(8).upper()
        self._secret = secrets.token_hex(20)

    def credentials(self, role: str, service: str, session: str) -> Mapping[str, str]:
        """The same for every role."""
        return {"AWS_ACCESS_KEY_ID": self._key, "AWS_SECRET_ACCESS_KEY": self._secret}

    def install(self) -> None:
        """Have LocalStack ask for each request to a service."""
        handlers.serve_custom_service_request_handlers.append(self._refuse)

    def _refuse(self, _chain: object, context: RequestContext, _response: object) -> None:
        key = extract_access_key_id_from_auth_header(context.request.headers) or ""
        if key.startswith(TEMPORARY) and key != self._key:
            assert context.service
            raise refusal(context.service.service_name, context.service.protocol)


def refusal(service: str, protocol: str) -> CommonServiceException:
    """What AWS says of a key that it did not give out.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
    """
    if service == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return CommonServiceException("InvalidAccessKeyId", message, 403)
    if protocol in ("query", "ec2"):
        return CommonServiceException("InvalidClientTokenId", _UNKNOWN, 403)
    return CommonServiceException("UnrecognizedClientException", _UNKNOWN, 400 if protocol == "json" else 403)
