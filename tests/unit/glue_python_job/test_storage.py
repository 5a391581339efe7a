"""Local files. What runs against S3 is tested with an endpoint, in the integration tests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from glue_python_job.storage import LocalStorage, S3Storage, StorageError, StoredFile, Stores, _s3_errors, local_copy

LOCAL = LocalStorage()


def write(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_a_uri_tells_its_storage() -> None:
    stores = Stores()
    assert isinstance(stores.of("s3://bucket/key"), S3Storage)
    assert isinstance(stores.of("/a"), LocalStorage)
    assert isinstance(stores.of("file:///a"), LocalStorage)
    assert stores.of("s3://a/b") is stores.of("s3://c/d")


@pytest.mark.parametrize("form", ["{}", "{}/", "file://{}/"])
def test_files_are_listed_in_the_order_of_their_uris(tmp_path: Path, form: str) -> None:
    for name in ("b.csv", "a/c.csv", "a.csv", "_x/y.csv", "z/_y.csv", ".h", "a_$folder$", "a/d_$folder$"):
        write(tmp_path / "in" / name, name)
    listed = LOCAL.list_files(form.format(tmp_path / "in"))
    assert [file.uri for file in listed] == [f"{tmp_path}/in/{name}" for name in ("a.csv", "a/c.csv", "b.csv")]
    assert [file.size for file in listed] == [5, 7, 5]


def test_a_directory_below_a_hidden_one_is_listed(tmp_path: Path) -> None:
    write(tmp_path / "_in" / "a.csv")
    assert len(LOCAL.list_files(f"{tmp_path}/_in/")) == 1


def test_a_file_is_listed_whatever_its_name(tmp_path: Path) -> None:
    write(tmp_path / "_a.csv")
    assert LOCAL.list_files(f"{tmp_path}/_a.csv")[0].size == 1


def test_a_missing_directory_has_no_files_as_in_s3(tmp_path: Path) -> None:
    assert LOCAL.list_files(f"{tmp_path}/x") == []


def test_a_local_file_is_used_in_place(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    with local_copy(LOCAL, LOCAL.list_files(str(path))[0], tmp_path / "scratch") as copy:
        assert copy == path
    assert path.exists()


@pytest.mark.parametrize("change", ["rewrite", "delete"])
def test_a_file_that_changed_since_it_was_listed_is_not_read(tmp_path: Path, change: str) -> None:
    path = write(tmp_path / "a.csv")
    listed = LOCAL.list_files(str(path))[0]
    if change == "rewrite":
        write(path, "longer")
    else:
        path.unlink()
    with pytest.raises(StorageError, match=r"a\.csv"), local_copy(LOCAL, listed, tmp_path):
        pass


def test_texts(tmp_path: Path) -> None:
    uri = f"{tmp_path}/runs/1/m.json"
    assert LOCAL.read_text(uri) is None
    LOCAL.write_text(uri, "é")
    LOCAL.write_text(uri, "ü")
    assert LOCAL.read_text(f"file://{uri}") == "ü"
    assert [path.name for path in (tmp_path / "runs" / "1").iterdir()] == ["m.json"]


def test_of_several_writers_of_a_new_text_one_succeeds(tmp_path: Path) -> None:
    uri = f"{tmp_path}/runs/1/m.json"
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda number: LOCAL.write_new_text(uri, f"{number}" * 100_000), range(8)))
    assert sorted(written) == [False] * 7 + [True]
    assert LOCAL.read_text(uri) == f"{written.index(True)}" * 100_000
    assert [path.name for path in (tmp_path / "runs" / "1").iterdir()] == ["m.json"]


def test_a_directory_is_emptied_but_for_another_one_in_it(tmp_path: Path) -> None:
    for name in ("a/1", "a/own/2", "a/own/deep/3", "a/own-2/4", "b/5"):
        write(tmp_path / name)
    assert LOCAL.empty(f"{tmp_path}/a/", but=f"{tmp_path}/a/own/") == 2
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["a/own/2", "a/own/deep/3", "b/5"]


def test_a_text_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(b"\xff")
    with pytest.raises(StorageError, match=r"cannot read .*c\.json"):
        LOCAL.read_text(f"{tmp_path}/c.json")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a")
    with pytest.raises(StorageError, match=r"cannot write .*/a/b/m\.json"):
        LOCAL.write_text(f"{tmp_path}/a/b/m.json", "x")
    with pytest.raises(StorageError, match=r"cannot write .*/a/p\.parquet"):
        LOCAL.publish(write(tmp_path / "p"), f"{tmp_path}/a/p.parquet")


def test_publishing_replaces_a_file(tmp_path: Path) -> None:
    write(tmp_path / "out" / "p", "old")
    LOCAL.publish(write(tmp_path / "new", "new"), f"{tmp_path}/out/p")
    assert (tmp_path / "out" / "p").read_text(encoding="utf-8") == "new"


def test_emptying_deletes_the_files_below_a_directory_and_none_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "out" / "a" / "b")
    write(tmp_path / "out" / ".c")
    outside = write(tmp_path / "outside")
    (tmp_path / "out" / "link").symlink_to(outside)
    (tmp_path / "out" / "links").symlink_to(tmp_path)
    assert LOCAL.empty(f"{tmp_path}/out/") == 4
    assert LOCAL.empty(f"{tmp_path}/out/") == 0
    assert LOCAL.empty(f"{tmp_path}/nowhere/") == 0
    assert outside.exists()


def test_a_file_where_a_directory_is_to_be_emptied(tmp_path: Path) -> None:
    write(tmp_path / "out")
    with pytest.raises(StorageError, match="is a file; name a directory"):
        LOCAL.empty(f"{tmp_path}/out/")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("NoSuchBucket", "the bucket does not exist; check its name"),
        ("404", "the bucket or object does not exist"),
        ("AccessDenied", "AccessDenied: the words of S3"),
        ("412", "it changed while the job ran"),
        ("SlowDown", "SlowDown: the words of S3"),
    ],
)
def test_the_errors_of_s3_are_told_with_what_to_do(code: str, advice: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "the words of S3"}}, "ListObjectsV2")
    with pytest.raises(StorageError, match=f"cannot list s3://b/k: {advice}"), _s3_errors("list", "s3://b/k"):
        raise error


def test_an_endpoint_that_does_not_answer_is_named() -> None:
    expected = pytest.raises(StorageError, match=r"cannot read s3://b/k: .*http://127\.0\.0\.1:1")
    with expected, _s3_errors("read", "s3://b/k"):
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


def test_no_client_is_made_before_it_is_needed() -> None:
    assert S3Storage()._made is None
    assert StoredFile("s3://b/k", 1).tag is None


def test_a_file_is_deleted_if_it_is_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json")
    LOCAL.delete(str(path))
    assert not path.exists()
    LOCAL.delete(str(path))
