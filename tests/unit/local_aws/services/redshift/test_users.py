"""Users of a cluster: the passwords that Redshift takes, and grants that count."""

from __future__ import annotations

import hashlib
import json

import pytest

from local_aws.services.redshift.dialect import plan
from local_aws.services.redshift.sqlerror import SqlError
from tests.unit.local_aws.services.conftest import Redshift

PASSWORD = "It-is-1-Secret"
LOADER = "arn:aws:secretsmanager:us-east-1:000000000000:secret:loader-abcdef"


def digest(user: str, password: str) -> str:
    return "md5" + hashlib.md5((password + user).encode()).hexdigest()


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("Short1", "between 8 and 64 characters"),
        ("Aa1" + "x" * 62, "between 8 and 64 characters"),
        ("has-a-1-alone", "upper case letter"),
        ("HAS-A-1-ALONE", "lower case letter"),
        ("Has-no-number", "number"),
        ("With Blank 1", "printable ASCII"),
        ("Umläut-1-is", "printable ASCII"),
        ("With/Slash1", "can't contain"),
        ("With''Quote1", "can't contain"),
        ("md5" + "0" * 31, "upper case letter"),
        ("sha256|Mypassword1", "SHA-256 digest"),
    ],
)
@pytest.mark.parametrize("verb", ["create user u", "create user u with", "alter user u"])
def test_a_password_that_redshift_does_not_take(verb: str, password: str, message: str) -> None:
    with pytest.raises(SqlError, match=message):
        plan(f"{verb} password '{password}'")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("create user u", "syntax error at end of input"),
        ("create user u createdb", "syntax error at end of input"),
        ("create user u password", "syntax error at end of input"),
        ("create user u password secret", 'at or near "secret"'),
        ("create user u password disable createuser", "superuser besides the cluster's own"),
        ("alter user u createuser", "superuser besides the cluster's own"),
    ],
)
def test_users_that_cannot_be_made(sql: str, message: str) -> None:
    with pytest.raises(SqlError, match=message):
        plan(sql)


@pytest.mark.postgres
@pytest.mark.parametrize("form", ["text", "digest"])
def test_a_user_connects_by_its_password_and_has_what_it_was_granted(redshift: Redshift, form: str) -> None:
    user = f"loader_{form}"
    password = PASSWORD if form == "text" else digest(user, PASSWORD)
    redshift.secrets[LOADER] = json.dumps({"username": user, "password": PASSWORD})
    redshift.run(
        f"create user {user} password '{password}'", "create schema s", "create table s.t (a int)",
        "insert into s.t values (1)", f"grant usage on schema s to {user}", f"grant select on table s.t to {user}",
    )  # fmt: skip
    assert redshift.rows("select a from s.t", SecretArn=LOADER) == [(1,)]
    assert redshift.fail("insert into s.t values (2)", SecretArn=LOADER) == "ERROR: permission denied for table t"
    redshift.run(f"grant insert, delete on table s.t to {user}")
    redshift.run("insert into s.t values (2)", "delete from s.t where a = 1", SecretArn=LOADER)
    assert redshift.rows("select a from s.t", SecretArn=LOADER) == [(2,)]
    redshift.run(f"revoke delete on table s.t from {user}")
    assert redshift.fail("delete from s.t", SecretArn=LOADER) == "ERROR: permission denied for table t"
    redshift.run(f"alter user {user} password '{digest(user, 'Another-1-Secret')}'")
    assert "password authentication failed" in redshift.fail("select 1", SecretArn=LOADER)
    redshift.run(f"alter user {user} password disable")
    assert "password authentication failed" in redshift.fail("select 1", SecretArn=LOADER)
    redshift.run("drop schema s cascade", f"drop user {user}")
