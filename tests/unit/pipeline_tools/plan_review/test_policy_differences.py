from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline_tools.plan_review import policy_differences
from pipeline_tools.plan_review.policy_differences import PolicyChange, StatementChange
from tests.unit.pipeline_tools.plan_review.plans import configuration, plan, policy, resource

READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::lake/staged/*"]}
DENY = {
    "Sid": "Tls",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "arn:aws:s3:::lake/*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def compare(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[StatementChange]:
    return list(
        policy_differences.compare(
            policy_differences.statements(policy(*before)), policy_differences.statements(policy(*after))
        )
    )


def one(before: dict[str, Any] | None, after: dict[str, Any] | None) -> StatementChange:
    (change,) = compare([before] if before else [], [after] if after else [])
    return change


def policies(before: Any, after: Any, **more: Any) -> list[PolicyChange]:
    entry = resource("aws_iam_role_policy.this", "update", {"policy": before}, {"policy": after}, **more)
    return [found for change in plan(entry).changes for found in policy_differences.policy_changes(change)]


def test_how_a_policy_is_written_is_no_change() -> None:
    assert compare([READ, DENY], [DENY, {**READ, "Action": "s3:GetObject", "Resource": READ["Resource"][0]}]) == []


def test_statements_are_matched_by_sid() -> None:
    change = one(READ, {**READ, "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::raw/*"]})
    assert change.touched == ["Action", "Resource"]
    assert (change.went("Action"), change.came("Action")) == (["s3:GetObject"], ["s3:PutObject"])


def test_without_a_sid_statements_are_matched_by_what_they_share() -> None:
    anonymous = {key: value for key, value in READ.items() if key != "Sid"}
    other = {"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": ["*"]}
    changes = compare([anonymous, other], [{**anonymous, "Resource": ["arn:aws:s3:::raw/*"]}])
    assert [(bool(change.before), bool(change.after), change.touched) for change in changes] == [
        (True, False, ["Action", "Resource"]),
        (True, True, ["Resource"]),
    ]


def test_without_a_sid_a_permission_is_not_matched_with_a_denial() -> None:
    anonymous = {key: value for key, value in READ.items() if key != "Sid"}
    changes = compare([anonymous], [{**anonymous, "Effect": "Deny"}])
    assert [(bool(change.before), bool(change.after)) for change in changes] == [(True, False), (False, True)]


def test_a_removed_and_an_added_statement_are_not_taken_for_a_change() -> None:
    changes = compare([READ], [{**READ, "Sid": "Publish", "Action": ["sns:Publish"]}])
    assert [bool(change.before) for change in changes] == [True, False]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, READ, []),
        (READ, None, []),
        (READ, {**READ, "Action": ["s3:GetObject", "s3:ListBucket"]}, []),
        (READ, {**READ, "Action": ["s3:*"]}, ["new `*` in Action"]),
        (READ, {**READ, "Resource": ["*"]}, ["new `*` in Resource"]),
        (READ, {**READ, "Resource": ["arn:aws:s3:::*"]}, ["new `*` in Resource"]),
        (READ, {**READ, "Resource": ["arn:aws:iam::*:role/x"]}, ["new `*` in Resource"]),
        (READ, {**READ, "Resource": ["arn:aws:s3:::raw/*"]}, []),
        ({**READ, "Resource": ["*"]}, {**READ, "Resource": ["*"], "Action": ["s3:PutObject"]}, []),
        (READ, {"Sid": "Read", "Effect": "Allow", "NotAction": ["iam:*"], "Resource": READ["Resource"]},
         ["NotAction permits all but what it lists"]),
        ({**READ, "Condition": {"Bool": {"a": "b"}}}, READ, ["a condition goes"]),
        ({**READ, "Condition": {"Bool": {"a": "b"}}}, {**READ, "Condition": {"Bool": {"a": "c"}}},
         ["a condition changes"]),
        (READ, {**READ, "Condition": {"Bool": {"a": "b"}}}, []),
        (None, DENY, []),
        (DENY, None, ["a denial goes"]),
        (DENY, {**DENY, "Effect": "Allow"}, ["a denial becomes a permission"]),
        (DENY, {**DENY, "Action": "s3:GetObject"}, ["a denial covers less"]),
        (DENY, {**DENY, "Condition": {"Bool": {"aws:SecureTransport": "false", "aws:x": "y"}}},
         ["a denial covers less"]),
        (DENY, {key: value for key, value in DENY.items() if key != "Condition"}, []),
    ],
)  # fmt: skip
def test_widenings(before: Any, after: Any, expected: list[str]) -> None:
    assert one(before, after).widenings == expected


def trust(*principals: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principals[0]}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {"Service": "glue.amazonaws.com"},
            {"Service": ["glue.amazonaws.com", "ec2.amazonaws.com"]},
            ["new principal"],
        ),
        ({"Service": "glue.amazonaws.com"}, "*", ["new `*` in Principal", "new principal"]),
        ({"Service": "a.amazonaws.com"}, {"Service": "a.amazonaws.com", "AWS": "1234"}, ["new principal"]),
        # A new role for a service is what it is for; one for an account is not.
        (None, {"Service": "glue.amazonaws.com"}, []),
        (None, {"AWS": "arn:aws:iam::1234:root"}, ["new principal"]),
    ],
)
def test_new_principals(before: Any, after: Any, expected: list[str]) -> None:
    assert one(trust(before) if before else None, trust(after)).widenings == expected


def test_a_policy_that_is_known_only_after_apply_is_said_to_be() -> None:
    (found,) = policies(policy(READ), None, unknown={"policy": True})
    assert (found.unreadable, found.statements) == ("known only after apply", ())


def test_a_sensitive_policy_is_not_read() -> None:
    (found,) = policies(policy(READ), policy(DENY), sensitive=({"policy": True}, {"policy": True}))
    assert found.unreadable == "a sensitive value"


def test_a_copy_that_only_the_provider_fills_in_is_no_policy_of_the_resource() -> None:
    entry = resource("aws_s3_bucket.this", ["delete", "create"], {"policy": policy(DENY)}, {}, unknown={"policy": True})
    (change,) = plan(entry, configuration=configuration(aws_s3_bucket__this=["bucket"])).changes
    assert policy_differences.policy_attributes(change) == ["policy"]
    (change,) = plan(
        resource("aws_s3_bucket.this", "create", None, {}, unknown={"policy": True}),
        configuration=configuration(aws_s3_bucket__this=["bucket"]),
    ).changes
    assert policy_differences.policy_attributes(change) == []


@pytest.mark.parametrize("text", ['{"Statement": ["x"]}', '{"Statement": 1}'])
def test_what_is_no_policy_is_said_to_be_none(text: str) -> None:
    (found,) = policies(policy(READ), text)
    assert found.unreadable


def test_a_policy_that_only_follows_a_new_name_is_told_from_one_that_changes_too() -> None:
    entry = resource(
        "aws_iam_role_policy.this",
        "update",
        {"policy": policy(READ, DENY)},
        {"policy": policy(READ, DENY).replace(":lake", ":lakes")},
    )
    (change,) = plan(entry).changes
    renames = [("lake", "lakes")]
    assert [found.follows_rename for found in policy_differences.policy_changes(change, renames)] == [True]
    entry["change"]["after"]["policy"] = policy(READ).replace(":lake", ":lakes")
    (change,) = plan(entry).changes
    (found,) = policy_differences.policy_changes(change, renames)
    assert [(gone.before.sid, gone.after) for gone in found.statements if gone.before] == [("Tls", None)]


def test_a_policy_that_was_only_written_anew_is_no_change() -> None:
    before, after = policy(READ), json.dumps(json.loads(policy(READ)), indent=2)
    assert policies(before, after) == []
