"""What starts the pipeline by itself."""

from __future__ import annotations

from typing import Any

from pipeline import executions
from tests.integration.conftest import Pipeline
from tests.waiting import until


def test_a_marker_object_starts_the_pipeline_on_its_folder_once(pipeline: Pipeline) -> None:
    source = pipeline.put(pipeline.sample(3))
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    client = pipeline.clients.get("stepfunctions")
    starter = pipeline.outputs["state_machine_arn"].removesuffix("-pipeline") + "-start-on-arrival"

    def inputs(state_machine: str) -> dict[str, dict[str, Any]]:
        listed = client.list_executions(stateMachineArn=state_machine)["executions"]
        found = {execution["executionArn"]: pipeline.input_of(execution["executionArn"]) for execution in listed}
        return {arn: document for arn, document in found.items() if isinstance(document, dict)}

    assert not any(
        document.get("source_uri") == source for document in inputs(pipeline.outputs["state_machine_arn"]).values()
    )
    pipeline.clients.get("s3").put_object(Bucket=bucket, Key=f"{prefix}_READY", Body=b"")

    def event() -> dict[str, Any] | None:
        return next((found for found in inputs(starter).values() if found["key"] == f"{prefix}_READY"), None)

    delivered = until(event, "the marker's event started start-on-arrival")

    # EventBridge may deliver an event twice.
    again = pipeline.wait(executions.start(client, starter, delivered))
    assert again.succeeded, (again.error, again.cause)
    started = [
        arn for arn, found in inputs(pipeline.outputs["state_machine_arn"]).items() if found.get("source_uri") == source
    ]
    assert len(started) == 1
    outcome = pipeline.wait(started[0])
    assert outcome.succeeded, (outcome.error, outcome.cause)
    assert outcome.output["counts"]["rows_in"] == 3

    # A marker that is uploaded again is another event: it starts the pipeline again on its folder.
    pipeline.clients.get("s3").put_object(Bucket=bucket, Key=f"{prefix}_READY", Body=b"")

    def another() -> str | None:
        found = inputs(pipeline.outputs["state_machine_arn"]).items()
        return next(
            (arn for arn, document in found if document.get("source_uri") == source and arn not in started), None
        )

    client.stop_execution(executionArn=until(another, "the second marker started the pipeline"))
