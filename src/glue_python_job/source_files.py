"""The list of the source files that were read, for audit.source_file: the load copies it into the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataset_contract import manifests, places
from glue_python_job import publishing
from glue_python_job.cleaning.outcome import LocalPart
from glue_python_job.errors import JobError
from glue_python_job.logs import Log
from glue_python_job.sql import literal
from glue_python_job.storage import StoredFile, Stores

_ROWS = 1000  # of a statement


def publish(
    files: Sequence[StoredFile], manifest_uri: str, stage_run: str, scratch: Path, stores: Stores, log: Log
) -> None:
    """Publish the files as they were listed: URI, what tells their content from another one's, and bytes.

    A file of any number of rows, so that no statement of the load grows with the source.

    Raises:
        JobError: the place of a file does not tell one content from another.
    """
    for file in files:
        if not file.tag:
            raise JobError(f"{file.uri} has no ETag, by which its content is told from another")
    directory = places.source_files_of(manifest_uri, stage_run)
    path = scratch / "source_files.parquet"
    _write(path, files)
    written = publishing.publish([LocalPart(path, len(files))], directory, stores, log)
    uri = places.source_files_list_of(manifest_uri, stage_run)
    stores.of(uri).write_text(uri, manifests.render_copy(written))


def _write(path: Path, files: Sequence[StoredFile]) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE source_file (uri VARCHAR, version VARCHAR, bytes BIGINT)")
        for start in range(0, len(files), _ROWS):
            # As literals: to bind values, DuckDB imports pandas.
            rows = (f"({literal(file.uri)}, {literal(file.tag or '')}, {file.size})" for file in files[start:][:_ROWS])
            connection.execute(f"INSERT INTO source_file VALUES {', '.join(rows)}")
        connection.execute(f"COPY source_file TO {literal(str(path))} (FORMAT parquet)")
