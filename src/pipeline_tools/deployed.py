"""What is deployed: the Terraform outputs of an environment, and clients that reach it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline.clients import Clients
from pipeline_tools import claims
from pipeline_tools.environments import ROOT
from pipeline_tools.terraform import Deployment

# Where `nox -s local` keeps what it runs; outputs.json is there while it serves.
LOCAL_DIRECTORY = ROOT / "build" / "local"


class NotDeployedError(RuntimeError):
    """There is no such deployment; the message says how to make it."""


@dataclass(frozen=True)
class Deployed:
    """A deployment that can be used.

    Attributes:
        outputs: those of Terraform, flat.
    """

    clients: Clients
    outputs: JsonMapping


def find(environment: str, local_directory: Path = LOCAL_DIRECTORY) -> Deployed:
    """The deployment of an environment; that of `local` is the running `nox -s local`.

    Raises:
        NotDeployedError: nothing serves locally.
        TerraformError: there is no such environment, or Terraform has no outputs for it.
    """
    if environment != "local":
        deployment = Deployment(environment)
        deployment.require_known()
        return Deployed(Clients(), deployment.outputs())
    outputs = running_locally(local_directory)
    if outputs is None:
        raise NotDeployedError("nothing is deployed locally; ./noxw -s local deploys and serves it, until it is ended")
    return Deployed(Clients(str(outputs["endpoint_url"])), outputs)


def running_locally(directory: Path = LOCAL_DIRECTORY) -> JsonObject | None:
    """The outputs, with `endpoint_url`, of the deployment that a `nox -s local` serves; None when there is none."""
    # The file of a process that was killed stays behind, and something else may serve at its address by now.
    if not claims.held(directory):
        return None
    try:
        outputs: JsonObject = json.loads((directory / "outputs.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return outputs


def local_url(directory: Path = LOCAL_DIRECTORY) -> str | None:
    """The URL of the endpoint that a `nox -s local` serves its deployment on, or None when there is none."""
    outputs = running_locally(directory)
    return str(outputs["endpoint_url"]) if outputs else None
