"""The settings of an environment that checks depend on: of its .tfvars file, or defaults of Terraform variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline_tools.crosscheck import hcl
from pipeline_tools.environments import ROOT

INFRA: Final = ROOT / "infra"
# Where each setting is: a variable, and the members of an object within it.
_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "name_prefix": ("name_prefix",),
    "max_concurrent_runs": ("max_concurrent_runs",),
    "redshift.mode": ("redshift", "mode"),
    "redshift.node_type": ("redshift", "provisioned", "node_type"),
    "redshift.number_of_nodes": ("redshift", "provisioned", "number_of_nodes"),
    "redshift.sql_parameters": ("redshift", "sql_parameters"),
    "redshift.polling": ("redshift", "polling"),
}
# The configuration passes these on to a module, where the default stands as that of a member of the module's variable.
_OF_MODULE: Final[Mapping[str, str]] = {
    "redshift.node_type": "redshift",
    "redshift.number_of_nodes": "redshift",
}
_OPTIONAL: Final = frozenset({"name_prefix"})


class SettingsError(ValueError):
    """A file cannot be read, or has a setting neither as given nor as a default."""


def read(environment: str, infra: Path = INFRA) -> Mapping[str, str]:
    """The settings of an environment by name; those of the object `redshift` are named redshift.<name>.

    Raises:
        SettingsError: a setting is not found, or a file is not HCL.
    """
    try:
        given = hcl.attributes(infra / "environments" / f"{environment}.tfvars")
        variables = hcl.blocks(infra / "variables.tf", "variable")
        modules = {
            module: hcl.blocks(infra / "modules" / module / "variables.tf", "variable")
            for module in _OF_MODULE.values()
        }
    except hcl.HclError as error:
        raise SettingsError(f"{error}: no HCL from here on") from error
    found = {}
    for name, (variable, *members) in _PLACES.items():
        value = _given(given.get(variable), members)
        if value is None and name in _OF_MODULE:
            value = _default(modules[_OF_MODULE[name]].get(members[0], {}), members[1:])
        elif value is None:
            value = _default(variables.get(variable, {}), members)
        if value is not None:
            found[name] = value
        elif name not in _OPTIONAL:
            said = "not found in the environment's .tfvars file, nor its default in a variables.tf of infra/"
            raise SettingsError(f"{name}: {said}")
    return found


def _given(value: hcl.Expression | None, members: list[str]) -> str | None:
    for member in members:
        value = value.items().get(member) if value else None
    return value.literal() if value else None


def _default(variable: Mapping[str, hcl.Expression], members: list[str]) -> str | None:
    """A variable's default, or that of a member of its type: object({mode = optional(string, "provisioned")})."""
    if not members:
        return _given(variable.get("default"), [])
    kind, default = variable.get("type"), None
    for member in members:
        _, arguments = kind.call() if kind else ("", [])
        declared = arguments[0].items().get(member) if arguments else None
        name, values = declared.call() if declared else ("", [])
        kind, default = values[0] if values else declared, values[1] if name == "optional" and len(values) > 1 else None
    return default.literal() if default else None
