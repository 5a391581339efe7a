"""`nox -s new -- NAME SAMPLE`: drafts a dataset's contract.yaml and transform.sql from a sample of its source.

The draft packages and runs as it is: one output, which passes every column through. `# CHECK:` marks what a person
should look at.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dataset_contract.model import JOB_ID_COLUMN
from pipeline_tools.datasets import folders, samples, strict_yaml
from pipeline_tools.datasets.samples import FileSample, SampleColumn, SampleError
from pipeline_tools.environments import ROOT

_NAME = re.compile(r"[a-z][a-z0-9_]{0,58}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,126}")
_TRANSFORM = """\
-- Spark SQL. The source, {source}, is a view; so is `parameters` (one row), once the contract has some.
-- Each output of the contract is a view to be created here, with exactly the contract's columns.
CREATE TEMPORARY VIEW {output} AS
SELECT
{columns}
FROM {source};
"""


class NewDatasetError(ValueError):
    """The dataset cannot be drafted; the message says what to give instead."""


def create(root: Path, name: str, sample: Path) -> Path:
    """Draft the folder sql/datasets/NAME below `root` and return it.

    Raises:
        NewDatasetError: the name is none, or there is a dataset of that name.
        SampleError: the sample cannot be read.
        DatasetError: the draft would not be packaged, which is a mistake of this module.
    """
    if not _NAME.fullmatch(name):
        raise NewDatasetError(
            f"{name!r} is not a name of a dataset; accepted: 1 to 59 lower-case letters, digits and _, a letter first"
        )
    folder = root / "sql" / "datasets" / name
    if folder.exists():
        raise NewDatasetError(f"sql/datasets/{name} is there already; accepted: another name, or delete it first")
    with tempfile.TemporaryDirectory() as scratch:
        found = samples.read(sample, Path(scratch))
        draft = Path(scratch) / "sql" / "datasets" / name
        draft.mkdir(parents=True)
        columns = _named(found.columns)
        (draft / folders.CONTRACT).write_text(contract(name, sample.name, found, columns), encoding="utf-8")
        (draft / folders.TRANSFORM).write_text(transform(name, [column for column, _ in columns]), encoding="utf-8")
        folders.read(draft)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(draft, folder)
    return folder


def contract(name: str, sample: str, found: FileSample, columns: Sequence[tuple[str, SampleColumn]]) -> str:
    """The text of contract.yaml."""
    lines = [
        f"# Drafted from {_one_line(sample)} ({found.rows} rows). CHECK marks what a person should look at.",
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {_scalar(name)}",
        f"name: {_scalar(name)}",
        'version: "1.0.0"',
        "status: draft",
        "schema:",
        f"  - name: {_source(name)} # what arrives",
        "    logicalType: object",
        "    customProperties:",
        "      - {property: role, value: source}",
    ]
    if found.csv:
        dialect = ", ".join(f"{key}: {_scalar(value)}" for key, value in found.csv.items())
        lines.append(f"      - {{property: csv, value: {{{dialect}}}}} # CHECK: how the files are written")
    lines.append("    properties:")
    lines += [f"      # CHECK: {_one_line(note)}." for note in (*_key_notes(found, columns), *found.notes)]
    for column, given in columns:
        lines += _property(column, given, source=True)
    lines += [
        f"  - name: {_scalar(name)} # what comes out: the table analytics.{name}",
        "    logicalType: object",
        "    customProperties:",
        "      - {property: role, value: output}",
        "    properties:",
    ]
    for column, given in columns:
        lines += _property(column, given, source=False)
    return "\n".join(lines) + "\n"


def transform(name: str, columns: Sequence[str]) -> str:
    """The text of transform.sql."""
    listed = ",\n".join(f"    `{column}`" for column in columns)
    return _TRANSFORM.format(source=_source(name), output=f"`{name}`", columns=listed)


def _source(name: str) -> str:
    return f"raw_{name}"


def _named(columns: Sequence[SampleColumn]) -> list[tuple[str, SampleColumn]]:
    """The columns with names that are identifiers, each once whatever its case."""
    named: list[tuple[str, SampleColumn]] = []
    headers: dict[str, str] = {}
    for number, column in enumerate(columns, start=1):
        header = column.source
        if header and header.lower() in headers:
            problem = f"calls two columns {headers[header.lower()]!r} and {header!r}; accepted: names that differ"
            raise SampleError(f"the sample {problem} by more than their case")
        headers[header.lower()] = header
        wanted = _identifier(header, number)
        taken = {name.lower() for name, _ in named} | {JOB_ID_COLUMN}
        name, count = wanted, 2
        while name.lower() in taken:
            name, count = f"{wanted}_{count}", count + 1
        named.append((name, column))
    return named


def _identifier(header: str, number: int) -> str:
    if _IDENTIFIER.fullmatch(header):
        return header
    text = unicodedata.normalize("NFKD", header.removeprefix("$.").casefold()).encode("ascii", "ignore").decode()
    text = re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:100]
    if not text:
        return f"column_{number}"
    return text if text[0].isalpha() else f"column_{text}"


def _property(name: str, column: SampleColumn, *, source: bool) -> list[str]:
    guess = column.guess
    parts = [f"name: {_scalar(name)}"]
    if source and column.source not in ("", name):
        parts.append(f"physicalName: {_quoted(column.source)}")
    parts += [f"logicalType: {guess.logical}", f"physicalType: {_quoted(guess.physical)}"]
    if guess.required:
        parts.append("required: true")
    if source and guess.format:
        parts.append(f"logicalTypeOptions: {{format: {_quoted(guess.format)}}}")
    if source and guess.null_values:
        nulls = ", ".join(_quoted(text) for text in ("", *guess.null_values))
        parts.append(f"customProperties: [{{property: nullValues, value: [{nulls}]}}]")
    check = f" # CHECK: {_one_line(guess.check)}" if source and guess.check else ""
    return [f"      - {{{', '.join(parts)}}}{check}"]


def _key_notes(found: FileSample, columns: Sequence[tuple[str, SampleColumn]]) -> Iterator[str]:
    for key in found.keys:
        names = [columns[index][0] for index in key]
        unique = " and ".join(names)
        if len(names) == 1:
            yield f"{unique} is unique in the sample; if it is the key, add to it: primaryKey: true"
        else:
            yield f"{unique} are unique together; if they are the key: primaryKey: true, primaryKeyPosition: 1 and 2"
    if not found.keys:
        yield "no column and no pair of columns is unique in the sample, so no key is proposed"


def _scalar(value: Any) -> str:
    """A value that every YAML reader takes for the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or _reads_alike(value):
        return str(value)
    return _quoted(str(value))


def _reads_alike(text: str) -> bool:
    """Whether an identifier is a text for every YAML reader, as `no` is not."""
    try:
        return bool(_IDENTIFIER.fullmatch(text)) and strict_yaml.read(text).value == text
    except strict_yaml.ProblemsError:
        return False


def _quoted(text: str) -> str:
    # JSON's quoting is YAML's, but for characters that YAML wants escaped too.
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def main(arguments: Sequence[str]) -> int:
    """`-- NAME SAMPLE`: exit code 0, 1 when it cannot be drafted, 2 for usage."""
    if len(arguments) != 2 or arguments[0].startswith("-"):
        print("usage: nox -s new -- NAME SAMPLE", file=sys.stderr)
        return 2
    try:
        folder = create(ROOT, arguments[0], Path(arguments[1]))
    except (NewDatasetError, SampleError, folders.DatasetError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    place = folder.relative_to(ROOT)
    checks = (folder / folders.CONTRACT).read_text(encoding="utf-8").count("# CHECK:")
    print(f"drafted {place}: look at its {checks} CHECK marks, then run ./noxw -s package", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
