"""Parses UNLOAD: to Parquet; its other formats are refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local_aws.services.redshift.copy_statement import authorization, s3_location
from local_aws.services.redshift.lexer import Token
from local_aws.services.redshift.sqlerror import SqlError, refused
from local_aws.services.redshift.token_reader import Reader


@dataclass(frozen=True)
class UnloadStatement:
    """An UNLOAD of ``query`` to Parquet below the key prefix ``key``."""

    query: str
    bucket: str
    key: str
    role: str
    overwrite: bool = False


def parse(tokens: Sequence[Token]) -> UnloadStatement:
    """The UNLOAD statement; SqlError for what is not run here."""
    reader = Reader(tokens)
    reader.expect("UNLOAD", "(")
    query = reader.string()
    reader.expect(")", "TO")
    bucket, key = s3_location(reader.string())
    role = ""
    form = ""
    overwrite = False
    while not reader.done:
        if reader.peek() in ("IAM_ROLE", "CREDENTIALS", "WITH", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
            role = authorization(reader) or role
        elif reader.accept("FORMAT"):
            reader.accept("AS")
            form = reader.take().upper
        elif reader.accept("PARQUET"):
            form = "PARQUET"
        elif reader.accept("ALLOWOVERWRITE"):
            overwrite = True
        elif reader.accept("PARALLEL"):
            # One file is written whatever the setting: there is one slice.
            if not any(reader.accept(word) for word in ("OFF", "FALSE", "ON", "TRUE")):
                raise reader.error()
        else:
            raise refused(f"UNLOAD ... {reader.peek()}")
    if form != "PARQUET":
        raise refused(f"UNLOAD as {form or 'text'} (FORMAT PARQUET is)")
    if not role:
        raise SqlError("No credentials or IAM role specified in the UNLOAD command: add IAM_ROLE")
    return UnloadStatement(query, bucket, key, role, overwrite)
