from __future__ import annotations

import bz2
import gzip
import json
import shutil
from pathlib import Path

import duckdb
import pytest

from glue_python_job.main import main as clean
from pipeline_tools.datasets import folders, new_dataset
from pipeline_tools.datasets.folders import DatasetFolder
from pipeline_tools.datasets.new_dataset import NewDatasetError
from pipeline_tools.datasets.samples import SampleError

SQL = Path(__file__).parents[4] / "sql"
JOB_ID = "20240501T100000000Z-9f1c6c1e-6b7a-5d7e-8a55-1f0c4c8f1a2b"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project without datasets."""
    shutil.copytree(SQL / "audit", tmp_path / "root" / "sql" / "audit")
    return tmp_path / "root"


def draft(root: Path, file: str, data: bytes | str) -> DatasetFolder:
    sample = root.parent / file
    sample.write_bytes(data.encode() if isinstance(data, str) else data)
    return folders.read(new_dataset.create(root, "orders", sample))


def columns(dataset: DatasetFolder) -> dict[str, str]:
    """Type of each column of the source, with ! where it is required; the output has the same."""
    source, (output,) = dataset.contract.source, dataset.contract.outputs
    found = {column.name: column.type.redshift + "!" * column.required for column in source.columns}
    assert {column.name: column.type.redshift + "!" * column.required for column in output.columns} == found
    return found


def text(root: Path) -> str:
    return (root / "sql" / "datasets" / "orders" / "contract.yaml").read_text(encoding="utf-8")


def test_the_last_of_many_rows_counts_too(root: Path) -> None:
    rows = "".join(f"{number % 7}\n" for number in range(110_000))
    assert columns(draft(root, "sample.csv", f"v\n{rows}x\n")) == {"v": "VARCHAR(8)!"}


def test_what_needs_a_person_is_marked(root: Path) -> None:
    draft(root, "sample.csv", "id;day;amount;state\n1;01/02/2024;1.5;NA\n2;03/04/2024;2;5\n")
    marked = [line.split("CHECK: ")[1] for line in text(root).splitlines() if "# CHECK: " in line]
    assert marked == [
        "how the files are written",
        "id is unique in the sample; if it is the key, add to it: primaryKey: true.",
        "day is unique in the sample; if it is the key, add to it: primaryKey: true.",
        "or is it MM/dd/yyyy?",
        "more digits after the point than 1 are refused; is it a measurement, then DOUBLE PRECISION",
        "NA taken for null",
    ]
    assert 'logicalTypeOptions: {format: "dd/MM/yyyy"}' in text(root)
    assert 'customProperties: [{property: nullValues, value: ["", "NA"]}]' in text(root)


def test_a_pair_of_columns_is_proposed_where_none_is_unique(root: Path) -> None:
    draft(root, "sample.csv", "order,line,note\n1,1,a\n1,2,a\n2,1,a\n2,2,a\n")
    assert "# CHECK: order and line are unique together; if they are the key" in text(root)


def test_headers_that_are_no_identifiers_become_ones(root: Path) -> None:
    dataset = draft(root, "sample.csv", "Order ID,Größe (cm),2nd,job_id,no,???\n1,2,3,4,5,6\n")
    found = {column.name: column.source_name for column in dataset.contract.source.columns}
    assert found == {
        "order_id": "Order ID",
        "grosse_cm": "Größe (cm)",
        "column_2nd": "2nd",
        "job_id_2": "job_id",
        "no": "no",
        "column_6": "???",
    }


@pytest.mark.parametrize(
    ("file", "data", "dialect"),
    [
        ("a.csv", "id,name\n1,x\n2,y\n", {}),
        ("a.tsv", "id\tname\n1\tx\n2\ty\n", {"delimiter": "\t"}),
        ("a.txt", "id|name\n1|'x|'\n2|'y'\n", {"delimiter": "|", "quote": "'"}),
        ("a.csv", "1,x\n2,y\n", {"header": False}),
        ("a.csv", "\ufeffid,name\n1,x\n2,y\n", {"encoding": "utf-8-sig"}),
        ("a.csv", "id,name\n1,é\n2,y\n".encode("utf-16"), {"encoding": "utf-16"}),
        ("a.csv", "id,name\n1,é\n2,y\n".encode("cp1252"), {"encoding": "cp1252"}),
        ("a.csv", 'id;name\n1;"1,25"\n2;"3"\n', {"delimiter": ";", "decimal_separator": ","}),
        ("a.csv.gz", gzip.compress(b"id,name\n1,x\n2,y\n", mtime=0), {}),
        ("a.csv.bz2", bz2.compress(b"id,name\n1,x\n2,y\n"), {}),
        ("a.jsonl", '{"id": 1, "a": {"b": "x"}}\n{"id": 2, "a": {"b": "y"}}\n', {}),
        ("a.json", '[{"id": 1, "a b": "x"}, {"id": 2, "a b": "y"}]', {}),
    ],
)
def test_a_draft_reads_its_sample_without_a_refused_row(
    root: Path, tmp_path: Path, file: str, data: bytes | str, dialect: dict[str, object]
) -> None:
    dataset = draft(root, file, data)
    csv = dataset.contract.source.csv
    assert {name: getattr(csv, name) for name in dialect} == dialect
    source = tmp_path / "raw"
    source.mkdir()
    shutil.copy(tmp_path / file, source / file)
    for name, content in dataset.files().items():
        (tmp_path / name).write_bytes(content)
    code = clean(
        [
            *(
                "--job_id",
                JOB_ID,
                "--attempt",
                "3fa9c1-0",
                "--dataset",
                "orders",
                "--contract_uri",
                str(tmp_path / "contract.json"),
            ),
            *("--source_uri", f"{source}/", "--reference_uri", f"{tmp_path}/reference/"),
            *("--staged_uri", f"{tmp_path}/staged/", "--staged_references_uri", f"{tmp_path}/references/"),
            *("--rejected_uri", f"{tmp_path}/rejected/", "--manifest_uri", f"{tmp_path}/python.json"),
            *("--load_manifest_uri", f"{tmp_path}/load.json"),
            *("--started_at", "2024-05-01T10:00:00.000Z"),
        ]
    )
    assert code == 0
    manifest = json.loads((tmp_path / "python.json").read_text())
    assert (manifest["rows_out"], manifest["rows_rejected"]) == (2, 0)


def test_numbers_of_json_keep_their_digits_and_texts_stay_texts(root: Path) -> None:
    dataset = draft(
        root,
        "a.jsonl",
        '{"big": 99999999999999.99, "id": 9007199254740993, "code": "12", "day": "2024-01-31", "ok": true, "l": [1]}\n'
        '{"big": 1.10, "id": 1, "code": "", "ok": null}\n',
    )
    assert columns(dataset) == {
        "big": "DECIMAL(18,2)!",
        "id": "BIGINT!",
        "code": "VARCHAR(8)",
        "day": "DATE",
        "ok": "BOOLEAN",
    }
    assert "# CHECK: l holds lists, or objects and other values, which no column takes." in text(root)


def test_the_types_of_parquet_are_those_of_its_schema(root: Path, tmp_path: Path) -> None:
    duckdb.sql(
        "COPY (SELECT * FROM (VALUES "
        "(1::TINYINT, 2::UBIGINT, 1.5::DECIMAL(10,2), 'é', DATE '2024-01-31', [1], 1::FLOAT), "
        "(NULL, 3::UBIGINT, 4::DECIMAL(10,2), NULL, NULL, NULL, 2::FLOAT)) AS made(a, b, c, d, e, f, g)) "
        f"TO '{tmp_path}/made.parquet'"
    )
    assert columns(draft(root, "a.parquet", (tmp_path / "made.parquet").read_bytes())) == {
        "a": "SMALLINT",
        "b": "DECIMAL(38,0)!",
        "c": "DECIMAL(10,2)!",
        "d": "VARCHAR(8)",
        "e": "DATE",
        "g": "REAL!",
    }
    assert "# CHECK: f is of the type INTEGER[], which no column takes." in text(root)


def test_lines_with_other_fields_are_told(root: Path) -> None:
    assert columns(draft(root, "a.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n")) == {"a": "SMALLINT!", "b": "SMALLINT!"}
    assert "# CHECK: 2 lines of the sample do not have 2 fields and were left out." in text(root)


def test_a_column_with_commas_is_a_text_beside_one_with_points(root: Path) -> None:
    found = columns(draft(root, "a.csv", 'a;b\n1.5;"1,5"\n2.5;"2,5"\n'))
    assert found == {"a": "DECIMAL(18,1)!", "b": "VARCHAR(8)!"}
    assert "# CHECK: decimal commas, others points" in text(root)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "is empty; accepted: a file with some rows"),
        ("a,b\n", "has no rows"),
        ("a,A\n1,2\n", "calls two columns 'a' and 'A'"),
        (b"PK\x03\x04", "is packed by zip or zstd"),
        (b"\x1f\x8b00", "cannot be unpacked"),
        ('{"a": ', "is not JSON"),
        ("[1]", "is not a JSON object"),
        ('{"a": [1]}', "has no record with a text, a number, true or false"),
        (b"PAR1xx", "cannot be read"),
    ],
)
def test_a_sample_that_tells_nothing_is_refused(root: Path, data: bytes | str, message: str) -> None:
    with pytest.raises(SampleError, match=message):
        draft(root, "sample", data)
    assert not (root / "sql" / "datasets" / "orders").exists()


def test_a_dataset_that_is_there_is_not_overwritten(root: Path) -> None:
    draft(root, "a.csv", "a\n1\n")
    before = text(root)
    with pytest.raises(NewDatasetError, match="sql/datasets/orders is there already"):
        draft(root, "a.csv", "b\n1\n")
    assert text(root) == before


@pytest.mark.parametrize("name", ["Orders", "1a", "a-b", "", "a" * 60, "../a"])
def test_a_wrong_name_is_refused(root: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(NewDatasetError, match="is not a name of a dataset; accepted: 1 to 59 lower-case"):
        new_dataset.create(root, name, tmp_path / "a.csv")


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert new_dataset.main(["orders"]) == 2
    assert "usage: nox -s new -- NAME SAMPLE" in capsys.readouterr().err
    assert new_dataset.main(["orders", "/nowhere"]) == 1
    assert "error: /nowhere is not a file; accepted: a CSV, JSON or Parquet file" in capsys.readouterr().err
