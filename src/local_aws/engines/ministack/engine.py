"""The local endpoint on MiniStack: its registries get the services that it lacks.

What is added rather than registered is named beside its reason; each has a test that fails without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.engines.ministack import corrections, http_faults, lambda_errors, resources
from local_aws.engines.ministack.deliveries import Deliveries
from local_aws.engines.ministack.glue_jobs import GlueJobs
from local_aws.engines.ministack.json_protocol import Handler, Response, answer_json, document_of, operation_of
from local_aws.engines.ministack.keys import Keys, caller
from local_aws.engines.ministack.roles import Roles, let_the_account_have_its_keys
from local_aws.engines.ministack.s3_objects import keep_objects_in
from local_aws.engines.ministack.task_calls import (
    Location,
    ResourceAction,
    data_api_calls,
    definition_calls,
    sync_calls,
)
from local_aws.engines.ministack.threads import in_daemon_thread
from local_aws.engines.ministack.whole_answers import answer_in_one_piece
from local_aws.engines.services import Endpoint, EndpointClients, Services
from local_aws.engines.step_functions import changes
from local_aws.engines.step_functions.api import AT_ONCE, StepFunctions
from local_aws.engines.step_functions.interpreter import MOTO
from local_aws.errors import AwsError
from local_aws.java import java_home
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.services.faults.fault_rules import Faults
from local_aws.services.glue.libraries import Libraries
from local_aws.services.glue.process import ProcessSettings
from local_aws.workdir import RunningExecutions

_log = logging.getLogger(__name__)
ACCOUNT_ID = "000000000000"
SERVICES = "s3,iam,sts,kms,secretsmanager,sns,sqs,logs,monitoring,events,scheduler,states,lambda,glue,ec2,ssm,tagging"
# As Step Functions calls the sessions of its tasks.
SESSION = "StepFunctions"
# Of the clients that tasks call services with: what is wrong with a request the service says, a call is made once, and
# it may take as long as a Lambda function.
_OF_TASKS = Config(
    parameter_validation=False, max_pool_connections=64, read_timeout=960, proxies={}, retries={"total_max_attempts": 1}
)


class MiniStackEngine:
    """One endpoint in this process. `serve` blocks until `stop` is set; `close` ends all that was started."""

    def __init__(
        self, *, host: str, port: int, region: str, workdir: Path, libraries: Libraries, faults: Faults
    ) -> None:
        self._host, self._port, self._region = host, port, region
        self.endpoint_url = f"http://{host}:{port}"
        _configure(host, port, region)
        self._place = Location(region, ACCOUNT_ID)
        self._keys = Keys(self._place, lambda cluster: self._services.redshift.key_of(cluster))
        self._roles = Roles(self._place, self._keys)
        endpoint = Endpoint(self.endpoint_url, region, ACCOUNT_ID)
        settings = ProcessSettings(workdir, libraries, java_home=java_home())
        self._services = Services(endpoint, settings, faults=faults, roles=self._roles)
        keep_objects_in(workdir / "s3")
        self._task_clients = EndpointClients(endpoint, _OF_TASKS)
        self._status_events: queue.SimpleQueue[JsonObject] = queue.SimpleQueue()
        changes.apply(
            MOTO,
            emit=lambda _execution, event: self._status_events.put(event),
            note=RunningExecutions(workdir).note,
            client_for=self._client_for,
            permit=self._permit,
            faults=faults,
            endings=self._services.endings,
        )
        self._states = StepFunctions(
            MOTO, region=region, account_id=ACCOUNT_ID, logs_client=lambda: self._services.client("logs")
        )
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

        answer_in_one_piece()
        config = HypercornConfig()
        config.bind = [f"{self._host}:{self._port}"]
        config.keep_alive_timeout = 75
        config.graceful_timeout = 1
        config.loglevel = "WARNING"

        async def stopped() -> None:
            await asyncio.to_thread(stop.wait)

        async def announced() -> None:
            try:
                while not await asyncio.to_thread(_accepts, self._host, self._port):
                    await asyncio.sleep(0.02)
                # PostgreSQL needs about a second; the first statement should not wait for it.
                await asyncio.to_thread(self._services.postgres.start)
            except Exception:  # raised on: nobody waits for what cannot become ready
                stop.set()
                raise
            ready()

        announcement = asyncio.create_task(announced())
        served = http_faults.with_faults(app.app, self._services.faults)
        await serve(cast(Any, served), config, shutdown_trigger=stopped)
        announcement.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await announcement

    # What is registered

    def _register(self) -> None:
        from ministack import app
        from ministack.core import iam_actions, lambda_runtime, router
        from ministack.services import eventbridge, lambda_svc

        handlers: dict[str, Handler] = app.SERVICE_HANDLERS
        handlers["redshift"] = self._handle_redshift
        handlers["redshift-data"] = self._handle_redshift_data
        handlers["glue"] = GlueJobs(self._services.glue_runs, self._region, ACCOUNT_ID).wrap(handlers["glue"])
        handlers["states"] = self._handle_states
        router.SERVICE_PATTERNS["redshift-data"] = {
            "target_prefixes": ["RedshiftData"],
            "host_patterns": [r"^redshift-data\."],
        }
        router.SERVICE_PATTERNS["redshift"] = {"host_patterns": [r"^redshift\."]}
        iam_actions._SERVICE_PROTOCOL["redshift"] = "query-xml"
        let_the_account_have_its_keys()
        self._keys.install()
        self._roles.install()
        Deliveries(self._place, self._roles, self._keys, self._services.faults).install()
        corrections.install()
        resources.install()
        # Not a registry: EventBridge would start executions of MiniStack's own.
        eventbridge._dispatch_to_stepfunctions = self._start_execution
        threading.Thread(target=self._send_status_events, name="status-events", daemon=True).start()

        # Not a registry: MiniStack names every exception of a handler Runtime.HandlerError, and so no Catch or Retry
        # would meet it by its name.
        lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_errors.worker(lambda_runtime._PYTHON_WORKER_SCRIPT)
        execute_function = lambda_svc._execute_function_warm

        def execute_logged_function(function: JsonObject, event: object, request_id: str) -> JsonObject:
            answer = lambda_errors.named(execute_function(function, event, request_id), request_id)
            return answer if self._may_log(function.get("config") or function) else {**answer, "log": ""}

        lambda_svc._execute_function_warm = execute_logged_function

    # Step Functions

    def _client_for(self, _region: str, service: str, credentials: Any) -> Any:
        """The client of a task, which acts with the role of its state."""
        with _as_client_errors(service):
            keys = self._roles.credentials(credentials.role_arn, "states.amazonaws.com", SESSION)
        return self._task_clients.get(service, keys)

    def _permit(self, service: str, api: str, pattern: str, parameters: Mapping[str, object], credentials: Any) -> None:
        """Ask the role of a state for what following and stopping needs."""
        needed = sync_calls(service, api, pattern, parameters, self._place)
        with _as_client_errors(service):
            self._roles.require(credentials.role_arn, "states.amazonaws.com", SESSION, needed)

    def _send_status_events(self) -> None:
        """Send what executions tell, in its order; no execution waits for its rules."""
        from ministack.services import eventbridge

        while True:
            event = self._status_events.get()
            try:
                eventbridge._put_events({"Entries": [event]}, allow_aws_source=True)
            except Exception:  # a loop that serves all executions ends for none of them
                _log.exception("a status event could not be sent to EventBridge")

    def _start_execution(self, arn: str, payload: object) -> None:
        """Start a state machine that is the target of a rule or a schedule."""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        try:
            self._states.handle("StartExecution", {"stateMachineArn": arn, "input": text})
        except AwsError as error:
            _log.warning("EventBridge did not start %s: %s", arn, error)

    def _may_log(self, function: JsonObject) -> bool:
        """Whether a function's role may write its log; without, the function runs all the same, as on AWS."""
        group = (function.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{function['FunctionName']}"
        stream = self._place.arn("logs", f"log-group:{group}:log-stream:any")
        needed = [ResourceAction("logs:CreateLogStream", stream), ResourceAction("logs:PutLogEvents", stream)]
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
        def answer(operation: str, request: Mapping[str, object]) -> JsonObject:
            # The Data API uses secret and key with the permissions of who asks.
            self._roles.require_of(principal, data_api_calls(operation, request, self._place))
            return self._services.redshift_data.handle(operation, request, caller_arn=principal.arn)

        principal = caller(headers, query)
        if "WaitTimeSeconds" in document_of(body):
            return await in_daemon_thread(answer_json, answer, headers, body)
        return await asyncio.to_thread(answer_json, answer, headers, body)

    async def _handle_states(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        if operation_of(headers) in AT_ONCE:
            return answer_json(self._answer_states, headers, body)
        # Some take long: GetActivityTask waits a minute, StartSyncExecution for the execution.
        return await in_daemon_thread(answer_json, self._answer_states, headers, body)

    def _answer_states(self, operation: str, request: Mapping[str, object]) -> JsonObject:
        if operation in ("CreateStateMachine", "UpdateStateMachine"):
            self._refuse_machine(request)
        return self._states.handle(operation, request)

    def _refuse_machine(self, request: JsonMapping) -> None:
        """Refuse a state machine whose role lacks what Step Functions tries with it at once.

        Raises:
            AwsError: AccessDeniedException.
        """
        known = self._states.store.state_machines.get(request.get("stateMachineArn", ""))
        definition = request.get("definition") or (known.definition if known else "{}")
        logging_configuration = request.get("loggingConfiguration") or (known.logging_config if known else None)
        role = str(request.get("roleArn") or (known.role_arn if known else ""))
        needed = definition_calls(document_of(definition), logging_configuration, self._place)
        self._roles.require(role, "states.amazonaws.com", "create", needed)


@contextlib.contextmanager
def _as_client_errors(service: str) -> Iterator[None]:
    """Raises errors as a client of a service does."""
    try:
        yield
    except AwsError as error:
        said = {"Code": error.code, "Message": error.message}
        metadata = {"HTTPStatusCode": error.status, "RequestId": "-", "HTTPHeaders": {}, "RetryAttempts": 0}
        raise ClientError({"Error": said, "ResponseMetadata": metadata}, service) from error  # type: ignore[typeddict-item]


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


def _accepts(host: str, port: int) -> bool:
    import socket

    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
