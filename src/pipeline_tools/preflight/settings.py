"""The settings of an environment that checks depend on: of its .tfvars file, or by default of infra/variables.tf."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline_tools.environments import ROOT

INFRA: Final = ROOT / "infra"
_REDSHIFT: Final = ("mode", "node_type", "number_of_nodes", "sql_parameters")
_VALUE: Final = r'"?(?P<value>[^"\s,)}]+)"?'


class SettingsError(ValueError):
    """A setting that is neither in the .tfvars file nor has a default that can be read."""


def read(environment: str, infra: Path = INFRA) -> Mapping[str, str]:
    """By name; those of the object `redshift` by redshift.<name>.

    Raises:
        SettingsError: a setting is not found.
    """
    given = _without_comments(infra / "environments" / f"{environment}.tfvars")
    defaults = _without_comments(infra / "variables.tf")
    found: dict[str, str] = {}
    if name_prefix := re.search(rf"^name_prefix\s*=\s*{_VALUE}", given, re.MULTILINE):
        found["name_prefix"] = name_prefix["value"]
    found["max_concurrent_runs"] = _first(
        "max_concurrent_runs",
        (rf"^max_concurrent_runs\s*=\s*{_VALUE}", given),
        (rf"^\s*default\s*=\s*{_VALUE}", _block(defaults, r'^variable "max_concurrent_runs"\s*')),
    )
    own, default = _block(given, r"^redshift\s*=\s*"), _block(defaults, r'^variable "redshift"\s*')
    for name in _REDSHIFT:
        found[f"redshift.{name}"] = _first(
            f"redshift.{name}",
            (rf"\b{name}\s*=\s*{_VALUE}", own),
            (rf"\b{name}\s*=\s*optional\(\w+,\s*{_VALUE}", default),
        )
    return found


def _without_comments(file: Path) -> str:
    return re.sub(r"(^|\s)(#|//).*$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)


def _first(name: str, *places: tuple[str, str]) -> str:
    for pattern, text in places:
        if found := re.search(pattern, text, re.MULTILINE):
            return found["value"]
    raise SettingsError(f"{name}: not found in the environment's .tfvars file, nor its default in infra/variables.tf")


def _block(text: str, start: str) -> str:
    """What is between the braces after a pattern; empty where it is not there."""
    begun = re.search(start + r"\{", text, re.MULTILINE)
    if begun is None:
        return ""
    depth = 1
    for position in range(begun.end(), len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[begun.end() : position]
    return text[begun.end() :]
