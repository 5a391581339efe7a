"""What the entry points name. LocalStack calls these without arguments, so what they serve is set beforehand."""

from __future__ import annotations

from typing import Any

from localstack.runtime import hooks
from localstack.runtime.server.core import RuntimeServer, RuntimeServerPlugin
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.plugins import Service, aws_provider

from local_aws.engines.localstack.entry_points import NAME
from local_aws.engines.services import Services
from local_aws.workdir import RunningExecutions

_BEFORE_THE_SERVICES_STOP = 100
_services: Services | None = None


def use(services: Services) -> None:
    """Set what the plugins serve, before LocalStack starts."""
    global _services
    _services = services
    from local_aws.engines.localstack import lambda_executor

    lambda_executor.use_directory(services.workdir / "lambda")


def _used() -> Services:
    assert _services is not None, "use() comes first"
    return _services


def _service(name: str, table: object) -> Service:
    class Named:
        service = name

    return Service.for_provider(Named(), dispatch_table_factory=lambda _provider: table)


@aws_provider(api="glue")
def glue() -> Service:
    """Provide Glue."""
    from local_aws.engines.localstack import providers

    return _service("glue", providers.glue(_used().glue_runs))


@aws_provider(api="redshift-data")
def redshift_data() -> Service:
    """Provide the Redshift Data API."""
    from local_aws.engines.localstack import providers

    return _service("redshift-data", providers.redshift_data(_used().redshift_data))


@aws_provider(api="redshift", name=NAME)
def redshift() -> Service:
    """Provide Redshift's control plane."""
    from local_aws.engines.localstack import providers

    return _service("redshift", providers.redshift(_used().redshift))


@aws_provider(api="stepfunctions", name=NAME)
def stepfunctions() -> Service:
    """Provide Step Functions."""
    from local_aws.engines.localstack.step_functions import Provider

    return Service.for_provider(Provider())


class LambdaExecutorPlugin(RuntimeExecutorPlugin):
    """Lambda on local processes."""

    name = NAME

    def load(self, *_args: object, **_kwargs: object) -> type[Any]:
        """The executor that runs functions as processes."""
        from local_aws.engines.localstack.lambda_executor import ProcessExecutor

        return ProcessExecutor


class ServerPlugin(RuntimeServerPlugin):
    """A server that other machines do not reach."""

    name = NAME

    def load(self, *_args: object, **_kwargs: object) -> RuntimeServer:
        """The server that listens on the loopback interface alone."""
        from local_aws.engines.localstack.server import LoopbackServer

        return LoopbackServer()


@hooks.on_infra_start()
def change_internals() -> None:
    """Make the changes that have no seam."""
    from local_aws.engines.localstack import (
        eventbridge,
        http_faults,
        lambda_events,
        lambda_keys,
        messages,
        step_functions,
    )

    eventbridge.change(_used().faults)
    lambda_events.change()
    lambda_keys.change()
    messages.change()
    step_functions.change(_used().faults, RunningExecutions(_used().workdir).note, _used().endings)
    http_faults.change(_used().faults)


@hooks.on_infra_shutdown(priority=_BEFORE_THE_SERVICES_STOP)
def close_services() -> None:
    """End job runs and statements while their last log lines can still be delivered."""
    _used().close()
