"""What keeps a person's own AWS set-up away from processes that talk to a local endpoint.

The SDKs read some fifty variables that begin with AWS_, and two files. A profile that is not there stops a client
before its first request, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS sends it to AWS, AWS_USE_FIPS_ENDPOINT and AWS_CA_BUNDLE
refuse an endpoint on this machine; so none of them is passed on. A proxy stays, for what is elsewhere, but not for the
loopback addresses: Python's clients would send those to it, too.
https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

import boto3
import botocore.session

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
PREFIXES: Final = ("AWS_", "BOTOCORE_")
# Without AWS_CONFIG_FILE and its like the SDKs read ~/.aws.
NO_FILES: Final = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def isolated(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without a setting of the SDKs, and without a proxy for loopback addresses."""
    kept = {name: value for name, value in environment.items() if not name.startswith(PREFIXES)}
    return {**kept, **without_proxy(environment), **NO_FILES, "AWS_EC2_METADATA_DISABLED": "true"}


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY and no_proxy (programs differ in which they read) with the loopback addresses added to what is there."""
    added: dict[str, str] = {}
    for name, other in (("NO_PROXY", "no_proxy"), ("no_proxy", "NO_PROXY")):
        hosts = [host.strip() for host in environment.get(name, environment.get(other, "")).split(",") if host.strip()]
        # "*" is for every host, and only where it stands alone.
        missing = [] if hosts == ["*"] else [host for host in LOOPBACK if host not in hosts]
        added[name] = ",".join([*hosts, *missing])
    return added


def session() -> boto3.session.Session:
    """A session for clients of an endpoint: it reads no variable and no file of the SDKs."""
    variables = {
        name: (None, None, *rest)
        for name, (_setting, _variable, *rest) in botocore.session.Session.SESSION_VARIABLES.items()
    }
    for name in ("config_file", "credentials_file"):
        variables[name] = (None, None, os.devnull, None)
    return boto3.session.Session(botocore_session=botocore.session.Session(session_vars=variables))
