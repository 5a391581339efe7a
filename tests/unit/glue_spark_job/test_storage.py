"""Files through Hadoop's FileSystem, here on a local disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from dataset_contract import types as kinds
from glue_spark_job.errors import JobError
from glue_spark_job.storage import ParquetFile, Storage, StoredFile

pytestmark = pytest.mark.spark


@pytest.fixture
def storage(spark: SparkSession) -> Storage:
    return Storage(spark)


@pytest.mark.parametrize("as_uri", [str, lambda path: path.as_uri()], ids=["path", "uri"])
def test_a_text_is_written_whole_and_read_back(storage: Storage, tmp_path: Path, as_uri: Callable[[Path], str]) -> None:
    uri = as_uri(tmp_path / "runs" / "j1" / "spark.json")
    assert not storage.exists(uri)
    storage.write_text(uri, "a first text, which is longer")
    storage.write_text(uri, "é 😀\n")
    assert storage.exists(uri)
    assert storage.read_text(uri) == "é 😀\n"
    assert [path.name for path in (tmp_path / "runs" / "j1").iterdir()] == ["spark.json"]


def test_files_are_listed_sorted_below_a_directory_without_the_hidden(storage: Storage, tmp_path: Path) -> None:
    for name in ("b.csv", "a=1/c d.csv", "_SUCCESS", ".hidden.csv", "_temporary/0/e.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("12345")
    directory = f"{tmp_path}/"
    assert storage.files(directory) == [StoredFile(f"{tmp_path}/a=1/c d.csv", 5), StoredFile(f"{tmp_path}/b.csv", 5)]
    storage.delete_hidden(directory)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["b.csv", "c d.csv"]


def test_a_directory_that_is_not_there_has_no_files_and_can_be_deleted(storage: Storage, tmp_path: Path) -> None:
    assert storage.files(f"{tmp_path}/none/") == []
    storage.delete(f"{tmp_path}/none/")


def test_delete_takes_a_directory_with_all_that_it_holds_and_nothing_else(storage: Storage, tmp_path: Path) -> None:
    for name in ("job_id=1/a/b", "job_id=10/c"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    storage.delete(f"{tmp_path}/job_id=1/")
    assert [path.name for path in tmp_path.iterdir()] == ["job_id=10"]


def test_rows_and_columns_come_from_the_parquet_footer(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    declared = {
        "id": "BIGINT", "größe": "SMALLINT", "n": "INTEGER", "d": "DECIMAL(5,2)", "e": "DECIMAL(38,4)", "f": "REAL",
        "g": "DOUBLE PRECISION", "t": "VARCHAR(9)", "c": "CHAR(1)", "b": "BOOLEAN", "day": "DATE", "at": "TIMESTAMP",
        "zoned": "TIMESTAMPTZ",
    }  # fmt: skip
    columns = ", ".join(f"NULL::{kinds.parse(kind).duckdb} AS {name}" for name, kind in declared.items())
    types = {name: kinds.parse(kind).spark for name, kind in declared.items()}
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {columns} FROM range(12345)) TO '{path}' (FORMAT parquet)")
    size = path.stat().st_size
    assert storage.parquet_file(StoredFile(str(path), size)) == ParquetFile(str(path), size, 12345, types)


def test_the_footer_tells_the_nulls_of_a_column_unless_its_texts_are_too_long(
    spark: SparkSession, storage: Storage, tmp_path: Path
) -> None:
    long = "if(id % 4 = 1, NULL, repeat('x', 70000))"
    select = f"SELECT if(id % 4 = 0, NULL, id) AS a, CAST(NULL AS INT) AS b, id AS c, {long} AS d FROM range(0, 1000)"
    rows = spark.sql(select).coalesce(1)
    rows.write.option("parquet.block.size", 1024 * 1024).parquet(f"file://{tmp_path}/t")
    (file,) = storage.files(f"{tmp_path}/t/")
    assert storage.parquet_file(file, ["d", "a", "b", "c"]).nulls == {"a": 250, "b": 1000, "c": 0}
    assert not storage.parquet_file(file).nulls


def test_a_failed_access_names_the_uri_and_the_cause(storage: Storage, tmp_path: Path) -> None:
    missing = f"{tmp_path}/none.json"
    with pytest.raises(JobError, match=rf"^cannot read {missing} \(java\.io\.FileNotFound.*role may use it$"):
        storage.read_text(missing)
    (tmp_path / "file").write_text("PAR1 this is not Parquet")
    with pytest.raises(JobError, match=r"^cannot write .*/file/spark\.json \("):
        storage.write_text(f"{tmp_path}/file/spark.json", "{}")
    with pytest.raises(JobError, match=r"^cannot read the Parquet footer of .*is not a Parquet file"):
        storage.parquet_file(StoredFile(f"{tmp_path}/file", 24))


def test_text_that_is_not_utf8_is_named(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "latin.sql").write_bytes("größe".encode("latin-1"))
    with pytest.raises(JobError, match=r"/latin\.sql is not UTF-8 text"):
        storage.read_text(f"{tmp_path}/latin.sql")
