"""`nox -s schema`: create or update the SQL schema of a deployment, by the state machine `run-sql`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from lambda_generate_param.statements import MOST_STATEMENTS
from pipeline_tools import executions
from pipeline_tools.clients import Clients
from pipeline_tools.terraform import Deployment, TerraformError

_SECONDS = 900.0


class SchemaError(RuntimeError):
    """The schema could not be created; the message is Redshift's own."""


def create(clients: Clients, outputs: Mapping[str, Any]) -> int:
    """Run the packaged DDL and return how many statements it had. Each may run again at any time.

    Raises:
        SchemaError: the Lambda or a statement failed.
    """
    answer = clients.get("lambda").invoke(
        FunctionName=outputs["lambda_function_name"], Payload=json.dumps({"action": "schema"}).encode()
    )
    document = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise SchemaError(f"{outputs['lambda_function_name']}: {document.get('errorMessage', document)}")
    statements: list[str] = document["sql"]["statements"]
    step_functions = clients.get("stepfunctions")
    for first in range(0, len(statements), MOST_STATEMENTS):
        batch = {
            "statement_name": "schema",
            "statements": statements[first : first + MOST_STATEMENTS],
            "parameters": [],
        }
        arn = executions.start(
            step_functions, outputs["run_sql_state_machine_arn"], {"job_id": "schema", "batch": batch}
        )
        outcome = executions.wait(step_functions, arn, timeout_seconds=_SECONDS)
        if not outcome.succeeded:
            raise SchemaError(f"{outcome.status}: {outcome.error}: {outcome.cause}")
    return len(statements)


def main(arguments: Sequence[str]) -> int:
    """`-- <environment>`: exit code 0, 1 when it failed, 2 for usage."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: nox -s schema -- <environment>", file=sys.stderr)
        return 2
    try:
        count = create(Clients(), Deployment(arguments[0]).outputs())
    except (SchemaError, TerraformError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{count} statements ran; the schema is up to date", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
