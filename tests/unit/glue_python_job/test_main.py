"""The job as a program: its exit codes, its last line, what it publishes and when."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

import pytest

from dataset_contract import manifests
from glue_python_job import publishing
from glue_python_job.main import main
from tests.waiting import SECONDS

FILES = {"x.csv": b"id,name\n1,one\n1,again\nx,bad\n"}
SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture
def contract(contract_of: Callable[..., str]) -> str:
    return contract_of([{"name": "id", "logicalType": "integer", "unique": True}, {"name": "name"}])


def files_below(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def script(job: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    """The job started as Glue starts it: the script, with the package on the path."""
    argv = [text for name, value in job.arguments.items() for text in (f"--{name}", value)]
    command = [sys.executable, "-W", "error", str(SOURCE / "glue_python_job" / "main.py"), *argv]
    env = {**os.environ, "PYTHONPATH": str(SOURCE), **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=SECONDS)


def test_the_manifest_says_what_was_read_and_written(job: Any, contract: str) -> None:
    manifest = job.clean(FILES, contract, code_version="abc123").manifest
    run = manifest.pop("stage_run")
    assert re.fullmatch(r"3fa9c1-0-[0-9a-f]{8}", run)
    staged = job.root / "staged" / "job_id=job-1" / run / "part-00000.parquet"
    rejected = job.root / "rejected" / "job_id=job-1" / run / "part-00000.parquet"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", manifest.pop("started_at"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", manifest.pop("finished_at"))
    assert 0 < manifest.pop("seconds") < 60
    assert re.fullmatch(r"duckdb 1\.4\.\d+, python 3\.\d+\.\d+", manifest.pop("engine"))
    assert manifest == {
        "manifest_version": 5,
        "stage": "python",
        "job_id": "job-1",
        "dataset": "items",
        "source_uri": f"{job.root}/source/",
        "rows_in": 3,
        "rows_out": 1,
        "rows_rejected": 2,
        "bytes_in": len(FILES["x.csv"]),
        "bytes_out": staged.stat().st_size,
        "files_in": [{"uri": f"{job.root}/source/x.csv", "bytes": len(FILES["x.csv"]), "rows": 3}],
        "files_out": [{"uri": str(staged), "bytes": staged.stat().st_size, "rows": 1}],
        "rejected_files": [{"uri": str(rejected), "bytes": rejected.stat().st_size, "rows": 2}],
        "rejected_reasons": {"id: not a BIGINT": 1, "id: duplicate key": 1},
        "rejected_examples": {
            "id: not a BIGINT": {"source_file": f"{job.root}/source/x.csv", "line_number": 4, "raw_row": "x,bad"},
            "id: duplicate key": {"source_file": f"{job.root}/source/x.csv", "line_number": 3, "raw_row": "1,again"},
        },
        "rules": [],
        "references": {},
        "code_version": "abc123",
        "contract_version": "1.2.3",
        "contract_hash": manifests.contract_hash(contract),
    }


def test_the_manifest_does_not_grow_with_the_files(job: Any, contract: str) -> None:
    sizes = []
    for files in (1, 30):
        job.clean({f"{number}.csv": FILES["x.csv"] for number in range(files)}, contract)
        sizes.append((job.root / "runs" / "python.json").stat().st_size)
        (job.root / "runs" / "python.json").unlink()
    assert sizes[1] - sizes[0] < 20  # digits of the counts


def test_the_manifest_is_sorted_and_indented(job: Any, contract: str) -> None:
    job.clean(FILES, contract)
    text = (job.root / "runs" / "python.json").read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"


def test_a_stage_that_is_complete_is_not_run_again(job: Any, contract: str) -> None:
    job.clean(FILES, contract)
    before = {path: path.stat().st_mtime_ns for path in job.root.rglob("*") if path.is_file()}
    (job.root / "source" / "x.csv").unlink()
    again = job.run()
    assert again.code == 0
    assert [line["message"] for line in again.logs] == ["the stage is complete: nothing to do"]
    assert {path: path.stat().st_mtime_ns for path in job.root.rglob("*") if path.is_file()}.items() <= before.items()


def test_a_stage_runs_again_under_another_contract(job: Any, contract_of: Callable[..., str]) -> None:
    names = [{"name": "id", "physicalType": "BIGINT"}], [{"name": "id", "physicalType": "DECIMAL(5,2)"}]
    before, after = (contract_of(properties) for properties in names)
    job.clean({"x.csv": b"id\n1\n2\n"}, before)
    # Of the same version, and of as many rows.
    again = job.clean({"x.csv": b"id\n1\n2.50\n"}, after)
    assert [str(row[0]) for row in again.staged] == ["1.00", "2.50"]
    assert again.manifest["contract_hash"] == manifests.contract_hash(after)
    # An attempt that fails leaves no manifest that would hold again with the contract before it.
    job.write({"x.csv": b"id\nx\n"}, before)
    failed = job.run()
    assert (failed.code, failed.manifest) == (1, {})
    assert failed.failure["contract_hash"] == manifests.contract_hash(before)


@pytest.mark.parametrize(
    "stale",
    [
        "",
        "{",
        "[]",
        '{"stage": "python"}',
        '{"manifest_version": 5, "stage": "python", "job_id": "job-0", "dataset": "items"}',
        '{"manifest_version": 5, "stage": "spark", "job_id": "job-1", "dataset": "items"}',
        '{"manifest_version": 5, "stage": "python", "job_id": "job-1", "dataset": "others"}',
        '{"manifest_version": 1, "stage": "python", "job_id": "job-1", "dataset": "items", "rows_in": 0, '
        '"rows_out": 0, "rows_rejected": 0, "bytes_in": 0, "bytes_out": 0}',
    ],
)
def test_another_manifest_does_not_keep_the_stage_from_running(job: Any, contract: str, stale: str) -> None:
    (job.root / "runs").mkdir()
    (job.root / "runs" / "python.json").write_text(stale, encoding="utf-8")
    assert job.clean(FILES, contract).manifest["rows_in"] == 3


def test_the_files_of_an_earlier_attempt_are_deleted(job: Any, contract: str) -> None:
    for directory in ("staged", "rejected", "references"):
        for name in ("part-00000.parquet", "part-00001.parquet", "deeper/part-00000.parquet"):
            path = job.root / directory / "job_id=job-1" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"stale")
        (job.root / directory / "job_id=job-2").mkdir()
        (job.root / directory / "job_id=job-2" / "part-00000.parquet").write_bytes(b"another job's")
    job.write(FILES, contract)
    argv = [text for name, value in job.arguments.items() for text in (f"--{name}", value)]
    assert main(argv) == 0
    assert files_below(job.root / "references") == ["job_id=job-2/part-00000.parquet"]
    own = f"job_id=job-1/{job.manifest['stage_run']}"
    texts = [f"{own}/_refused-00000.jsonl.gz", f"{own}/_refused.json"]
    for directory, others in (("staged", []), ("rejected", texts)):
        assert files_below(job.root / directory) == [
            *others,
            f"{own}/part-00000.parquet",
            "job_id=job-2/part-00000.parquet",
        ]
        assert (job.root / directory / own / "part-00000.parquet").read_bytes()[:4] == b"PAR1"


def test_the_manifest_is_written_last(job: Any, contract: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue_python_job.storage import LocalStorage

    order: list[str] = []

    def noted(name: str) -> Callable[..., Any]:
        original = getattr(LocalStorage, name)

        def call(self: LocalStorage, *arguments: Any) -> Any:
            order.append(str(arguments[-1] if name == "publish" else arguments[0]))
            return original(self, *arguments)

        return call

    for name in ("publish", "write_text", "write_new_text"):
        monkeypatch.setattr(LocalStorage, name, noted(name))
    job.clean(FILES, contract)
    rejected = ["part-00000.parquet", "_refused-00000.jsonl.gz", "_refused.json"]
    parts = ["part-00000.parquet"] * 2  # staged, and the list of the source files
    names = [*rejected, *parts, "copy.manifest", "details.json", "python.json"]
    assert [Path(uri).name for uri in order] == names


def test_the_source_files_are_listed_for_the_load(job: Any, contract: str) -> None:
    import duckdb

    run = job.clean(FILES, contract).manifest["stage_run"]
    directory = job.root / "runs" / "python" / run / "source_files"
    (entry,) = json.loads((directory / "copy.manifest").read_text())["entries"]
    path = directory / "part-00000.parquet"
    assert entry == {"url": str(path), "mandatory": True, "meta": {"content_length": path.stat().st_size}}
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
        assert [column[1] for column in rows.description] == ["VARCHAR", "VARCHAR", "BIGINT"]
        found = rows.fetchall()
    sources = sorted(path for path in (job.root / "source").iterdir())
    assert [(uri, size) for uri, _, size in found] == [(str(path), path.stat().st_size) for path in sources]
    assert [version for _, version, _ in found] == [
        f"{path.stat().st_size}-{path.stat().st_mtime_ns}" for path in sources
    ]


def test_thousands_of_files_are_listed(tmp_path: Path) -> None:
    import duckdb

    from glue_python_job import source_files
    from glue_python_job.logs import Log
    from glue_python_job.storage import StoredFile, Stores

    files = [StoredFile(f"s3://raw/it's/{number}", number, f'"{number}"') for number in range(2500)]
    source_files.publish(files, f"{tmp_path}/runs/python.json", "run-1", tmp_path, Stores(), Log("job-1"))
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"FROM read_parquet('{tmp_path}/runs/python/run-1/source_files/*.parquet')"
        ).fetchall()
    assert rows == [(file.uri, file.tag, file.size) for file in files]


def test_a_file_of_which_no_version_is_known_fails_the_run(tmp_path: Path) -> None:
    from glue_python_job import source_files
    from glue_python_job.errors import JobError
    from glue_python_job.logs import Log
    from glue_python_job.storage import StoredFile, Stores

    with pytest.raises(JobError, match="s3://raw/a has no ETag"):
        files = [StoredFile("s3://raw/a", 5)]
        source_files.publish(files, f"{tmp_path}/python.json", "run-1", tmp_path, Stores(), Log("j"))


def test_a_run_that_fails_publishes_nothing_and_keeps_what_is_there(job: Any, contract: str) -> None:
    earlier = job.root / "staged" / "job_id=job-1" / "part-00000.parquet"
    earlier.parent.mkdir(parents=True)
    earlier.write_bytes(b"of an earlier attempt")
    job.write({**FILES, "y.csv": b"name\n"}, contract)
    argv = [text for name, value in job.arguments.items() for text in (f"--{name}", value)]
    assert main(argv) == 1
    assert earlier.read_bytes() == b"of an earlier attempt"
    error = json.loads((job.root / "runs" / "python-error.json").read_text(encoding="utf-8"))
    assert files_below(job.root / "runs") == ["python-error.json", f"python/{error['stage_run']}/details.json"]


def overtaken(job: Any, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> None:
    """Let something happen once, when the next run has written all but its manifest."""
    from glue_python_job import source_files

    publish = source_files.publish

    def publish_then(*arguments: Any) -> None:
        monkeypatch.setattr(source_files, "publish", publish)
        publish(*arguments)
        meanwhile()

    monkeypatch.setattr(source_files, "publish", publish_then)


def test_of_two_runs_at_once_the_one_that_is_complete_first_stands(
    job: Any, contract: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[dict[str, Any]] = []

    def another_run() -> None:
        # The source is another one by now, of as many rows.
        left.append(job.clean({"x.csv": b"id,name\n2,two\n2,again\nx,bad\n"}, contract).manifest)

    overtaken(job, monkeypatch, another_run)
    result = job.clean(FILES, contract)
    assert result.manifest == left[0]
    assert [row[0] for row in result.staged] == [2]
    own = f"job_id=job-1/{left[0]['stage_run']}/"
    for directory in ("staged", "rejected"):
        assert all(name.startswith(own) for name in files_below(job.root / directory))
    assert result.logs[-1]["message"].startswith("another run of this stage was complete first")


def test_a_run_that_was_complete_first_under_another_contract_fails_this_one(
    job: Any, contract: str, contract_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_run() -> None:
        job.clean(FILES, contract_of([{"name": "id"}, {"name": "name"}]))

    overtaken(job, monkeypatch, another_run)
    job.write(FILES, contract)
    result = job.run()
    assert result.code == 1
    assert "is of another run, under another contract, which was complete while this one worked" in result.error
    # The next run does not find it of use.
    assert [row[0] for row in job.clean(FILES, contract).staged] == [1]


def test_a_manifest_whose_answer_was_lost_is_this_runs(
    job: Any, contract: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_python_job.storage import LocalStorage

    write = LocalStorage.write_new_text

    def sent_again(self: LocalStorage, uri: str, text: str) -> bool:
        write(self, uri, text)
        return write(self, uri, text)

    monkeypatch.setattr(LocalStorage, "write_new_text", sent_again)
    result = job.clean(FILES, contract)
    assert [row[0] for row in result.staged] == [1]
    assert result.logs[-1]["message"] == "finished"


def test_a_manifest_is_written_again_after_a_conflict(job: Any, contract: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue_python_job.storage import LocalStorage

    write, answers = LocalStorage.write_new_text, [False]

    def conflict(self: LocalStorage, uri: str, text: str) -> bool:
        return answers.pop() if answers else write(self, uri, text)

    monkeypatch.setattr(LocalStorage, "write_new_text", conflict)
    assert job.clean(FILES, contract).manifest["rows_in"] == 3


@pytest.mark.parametrize("where", ["staged", "references"])
def test_a_stage_whose_files_are_gone_runs_again(job: Any, contract_of: Callable[..., str], where: str) -> None:
    made = contract_of([{"name": "id"}], references={"prices": {"properties": [{"name": "sku"}]}})
    files = {"x.csv": b"id\n1\n", "reference/prices/x.csv": b"sku\na\n"}
    before = job.clean(files, made).manifest["stage_run"]
    next((job.root / where).rglob("*.parquet")).unlink()
    again = job.run()
    assert again.code == 0, again.error
    assert again.manifest["stage_run"] != before
    assert again.staged == [("1",)]
    assert next((job.root / where).rglob("*.parquet")).exists()


@pytest.mark.parametrize("read", ["these", "others"])
def test_rows_that_spark_has_read_may_be_gone(job: Any, contract: str, read: str) -> None:
    before = job.clean(FILES, contract).manifest["stage_run"]
    manifest = json.loads((job.root / "runs" / "python.json").read_text(encoding="utf-8"))
    spark = {**manifest, "stage": "spark", "python_stage_run": before if read == "these" else "3fa9c1-0-ffffffff"}
    (job.root / "runs" / "spark.json").write_text(json.dumps(spark), encoding="utf-8")
    next((job.root / "staged").rglob("*.parquet")).unlink()
    again = job.run()
    assert again.code == 0, again.error
    assert (again.manifest["stage_run"] == before) == (read == "these")


def test_what_a_loaded_job_was_made_of_is_kept(job: Any, contract: str, contract_of: Callable[..., str]) -> None:
    before = job.clean(FILES, contract)
    (job.root / "runs" / "load.json").write_text("{}")
    kept = files_below(job.root / "staged"), files_below(job.root / "rejected"), job.manifest
    # Nothing is to do under its own contract, and another one would replace what was loaded.
    assert job.run().code == 0
    job.write(FILES, contract_of([{"name": "id"}, {"name": "name"}]))
    result = job.run()
    assert result.code == 1
    assert f"the job is loaded, as {job.root}/runs/load.json says" in result.error
    assert (files_below(job.root / "staged"), files_below(job.root / "rejected"), job.manifest) == kept
    assert result.staged == before.staged


def test_a_job_that_was_loaded_meanwhile_keeps_what_it_was_made_of(
    job: Any, contract: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    overtaken(job, monkeypatch, lambda: (job.root / "runs" / "load.json").write_text("{}"))
    job.write(FILES, contract)
    assert job.run().code == 1
    assert not (job.root / "runs" / "python.json").exists()


def test_a_manifest_that_came_after_the_look_is_not_deleted(
    job: Any, contract: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_python_job.storage import LocalStorage

    read, runs = LocalStorage.read_text, [1]

    def late(self: LocalStorage, uri: str) -> str | None:
        found = read(self, uri)
        if uri.endswith("python.json") and runs:
            runs.pop()
            job.clean(FILES, contract)
        return found

    monkeypatch.setattr(LocalStorage, "read_text", late)
    job.write(FILES, contract)
    result = job.run()
    assert result.code == 0
    assert result.logs[-1]["message"].startswith("another run of this stage was complete first")


def test_a_name_with_half_of_a_character_is_told(job: Any, contract: str) -> None:
    job.write({"x.jsonl": b'{"id": 1, "name": "one", "\\ud800\xc3\xa9": "x"}\n'}, contract)
    ended = script(job)
    assert ended.returncode == 0, ended.stderr
    (told,) = (line for line in ended.stdout.splitlines() if "columns ignored" in line)
    assert json.loads(told)["columns"] == ["\ud800é"]


def test_what_other_runs_left_may_stay(job: Any, contract: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue_python_job.storage import LocalStorage, StorageError

    def denied(*_: object, **__: object) -> None:
        raise StorageError("cannot delete it")

    monkeypatch.setattr(LocalStorage, "empty", denied)
    result = job.clean(FILES, contract)
    assert [line["cause"] for line in result.logs if line["level"] == "WARNING"] == ["cannot delete it"] * 3


def test_two_runs_write_the_same_bytes(job: Any, contract: str) -> None:
    content = "id,name\n" + "".join(f"{n},name {n}\n" for n in range(300_000))
    written = []
    for _ in range(2):
        (file,) = job.clean({"x.csv": content.encode()}, contract).manifest["files_out"]
        written.append(Path(file["uri"]).read_bytes())
        (job.root / "runs" / "python.json").unlink()
    assert written[0] == written[1]


def test_an_argument_error_ends_with_code_2(job: Any, contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: the following arguments are required: --job_id")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "there is no contract at {uri}; "), ("{", "contract {uri} is not JSON")],
)
def test_a_contract_that_cannot_be_used(job: Any, contract: str, text: str | None, message: str) -> None:
    job.write(FILES, contract)
    (job.root / "contract.json").unlink()
    if text is not None:
        (job.root / "contract.json").write_text(text, encoding="utf-8")
    result = job.run()
    assert result.code == 1
    assert message.format(uri=f"{job.root}/contract.json") in result.error


def test_an_unknown_error_is_not_hidden(job: Any, contract: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    job.halt({"x.csv": b"name\n"}, contract)
    monkeypatch.setattr(publishing, "publish", fail)
    job.write(FILES, contract)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        job.run()
    told = json.loads((job.root / "runs" / "python-error.json").read_text(encoding="utf-8"))
    assert (told["error"], told["rows_in"]) == ("ZeroDivisionError: a bug", 3)


def test_where_an_unknown_error_cannot_be_told_it_is_still_the_error(
    job: Any, contract: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_python_job.storage import LocalStorage

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    def lost(*_: object) -> None:
        raise ConnectionError("no way out")

    monkeypatch.setattr(publishing, "publish", fail)
    monkeypatch.setattr(LocalStorage, "write_text", lost)
    job.write(FILES, contract)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        job.run()


def test_an_earlier_failure_is_not_told_of_a_later_attempt(
    job: Any, contract: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    job.halt({"x.csv": b"name\n"}, contract)
    monkeypatch.setattr(publishing, "publish", end)
    job.write(FILES, contract)
    with pytest.raises(KeyboardInterrupt):
        job.run()
    assert not (job.root / "runs" / "python-error.json").exists()


def test_too_little_memory_says_what_to_raise(job: Any, contract: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue_python_job import database

    connect = database.connect
    monkeypatch.setattr(database, "connect", lambda _, scratch: connect(1_000_000, scratch))
    error = job.fail({"x.csv": b"id,name\n" + b"1,one\n" * 200_000}, contract)
    assert "raise --memory_limit" in error


def test_a_full_scratch_disk_says_what_to_do(job: Any, contract: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(publishing, "publish", fail)
    assert "the scratch directory is full" in job.fail(FILES, contract)


def test_the_script_succeeds_without_a_system_exit(job: Any, contract: str) -> None:
    job.write(FILES, contract)
    done = script(job)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(json.loads(line)["job_id"] == "job-1" for line in done.stdout.splitlines())


def test_the_script_fails_with_one_line(job: Any, contract: str) -> None:
    job.write({"x.csv": b"name\n"}, contract)
    done = script(job)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: contract column id is missing from the file {job.root}/source/x.csv; columns found: name\n"
    )


def modules_after(statement: str) -> Sequence[str]:
    code = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=SECONDS)
    return done.stdout.splitlines()[-1].split()


def test_a_local_run_imports_no_aws_and_no_data_frame_library(job: Any, contract: str) -> None:
    job.write(FILES, contract)
    argv = [text for name, value in job.arguments.items() for text in (f"--{name}", value)]
    modules = modules_after(f"from glue_python_job.main import main; assert main({argv!r}) == 0")
    assert "duckdb" in modules
    assert not {"boto3", "botocore", "pandas", "numpy", "pyarrow"} & set(modules)


def test_a_wrong_argument_is_told_without_importing_the_engine() -> None:
    modules = modules_after("from glue_python_job.main import main; main([])")
    assert not {"duckdb", "boto3"} & set(modules)
