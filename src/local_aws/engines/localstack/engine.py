"""The local endpoint on LocalStack, in this process."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.loaders import Loader

from local_aws.engines.localstack import entry_points
from local_aws.engines.localstack.entry_points import NAME
from local_aws.engines.localstack.job_interpreter import JobInterpreter
from local_aws.engines.services import Endpoint, Services
from local_aws.services.faults.fault_rules import Faults
from local_aws.services.glue.libraries import Libraries
from local_aws.services.glue.process import ProcessSettings

_SECONDS_TO_READY = 150.0  # less than who starts the endpoint waits, so that this is what is told


class LocalStackEngine:
    """One endpoint in this process. `serve` blocks until `stop` is set; `close` ends all that was started."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        region: str,
        workdir: Path,
        jobs: JobInterpreter,
        libraries: Libraries,
        faults: Faults,
    ) -> None:
        self.endpoint_url = f"http://{host}:{port}"
        self._workdir = workdir
        configure(host, port, region, workdir)
        use_models(workdir / "localstack" / "models", jobs.models)
        settings = ProcessSettings(workdir, libraries, jobs.python, jobs.java_home, jobs.spark_home)
        from local_aws.engines.localstack.access_keys import GivenKeys  # LocalStack reads its settings when imported

        self._keys = GivenKeys()
        self._services = Services(
            Endpoint(self.endpoint_url, region),
            settings,
            faults=faults,
            roles=self._keys,
            new_request=_new_request,
            # AWS refuses a "!" in the name of a secret that is not its own, and LocalStack knows no such own ones.
            secret_prefix="redshift/",
        )

    def serve(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Serve until `stop` is set.

        Raises:
            RuntimeError: LocalStack did not become ready in time.
            StartError: the database does not start.
        """
        executor = ThreadPoolExecutor(thread_name_prefix="postgres-start")
        database = executor.submit(self._services.postgres.start)  # it takes about a second, like LocalStack's imports
        from localstack import config
        from localstack.runtime.current import initialize_runtime

        from local_aws.engines.localstack import plugins

        if os.access(sys.prefix, os.W_OK):
            # An index over all service models, which takes 4 s and 340 MB to make: once an environment will do.
            config.dirs.cache = str(Path(sys.prefix) / "localstack-cache")
        for service in entry_points.REPLACED:
            config.SERVICE_PROVIDER_CONFIG.set_provider(service, NAME)
        plugins.use(self._services)
        self._keys.install()
        database.result()
        executor.shutdown()
        # LocalStack unpacks Lambda code below the directory for temporary files. The database has its own already: root
        # may start this, and then the work directory need not be one that the database's user can enter.
        tempfile.tempdir = str(self._workdir / "tmp")
        Path(tempfile.tempdir).mkdir(exist_ok=True)
        stdout = sys.stdout
        failure: list[str] = []
        # LocalStack says on stdout that it is ready; stdout is for our line.
        with contextlib.redirect_stdout(sys.stderr):
            runtime = initialize_runtime()

            def follow() -> None:
                # Also for a stop: LocalStack cannot be told to before it is ready.
                if runtime.ready.wait(_SECONDS_TO_READY):
                    if not stop.is_set():
                        with contextlib.redirect_stdout(stdout):
                            ready()
                else:
                    failure.append(f"LocalStack was not ready within {_SECONDS_TO_READY:.0f} s")
                    stop.set()
                stop.wait()
                runtime.exit()

            threading.Thread(target=follow, name="follow", daemon=True).start()
            runtime.run()
        if failure:
            raise RuntimeError(failure[0])

    def close(self) -> None:
        """End job runs, statements, Lambda processes and the database server."""
        from local_aws.engines.localstack import lambda_executor

        self._services.close()
        lambda_executor.stop_all()


def use_models(directory: Path, models: Path) -> None:
    """Take the model of the Redshift Data API from a botocore that is newer than the one LocalStack pins.

    The older one knows no Parameters in BatchExecuteStatement, and is what LocalStack reads requests with and what its
    Step Functions sends them with. This directory is one that every loader of botocore looks into first.
    """
    directory.mkdir(parents=True, exist_ok=True)
    link = directory / "redshift-data"
    link.unlink(missing_ok=True)
    link.symlink_to(models / "redshift-data", target_is_directory=True)
    Loader.CUSTOMER_DATA_PATH = str(directory)


def _new_request(method: str, url: str, headers: dict[str, str], body: bytes) -> Any:
    from localstack.http import Request

    return Request(method, urlsplit(url).path, headers, body)


def configure(host: str, port: int, region: str, workdir: Path) -> None:
    """Set what LocalStack reads from the environment when it is imported, and register our extension.

    https://docs.localstack.cloud/aws/capabilities/config/configuration/
    """
    files = workdir / "localstack"
    os.environ.update(
        {
            "GATEWAY_LISTEN": f"{host}:{port}",
            "GATEWAY_SERVER": NAME,
            "LOCALSTACK_HOST": f"{host}:{port}",
            "LAMBDA_RUNTIME_EXECUTOR": NAME,
            # Queue URLs that need no name resolution.
            "SQS_ENDPOINT_STRATEGY": "path",
            "AWS_DEFAULT_REGION": region,
            # Nothing is downloaded, reported, or answered beyond the one port.
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DNS_ADDRESS": "0",
            # Its files: inside of a container it would take the places of its own image.
            "OVERRIDE_IN_DOCKER": "0",
            "FILESYSTEM_ROOT": str(files),
            "LOCALSTACK_VOLUME_DIR": str(files / "volume"),
            "CONFIG_DIR": str(files / "config"),
            # plux keeps an index of the entry points there.
            "XDG_CACHE_HOME": str(files / "cache"),
            "PERSISTENCE": "0",
            "EAGER_SERVICE_LOADING": "0",
        }
    )
    entry_points.install(files / "extension")
