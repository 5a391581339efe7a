"""LocalStack's Lambda on local processes: an execution environment is a process instead of a container."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from localstack import config
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from local_aws.engines.localstack.lambda_process import LambdaProcess

# LocalStack makes its executors by class, so what they share is kept by the class's module.
_directory: Path | None = None
_running: set[LambdaProcess] = set()
_lock = threading.Lock()


def use_directory(directory: Path) -> None:
    """Where the files of Lambda processes go; to be called before a function is invoked."""
    global _directory
    _directory = directory


def stop_all() -> None:
    """End every process that is left."""
    with _lock:
        left = list(_running)
    for process in left:
        process.stop()


class ProcessExecutor(RuntimeExecutor):
    """Runs functions of the Python runtimes, in the interpreter that LocalStack itself runs in."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self._process: LambdaProcess | None = None

    def start(self, env_vars: dict[str, str]) -> None:
        """Start the process of a function."""
        assert _directory is not None
        function = self.function_version
        environment = {name: str(value) for name, value in env_vars.items()}
        code = function.config.code.get_unzipped_code_location()
        self._process = LambdaProcess(Path(code), environment, _directory / function.id.function_name / self.id)
        with _lock:
            _running.add(self._process)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.stop()
            with _lock:
                _running.discard(self._process)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Invoke the function, and return its answer."""
        assert self._process is not None
        request_id = payload["invoke-id"]
        answer = self._process.invoke(
            request_id,
            payload["invoked-function-arn"],
            payload["payload"] or "{}",
            timeout_seconds=self.function_version.config.timeout,
        )
        version = self.function_version.id.qualifier
        logs = f"START RequestId: {request_id} Version: {version}\n{answer.logs}END RequestId: {request_id}\n"
        return InvocationResult(
            request_id=request_id, payload=answer.payload.encode(), is_error=answer.is_error, logs=logs
        )

    def get_logs(self) -> str:
        """What the process has written."""
        return self._process.log() if self._process is not None else ""

    def get_address(self) -> str:
        """Where LocalStack would reach a container."""
        return str(config.GATEWAY_LISTEN[0].host)

    def get_endpoint_from_executor(self) -> str:
        """Where the function reaches LocalStack."""
        return str(config.GATEWAY_LISTEN[0].host)

    def get_runtime_endpoint(self) -> str:
        """For a container's callbacks; a process answers through its pipe."""
        return ""

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack the code.

        Raises:
            ValueError: the runtime is not Python's; the function's state becomes Failed, with this text as its reason.
        """
        settings: Any = function_version.config
        if not str(settings.runtime or "").startswith("python"):
            raise ValueError(f"runtime {settings.runtime!r} is not served here; served: python3.x as a zip file")
        settings.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Nothing is kept beside the code, which LocalStack removes."""

    @classmethod
    def validate_environment(cls) -> bool:
        """Processes need nothing that could be missing."""
        return True
