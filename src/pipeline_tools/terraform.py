"""Terraform for one deployment, through python-terraform; a provider mirror is used where there is one."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged, Terraform, TerraformCommandError

from aws_facts import sdk_environment
from dataset_contract.json_types import JsonObject
from pipeline_tools.environments import ROOT

INFRA = ROOT / "infra"
_LOCK = INFRA / ".terraform.lock.hcl"
_PROVIDER = Path("registry.terraform.io/hashicorp/aws")
# What belongs to another backend or to a run by hand.
_NOT_LINKED = re.compile(r"backend\.tf|.*_override\.tf|\.terraform|.*\.tfstate.*")
# The default is relative to infra/, where not every deployment runs. Of all ways to set a variable this is the weakest.
PACKAGE_DIR = "TF_VAR_package_dir"
# Where administrators put Terraform's provider mirrors; each is looked at with one directory between.
_MIRROR_PREFIXES = ("/opt", "/usr/local/share", "/usr/share", "/usr/local/share/terraform", "/usr/share/terraform")


class TerraformError(RuntimeError):
    """A Terraform command failed; the message is Terraform's own."""


class NothingAppliedError(TerraformError):
    """There are no outputs."""


@dataclass(frozen=True)
class Deployment:
    """One environment of infra/, on AWS or on an endpoint.

    The state is in S3 where infra/environments/<environment>.s3.tfbackend says so and no directory is given; the bucket
    is named by TF_STATE_BUCKET. Otherwise it is in the directory. Nothing is written into infra/, so that deployments
    can go on at the same time.

    Attributes:
        environment: names infra/environments/<environment>.tfvars.
        directory: holds Terraform's data and a local state, made as needed; None is build/terraform/<environment>.
        endpoint_url: of a local endpoint; None is AWS with the credentials of the caller.
        region: only for an endpoint; on AWS the caller's own settings count.
        configuration: the root module.
    """

    environment: str
    directory: Path | None = None
    endpoint_url: str | None = None
    region: str = "us-east-1"
    configuration: Path = INFRA

    @property
    def _home(self) -> Path:
        return self.directory or ROOT / "build" / "terraform" / self.environment

    @property
    def _remote(self) -> Path | None:
        """Where in S3 the state is; None for a state in `_home`."""
        file = self.configuration / "environments" / f"{self.environment}.s3.tfbackend"
        return file if self.directory is None and file.is_file() else None

    @property
    def _state(self) -> dict[str, str]:
        return {} if self._remote else {"state": str(self._home / "terraform.tfstate")}

    def init(self) -> None:
        """Raises TerraformError."""
        options: dict[str, Any] = {}
        if self._remote:
            bucket = os.environ.get("TF_STATE_BUCKET")
            if not bucket:
                raise TerraformError(
                    f"TF_STATE_BUCKET is not set: the S3 bucket with the state of environment {self.environment!r}"
                    " (infra/backend.tf says what it has to be)"
                )
            options = {"backend_config": [str(self._remote), f"bucket={bucket}"], "reconfigure": IsFlagged}
        self._run("init", input=False, lockfile="readonly", no_color=IsFlagged, **options)

    def apply(self) -> None:
        """Raises TerraformError."""
        self._run("apply", auto_approve=IsFlagged, **self._inputs())

    def apply_plan(self, plan: Path) -> None:
        """Apply a saved plan; Terraform's own output goes to the terminal. Raises TerraformError."""
        self.init()
        options: dict[str, Any] = {"input": False, "no_color": IsFlagged, **self._state}
        self._run("apply", str(plan), **options, capture_output=False)

    def destroy(self) -> None:
        """Raises TerraformError."""
        self._run("destroy", auto_approve=IsFlagged, **self._inputs())

    def plan(self, out: Path, *, lock: bool = True) -> bool:
        """Save a plan; whether it has changes. Without a lock nothing is written to the state's place.

        Raises:
            TerraformError
        """
        options = {**self._inputs(), "lock": lock, "out": str(out)}
        return self._run("plan", detailed_exitcode=IsFlagged, **options, codes=(0, 2))[0] == 2

    def show(self, plan: Path, *, as_json: bool) -> str:
        """A saved plan as text or JSON. Raises TerraformError."""
        options = {"json": IsFlagged} if as_json else {}
        return self._run("show", str(plan), no_color=IsFlagged, **options)[1]

    def outputs(self) -> JsonObject:
        """The root outputs, flat. Raises TerraformError when nothing was applied."""
        if self._remote:
            self.init()
        with self._environment():
            described = self._terraform().output(no_color=IsFlagged, **self._state)
        if not described:
            raise NothingAppliedError(f"environment {self.environment!r} has no outputs; run terraform apply first")
        return {name: output["value"] for name, output in described.items()}

    def require_known(self) -> None:
        """Raises TerraformError where there is no such environment."""
        variables = self._variables
        if not variables.is_file():
            known = ", ".join(sorted(path.stem for path in variables.parent.glob("*.tfvars")))
            raise TerraformError(f"environment {self.environment!r} is unknown; known: {known} (infra/environments/)")

    @property
    def package_directory(self) -> Path:
        """What is deployed: a folder that `nox -s package` wrote."""
        return self.configuration / os.environ.get(PACKAGE_DIR, str(ROOT / "build" / "package"))

    @property
    def _variables(self) -> Path:
        return self.configuration / "environments" / f"{self.environment}.tfvars"

    def _inputs(self) -> JsonObject:
        self.require_known()
        return {"input": False, "no_color": IsFlagged, "var_file": str(self._variables), **self._state}

    def _run(self, command: str, *arguments: str, codes: tuple[int, ...] = (0,), **options: object) -> tuple[int, str]:
        with self._environment():
            try:
                code, out, err = self._terraform().cmd(command, *arguments, **options)
            except FileNotFoundError as error:
                raise TerraformError("terraform is not on PATH; install Terraform 1.11 or newer") from error
            except TerraformCommandError as error:
                raise TerraformError(str(error)) from error
        if code not in codes:
            said = f":\n{err or out}" if err or out else ""
            raise TerraformError(f"terraform {command} ended with exit code {code}{said}")
        return code, out

    def _terraform(self) -> Terraform:
        if self._remote:
            return Terraform(working_dir=str(self.configuration))
        return Terraform(working_dir=str(linked(self.configuration, self._home / "configuration")))

    @contextlib.contextmanager
    def _environment(self) -> Iterator[None]:
        """python-terraform takes the environment of this process, so that is what has to change for a command."""
        self._home.mkdir(parents=True, exist_ok=True)
        changes: dict[str, str | None] = {
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_CONFIG_FILE": cli_config(self._home),
            "TF_DATA_DIR": str(self._home / "data"),
            PACKAGE_DIR: str(self.package_directory),
        }
        if self.endpoint_url:
            changes = {
                **dict.fromkeys(os.environ),  # what `isolated` leaves out is unset
                **sdk_environment.isolated(os.environ),
                **changes,
                "AWS_ENDPOINT_URL": self.endpoint_url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": self.region,
            }
        before = {name: os.environ.get(name) for name in changes}
        _set_environment(changes)
        try:
            yield
        finally:
            _set_environment(before)


