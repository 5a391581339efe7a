"""The local endpoint on MiniStack: its registries get the services that it lacks.

What is added rather than registered is named beside its reason; each has a test that fails without it.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

from local_aws.engines.java import java_home
from local_aws.engines.ministack_events import Deliveries
from local_aws.engines.ministack_keys import Keys, caller
from local_aws.engines.ministack_objects import keep_objects_in
from local_aws.engines.ministack_roles import Roles, let_strangers_be_the_account
from local_aws.engines.repeats import Repeats
from local_aws.engines.services import Endpoint, Services
from local_aws.engines.task_calls import Call, Place, calls, definition_calls
from local_aws.errors import AwsError
from local_aws.services.glue_libraries import Libraries
from local_aws.services.glue_process import Settings
from local_aws.services.glue_runs import OPERATIONS as GLUE_OPERATIONS

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

_log = logging.getLogger(__name__)
ACCOUNT_ID = "000000000000"
SERVICES = "s3,iam,sts,kms,secretsmanager,sns,sqs,logs,monitoring,events,scheduler,states,lambda,glue,ec2,ssm,tagging"
# The ARN of the execution that a thread of Step Functions works for.
_execution: contextvars.ContextVar[str] = contextvars.ContextVar("execution", default="")


class MiniStackEngine:
    """One endpoint in this process. `serve` blocks until `stop` is set; `close` ends all that was started."""

    def __init__(self, *, host: str, port: int, region: str, workdir: Path, libraries: Libraries) -> None:
        self._host, self._port, self._region = host, port, region
        self.endpoint_url = f"http://{host}:{port}"
        _configure(host, port, region)
        self._children: dict[str, list[str]] = {}
        self._place = Place(region, ACCOUNT_ID)
        self._keys = Keys(self._place, lambda cluster: self._services.redshift.key_of(cluster))
        self._roles = Roles(self._place, self._keys)
        self._services = Services(
            Endpoint(self.endpoint_url, region, ACCOUNT_ID),
            Settings(workdir, libraries, java_home=java_home()),
            roles=self._roles,
        )
        keep_objects_in(workdir / "s3")
        self._job_properties: dict[str, dict[str, Any]] = {}
        self._tracing: dict[str, Any] = {}
        self._register()

    def serve(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Serve until `stop` is set."""
        asyncio.run(self._serve(stop, ready))

    def close(self) -> None:
        """End job runs, statements and the database server."""
        self._services.close()

    async def _serve(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config as HypercornConfig
        from ministack import app

        config = HypercornConfig()
        config.bind = [f"{self._host}:{self._port}"]
        config.keep_alive_timeout = 75
        config.graceful_timeout = 1
        config.loglevel = "WARNING"

        async def stopped() -> None:
            await asyncio.to_thread(stop.wait)

        async def announced() -> None:
            while not await asyncio.to_thread(_accepts, self._host, self._port):
                await asyncio.sleep(0.02)
            # PostgreSQL needs about a second; the first statement should not wait for it.
            await asyncio.to_thread(self._services.postgres.start)
            ready()

        announcement = asyncio.create_task(announced())
        await serve(cast(Any, Repeats(app.app)), config, shutdown_trigger=stopped)
        announcement.cancel()

    # What is registered

    def _register(self) -> None:
        from ministack import app
        from ministack.core import router
        from ministack.services import lambda_svc, stepfunctions

        handlers: dict[str, Handler] = app.SERVICE_HANDLERS
        handlers["redshift"] = self._handle_redshift
        handlers["redshift-data"] = self._handle_redshift_data
        handlers["glue"] = self._wrap_glue(handlers["glue"])
        handlers["states"] = self._wrap_states(handlers["states"])
        router.SERVICE_PATTERNS["redshift-data"] = {
            "target_prefixes": ["RedshiftData"],
            "host_patterns": [r"^redshift-data\."],
        }
        router.SERVICE_PATTERNS["redshift"] = {"host_patterns": [r"^redshift\."]}
        stepfunctions._AWS_SDK_SERVICE_MAP["redshiftdata"] = {
            "protocol": "json",
            "target_prefix": "RedshiftData",
            "service_key": "redshift-data",
        }
        stepfunctions._AWS_SDK_ERROR_PREFIX["redshiftdata"] = "RedshiftData"
        dispatch = stepfunctions._SERVICE_DISPATCH
        dispatch["arn:aws:states:::glue:startJobRun"] = self._task(self._task_glue)
        dispatch["arn:aws:states:::aws-sdk:s3:getObject"] = self._task(self._task_get_object)
        dispatch["arn:aws:states:::aws-sdk:s3:putObject"] = self._task(self._task_put_object)

        let_strangers_be_the_account()
        self._keys.install()
        Deliveries(self._place, self._roles, self._keys).install()
        # Not a registry: what Step Functions does with a role is no request, so nothing else checks it.
        invoke_resource = stepfunctions._invoke_resource

        def invoke_permitted_resource(resource: str, arguments: Any) -> Any:
            self._require_task(resource, arguments)
            return invoke_resource(resource, arguments)

        stepfunctions._invoke_resource = invoke_permitted_resource

        # Not a registry: MiniStack names every exception of a handler Runtime.HandlerError, and so no Catch or Retry
        # would meet it by its name.
        execute_function = lambda_svc._execute_function_warm

        def execute_logged_function(function: dict[str, Any], *arguments: Any) -> dict[str, Any]:
            answer = _with_error_type(execute_function(function, *arguments))
            return answer if self._may_log(function.get("config") or function) else {**answer, "log": ""}

        lambda_svc._execute_function_warm = execute_logged_function

        # Not a registry: which execution a task belongs to is known nowhere else, and a stopped execution has to end
        # its job runs and its nested executions, as on AWS.
        run_execution = stepfunctions._run_execution

        def run_known_execution(arn: str) -> None:
            parent = _execution.get()
            if parent:
                self._children.setdefault(parent, []).append(arn)
            token = _execution.set(arn)
            time_out = self._time_out(arn)
            try:
                run_execution(arn)
            finally:
                if time_out:
                    time_out.cancel()
                _execution.reset(token)

        stepfunctions._run_execution = run_known_execution

        # Not a registry either: a task that ends after its execution was stopped would turn ABORTED into FAILED.
        fail_execution = stepfunctions._fail_execution

        def fail_running_execution(execution: dict[str, Any], error: str, cause: str) -> None:
            if execution["status"] == "RUNNING":
                fail_execution(execution, error, cause)

        stepfunctions._fail_execution = fail_running_execution

    def _time_out(self, arn: str) -> threading.Timer | None:
        """Begin the TimeoutSeconds of an execution's state machine, if it has any: MiniStack does not look at them."""
        from ministack.services import stepfunctions

        execution = stepfunctions._executions[arn]
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"], {})
        seconds = _document(machine.get("definition", "{}")).get("TimeoutSeconds")
        if seconds is None:
            return None

        def end() -> None:
            if execution["status"] != "RUNNING":
                return
            execution.update(status="TIMED_OUT", stopDate=stepfunctions.now_iso())
            stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
            stepfunctions._emit_execution_status_event(execution)
            # As a stopped execution does, it takes its nested ones with it; its job runs see that it no longer runs.
            for child in self._children.get(arn, []):
                self._services.client("stepfunctions").stop_execution(executionArn=child)

        # The same thread's context: MiniStack keeps accounts and regions there.
        context = contextvars.copy_context()
        timer = threading.Timer(seconds, lambda: context.run(end))
        timer.daemon = True
        timer.start()
        return timer

    def _require_task(self, resource: str, arguments: Any) -> None:
        from ministack.services.stepfunctions import _ExecutionError

        if not resource.startswith("arn:aws:states:::") or not isinstance(arguments, dict):
            return
        role, session = self._role_of(_execution.get())
        try:
            self._roles.require(role, "states.amazonaws.com", session, calls(resource, arguments, self._place))
        except AwsError as error:
            raise _ExecutionError(f"{_error_prefix(resource)}.{error.code}", error.message) from error

    def _role_of(self, execution_arn: str) -> tuple[str, str]:
        """The role of the state machine of an execution, and the name of the execution."""
        from ministack.services import stepfunctions

        execution = stepfunctions._executions[execution_arn]
        return stepfunctions._state_machines[execution["stateMachineArn"]]["roleArn"], execution["name"]

    def _may_log(self, function: dict[str, Any]) -> bool:
        """Whether a function's role may write its log; without, the function runs all the same, as on AWS."""
        group = (function.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{function['FunctionName']}"
        stream = self._place.arn("logs", f"log-group:{group}:log-stream:any")
        needed = [Call("logs:CreateLogStream", stream), Call("logs:PutLogEvents", stream)]
        try:
            self._roles.require(function["Role"], "lambda.amazonaws.com", function["FunctionName"], needed)
        except AwsError as error:
            _log.warning("no log lines in %s: %s", group, error.message)
            return False
        return True

    async def _handle_redshift(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        if refusal := self._keys.refuse_cluster(caller(headers, query), body):
            return refusal
        return await asyncio.to_thread(self._services.redshift.handle, method, headers, body)

    async def _handle_redshift_data(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        def answer(operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
            # The Data API uses secret and key with the permissions of who asks.
            api = f"{operation[:1].lower()}{operation[1:]}"
            self._roles.require_of(
                principal, calls(f"arn:aws:states:::aws-sdk:redshiftdata:{api}", request, self._place)
            )
            return self._services.redshift_data.handle(operation, request)

        principal = caller(headers, query)
        return await asyncio.to_thread(_answer_json, answer, headers, body)

    def _wrap_glue(self, ministack: Handler) -> Handler:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Response:
            operation = _operation(headers)
            if operation in GLUE_OPERATIONS:
                return await asyncio.to_thread(_answer_json, self._services.glue_runs.handle, headers, body)
            request = _document(body)
            response = await ministack(method, path, headers, body, query)
            if response[0] >= 400:
                return response
            if operation == "CreateJob" and request.get("Tags"):
                # MiniStack forgets the tags of a new job.
                arn = f"arn:aws:glue:{self._region}:{ACCOUNT_ID}:job/{request['Name']}"
                tag = {**headers, "x-amz-target": "AWSGlue.TagResource"}
                tags = json.dumps({"ResourceArn": arn, "TagsToAdd": request["Tags"]}).encode()
                await ministack(method, path, tag, tags, query)
            return self._keep_job_properties(operation, request, response)

        return handle

    def _keep_job_properties(self, operation: str, request: dict[str, Any], response: Response) -> Response:
        """MiniStack forgets these properties of a job; what a job run does depends on them."""
        if operation == "CreateJob":
            self._job_properties[request["Name"]] = _job_properties(request)
        elif operation == "UpdateJob":
            self._job_properties[request["JobName"]] = _job_properties(request.get("JobUpdate") or {})
        elif operation == "DeleteJob":
            self._job_properties.pop(request.get("JobName", ""), None)
        elif operation in ("GetJob", "GetJobs"):
            document = _document(response[2])
            for job in [document["Job"]] if operation == "GetJob" else document.get("Jobs", []):
                job.update(self._job_properties.get(job["Name"], {}))
                if (job.get("Command") or {}).get("Name") == "pythonshell":
                    for name in ("WorkerType", "NumberOfWorkers", "GlueVersion"):
                        job.pop(name, None)
            return response[0], response[1], json.dumps(document).encode()
        return response

    def _wrap_states(self, ministack: Handler) -> Handler:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Response:
            operation, request = _operation(headers), _document(body)
            if operation in ("CreateStateMachine", "UpdateStateMachine"):
                refusal = self._refuse_machine(request)
                if refusal:
                    return refusal
            response = await ministack(method, path, headers, body, query)
            if operation == "StartExecution" and response[0] == 400:
                return await self._same_execution(ministack, headers, request, response)
            if response[0] < 400 and operation.endswith("StateMachine"):
                return self._keep_tracing(operation, request, response)
            if operation == "StopExecution" and response[0] < 400:
                for child in self._children.get(request.get("executionArn", ""), []):
                    stop = json.dumps({**request, "executionArn": child}).encode()
                    await handle(method, path, headers, stop, query)
            return response

        return handle

    def _refuse_machine(self, request: dict[str, Any]) -> Response | None:
        """The answer to a state machine whose role lacks what Step Functions tries with it at once."""
        from ministack.services import stepfunctions

        known = stepfunctions._state_machines.get(request.get("stateMachineArn", ""), {})
        definition = _document(request.get("definition") or known.get("definition") or "{}")
        logging_configuration = request.get("loggingConfiguration") or known.get("loggingConfiguration")
        role = str(request.get("roleArn") or known.get("roleArn") or "")
        needed = definition_calls(definition, logging_configuration, self._place)
        try:
            self._roles.require(role, "states.amazonaws.com", "create", needed)
        except AwsError as error:
            return _error(error)
        return None

    def _keep_tracing(self, operation: str, request: dict[str, Any], response: Response) -> Response:
        """MiniStack forgets the tracing configuration of a state machine."""
        document = _document(response[2])
        arn = document.get("stateMachineArn") or request.get("stateMachineArn", "")
        if operation in ("CreateStateMachine", "UpdateStateMachine") and "tracingConfiguration" in request:
            self._tracing[arn] = request["tracingConfiguration"]
        elif operation == "DescribeStateMachine" and arn in self._tracing:
            document["tracingConfiguration"] = self._tracing[arn]
            return response[0], response[1], json.dumps(document).encode()
        return response

    async def _same_execution(
        self, ministack: Handler, headers: dict[str, str], request: dict[str, Any], response: Response
    ) -> Response:
        """StartExecution is idempotent: the same name and input, while it runs, is the same execution.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
        """
        if "ExecutionAlreadyExists" not in str(_document(response[2]).get("__type")):
            return response
        machine = request["stateMachineArn"].replace(":stateMachine:", ":execution:")
        describe = {**headers, "x-amz-target": "AWSStepFunctions.DescribeExecution"}
        body = json.dumps({"executionArn": f"{machine}:{request['name']}"}).encode()
        status, described_headers, content = await ministack("POST", "/", describe, body, {})
        running = _document(content)
        if status >= 400 or running.get("status") != "RUNNING" or running.get("input") != request.get("input", "{}"):
            return response
        answer = {"executionArn": running["executionArn"], "startDate": running["startDate"]}
        return 200, described_headers, json.dumps(answer).encode()

    # Tasks of Step Functions

    def _task(self, task: Callable[[str, dict[str, Any]], Any]) -> Callable[[str, dict[str, Any]], Any]:
        from ministack.services.stepfunctions import _ExecutionError

        def run(resource: str, arguments: dict[str, Any]) -> Any:
            try:
                return task(resource, arguments)
            except AwsError as error:
                raise _ExecutionError(error.code, error.message) from error

        return run

    def _task_glue(self, resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """glue:startJobRun, and .sync: a run that did not succeed fails the task, with the run as its cause."""
        try:
            started = self._services.glue_runs.handle("StartJobRun", arguments)
        except AwsError as error:
            raise AwsError(f"Glue.{error.code}", error.message) from error
        if not resource.endswith(".sync"):
            return started
        execution = _execution.get()
        run = self._services.glue_runs.wait(
            arguments["JobName"], started["JobRunId"], give_up=lambda: bool(execution) and not self._running(execution)
        )
        if run["JobRunState"] != "SUCCEEDED":
            raise AwsError("States.TaskFailed", json.dumps(run))
        return run

    def _task_get_object(self, _resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Body as text: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html"""
        with _client_errors("S3"):
            answer = self._s3_of_execution().get_object(Bucket=arguments["Bucket"], Key=arguments["Key"])
            body = answer["Body"].read().decode()
        return {"Body": body, "ContentLength": answer["ContentLength"], "ETag": answer["ETag"]}

    def _task_put_object(self, _resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
        body = arguments.get("Body", "")
        text = body if isinstance(body, str) else json.dumps(body)
        with _client_errors("S3"):
            answer = self._s3_of_execution().put_object(
                Bucket=arguments["Bucket"],
                Key=arguments["Key"],
                Body=text.encode(),
                ContentType=arguments.get("ContentType", "binary/octet-stream"),
            )
        return {"ETag": answer["ETag"]}

    def _s3_of_execution(self) -> Any:
        role, _ = self._role_of(_execution.get())
        return self._services.client_as(role, "states", "StepFunctions", "s3")

    def _running(self, execution_arn: str) -> bool:
        described = self._services.client("stepfunctions").describe_execution(executionArn=execution_arn)
        return bool(described["status"] == "RUNNING")


def _configure(host: str, port: int, region: str) -> None:
    """MiniStack reads its settings from the environment when it is imported."""
    os.environ.update(
        {
            "SERVICES": SERVICES,
            "BIND_HOST": host,
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": host,
            "MINISTACK_REGION": region,
            "AWS_DEFAULT_REGION": region,
            # Whoever is not the account itself is held to the policies of its role.
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }
    )


def _with_error_type(answer: dict[str, Any]) -> dict[str, Any]:
    """The type of a handler's exception, from the end of its traceback: "Refused: <message>"."""
    body = answer.get("body")
    if not answer.get("error") or not isinstance(body, dict) or body.get("errorType") != "Runtime.HandlerError":
        return answer
    message, log = str(body.get("errorMessage", "")), str(answer.get("log", "")).rstrip("\n")
    name = log.removesuffix(message).rstrip(": ").rpartition("\n")[2]
    if log.endswith(message) and name.replace(".", "").isidentifier():
        body["errorType"] = name.rpartition(".")[2]
    return answer


def _accepts(host: str, port: int) -> bool:
    import socket

    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _operation(headers: Mapping[str, str]) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _document(body: bytes | str) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _job_properties(request: Mapping[str, Any]) -> dict[str, Any]:
    names = ("ExecutionProperty", "ExecutionClass", "MaintenanceWindow", "JobMode", "JobRunQueuingEnabled")
    return {name: request[name] for name in names if name in request}


def _answer_json(
    handle: Callable[[str, Mapping[str, Any]], dict[str, Any]], headers: Mapping[str, str], body: bytes
) -> Response:
    answered = {"Content-Type": "application/x-amz-json-1.1"}
    try:
        return 200, answered, json.dumps(handle(_operation(headers), _document(body)), default=_seconds).encode()
    except AwsError as error:
        return _error(error)


def _error(error: AwsError) -> Response:
    document = {"__type": error.code, "message": error.message, "Message": error.message, **error.fields}
    return error.status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()


def _error_prefix(resource: str) -> str:
    """How the errors of a task begin: Lambda, Glue, S3, RedshiftData, Sfn, StepFunctions, SNS."""
    integration = resource.removeprefix("arn:aws:states:::").removeprefix("aws-sdk:").partition(":")[0]
    known = {"redshiftdata": "RedshiftData", "states": "StepFunctions", "sns": "SNS", "sqs": "SQS"}
    return known.get(integration, integration[:1].upper() + integration[1:])


def _seconds(value: Any) -> float:
    return float(value.timestamp())  # the JSON protocols write a timestamp as seconds since 1970-01-01 UTC


class _client_errors:  # noqa: N801 - reads as a statement
    """Raises botocore's errors as Step Functions names them: S3.NoSuchKeyException."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from botocore.exceptions import ClientError

        if isinstance(error, ClientError):
            code = error.response["Error"].get("Code", "S3")
            name = code if code.endswith("Exception") else f"{code}Exception"
            raise AwsError(f"{self._prefix}.{name}", error.response["Error"].get("Message", str(error))) from error
