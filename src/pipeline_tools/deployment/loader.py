"""The user that loads, in a warehouse that Terraform made: its password is made here, and kept in its secret alone.

Redshift gets the MD5 digest of password and name, which CREATE USER takes, so no statement has the password.
https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_USER.html
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dataset_contract.redshift import identifier
from pipeline import redshift
from pipeline.clients import Clients

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

USER = "pipeline_loader"
_EXISTS = "SELECT CAST(usename AS VARCHAR(128)) AS usename FROM pg_user WHERE usename = CAST(:name AS VARCHAR(128))"


class SecretError(RuntimeError):
    """The secret is not what it has to be; the message says what to do, and never what it holds."""


def ensure(clients: Clients, outputs: Mapping[str, object]) -> str | None:
    """Make the user, or give it the password of its secret, and return its name.

    None with a warehouse that was there before: its secret has one user for all.

    Raises:
        SecretError: the secret holds something else than a user and a password.
        QueryError: Redshift refused the user; the message is its own.
    """
    if "redshift_admin_secret_arn" not in outputs:
        return None
    name, password = _credentials(clients.get("secretsmanager"), str(outputs["redshift_secret_arn"]))
    client, administrator = clients.get("redshift-data"), redshift.as_administrator(outputs)
    verb = "ALTER" if redshift.query(client, administrator, _EXISTS, name=name) else "CREATE"
    digest = hashlib.md5((password + name).encode(), usedforsecurity=False).hexdigest()
    redshift.run(client, administrator, [f"{verb} USER {identifier(name)} PASSWORD 'md5{digest}'"])
    return name


def _credentials(client: SecretsManagerClient, arn: str) -> tuple[str, str]:
    """Name and password; made where the secret has no value yet."""
    try:
        text = client.get_secret_value(SecretId=arn)["SecretString"]
    except client.exceptions.ResourceNotFoundException:
        # The letters and the digit are what Redshift asks for; 240 bits follow, and 64 characters are the most.
        text = json.dumps({"username": USER, "password": "Aa1" + secrets.token_hex(30)})
        client.put_secret_value(SecretId=arn, SecretString=text)
    try:
        found = json.loads(text)
        name, password = found["username"], found["password"]
        if isinstance(name, str) and isinstance(password, str):
            return name, password
    except (ValueError, KeyError, TypeError):
        pass
    # Without the cause, whose text may hold the secret.
    raise SecretError(f'{arn} holds something else; accepted: {{"username": "…", "password": "…"}}') from None
