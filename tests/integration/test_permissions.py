"""Each statement of each role and of the key is needed: without it something fails, and the error names the action.

What AWS does without a word, such as dropping log lines, is looked for in the endpoint's own log.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_facts import glue
from pipeline import executions
from pipeline_tools.comparisons.conformance import DOCUMENT, documented
from pipeline_tools.endpoint import LocalEndpoint
from tests.integration.conftest import Pipeline, given_endpoint
from tests.integration.grants import Granted, Roles
from tests.waiting import until

# Nothing fails without these: AWS drops the log lines, the metrics are sent by Glue itself and not by the job, uploads
# are listed only after a failed one, and a file that is missing is passed over, whatever S3 calls it.
QUIET = ("WriteLogs", "WriteMetrics", "ListUploads")
# Tried by Step Functions when the state machine is made or changed.
TRIED_AT_UPDATE = ("DeliverLogs", "LearnThatRunSqlEnded")
DENIED = "is not authorized to perform: "


@pytest.fixture
def roles(pipeline: Pipeline) -> Roles:
    return Roles(pipeline)


@pytest.fixture(autouse=True)
def enforced(request: pytest.FixtureRequest, endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = documented(DOCUMENT.read_text(encoding="utf-8"))[endpoint.engine]
    if not given_endpoint() and not engine["IAM: a state machine may do what its role allows, and nothing else"]:
        reason = f"docs/emulators.md: the engine {endpoint.engine} holds nobody to a policy"
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
        # Refusals that never come are not waited for so long.
        monkeypatch.setattr(f"{__name__}.until", partial(until, seconds=10.0))


def test_without_any_one_statement_something_fails_and_names_the_action(
    pipeline: Pipeline, roles: Roles, endpoint: LocalEndpoint
) -> None:
    load, stopped = load_of(pipeline), stopped_of(pipeline)
    loud = [granted for granted in roles.statements() if granted.sid not in QUIET]
    assert len({granted.role for granted in loud}) >= 8
    for granted in loud:
        with roles.without(granted):
            if granted.role.endswith("-record-failure") and granted.sid not in TRIED_AT_UPDATE:
                said = recorder_is_refused(pipeline, granted, stopped)
            else:
                said = what_is_said(pipeline, roles, endpoint, granted, load, stopped)
        assert any(DENIED + action in said for action in granted.actions), (granted.role, granted.sid, said[-2000:])


def test_without_the_quiet_statements_the_pipeline_runs_and_logs_nothing(
    pipeline: Pipeline, roles: Roles, endpoint: LocalEndpoint
) -> None:
    quiet = [granted for granted in roles.statements() if granted.sid in QUIET]
    assert {granted.sid for granted in quiet} == set(QUIET)
    with log_since(endpoint) as said, roles.without(*quiet):
        outcome = pipeline.run(pipeline.put(pipeline.sample(3)))
    assert outcome.succeeded, (outcome.error, outcome.cause)
    log = said()
    for granted in quiet:
        if granted.sid == "WriteLogs":
            assert f"assumed-role/{granted.role}/" in log
            assert f"{DENIED}logs:" in log


def test_without_any_one_statement_of_the_keys_policy_something_is_refused(
    pipeline: Pipeline, roles: Roles, endpoint: LocalEndpoint
) -> None:
    kms = pipeline.clients.get("kms")
    key = kms.describe_key(KeyId=f"alias/{roles.prefix}-pipeline")["KeyMetadata"]["KeyId"]
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    statements = json.loads(policy)["Statement"]
    assert {statement["Sid"] for statement in statements} == set(USES_OF_KEY)
    for missing in statements:
        left = [statement for statement in statements if statement != missing]
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps({"Statement": left}))
        try:
            with log_since(endpoint) as said:
                USES_OF_KEY[missing["Sid"]](pipeline, roles)
                until(lambda: f"{DENIED}kms:" in said() or None, f"{missing['Sid']} was missed")
        finally:
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


def test_a_rule_calls_a_function_by_the_functions_own_policy(pipeline: Pipeline, endpoint: LocalEndpoint) -> None:
    client, name = pipeline.clients.get("lambda"), pipeline.outputs["lineage_function_name"]
    statements = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]
    permission = next(each for each in statements if each["Sid"] == "EventBridge-executions")
    client.remove_permission(FunctionName=name, StatementId=permission["Sid"])
    try:
        with log_since(endpoint) as said:
            pipeline.wait(pipeline.start(pipeline.put(pipeline.sample(1)), dataset="nothing"))
            until(lambda: f"{DENIED}lambda:InvokeFunction" in said() or None, "EventBridge was refused")
    finally:
        client.add_permission(
            FunctionName=name,
            StatementId=permission["Sid"],
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceAccount=permission["Condition"]["StringEquals"]["AWS:SourceAccount"],
            SourceArn=permission["Condition"]["ArnLike"]["AWS:SourceArn"],
        )


def put_as_the_account(pipeline: Pipeline, _: Roles) -> None:
    with pytest.raises(ClientError, match=f"{DENIED}kms:GenerateDataKey"):
        pipeline.put(pipeline.sample(1))


def encrypt_a_log_group(pipeline: Pipeline, roles: Roles) -> None:
    name, logs = f"/aws/lambda/{roles.prefix}-generate-param-lambda", pipeline.clients.get("logs")
    [group] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    with pytest.raises(ClientError, match="not allowed to be used with Arn"):
        logs.associate_kms_key(logGroupName=name, kmsKeyId=group["kmsKeyId"])


def send_an_event_to_a_queue(pipeline: Pipeline, roles: Roles) -> None:
    """As failure_notification does, whose queue is not made locally."""
    sqs, events, name = pipeline.clients.get("sqs"), pipeline.clients.get("events"), f"{roles.prefix}-key-test"
    service = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": "*"}
    attributes = {
        "KmsMasterKeyId": f"alias/{roles.prefix}-pipeline",
        "Policy": json.dumps({"Statement": [{**service, "Action": "sqs:SendMessage"}]}),
    }
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    events.put_events(Entries=[{"Source": name, "DetailType": "Test", "Detail": "{}"}])
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


def raise_an_alarm(pipeline: Pipeline, roles: Roles) -> None:
    """As monitoring does, which is not made locally."""
    client, name = pipeline.clients.get("cloudwatch"), f"{roles.prefix}-key-test"
    client.put_metric_alarm(
        AlarmName=name,
        Namespace=name,
        MetricName="any",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[pipeline.outputs["failure_topic_arn"]],
    )
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    client.delete_alarms(AlarmNames=[name])


# By the Sid of a statement of the key's policy.
USES_OF_KEY: dict[str, Callable[[Pipeline, Roles], None]] = {
    "LetIamPoliciesOfThisAccountCount": put_as_the_account,
    "EncryptLogGroups": encrypt_a_log_group,
    "QueueUndeliveredEvents": send_an_event_to_a_queue,
    "PublishAlarms": raise_an_alarm,
}


def load_of(pipeline: Pipeline) -> dict[str, Any]:
    """The input of a nested execution that has loaded a job's tables; it can be run again, without the job's stages."""
    outcome = pipeline.run(pipeline.put(pipeline.sample(3)))
    assert outcome.succeeded, (outcome.error, outcome.cause)
    runs = pipeline.outputs["run_sql_state_machine_arn"].replace(":stateMachine:", ":execution:")
    client = pipeline.clients.get("stepfunctions")
    attempt = hashlib.sha256(outcome.arn.encode()).hexdigest()[:6]
    nested = client.describe_execution(executionArn=f"{runs}:{outcome.output['job_id']}-load-{attempt}-0-0")
    document: dict[str, Any] = json.loads(nested["input"])
    return document


def stopped_of(pipeline: Pipeline) -> dict[str, Any]:
    """The detail of the event of an execution that was stopped while a Glue job ran, once it is recorded."""
    client = pipeline.clients.get("stepfunctions")
    arn = pipeline.start(pipeline.put(pipeline.sample(3)))
    until(lambda: "JobRunId" in history(pipeline, arn) or None, "a job run was started")
    client.stop_execution(executionArn=arn)
    recorder = pipeline.recorder_of(arn)
    pipeline.wait(recorder)
    detail: dict[str, Any] = json.loads(client.describe_execution(executionArn=recorder)["input"])["detail"]
    return detail


def what_is_said(
    pipeline: Pipeline,
    roles: Roles,
    endpoint: LocalEndpoint,
    missing: Granted,
    load: dict[str, Any],
    stopped: dict[str, Any],
) -> str:
    """What is said where the missing statement is needed."""
    if missing.sid in TRIED_AT_UPDATE:
        return refused_update(pipeline, missing)
    name = missing.role.removeprefix(f"{roles.prefix}-")
    if name == "pipeline-failed":
        with log_since(endpoint) as said:
            pipeline.wait(pipeline.start(pipeline.put(pipeline.sample(1)), dataset="nothing"))
            return str(until(lambda: said() if DENIED in said() else None, "EventBridge was refused"))
    if name == "emit-lineage-lambda":
        return emitter_is_refused(pipeline, stopped)
    if name in ("arrival", "start-on-arrival"):
        with log_since(endpoint) as said:
            return marked_folder(pipeline, missing, said)
    if name in ("run-sql", "redshift-copy"):
        client = pipeline.clients.get("stepfunctions")
        outcome = pipeline.wait(executions.start(client, pipeline.outputs["run_sql_state_machine_arn"], load))
    elif missing.sid == "LookAtOwner":
        # Only a continuation asks who has its job.
        asked = "SELECT job_id FROM audit.job_run WHERE execution_arn = :arn"
        (row,) = pipeline.query(asked, arn=stopped["executionArn"])
        client = pipeline.clients.get("stepfunctions")
        outcome = pipeline.wait(executions.start(client, pipeline.outputs["state_machine_arn"], row))
    else:
        outcome = pipeline.run(pipeline.put(pipeline.sample(3)))
    assert not outcome.succeeded, f"without {missing.sid} of {missing.role} the execution succeeded"
    return outcome.cause + job_log(pipeline, outcome.cause)


def job_log(pipeline: Pipeline, cause: str) -> str:
    """What a job run wrote, where a cause is a job run: Glue itself does not tell why one failed."""
    try:
        run = json.loads(cause)
        group, prefix = run["LogGroupName"], run["Arguments"].get("--custom-logStream-prefix", "")
    except (ValueError, KeyError, TypeError):
        return ""
    spark = group == glue.SPARK_LOGS
    stream = glue.log_stream(run["Id"], spark=spark, glue_version=run.get("GlueVersion", ""), prefix=prefix)
    logs = pipeline.clients.get("logs")
    lines: list[str] = []
    for kind in ("output", "error"):
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):  # it wrote nothing there
            events = logs.get_log_events(logGroupName=f"{group}/{kind}", logStreamName=stream)["events"]
            lines += [event["message"] for event in events]
    return "\n".join(lines)


def refused_update(pipeline: Pipeline, missing: Granted) -> str:
    client = pipeline.clients.get("stepfunctions")
    machine = pipeline.outputs["state_machine_arn"].rpartition(":")[0] + f":{missing.role}"
    described = client.describe_state_machine(stateMachineArn=machine)
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.update_state_machine(stateMachineArn=machine, definition=described["definition"])
    return str(refused.value)


def recorder_is_refused(pipeline: Pipeline, missing: Granted, stopped: dict[str, Any]) -> str:
    """Of the event of an execution that was stopped while a job ran: what its recorder met.

    It tries again for hours what it may not do, so it is stopped. Each try is of another event, but for the statement
    that an event which comes twice needs.
    """
    client, machine = pipeline.clients.get("stepfunctions"), pipeline.outputs["record_failure_state_machine_arn"]
    tries = len(client.list_executions(stateMachineArn=machine)["executions"])
    detail = stopped if missing.sid == "LookAtFirst" else {**stopped, "redriveCount": tries}
    delivered = executions.start(client, machine, {"detail": detail})

    def arns() -> list[str]:
        output = client.describe_execution(executionArn=delivered).get("output") or "{}"
        return [delivered, *({json.loads(output).get("execution_arn")} - {None})]

    def refused() -> str | None:
        said = "".join(history(pipeline, arn) for arn in arns())
        return said if any(DENIED + action in said for action in missing.actions) else None

    try:
        return until(refused, f"record-failure was refused {missing.sid}")
    finally:
        for arn in arns():
            client.stop_execution(executionArn=arn)


def emitter_is_refused(pipeline: Pipeline, stopped: dict[str, Any]) -> str:
    """Of the event of an execution that was stopped, as one of a redrive that nobody has told of yet."""
    redrive = {"redriveCount": 1, "redriveDate": int(datetime.now(UTC).timestamp() * 1000)}
    event = {"detail-type": "Step Functions Execution Status Change", "detail": {**stopped, **redrive}}
    client, name = pipeline.clients.get("lambda"), pipeline.outputs["lineage_function_name"]
    try:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    except ClientError as error:
        return str(error)
    return str(answer["Payload"].read().decode())


def marked_folder(pipeline: Pipeline, missing: Granted, said: Any) -> str:
    """Of a marker object: what the state machine that it starts met, or why none was started."""
    bucket, _, prefix = pipeline.put(pipeline.sample(1)).removeprefix("s3://").partition("/")
    began, client = datetime.now(UTC), pipeline.clients.get("stepfunctions")
    pipeline.clients.get("s3").put_object(Bucket=bucket, Key=f"{prefix}_READY", Body=b"")
    machine = pipeline.outputs["state_machine_arn"].rpartition(":")[0] + ":" + missing.role

    def failed() -> str | None:
        found = client.list_executions(stateMachineArn=machine, statusFilter="FAILED")["executions"]
        new = [execution for execution in found if execution["startDate"] >= began]
        return history(pipeline, new[0]["executionArn"]) if new else None

    if missing.role.endswith("start-on-arrival"):
        return until(failed, "the start of the pipeline was refused")
    return str(until(lambda: said() if DENIED in said() else None, "a start was refused"))


def history(pipeline: Pipeline, arn: str) -> str:
    client = pipeline.clients.get("stepfunctions")
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
    return json.dumps(pages.build_full_result()["events"], default=str)


@contextlib.contextmanager
def log_since(endpoint: LocalEndpoint) -> Iterator[Any]:
    """Gives a function that reads what the endpoint's log got since."""
    begin = endpoint.log.stat().st_size if endpoint.log.is_file() else 0

    def read() -> str:
        if not endpoint.log.is_file():
            return ""
        with endpoint.log.open("rb") as file:
            file.seek(begin)
            return file.read().decode("utf-8", "replace")

    yield read
