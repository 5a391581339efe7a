from __future__ import annotations

from pathlib import Path

import pytest

from lambda_generate_param.handler import Settings
from pipeline_tools import package

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged folder sql/, as it is in the Lambda's zip."""
    target = tmp_path_factory.mktemp("packaged") / "sql"
    for name, data in package.compiled_sql(ROOT / "sql").items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(data)
    return target


@pytest.fixture
def settings() -> Settings:
    return Settings(
        raw_bucket="the-raw-bucket",
        lake_bucket="the-lake-bucket",
        artifacts_bucket="the-artifacts-bucket",
        copy_role_arn="arn:aws:iam::123456789012:role/copy",
        code_version="abc",
    )
