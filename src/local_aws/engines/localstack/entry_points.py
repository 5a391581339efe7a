"""The metadata of our LocalStack extension.

The project is not installed as a distribution, so the metadata that one would have is written into a directory on the
import path; plux, LocalStack's plugin loader, reads nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

NAME: Final = "local_aws"
_MODULE: Final = "local_aws.engines.localstack.plugins"
TEXT: Final = f"""\
[localstack.aws.provider]
glue:default = {_MODULE}:glue
redshift-data:default = {_MODULE}:redshift_data
redshift:{NAME} = {_MODULE}:redshift
stepfunctions:{NAME} = {_MODULE}:stepfunctions

[localstack.lambda.runtime_executor]
{NAME} = {_MODULE}:LambdaExecutorPlugin

[localstack.runtime.server]
{NAME} = {_MODULE}:ServerPlugin

[localstack.hooks.on_infra_start]
change_internals = {_MODULE}:change_internals

[localstack.hooks.on_infra_shutdown]
close_services = {_MODULE}:close_services
"""
# Services that LocalStack has a provider for; ours is chosen by name.
REPLACED: Final = ("redshift", "stepfunctions")


def install(directory: Path) -> None:
    """Make the entry points those of this process, before plux looks for any."""
    metadata = directory / f"{NAME}-0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(TEXT, encoding="utf-8")
    sys.path.insert(0, str(directory))
