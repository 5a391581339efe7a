"""Redshift's rule for Parquet: a column is loaded only from the type that it has itself; nothing is converted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from local_aws.services.redshift.sqlerror import SqlError

_FIELDS = "name, type, converted_type, logical_type, num_children, repetition_type, precision, scale"


@dataclass(frozen=True)
class ParquetColumn:
    """A leaf of a Parquet schema: physical type, what it stands for, and whether it is nested."""

    name: str
    physical: str
    meaning: str
    nested: bool
    repetition: str
    precision: int
    scale: int

    @property
    def text(self) -> bool:
        """Whether it holds character data."""
        return self.physical == "BYTE_ARRAY" and not self.meaning.startswith("DECIMAL")

    @property
    def binary(self) -> bool:
        """Whether it holds bytes that nobody declared to be text."""
        return self.text and not self.meaning

    @property
    def described(self) -> str:
        """The line that Redshift prints of a file's schema."""
        names = {"BYTE_ARRAY": "byte_array", "FIXED_LEN_BYTE_ARRAY": "fixed_len_byte_array", "": "group"}
        return f"{self.repetition.lower()} {names.get(self.physical, self.physical.lower())} {self.name}"


# What a statement fails with. DuckDB cuts the line that its message shows, also within a character: then Python has no
# message to raise.
ERRORS = (duckdb.Error, UnicodeDecodeError)


def literal(text: str) -> str:
    """A text constant of DuckDB's SQL."""
    return "'" + text.replace("'", "''") + "'"


def read_schema(database: duckdb.DuckDBPyConnection, path: Path, uri: str) -> list[ParquetColumn]:
    """The columns of the file in order; SqlError if it is not a Parquet file."""
    try:
        # Not bound: for a parameter DuckDB imports pandas where it is installed, which takes a second.
        rows = database.execute(f"SELECT {_FIELDS} FROM parquet_schema({literal(str(path))})").fetchall()
    except ERRORS as error:
        raise SqlError(f"Spectrum Scan Error. File '{uri}' is not a Parquet file.", "XX000") from error
    columns = []
    below = 0
    for name, physical, converted, logical, children, repetition, precision, scale in rows[1:]:
        if below:
            below += (children or 0) - 1
            continue
        below = children or 0
        meaning = _meaning(converted, logical)
        columns.append(
            ParquetColumn(name, physical or "", meaning, bool(children), repetition or "", precision or 0, scale or 0)
        )
    return columns


def _meaning(converted: str | None, logical: str | None) -> str:
    """The annotation in one vocabulary: the newer logical type wins over the older converted type."""
    text = logical or ""
    if text.startswith("IntType"):
        width = re.search(r"bitWidth=(.+?), ", text, re.DOTALL)
        signed = "isSigned=0" not in text and "isSigned=false" not in text
        # DuckDB prints the width as a number or as the character with that code.
        bits = width.group(1) if width else ""
        bits = bits if bits.isdigit() else str(ord(bits)) if len(bits) == 1 else bits
        return f"{'INT' if signed else 'UINT'}_{bits}"
    for start, meaning in (("Timestamp", "TIMESTAMP"), ("Decimal", "DECIMAL"), ("String", "UTF8"), ("Date", "DATE")):
        if text.startswith(start):
            return meaning
    if converted and converted.startswith("TIMESTAMP"):
        return "TIMESTAMP"
    return converted or ""


def check_column(uri: str, table: str, column: str, type_name: str, modifier: int, source: ParquetColumn) -> None:
    """SqlError in Redshift's words unless the file's column is of the table's type."""
    if type_name == "super":
        raise SqlError(f"SUPER column in COPY query requires SERIALIZETOJSON option: {column}", "XX000")
    if source.nested or not _matches(type_name, modifier, source):
        raise SqlError(
            f"Spectrum Scan Error. File '{uri}' has an incompatible Parquet schema for column"
            f" '{table}.{column}'. Column type: {_declared(type_name, modifier)}, Parquet schema:\n{source.described}",
            "XX000",
        )


def _matches(type_name: str, modifier: int, source: ParquetColumn) -> bool:
    physical, meaning = source.physical, source.meaning
    if type_name in ("varchar", "bpchar"):
        return physical == "BYTE_ARRAY" and meaning in ("UTF8", "", "ENUM", "JSON")
    if type_name == "numeric":
        return meaning == "DECIMAL" and (source.precision, source.scale) == _precision(modifier)
    allowed = {
        "int2": [("INT32", "INT_16"), ("INT32", "INT_8")],
        "int4": [("INT32", ""), ("INT32", "INT_32"), ("INT32", "INT_16"), ("INT32", "INT_8")],
        "int8": [("INT64", ""), ("INT64", "INT_64")],
        "float4": [("FLOAT", "")],
        "float8": [("DOUBLE", "")],
        "bool": [("BOOLEAN", "")],
        "date": [("INT32", "DATE")],
        "timestamp": [("INT96", ""), ("INT64", "TIMESTAMP")],
        "timestamptz": [("INT96", ""), ("INT64", "TIMESTAMP")],
    }
    return (physical, meaning) in allowed.get(type_name, [])


def _precision(modifier: int) -> tuple[int, int]:
    return (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF


_DECLARED = {
    "int2": "SMALLINT", "int4": "INT", "int8": "BIGINT", "float4": "FLOAT", "float8": "DOUBLE", "bool": "BOOLEAN",
    "date": "DATE", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "varchar": "VARCHAR", "bpchar": "CHAR",
}  # fmt: skip


def _declared(type_name: str, modifier: int) -> str:
    if type_name == "numeric":
        precision, scale = _precision(modifier)
        return f"DECIMAL({precision}, {scale})"
    size = f"({modifier - 4})" if type_name in ("varchar", "bpchar") and modifier > 4 else ""
    return _DECLARED.get(type_name, type_name.upper()) + size
