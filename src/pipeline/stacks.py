"""The deployment that a command works on: Terraform's outputs, and clients that reach it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline import hints
from pipeline.clients import Clients
from pipeline.errors import ClientSettingsError, StackNotFoundError

VARIABLE = "PIPELINE_STACK"
# Where Terraform keeps what `init` has made, if not in .terraform: ./noxw has a directory for each environment.
TERRAFORM_DATA = "TF_DATA_DIR"
# `nox -s local` writes it while it serves its deployment.
LOCAL_OUTPUTS = Path("build/local/outputs.json")
TERRAFORM_ROOT = Path("infra")
_NEEDED = "state_machine_arn"
_ARN = re.compile(r"arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:stateMachine:[^:]+")
_ACCEPTED = "accepted: a file with Terraform's outputs (terraform output -json), or a directory of Terraform's"


class _Outputs(dict[str, Any]):
    """The outputs that a place has; one that a command needs and that is not there is told by its name."""

    def __init__(self, outputs: Mapping[str, object], place: Path) -> None:
        super().__init__(outputs)
        self._place = place

    def __missing__(self, name: str) -> Any:
        raise StackNotFoundError(
            f"stack {str(self._place)!r} has no output {name}: `{hints.command('doctor')}` names all it lacks"
        )


@dataclass(frozen=True)
class Stack:
    """A deployment that can be used.

    Attributes:
        outputs: Terraform's, flat, with `endpoint_url` where it is a local one.
        place: the file or directory they are of.
    """

    clients: Clients
    outputs: JsonMapping
    place: Path
    _clients_made: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def client(self, service: str) -> Any:
        """A client of a service, made once: that takes a tenth of a second, and threads may share one.

        Raises:
            ClientSettingsError: a setting of the SDK has a value that it does not take.
        """
        if service not in self._clients_made:
            try:
                self._clients_made[service] = self.clients.get(service)
            except ValueError as error:  # what the SDK has a class for is none
                said = " ".join(str(error).split())
                raise ClientSettingsError(
                    f"no client of {service} can be made: {said}; look at the variables AWS_… and at ~/.aws/config"
                ) from error
        return self._clients_made[service]

    @property
    def is_local(self) -> bool:
        """Whether an endpoint on some machine serves it, and not AWS."""
        return "endpoint_url" in self.outputs


def find(named: str | None = None, environment: Mapping[str, str] = os.environ, start: Path | None = None) -> Stack:
    """The deployment that is named, or else the one of PIPELINE_STACK, a running local one, or Terraform's here.

    Args:
        named: a file with outputs, as `terraform output -json` or `nox -s local` write it, or a directory in which
            Terraform has been applied.
        start: the directory from which upwards build/local/outputs.json and infra/ are looked for (default: the
            current one).

    Raises:
        StackNotFoundError: the message says what was looked for.
    """
    if chosen := named or environment.get(VARIABLE):
        return _at(Path(chosen))
    here = (start or Path.cwd()).resolve()
    for directory in (here, *here.parents):
        if (directory / LOCAL_OUTPUTS).is_file():
            return _at(directory / LOCAL_OUTPUTS)
        if (directory / TERRAFORM_ROOT / environment.get(TERRAFORM_DATA, ".terraform")).is_dir():
            return _at(directory / TERRAFORM_ROOT)
    raise StackNotFoundError(
        f"no deployment was found: no --stack and no {VARIABLE}, and neither {LOCAL_OUTPUTS} nor an initialised "
        f"{TERRAFORM_ROOT}/ from {here} upwards; {_ACCEPTED}"
    )


def _at(place: Path) -> Stack:
    if place.is_dir():
        text = _terraform_outputs(place)
    elif place.exists():  # also a pipe of the shell, <(terraform output -json)
        try:
            text = place.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise StackNotFoundError(f"stack {str(place)!r} is not JSON ({error}); {_ACCEPTED}") from error
    else:
        raise StackNotFoundError(f"stack {str(place)!r} is neither a file nor a directory; {_ACCEPTED}")
    outputs = _flat(text, place)
    if _NEEDED not in outputs:
        raise StackNotFoundError(f"stack {str(place)!r} has no output {_NEEDED}: is the pipeline applied there?")
    if not _ARN.fullmatch(str(outputs[_NEEDED])):
        raise StackNotFoundError(f"stack {str(place)!r}: output {_NEEDED} is {outputs[_NEEDED]!r}; accepted: its ARN")
    if "endpoint_url" in outputs and not _is_address(outputs["endpoint_url"]):
        raise StackNotFoundError(
            f"stack {str(place)!r}: output endpoint_url is {outputs['endpoint_url']!r}; accepted: http://HOST:PORT, or "
            "none for AWS"
        )
    return Stack(Clients(outputs.get("endpoint_url"), _region(outputs)), _Outputs(outputs, place), place)


def _is_address(value: object) -> bool:
    """Whether a client can be made for a value: botocore says of another only that it is invalid."""
    from botocore.utils import is_valid_endpoint_url

    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and parts.port != 0 and bool(is_valid_endpoint_url(value))
    except ValueError:  # a port that is none
        return False


def _terraform_outputs(directory: Path) -> str:
    try:
        done = subprocess.run(
            ["terraform", f"-chdir={directory}", "output", "-json"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise StackNotFoundError(f"stack {str(directory)!r}: terraform, which knows it, is not on PATH") from error
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise StackNotFoundError(f"stack {str(directory)!r}: terraform output failed: {said}")
    return done.stdout


def _flat(text: str, place: Path) -> JsonObject:
    """The outputs by name: Terraform wraps each as {value, type, sensitive}."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StackNotFoundError(f"stack {str(place)!r} is not JSON ({error}); {_ACCEPTED}") from error
    if not isinstance(document, dict):
        raise StackNotFoundError(f"stack {str(place)!r} is not a JSON object; {_ACCEPTED}")
    return {
        name: value["value"] if isinstance(value, dict) and "value" in value else value
        for name, value in document.items()
    }


def _region(outputs: Mapping[str, object]) -> str:
    """The region of the state machine."""
    return str(outputs[_NEEDED]).split(":")[3]
