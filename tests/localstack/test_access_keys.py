"""An endpoint on LocalStack takes the key that it gave its runs, and none that another one gave."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def access_keys() -> Any:
    return importlib.import_module("local_aws.engines.localstack.access_keys")


def ask(keys: Any, key: str, service: str = "s3", protocol: str = "rest-xml") -> None:
    credential = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    request = SimpleNamespace(headers={"Authorization": credential})
    context = SimpleNamespace(request=request, service=SimpleNamespace(service_name=service, protocol=protocol))
    keys._refuse(None, context, None)


@pytest.mark.parametrize("key", ["test", "accesskey", "AKIAIOSFODNN7EXAMPLE", "000000000000", "LSIAQAAAAAAABCDEFGHI"])
def test_the_accounts_keys_are_taken(access_keys: Any, key: str) -> None:
    keys = access_keys.GivenKeys()
    ask(keys, key)
    ask(keys, keys.credentials("role", "glue.amazonaws.com", "session")["AWS_ACCESS_KEY_ID"])


@pytest.mark.parametrize(
    ("service", "protocol", "code", "status"),
    [
        ("s3", "rest-xml", "InvalidAccessKeyId", 403),
        ("sts", "query", "InvalidClientTokenId", 403),
        ("redshift-data", "json", "UnrecognizedClientException", 400),
        ("lambda", "rest-json", "UnrecognizedClientException", 403),
    ],
)
def test_a_key_of_another_endpoint_is_refused_as_on_aws(
    access_keys: Any, service: str, protocol: str, code: str, status: int
) -> None:
    other = access_keys.GivenKeys().credentials("role", "glue.amazonaws.com", "session")["AWS_ACCESS_KEY_ID"]
    with pytest.raises(access_keys.CommonServiceException) as refused:
        ask(access_keys.GivenKeys(), other, service, protocol)
    assert (refused.value.code, refused.value.status_code) == (code, status)
