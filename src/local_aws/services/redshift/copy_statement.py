"""Parses COPY and holds it to the options that Redshift takes for each format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from local_aws.services.redshift.lexer import Token, split_commas
from local_aws.services.redshift.sqlerror import SqlError, refused
from local_aws.services.redshift.token_reader import Reader

_S3_URI = re.compile(r"s3://([a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])/(.*)", re.DOTALL)
_ROLE_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+")

_COLUMNAR_OPTIONS = frozenset(
    ["ACCEPTINVCHARS", "FILLRECORD", "STATUPDATE", "MANIFEST", "EXPLICIT_IDS", "SERIALIZETOJSON"]
)
_FLAGS = frozenset(
    [
        "ACCEPTANYDATE",
        "BLANKSASNULL",
        "EMPTYASNULL",
        "ESCAPE",
        "EXPLICIT_IDS",
        "FILLRECORD",
        "GZIP",
        "BZIP2",
        "LZOP",
        "ZSTD",
        "IGNOREBLANKLINES",
        "MANIFEST",
        "NOLOAD",
        "REMOVEQUOTES",
        "ROUNDEC",
        "SERIALIZETOJSON",
        "TRIMBLANKS",
        "TRUNCATECOLUMNS",
        "ENCRYPTED",
    ]
)
_VALUES = frozenset(
    ["ACCEPTINVCHARS", "DATEFORMAT", "TIMEFORMAT", "DELIMITER", "NULL", "QUOTE", "ENCODING", "REGION", "MAXERROR"]
)
_NUMBERS = frozenset(["IGNOREHEADER", "MAXERROR", "COMPROWS", "READRATIO"])
_SWITCHES = frozenset(["COMPUPDATE", "STATUPDATE"])
# What the text loader honours, or may ignore without a change in what is loaded.
_TEXT_OPTIONS = frozenset(
    [
        "DELIMITER",
        "QUOTE",
        "NULL",
        "IGNOREHEADER",
        "GZIP",
        "MANIFEST",
        "EMPTYASNULL",
        "BLANKSASNULL",
        "EXPLICIT_IDS",
        "REGION",
        "ENCODING",
        "DATEFORMAT",
        "TIMEFORMAT",
        "COMPUPDATE",
        "STATUPDATE",
    ]
)
_UNLOADED_FORMATS = frozenset(["ORC", "AVRO", "RCFILE", "SEQUENCEFILE", "TEXTFILE", "FIXEDWIDTH", "SHAPEFILE"])


@dataclass(frozen=True)
class CopyStatement:
    """A COPY: ``table`` and ``columns`` are quoted names, ``format`` is PARQUET, CSV, JSON or TEXT."""

    table: str
    columns: tuple[str, ...]
    bucket: str
    key: str
    role: str
    format: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The source as written."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def manifest(self) -> bool:
        """Whether the source is a manifest that lists the files."""
        return "MANIFEST" in self.options


def parse(tokens: Sequence[Token]) -> CopyStatement:
    """The COPY statement, with its options checked against its format."""
    reader = Reader(tokens)
    reader.expect("COPY")
    table = reader.qualified_name()
    columns = tuple(Reader(part).name() for part in split_commas(reader.group())) if reader.peek() == "(" else ()
    reader.expect("FROM")
    bucket, key = s3_location(reader.string())
    role = ""
    form = "TEXT"
    options: dict[str, str] = {}
    while not reader.done:
        if reader.peek() in ("IAM_ROLE", "CREDENTIALS", "WITH", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
            role = authorization(reader) or role
        elif reader.peek() in ("FORMAT", "PARQUET", "CSV", "JSON", *_UNLOADED_FORMATS):
            form = _format(reader, options)
        else:
            name, value = _option(reader)
            if name in options:
                raise SqlError(f"conflicting or redundant options: {name}", "42601")
            options[name] = value
    if not role:
        raise SqlError("No credentials or IAM role specified in the COPY command: add IAM_ROLE")
    _check_options(form, options)
    return CopyStatement(table, columns, bucket, key, role, form, options)


def s3_location(uri: str) -> tuple[str, str]:
    """Bucket and key (or key prefix) of an S3 URI."""
    match = _S3_URI.fullmatch(uri)
    if match is None:
        raise SqlError(f"Invalid S3 path: {uri!r} is not s3://bucket/key", "22023")
    return match.group(1), match.group(2)


def authorization(reader: Reader) -> str:
    """The role of an IAM_ROLE or CREDENTIALS clause: an ARN, or ``default``."""
    reader.accept("WITH")
    if reader.accept("CREDENTIALS"):
        reader.accept("AS")
        text = reader.string()
        match = re.fullmatch(r"aws_iam_role=(\S+)", text.strip())
        if match is None:
            raise refused("CREDENTIALS with access keys")
        return _role(match.group(1))
    if reader.accept("IAM_ROLE"):
        if reader.accept("DEFAULT"):
            return "default"
        return _role(reader.string())
    raise refused(reader.peek())


def _role(text: str) -> str:
    if text == "default":
        return text
    if "," in text:
        raise refused("a chain of IAM roles")
    if not _ROLE_ARN.fullmatch(text):
        raise SqlError(f"Invalid IAM role ARN: {text!r}", "22023")
    return text


def _format(reader: Reader, options: dict[str, str]) -> str:
    if reader.accept("FORMAT"):
        reader.accept("AS")
    if reader.peek() in _UNLOADED_FORMATS:
        raise refused(f"COPY from {reader.peek()}")
    if reader.accept("PARQUET"):
        return "PARQUET"
    if reader.accept("CSV"):
        if reader.accept("QUOTE"):
            reader.accept("AS")
            options["QUOTE"] = reader.string()
        return "CSV"
    if reader.accept("JSON"):
        reader.accept("AS")
        options["JSON"] = reader.string() if not reader.done and reader.peek().startswith("'") else "auto"
        return "JSON"
    raise reader.error()


def _option(reader: Reader) -> tuple[str, str]:
    name = reader.peek()
    if name in _FLAGS:
        reader.take()
        return name, ""
    if name in _NUMBERS:
        reader.take()
        reader.accept("AS")
        return name, str(reader.number())
    if name in _SWITCHES:
        reader.take()
        if reader.peek() in ("ON", "OFF", "TRUE", "FALSE", "PRESET"):
            return name, reader.take().upper
        return name, "ON"
    if name in _VALUES:
        reader.take()
        reader.accept("AS")
        if name == "ACCEPTINVCHARS" and not reader.peek().startswith("'"):
            return name, "?"
        return name, reader.string() if reader.peek().startswith("'") else reader.take().text
    raise reader.error()


def _check_options(form: str, options: dict[str, str]) -> None:
    if form == "PARQUET":
        for name in options:
            if name not in _COLUMNAR_OPTIONS:
                raise SqlError(f"{name} argument is not supported for PARQUET based COPY", "0A000")
        if "SERIALIZETOJSON" in options:
            raise refused("COPY ... SERIALIZETOJSON")
        return
    if form == "JSON" and options.pop("JSON", "auto") != "auto":
        raise refused("COPY from JSON other than 'auto'")
    for name in options:
        if name not in _TEXT_OPTIONS:
            raise refused(f"COPY ... {name} from {form}")
    for name in ("DATEFORMAT", "TIMEFORMAT"):
        if options.get(name, "auto").lower() != "auto":
            raise refused(f"COPY ... {name} other than 'auto'")
    if options.get("ENCODING", "UTF8").upper() not in ("UTF8", "AUTO"):
        raise refused("COPY ... ENCODING other than UTF8")
    if form == "CSV" and len(options.get("QUOTE", '"')) != 1:
        raise SqlError("COPY quote must be a single character", "0A000")
    if len(options.get("DELIMITER", ",")) != 1:
        raise refused("COPY with a DELIMITER of several characters")
