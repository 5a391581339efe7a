from __future__ import annotations

import os
from pathlib import Path

import botocore.session
import pytest

from aws_facts import sdk_environment

# What the SDK of Python reads, by its own table, and what those of Go and Java read beside it.
VARIABLES = sorted(
    {
        name
        for _setting, variable, *_rest in botocore.session.Session.SESSION_VARIABLES.values()
        if variable
        for name in ([variable] if isinstance(variable, str) else variable)
    }
    | {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ACCOUNT_ID"),
        *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_REDSHIFT_DATA", "AWS_ENDPOINT_URL_GLUE"),
        *("AWS_REGION", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SDK_LOAD_CONFIG"),
        *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_S3_USE_ARN_REGION"),
    }
)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_of_the_sdks_is_not_passed_on(name: str) -> None:
    clean = sdk_environment.isolated({name: "mine", "PATH": "/bin"})
    assert clean.get(name) != "mine"
    assert clean["PATH"] == "/bin"


def test_nothing_that_the_sdks_read_changes_a_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        # A truth where one is read, and a profile, a file or a place that is not there.
        monkeypatch.setenv(name, "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        (tmp_path / name).write_text("[default\nregion = nowhere\n")
        monkeypatch.setenv(name, str(tmp_path / name))
    client = sdk_environment.session().client(
        "s3",
        endpoint_url="http://127.0.0.1:4566",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": "raw", "Key": "a.csv"})
    assert url.startswith("http://127.0.0.1:4566/raw/a.csv?")
    assert client.meta.region_name == "us-east-1"


def test_the_files_below_home_are_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).write_text("[default\nregion = nowhere\n")
    assert sdk_environment.session().region_name is None
    clean = sdk_environment.isolated({})
    assert {clean[name] for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")} == {os.devnull}


@pytest.mark.parametrize(
    ("given", "upper", "lower"),
    [
        ({}, "127.0.0.1,localhost,::1", "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "a.b, .c"}, "a.b,.c,127.0.0.1,localhost,::1", "a.b,.c,127.0.0.1,localhost,::1"),
        ({"no_proxy": "localhost"}, "localhost,127.0.0.1,::1", "localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "a", "no_proxy": "b"}, "a,127.0.0.1,localhost,::1", "b,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": ""}, "127.0.0.1,localhost,::1", "127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, "*", "*"),
    ],
)
def test_no_proxy_gets_the_loopback_addresses(given: dict[str, str], upper: str, lower: str) -> None:
    clean = sdk_environment.isolated({"HTTP_PROXY": "http://proxy:3128", **given})
    assert (clean["NO_PROXY"], clean["no_proxy"]) == (upper, lower)
    assert clean["HTTP_PROXY"] == "http://proxy:3128"
