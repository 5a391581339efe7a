"""What Terraform tells the function through its environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Where the events and the tables belong.

    Attributes:
        namespace: of the jobs.
        warehouse: that of tables, `redshift://…`.
        url: where events are posted, or "".
    """

    namespace: str
    raw_bucket: str
    lake_bucket: str
    warehouse: str
    database: str
    code_version: str
    schedules: tuple[str, ...] = ()
    url: str = ""
    token_secret_arn: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Raises KeyError naming the variable that Terraform did not set."""
        return cls(
            namespace=environment["NAMESPACE"],
            raw_bucket=environment["RAW_BUCKET"],
            lake_bucket=environment["LAKE_BUCKET"],
            warehouse=environment["WAREHOUSE_NAMESPACE"],
            database=environment["WAREHOUSE_DATABASE"],
            code_version=environment["CODE_VERSION"],
            schedules=tuple(json.loads(environment["SCHEDULES"])),
            url=environment["LINEAGE_URL"],
            token_secret_arn=environment["TOKEN_SECRET_ARN"],
        )