def _set_environment(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def linked(source: Path, directory: Path) -> Path:
    """Links to a configuration without its backend, so that the state is local and nothing is written into it."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = {path.name: path for path in source.iterdir() if not _NOT_LINKED.fullmatch(path.name)}
    # The same providers everywhere, also for a module, which has no lock file of its own.
    wanted[_LOCK.name] = _LOCK
    for link in directory.iterdir():
        if wanted.get(link.name) != link.readlink():
            link.unlink()
    for name, path in wanted.items():
        with contextlib.suppress(FileExistsError):
            (directory / name).symlink_to(path)
    return directory


def cli_config(directory: Path) -> str | None:
    """The caller's own configuration where it exists, or else one that names a provider mirror of this machine."""
    given = os.environ.get("TF_CLI_CONFIG_FILE")
    if given and Path(given).is_file():
        return given
    mirror = find_mirror()
    if mirror is None:
        return None
    config = directory / "terraform.rc"
    config.write_text(
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = "{mirror}"\n    include = ["{_PROVIDER}"]\n  }}\n'
        f'  direct {{\n    exclude = ["{_PROVIDER}"]\n  }}\n}}\n',
        encoding="utf-8",
    )
    return str(config)


def find_mirror(lock: Path = _LOCK) -> Path | None:
    """A directory of providers that holds the locked provider for this machine, or None (then the registry serves)."""
    locked = re.search(r'version\s*=\s*"([^"]+)"', lock.read_text(encoding="utf-8"))
    machine = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), platform.machine())
    wanted = f"{locked[1] if locked else ''}/{platform.system().lower()}_{machine}"
    homes = [Path.home() / ".terraform.d" / "plugins", Path.home() / ".local/share/terraform/plugins"]
    for prefix in [*homes, *(path for root in _MIRROR_PREFIXES for path in sorted(Path(root).glob("*")))]:
        if (prefix / _PROVIDER / wanted).is_dir():
            return prefix
    return None
