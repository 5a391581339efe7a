"""The bill of materials (CycloneDX 1.6, JSON) of what `nox -s package` makes.

It names each packaged file with its hash, and each library that is deployed with its version, licence and purl. It has
neither a serial number nor a time, both of which the standard leaves out at will, so that equal packages have equal
bills: docs/decisions/0026-the-bill-of-materials-is-written-by-hand.md. `nox -s infra` checks it against the standard's
schema.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from email.message import Message
from email.parser import HeaderParser

from dataset_contract.json_types import JsonObject

NAME = "sbom.cdx.json"
LIBRARIES = "wheels/"


def document(project: str, version: str, files: Mapping[str, bytes], importer: str) -> JsonObject:
    """The bill of a package.

    Args:
        project: name of the project in pyproject.toml.
        version: its version.
        files: the packaged files by their path.
        importer: path of the file that imports the libraries.
    """
    components = [
        _library(name, data) if name.startswith(LIBRARIES) else _file(name, data)
        for name, data in sorted(files.items())
    ]
    libraries = [name for name in sorted(files) if name.startswith(LIBRARIES)]
    application = {"type": "application", "bom-ref": project, "name": project, "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": application},
        "components": components,
        "dependencies": [
            {"ref": project, "dependsOn": [name for name in sorted(files) if name not in libraries]},
            {"ref": importer, "dependsOn": libraries},
        ],
    }


def _file(name: str, data: bytes) -> JsonObject:
    return {"type": "file", "bom-ref": name, "name": name, "hashes": _hashes(data)}


def _library(name: str, data: bytes) -> JsonObject:
    metadata = _metadata(data)
    package, version = str(metadata["Name"]), str(metadata["Version"])
    found: JsonObject = {"type": "library", "bom-ref": name, "name": package, "version": version}
    found["purl"] = f"pkg:pypi/{package.lower().replace('_', '-')}@{version}"
    found["hashes"] = _hashes(data)
    if licences := _licences(metadata):
        found["licenses"] = licences
    return found


def _metadata(wheel: bytes) -> Message:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode("utf-8"))


def _licences(metadata: Message) -> list[JsonObject]:
    """What the wheel says of its licence: an SPDX expression, or else its classifiers, or else words."""
    if expression := metadata["License-Expression"]:
        return [{"expression": expression}]
    classifiers = [value.split(" :: ") for value in metadata.get_all("Classifier", [])]
    names = [parts[-1] for parts in classifiers if parts[0] == "License"]
    return [{"license": {"name": name}} for name in names or metadata.get_all("License", [])]


def _hashes(data: bytes) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}]
