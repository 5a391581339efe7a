from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeline import doctor
from pipeline.clients import Clients
from pipeline.stacks import Stack

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:dev-pipeline"
GET_CREDENTIALS = "aws configure sso, aws login, or set AWS_PROFILE"


class Refusing:
    """STS as it answers credentials that it does not take."""

    def __init__(self, code: str) -> None:
        self.code = code

    def get_caller_identity(self) -> Any:
        raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "GetCallerIdentity")


def advised(stack: Stack) -> tuple[str, str]:
    """What is wrong with the credentials, and the advice; nothing else is asked after that."""
    _, credentials = doctor.examine(stack)
    assert (credentials.check, credentials.result) == ("credentials", doctor.WRONG)
    return credentials.detail, credentials.advice


def on_aws() -> Stack:
    return Stack(Clients(region="us-east-1"), {"state_machine_arn": MACHINE}, Path())


@pytest.mark.parametrize(
    "code",
    [
        *("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException"),
        *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "MissingAuthenticationToken"),
    ],
)
def test_credentials_that_aws_does_not_take_are_what_the_advice_is_about(code: str) -> None:
    stack = on_aws()
    stack._clients_made["sts"] = Refusing(code)
    assert code in advised(stack)[0]
    assert advised(stack)[1] == GET_CREDENTIALS


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"AWS_PROFILE": "nonsense"}, "The config profile (nonsense) could not be found"),
        ({"AWS_ACCESS_KEY_ID": "alone"}, "Partial credentials found in env"),
        ({"AWS_EC2_METADATA_DISABLED": "true"}, "Unable to locate credentials"),
    ],
)
def test_credentials_that_are_not_there_are_what_the_advice_is_about(
    environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    detail, advice = advised(on_aws())
    assert said in detail
    assert advice == GET_CREDENTIALS


def test_a_setting_that_the_sdk_does_not_take_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    detail, advice = advised(on_aws())
    assert "Invalid endpoint: nonsense" in detail
    assert advice == "unset the variable or setting, or give it a value that AWS names"


def test_a_network_that_is_not_there_has_nothing_to_do_with_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert advised(on_aws())[1] == "check the network, the region and the endpoint"
