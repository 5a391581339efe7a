"""Resources whose end is the end of data, and of what."""

from __future__ import annotations

from collections.abc import Callable

from dataset_contract.json_types import JsonMapping
from pipeline_tools.plan_review.review import Action, Change

_Values = JsonMapping


def _bucket(values: _Values) -> str:
    if values.get("force_destroy") is True:
        return "every object in it, since force_destroy is on"
    return "every object in it (force_destroy is off: the apply fails while it holds one)"


def _cluster(values: _Values) -> str:
    if values.get("skip_final_snapshot") is True:
        return "every table, without a final snapshot"
    return f"every table (a final snapshot {values.get('final_snapshot_identifier') or ''} is taken)"


def _key(values: _Values) -> str:
    return f"all that it encrypts, {values.get('deletion_window_in_days') or 30} days after the apply"


def _log_group(values: _Values) -> str:
    return "" if values.get("skip_destroy") is True else "all its logs"


# Which part of a resource's state decides is in its values before the plan.
_LOSSES: dict[str, Callable[[_Values], str]] = {
    "aws_cloudwatch_log_group": _log_group,
    "aws_dynamodb_table": lambda _: "all its items",
    "aws_kms_key": _key,
    "aws_redshift_cluster": _cluster,
    "aws_redshiftserverless_namespace": lambda _: "every table",
    "aws_s3_bucket": _bucket,
    "aws_secretsmanager_secret": lambda _: "its value",
    "aws_sqs_queue": lambda _: "the messages in it",
}


def data_loss(change: Change) -> str:
    """What data goes with a resource that is deleted or replaced; empty for none."""
    if change.action not in (Action.DELETE, Action.REPLACE) or change.type not in _LOSSES:
        return ""
    return _LOSSES[change.type](change.before or {})
