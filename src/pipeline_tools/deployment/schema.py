"""`nox -s schema`: bring the SQL schema of a deployment to what its contracts say, as the warehouse's administrator.

In a warehouse that Terraform made, loads are another user's: it is made here too, with no more grants than they need.
What the contracts are, the deployed Lambda says. Tables that are missing are made; a new column that may be null is
added. What could lose data is refused, with the statements that a person could run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.redshift import SCHEMA
from lambda_generate_param import datasets, schemas
from lambda_generate_param.sql_batches import portions
from pipeline import redshift
from pipeline.clients import Clients
from pipeline.redshift import QueryError, query
from pipeline_tools import deployed
from pipeline_tools.deployment import loader
from pipeline_tools.packaging.package import OUTPUT
from pipeline_tools.terraform import TerraformError

_COLUMNS = """
SELECT CAST(table_name AS VARCHAR(127)) AS table_name, CAST(column_name AS VARCHAR(127)) AS column_name,
    CAST(data_type AS VARCHAR(127)) AS data_type, CAST(is_nullable AS VARCHAR(3)) AS is_nullable,
    CAST(character_maximum_length AS INTEGER) AS character_maximum_length,
    CAST(numeric_precision AS INTEGER) AS numeric_precision, CAST(numeric_scale AS INTEGER) AS numeric_scale
FROM information_schema.columns WHERE table_schema = :schema ORDER BY table_name, ordinal_position
"""


class SchemaError(RuntimeError):
    """The schema could not be created; the message is Redshift's own."""


@dataclass(frozen=True)
class Update:
    """What was done to deployed tables, and what was not."""

    statements: tuple[str, ...]
    refusals: tuple[JsonMapping, ...]  # each a `problem` and the `statements` that a person could run


def create(clients: Clients, outputs: Mapping[str, object]) -> int:
    """Make what is missing, with the user that loads and its grants, and return how many statements that were.

    Audit tables of an earlier version get the columns that may be null.

    Each may run again at any time.

    Raises:
        SchemaError: the Lambda or a statement failed, the user's secret is not what it has to be, or the audit tables
            are of a version that only a person can change.
    """
    try:
        user = loader.ensure(clients, outputs)
    except (QueryError, loader.SecretError) as error:
        raise SchemaError(f"the user that loads: {error}") from error
    asked = {"audit": describe(clients, outputs, schemas.AUDIT), **({} if user is None else {"user": user})}
    found = _invoke(clients, outputs, asked)
    if refusals := found["audit"]["refusals"]:
        said = (f"{each['problem']}; a person could run: {'; '.join(each['statements'])}" for each in refusals)
        raise SchemaError("the audit tables are of another version:\n  " + "\n  ".join(said))
    # First what is added to tables that are there: views and procedures read it.
    statements: list[str] = found["audit"]["statements"] + found["sql"]["statements"]
    _run(clients, outputs, statements)
    return len(statements)


def update(clients: Clients, outputs: Mapping[str, object]) -> Update:
    """Compare each output table with its contract, and add the columns that can be added.

    Raises:
        SchemaError: the Lambda or a statement failed.
    """
    found = _invoke(clients, outputs, {"deployed": describe(clients, outputs)})
    _run(clients, outputs, found["statements"])
    return Update(tuple(found["statements"]), tuple(found["refusals"]))


def compare(clients: Clients, outputs: Mapping[str, object], package: Path) -> Update:
    """What `update` would do and refuse once a package is deployed; nothing is changed.

    Raises:
        SchemaError: the tables could not be read.
    """
    sql = package / "sql"
    packaged = [datasets.load(sql, name) for name in datasets.names(sql)]
    found = schemas.compare(packaged, describe(clients, outputs))
    return Update(tuple(found["statements"]), tuple(found["refusals"]))


def describe(clients: Clients, outputs: Mapping[str, object], name: str = SCHEMA) -> dict[str, list[JsonObject]]:
    """The columns of a schema's tables in their order, by table; usually of the outputs. Raises SchemaError."""
    tables: dict[str, list[JsonObject]] = {}
    try:
        rows = query(clients.get("redshift-data"), redshift.as_administrator(outputs), _COLUMNS, schema=name)
    except QueryError as error:
        raise SchemaError(str(error)) from error
    for row in rows:
        tables.setdefault(row.pop("table_name"), []).append(row)
    return tables


def _invoke(clients: Clients, outputs: Mapping[str, object], more: Mapping[str, object]) -> JsonObject:
    name = outputs["lambda_function_name"]
    payload = json.dumps({"action": "schema", **more}).encode()
    answer = clients.get("lambda").invoke(FunctionName=name, Payload=payload)
    document: JsonObject = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise SchemaError(f"{name}: {document.get('errorMessage', document)}")
    return document


def _run(clients: Clients, outputs: Mapping[str, object], statements: Sequence[str]) -> None:
    client, administrator = clients.get("redshift-data"), redshift.as_administrator(outputs)
    try:
        for several in portions(statements):
            redshift.run(client, administrator, several)
    except QueryError as error:
        raise SchemaError(str(error)) from error


def main(arguments: Sequence[str]) -> int:
    """`-- <environment>`: exit code 0, 1 when it failed or something was refused, 2 for usage."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: nox -s schema -- <environment>", file=sys.stderr)
        return 2
    try:
        found = deployed.find(arguments[0])
        _tell_another_version(found)
        count = create(found.clients, found.outputs)
        changes = update(found.clients, found.outputs)
    except (SchemaError, TerraformError, deployed.NotDeployedError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return report(count, changes)


def _tell_another_version(found: deployed.Deployed) -> None:
    """Say where the package at hand is not what is deployed: the tables follow what is deployed."""
    there, here = deployed_version(found), packaged_version(OUTPUT)
    if here is not None and here != there:
        print(
            f"note: version {there} is deployed, build/package is {here}; the tables are compared with what is "
            "deployed, so apply first",
            file=sys.stderr,
        )


def deployed_version(found: deployed.Deployed) -> str | None:
    """The code version that the deployed Lambda has."""
    name = found.outputs["lambda_function_name"]
    configuration = found.clients.get("lambda").get_function_configuration(FunctionName=name)
    version: str | None = configuration.get("Environment", {}).get("Variables", {}).get("CODE_VERSION")
    return version


def packaged_version(package: Path) -> str | None:
    """The code version of a package; None where there is none."""
    try:
        return str(json.loads((package / "package.json").read_text(encoding="utf-8"))["code_version"])
    except FileNotFoundError:
        return None


def report(count: int, changes: Update) -> int:
    """Say what was done and what was not; the exit code is 1 where something was refused."""
    for statement in changes.statements:
        print(f"ran: {statement}", file=sys.stderr)
    tell(changes.refusals)
    if changes.refusals:
        print("error: the tables differ from their contracts, so loads into them may fail", file=sys.stderr)
        return 1
    print(f"{count + len(changes.statements)} statements ran; the schema is up to date", file=sys.stderr)
    return 0


def tell(refusals: Sequence[JsonMapping]) -> None:
    """Say what was refused, with what a person could run."""
    for refusal in refusals:
        print(f"refused: {refusal['problem']}\n  a person could run:", file=sys.stderr)
        for statement in refusal["statements"]:
            print("    " + statement.replace("\n", "\n    ") + ";", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
