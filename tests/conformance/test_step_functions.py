"""Step Functions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.conftest import Aws, task, until

RUN_JOB = "arn:aws:states:::glue:startJobRun.sync"
RUN_MACHINE = "arn:aws:states:::states:startExecution.sync:2"
INVOKE = "arn:aws:states:::lambda:invoke"
CAUGHT = "{% $states.errorOutput %}"


def catching(state: dict[str, Any]) -> dict[str, Any]:
    """The states, with the error of the only one as their output."""
    (only,) = state.values()
    only["Catch"] = [{"ErrorEquals": ["States.ALL"], "Output": CAUGHT, "Next": "Caught"}]
    return {**state, "Caught": {"Type": "Pass", "End": True}}


def output(value: Any) -> dict[str, Any]:
    return {"Pass": {"Type": "Pass", "Output": value, "End": True}}


def test_jsonata(aws: Aws) -> None:
    """JSONata: input, context and variables"""
    states = {
        "First": {"Type": "Pass", "Assign": {"text": "{% $states.input.text & '!' %}"}, "Next": "Second"},
        "Second": {
            "Type": "Pass",
            "Output": {"text": "{% $text %}", "name": "{% $states.context.Execution.Name %}", "plain": 1},
            "End": True,
        },
    }
    arn = aws.start(aws.machine(states), {"text": 'a "b"\nc'}, name="conformance-name")
    assert json.loads(aws.execution(arn)["output"]) == {"text": 'a "b"\nc!', "name": "conformance-name", "plain": 1}


def test_functions(aws: Aws) -> None:
    """JSONata: the functions that AWS adds"""
    value = {
        "partition": "{% $partition([1, 2, 3], 2) %}",
        "range": "{% $range(0, 4, 2) %}",
        "hash": "{% $hash('abc', 'MD5') %}",
        "parse": "{% $parse('{\"a\": 1}') %}",
        "uuid": "{% $length($uuid()) %}",
    }
    assert aws.output(output(value)) == {
        "partition": [[1, 2], [3]],
        "range": [0, 2, 4],
        "hash": "900150983cd24fb0d6963f7d28e17f72",
        "parse": {"a": 1},
        "uuid": 36,
    }
    assert 0 <= aws.output(output("{% $random() %}")) < 1


def test_undefined(aws: Aws) -> None:
    """JSONata: an undefined result fails the execution"""
    found = aws.execute(output("{% $states.input.missing %}"))
    assert (found["status"], found["error"]) == ("FAILED", "States.QueryEvaluationError")


def test_values(aws: Aws) -> None:
    """JSONata: numbers as AWS has them, as text, without an end, and drawn with a seed"""
    value = {
        "text": "{% $string(1e20) %}",
        "id": "{% $string(5890840712243077) %}",
        "rest": "{% 5.5 % 2 %}",
        "endless": "{% 1 / 0 %}",
        "seeded": "{% $random(42) %}",
    }
    assert aws.output(output(value)) == {
        "text": "100000000000000000000",
        "id": "5890840712243077",
        "rest": 1.5,
        "endless": "Infinity",
        "seeded": 0.7275636800328681,
    }


def test_later_syntax(aws: Aws) -> None:
    """JSONata: a definition with the `??` or `?:` of a later version is refused"""
    aws.machine(output("{% $exists($states.input.a) ? $states.input.a : 1 %}"))
    for expression in ("$states.input.a ?? 1", "$states.input.a ?: 1"):
        with pytest.raises(ClientError) as error:
            aws.machine(output(f"{{% {expression} %}}"))
        assert error.value.response["Error"]["Code"] == "InvalidDefinition"


def test_limits(aws: Aws) -> None:
    """JSONata: $eval, deep nesting and huge arrays fail"""
    for expression in ("$eval('1')", "+".join(["1"] * 101), "$count([1..873783])"):
        found = aws.execute(output(f"{{% {expression} %}}"))
        assert (found["status"], found["error"]) == ("FAILED", "States.QueryEvaluationError")


def test_condition_type(aws: Aws) -> None:
    """JSONata: a Choice whose condition is no boolean fails"""
    choices = [{"Condition": "{% 'yes' %}", "Next": "End"}]
    states = {"Choice": {"Type": "Choice", "Choices": choices, "Default": "End"}, "End": {"Type": "Succeed"}}
    found = aws.execute(states)
    assert (found["status"], found["error"]) == ("FAILED", "States.QueryEvaluationError")


def test_choice(aws: Aws) -> None:
    """a Choice takes the branch of its condition"""
    states = {
        "Choice": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.n > 1 %}", "Next": "Large"}],
            "Default": "Small",
        },
        "Large": {"Type": "Pass", "Output": "large", "End": True},
        "Small": {"Type": "Fail", "Error": "Small", "Cause": "{% 'n is ' & $string($states.input.n) %}"},
    }
    assert aws.output(states, {"n": 2}) == "large"
    found = aws.execute(states, {"n": 1})
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Small", "n is 1")


def test_lambda(aws: Aws) -> None:
    """lambda:invoke gives the function's answer"""
    arn = aws.function("def handler(e, c): return {'x': e['x'] + 1}")
    states = task(INVOKE, {"FunctionName": arn, "Payload": {"x": 1}}, Output="{% $states.result.Payload %}")
    assert aws.output(states) == {"x": 2}


