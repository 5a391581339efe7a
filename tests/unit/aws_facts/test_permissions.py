from __future__ import annotations

from collections.abc import Iterator

import botocore.session
import pytest

from aws_facts import permissions

# Actions that are no API: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
HALVES = {"kms:ReEncryptFrom": "kms:ReEncrypt", "kms:ReEncryptTo": "kms:ReEncrypt"}
CLIENTS = {"states": "stepfunctions"}


def named() -> Iterator[str]:
    yield from permissions.CALLER_KEY_ACTIONS
    yield from permissions.LOG_SENDER_ACTIONS
    tables = (*permissions.CALLER_KEY_ACTIONS.values(), *permissions.ROLE_KEY_ACTIONS.values())
    for actions in (*tables, *permissions.SYNC_ACTIONS.values()):
        yield from actions
    yield from permissions.LOG_GROUP_KEY_ACTIONS
    yield from permissions.MANAGED_RULE_ACTIONS


@pytest.mark.parametrize("action", sorted(set(named())))
def test_an_action_is_one_of_its_service(action: str) -> None:
    prefix, _, name = HALVES.get(action, action).partition(":")
    model = botocore.session.get_session().get_service_model(CLIENTS.get(prefix, prefix))
    assert name in model.operation_names


@pytest.mark.parametrize(
    ("service", "api", "action"),
    [
        ("sfn", "getExecutionHistory", "states:GetExecutionHistory"),
        ("redshiftdata", "executeStatement", "redshift-data:ExecuteStatement"),
        ("lambda", "invoke", "lambda:InvokeFunction"),
        ("s3", "headObject", "s3:GetObject"),
        ("s3", "getObject", "s3:GetObject"),
        ("sns", "publish", "sns:Publish"),
    ],
)
def test_an_api_has_an_action(service: str, api: str, action: str) -> None:
    assert permissions.action(service, api) == action
