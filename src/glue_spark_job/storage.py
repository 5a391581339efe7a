"""Files by URI, through Hadoop's FileSystem: s3://, file:/// and absolute paths take one way.

Spark already has the file systems, the credentials and the settings; so the job needs no S3 client of its own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession
from pyspark.sql import types as T  # noqa: N812 (the name that Spark's documentation uses)

from glue_spark_job.errors import JobError, one_line


@dataclass(frozen=True)
class StoredFile:
    """A file: its URI and its size in bytes."""

    uri: str
    bytes: int


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file.

    Attributes:
        uri: where it is.
        bytes: its size.
        rows: how many there are, as the footer says.
        types: each column's Spark type, as the footer says.
        nulls: how many nulls there are in the columns that were asked for, of those where the footer says it.
    """

    uri: str
    bytes: int
    rows: int
    types: Mapping[str, str]
    nulls: Mapping[str, int] = field(default_factory=dict)


def hadoop_uri(uri: str) -> str:
    """`uri` for Spark and Hadoop: a plain path would mean the default file system, which on a cluster is not local."""
    return f"file://{uri}" if uri.startswith("/") else uri


class Storage:
    """Reads, writes, lists and deletes files. Every method raises JobError, naming the URI, when access fails."""

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark._jvm
        self._configuration: Any = spark.sparkContext._jsc.hadoopConfiguration()
        self._settings: Any = spark._jsparkSession.sessionState().conf()

    def exists(self, uri: str) -> bool:
        """Whether there is a file, or a directory, at `uri`."""
        with _access("look for", uri):
            files, path = self._open(uri)
            return bool(files.exists(path))

    def read_text(self, uri: str) -> str:
        """The UTF-8 text of the file at `uri`."""
        with _access("read", uri):
            files, path = self._open(uri)
            stream = files.open(path)
            try:
                data = bytes(stream.readAllBytes())
            finally:
                stream.close()
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise JobError(f"{uri} is not UTF-8 text ({error})") from None

    def write_text(self, uri: str, text: str) -> None:
        """Writes `text` to `uri` as UTF-8, replacing what was there. On S3 the file appears whole or not at all."""
        with _access("write", uri):
            files, path = self._open(uri)
            stream = files.create(path, True)
            try:
                stream.write(bytearray(text.encode("utf-8")))
            finally:
                stream.close()

    def files(self, directory: str) -> list[StoredFile]:
        """The files below `directory`, sorted. Names that begin with "_" or "." are hidden, as they are for Spark."""
        return [file for file in self._all(directory) if not _hidden(file.uri[len(directory) :])]

    def names(self, directory: str) -> list[str]:
        """The names of the files and directories right below `directory`, sorted."""
        with _access("list", directory):
            files, path = self._open(directory)
            found = files.listStatus(path) if files.exists(path) else []
            return sorted(str(each.getPath().getName()) for each in found)

    def delete_hidden(self, directory: str) -> None:
        """Deletes the hidden files below `directory`."""
        for file in self._all(directory):
            if _hidden(file.uri[len(directory) :]):
                self.delete(file.uri)

    def delete(self, uri: str) -> None:
        """Deletes the file, or the directory with all that it holds, if it is there."""
        with _access("delete", uri):
            files, path = self._open(uri)
            files.delete(path, True)

    def parquet_file(self, file: StoredFile, nulls_of: Collection[str] = ()) -> ParquetFile:
        """`file` with what its Parquet footer says: exact, and no Spark job is run for it.

        Args:
            file: a file without nested columns.
            nulls_of: the columns whose nulls are asked for.
        """
        parquet = self._jvm.org.apache.parquet.hadoop
        converters = self._jvm.org.apache.spark.sql.execution.datasources.parquet
        with _access("read the Parquet footer of", file.uri):
            _, path = self._open(file.uri)
            reader = parquet.ParquetFileReader.open(parquet.util.HadoopInputFile.fromPath(path, self._configuration))
            try:
                rows = int(reader.getRecordCount())
                converter = converters.ParquetToSparkSchemaConverter(self._settings)
                schema = str(converter.convert(reader.getFileMetaData().getSchema()).json())
                fields = T.StructType.fromJson(json.loads(schema)).fields
                nulls = _nulls(reader, [item.name for item in fields], nulls_of)
            finally:
                reader.close()
        # The contract's TIMESTAMP is a moment in UTC, as is what a file has without a zone.
        types = {item.name: item.dataType.simpleString().removesuffix("_ntz") for item in fields}
        return ParquetFile(file.uri, file.bytes, rows, types, nulls)

    def write_no_checksums(self, uri: str) -> None:
        """Have what is written below a URI no .crc file beside each file, as a local disk would get; S3 has none."""
        self._open(uri)

    def _open(self, uri: str) -> tuple[Any, Any]:
        path = self._jvm.org.apache.hadoop.fs.Path(hadoop_uri(uri))
        files = path.getFileSystem(self._configuration)
        files.setWriteChecksum(False)
        return files, path

    def _all(self, directory: str) -> list[StoredFile]:
        found = []
        with _access("list", directory):
            files, path = self._open(directory)
            if files.exists(path):
                root = str(files.makeQualified(path).toString()).rstrip("/") + "/"
                statuses = files.listFiles(path, True)
                while statuses.hasNext():
                    status = statuses.next()
                    name = str(status.getPath().toString()).removeprefix(root)
                    found.append(StoredFile(directory + name, int(status.getLen())))
        return sorted(found, key=lambda file: file.uri)


def _nulls(reader: Any, columns: Sequence[str], wanted: Collection[str]) -> dict[str, int]:
    """The nulls of the wanted columns, without those of which a row group does not tell: its texts are too long."""
    positions = {name: position for position, name in enumerate(columns) if name in wanted}
    counts = dict.fromkeys(positions, 0)
    for group in reader.getFooter().getBlocks() if positions else ():
        chunks = group.getColumns()
        for name in list(counts):
            statistics = chunks.get(positions[name]).getStatistics()
            if statistics is not None and statistics.isNumNullsSet():
                counts[name] += int(statistics.getNumNulls())
            else:
                del counts[name]
    return counts


def _hidden(relative: str) -> bool:
    return any(part.startswith(("_", ".")) for part in relative.split("/"))


@contextmanager
def _access(verb: str, uri: str) -> Iterator[None]:
    try:
        yield
    except Py4JJavaError as error:
        raise JobError(
            f"cannot {verb} {uri} ({one_line(str(error.java_exception.toString()))}); "
            "check that it exists and that the job's role may use it"
        ) from error