def test_lambda_error(aws: Aws) -> None:
    """a function's exception is the error of the state, and Retry tries again"""
    code = """
import boto3
def handler(e, c):
    s3 = boto3.client("s3")
    tries = s3.list_objects_v2(Bucket=e["bucket"], Prefix=e["prefix"]).get("KeyCount", 0)
    s3.put_object(Bucket=e["bucket"], Key=f"{e['prefix']}{tries}")
    raise RuntimeError(f"try {tries}")
"""
    payload = {"bucket": aws.bucket, "prefix": f"tries/{aws.name()}/"}
    retry = [{"ErrorEquals": ["RuntimeError"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    states = task(INVOKE, {"FunctionName": aws.function(code), "Payload": payload}, Retry=retry)
    found = aws.execute(states)
    assert (found["status"], found["error"]) == ("FAILED", "RuntimeError")
    assert json.loads(found["cause"])["errorMessage"] == "try 2"


def test_glue_sync(aws: Aws) -> None:
    """glue:startJobRun.sync waits for the run and gives it"""
    arguments = {"JobName": aws.job("print(1)"), "Arguments": {"--job_id": "{% $states.input.id %}"}}
    found = aws.output(task(RUN_JOB, arguments), {"id": "id-1"})
    assert found["JobRunState"] == "SUCCEEDED"
    assert found["Arguments"]["--job_id"] == "id-1"


def test_failed_glue_sync(aws: Aws) -> None:
    """a failed run fails the state, with the run as its cause"""
    states = catching(task(RUN_JOB, {"JobName": aws.job("raise ValueError('why')")}))
    caught = aws.output(states)
    assert caught["Error"] == "States.TaskFailed"
    run = json.loads(caught["Cause"])
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "Command failed with exit code 1")


def test_stopped_execution(aws: Aws) -> None:
    """StopExecution ends the job run that a state waits for"""
    job = aws.job("import time\ntime.sleep(3600)")
    arn = aws.start(aws.machine(task(RUN_JOB, {"JobName": job})))
    glue = aws.client("glue")

    def started() -> str | None:
        runs = glue.get_job_runs(JobName=job)["JobRuns"]
        return str(runs[0]["Id"]) if runs else None

    run = until(started, "the job run was started")
    aws.client("stepfunctions").stop_execution(executionArn=arn, error="Stopped", cause="by hand")
    found = aws.execution(arn)
    assert (found["status"], found.get("error"), found.get("cause")) == ("ABORTED", "Stopped", "by hand")
    assert aws.run(job, run)["JobRunState"] == "STOPPED"


def test_nested(aws: Aws) -> None:
    """states:startExecution.sync:2 gives the nested execution's output as JSON"""
    nested = aws.machine(output({"doubled": "{% $states.input.n * 2 %}"}))
    states = task(RUN_MACHINE, {"StateMachineArn": nested, "Input": {"n": 4}}, Output="{% $states.result.Output %}")
    assert aws.output(states) == {"doubled": 8}


def test_failed_nested(aws: Aws) -> None:
    """a nested execution that fails fails the state"""
    nested = aws.machine({"Fail": {"Type": "Fail", "Error": "Wrong", "Cause": "why"}})
    found = aws.execute(task(RUN_MACHINE, {"StateMachineArn": nested}))
    assert found["status"] == "FAILED"
    assert "why" in found["cause"]


def test_redshift_data(aws: Aws) -> None:
    """aws-sdk:redshiftdata runs SQL, and names the members of its answer"""
    sdk = "arn:aws:states:::aws-sdk:redshiftdata:"
    again = [{"ErrorEquals": ["RedshiftData.ResourceNotFoundException"], "IntervalSeconds": 1, "MaxAttempts": 30}]
    states = {
        "Start": {
            "Type": "Task",
            "Resource": f"{sdk}batchExecuteStatement",
            "Arguments": {
                **aws.cluster,
                "Sqls": ["SELECT 1", "SELECT :n::INTEGER AS n"],
                "Parameters": [{"Name": "n", "Value": "7"}],
            },
            "Assign": {"id": "{% $states.result.Id %}"},
            "Next": "Look",
        },
        "Look": {
            "Type": "Task",
            "Resource": f"{sdk}describeStatement",
            "Arguments": {"Id": "{% $id %}"},
            "Assign": {
                "status": "{% $states.result.Status %}",
                "query": "{% $exists($states.result.SubStatements) ? $states.result.SubStatements[-1].Id : '' %}",
            },
            "Next": "Ended",
        },
        "Ended": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $status = 'FINISHED' %}", "Next": "Read"},
                {"Condition": "{% $status in ['FAILED', 'ABORTED'] %}", "Next": "Failed"},
            ],
            "Default": "Wait",
        },
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Look"},
        "Failed": {"Type": "Fail"},
        "Read": {
            "Type": "Task",
            "Resource": f"{sdk}getStatementResult",
            "Arguments": {"Id": "{% $query %}"},
            "Retry": again,
            "Output": "{% $states.result.Records[0][0].LongValue %}",
            "End": True,
        },
    }
    assert aws.output(states) == 7


