"""Small plans, as `terraform show -json` writes them."""

from __future__ import annotations

import json
from typing import Any

from pipeline_tools.plan_review import review
from pipeline_tools.plan_review.review import Review


def resource(
    address: str,
    actions: str | list[str],
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    *,
    unknown: Any = None,
    sensitive: tuple[Any, Any] = (False, False),
    replace_paths: list[list[Any]] | None = None,
    entry: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One entry of resource_changes; the type and the module are read from the address."""
    *modules, kind, name = address.split("[")[0].split(".")
    change: dict[str, Any] = {
        "actions": [actions] if isinstance(actions, str) else actions,
        "before": before,
        "after": after,
        "after_unknown": unknown or {},
        "before_sensitive": sensitive[0],
        "after_sensitive": sensitive[1],
    }
    if replace_paths is not None:
        change["replace_paths"] = replace_paths
    described = {"address": address, "mode": "managed", "type": kind, "name": name, "change": change}
    if modules:
        described["module_address"] = ".".join(modules)
    entry = dict(entry or {})
    change.update(entry.pop("change", {}))
    return {**described, **entry}


def document(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"format_version": "1.2", "resource_changes": list(changes), **more}


def plan(*changes: dict[str, Any], **more: Any) -> Review:
    # Through JSON, as a plan comes.
    return review.read(json.loads(json.dumps(document(*changes, **more))))


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def configuration(**attributes: list[str]) -> dict[str, Any]:
    """The configuration of root resources: `aws_s3_bucket.this` is written aws_s3_bucket__this."""
    resources = []
    for address, names in attributes.items():
        kind, name = address.split("__")
        expressions: dict[str, Any] = {attribute: {} for attribute in names}
        resources.append({"mode": "managed", "type": kind, "name": name, "expressions": expressions})
    return {"root_module": {"resources": resources}}
