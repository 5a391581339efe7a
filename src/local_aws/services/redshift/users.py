"""CREATE USER and ALTER USER: passwords are those that Redshift takes, as text or as an MD5 digest.

https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_USER.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from local_aws.services.redshift.lexer import Kind, Token, code, join, string_value
from local_aws.services.redshift.sql_expressions import rewrite
from local_aws.services.redshift.sqlerror import SqlError, refused, syntax_error

# "md5" and the MD5 digest, in hexadecimal, of the password followed by the name of the user.
_DIGEST = re.compile(r"md5[0-9a-f]{32}")
_PLAIN = (
    (re.compile(r".{8,64}", re.DOTALL), "Password must be between 8 and 64 characters long"),
    (re.compile(r"[!-~]*"), "Password can contain printable ASCII characters only"),
    (re.compile(r"[^'\"\\/@]*"), "Password can't contain any of ' \" \\ / @"),
    (re.compile(r".*[A-Z].*"), "Password must contain an upper case letter"),
    (re.compile(r".*[a-z].*"), "Password must contain a lower case letter"),
    (re.compile(r".*[0-9].*"), "Password must contain a number"),
)


def user_statement(tokens: Sequence[Token]) -> str:
    """PostgreSQL's form of CREATE USER or ALTER USER; SqlError for a password that Redshift does not take."""
    words = code(tokens)
    keywords = [word.upper for word in words]
    if "CREATEUSER" in keywords:
        raise refused("a superuser besides the cluster's own (CREATEUSER)")
    if "PASSWORD" not in keywords:
        if keywords[0] == "CREATE":
            raise syntax_error("")  # CREATE USER needs one
        return join(rewrite(tokens))
    password = words[keywords.index("PASSWORD") + 1 :][:1]
    if not password or (password[0].kind is not Kind.STRING and password[0].upper != "DISABLE"):
        raise syntax_error(password[0].text if password else "")
    if password[0].upper != "DISABLE":
        _check(string_value(password[0]))
    return join(
        replace(token, text="NULL") if token is password[0] and token.upper == "DISABLE" else token
        for token in rewrite(tokens)
    )


def _check(password: str) -> None:
    if password.startswith("sha256|"):
        raise refused("a password's SHA-256 digest (its MD5 digest is)")
    if _DIGEST.fullmatch(password):
        return
    for pattern, problem in _PLAIN:
        if not pattern.fullmatch(password):
            raise SqlError(problem, "22023")