def test_s3(aws: Aws) -> None:
    """aws-sdk:s3:getObject gives the text of an object"""
    key = aws.put(f"{aws.name()}.json", '{"a": 1}').rpartition("/")[2]
    states = task(
        "arn:aws:states:::aws-sdk:s3:getObject",
        {"Bucket": aws.bucket, "Key": key},
        Output="{% $parse($states.result.Body).a %}",
    )
    assert aws.output(states) == 1


def test_same_name(aws: Aws) -> None:
    """StartExecution with the same name and input is the same execution"""
    machine = aws.machine({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}})
    arns = {aws.start(machine, {"n": 1}, name="same") for _ in range(2)}
    assert len(arns) == 1
    aws.client("stepfunctions").stop_execution(executionArn=arns.pop())


def test_task_time_out(aws: Aws) -> None:
    """TimeoutSeconds of a task fails it"""
    states = task(RUN_JOB, {"JobName": aws.job("import time\ntime.sleep(3600)")}, TimeoutSeconds=3)
    found = aws.execute(states)
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")


def test_time_out(aws: Aws) -> None:
    """TimeoutSeconds of a state machine ends the execution"""
    found = aws.execute({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}, TimeoutSeconds=2)
    assert found["status"] == "TIMED_OUT"


def test_redrive(aws: Aws) -> None:
    """RedriveExecution goes on at the state that failed, with the variables of then"""
    key = f"{aws.name()}.json"
    gives = "{'first': $first, 'read': $states.result.Body, 'redrives': $states.context.Execution.RedriveCount}"
    read = task("arn:aws:states:::aws-sdk:s3:getObject", {"Bucket": aws.bucket, "Key": key}, Output=f"{{% {gives} %}}")
    first = {"Type": "Pass", "Assign": {"first": "{% $uuid() %}"}, "Next": next(iter(read))}
    arn = aws.start(aws.machine({"First": first, **read}))
    assert aws.execution(arn)["status"] == "FAILED"
    aws.put(key, "now")
    client = aws.client("stepfunctions")
    client.redrive_execution(executionArn=arn)
    found = aws.execution(arn)
    assert found["status"] == "SUCCEEDED", found.get("cause")
    gave = json.loads(found["output"])
    assert (gave["read"], gave["redrives"], len(gave["first"])) == ("now", 1, 36)
    events = client.get_execution_history(executionArn=arn)["events"]
    assert [event.get("stateEnteredEventDetails", {}).get("name") for event in events].count("First") == 1


def test_unknown_field(aws: Aws) -> None:
    """a definition with a field that its state does not have is refused"""
    with pytest.raises(ClientError) as refused:
        aws.machine({"Only": {"Type": "Pass", "Retry": [], "End": True}})
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"


def test_large_result(aws: Aws) -> None:
    """a result above 256 KiB fails the state"""
    found = aws.execute({"Only": {"Type": "Pass", "Output": "{% $pad('', 300000, 'x') %}", "End": True}})
    assert (found["status"], found["error"]) == ("FAILED", "States.DataLimitExceeded")
