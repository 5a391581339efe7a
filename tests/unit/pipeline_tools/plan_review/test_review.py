from __future__ import annotations

from typing import Any

import pytest

from pipeline_tools.plan_review import review
from pipeline_tools.plan_review.review import UNKNOWN, Action, PlanFormatError
from tests.unit.pipeline_tools.plan_review.plans import configuration, document, plan, resource


def test_what_is_known_only_after_apply_is_merged_into_what_is_known() -> None:
    after = {"name": "a", "logging": [{"level": "ALL"}]}
    unknown = {"arn": True, "logging": [{"destination": True}], "tags": {}, "rules": []}
    (change,) = plan(resource("aws_sfn_state_machine.this", "create", None, after, unknown=unknown)).changes
    assert change.after == {"name": "a", "arn": UNKNOWN, "logging": [{"level": "ALL", "destination": UNKNOWN}]}


@pytest.mark.parametrize("masks", [({"password": True}, {}), ({}, {"password": True}), (True, False)])
def test_a_value_that_is_sensitive_on_one_side_is_hidden_on_both(masks: tuple[Any, Any]) -> None:
    entry = resource("aws_db.this", "update", {"password": "s3cret"}, {"password": "n3w"}, sensitive=masks)
    (change,) = plan(entry).changes
    assert "s3cret" not in repr(change)
    assert "n3w" not in repr(change)
    assert change.before != change.after


def test_a_sensitive_value_that_stays_is_seen_to_stay() -> None:
    mask: dict[str, Any] = {"variables": {"TOKEN": True}}
    before, after = {"variables": {"TOKEN": "t", "A": "1"}}, {"variables": {"TOKEN": "t", "A": "2"}}
    (change,) = plan(resource("aws_lambda_function.this", "update", before, after, sensitive=(mask, mask))).changes
    assert change.before and change.after
    assert change.before["variables"]["TOKEN"] == change.after["variables"]["TOKEN"]
    assert change.before["variables"]["A"] != change.after["variables"]["A"]


def test_what_one_item_of_a_list_hides_is_hidden_where_the_item_moved_to() -> None:
    before = {"env": [{"value": "s3cret"}, {"value": "x"}]}
    after = {"env": [{"value": "s3cret"}]}
    masks: tuple[Any, Any] = ({"env": [{}, {"value": True}]}, {"env": [{}]})
    (change,) = plan(resource("aws_batch.this", "update", before, after, sensitive=masks)).changes
    assert "s3cret" not in repr(change)


def test_an_unknown_value_is_no_secret() -> None:
    entry = resource("aws_db.this", "create", None, {}, unknown={"id": True}, sensitive=(False, {"id": True}))
    assert plan(entry).changes[0].after == {"id": UNKNOWN}


@pytest.mark.parametrize(
    ("actions", "action", "create_first"),
    [
        (["delete", "create"], Action.REPLACE, False),
        (["create", "delete"], Action.REPLACE, True),
        (["create", "forget"], Action.REPLACE, True),
        (["forget"], Action.FORGET, False),
        (["no-op"], Action.NO_OP, False),
    ],
)
def test_actions(actions: list[str], action: Action, create_first: bool) -> None:
    (change,) = plan(resource("aws_s3_bucket.this", actions, {}, {})).changes
    assert (change.action, change.create_first) == (action, create_first)


def test_an_action_that_nobody_knows_is_named_with_its_resource() -> None:
    with pytest.raises(PlanFormatError, match=r"\['explode'\] of aws_s3_bucket.this: expected one of no-op, create"):
        plan(resource("aws_s3_bucket.this", "explode"))


@pytest.mark.parametrize("version", [None, "2.0", 1])
def test_another_format_is_refused(version: Any) -> None:
    with pytest.raises(PlanFormatError, match=r"format_version .* expected 1\.x"):
        review.read({**document(), "format_version": version})


def test_moved_and_imported_resources_are_changes_even_without_an_action() -> None:
    moved = resource("aws_s3_bucket.new", "no-op", {}, {}, entry={"previous_address": "aws_s3_bucket.old"})
    imported = resource("aws_s3_bucket.found", "no-op", {}, {}, entry={"change": {"importing": {"id": "x"}}})
    found = plan(moved, imported)
    assert [change.moved_from for change in found.moved] == ["aws_s3_bucket.old"]
    assert [change.address for change in found.imported] == ["aws_s3_bucket.found"]
    assert not found.empty


def test_a_plan_of_resources_that_stay_is_empty() -> None:
    kept = {"actions": ["no-op"], "before": "a", "after": "a"}
    assert plan(resource("aws_s3_bucket.this", "no-op", {}, {}), output_changes={"name": kept}).empty
    changed = {"actions": ["update"], "before": "a", "after": "b"}
    assert not plan(output_changes={"name": changed}).empty


def test_a_deposed_object_is_told_from_its_resource() -> None:
    (change,) = plan(resource("aws_s3_bucket.this", "delete", {}, entry={"deposed": "1a2b"})).changes
    assert change.address == "aws_s3_bucket.this (deposed 1a2b)"


def test_configured_attributes_are_found_in_a_module_of_a_module() -> None:
    inner = {"module": configuration(aws_s3_bucket__this=["bucket"])["root_module"]}
    outer = {"root_module": {"module_calls": {"a": {"module": {"module_calls": {"b": inner}}}}}}
    entry = resource("module.a.module.b.aws_s3_bucket.this", "create", None, {})
    entry["module_address"] = 'module.a["x.module.y[0]"].module.b[0]'
    assert plan(entry, configuration=outer).changes[0].configured == frozenset({"bucket"})


class TestDrift:
    def drift(self, kind: str, before: dict[str, Any], after: dict[str, Any] | None, *configured: str) -> int:
        entry = resource(f"{kind}.this", "update" if after else "delete", before, after)
        return len(plan(resource_drift=[entry], configuration=configuration(**{f"{kind}__this": [*configured]})).drift)

    def test_of_what_the_configuration_sets_is_told(self) -> None:
        assert self.drift("aws_glue_job", {"timeout": 60}, {"timeout": 600}, "timeout") == 1

    def test_of_what_only_aws_fills_in_is_not(self) -> None:
        assert self.drift("aws_s3_bucket", {"versioning": []}, {"versioning": [{"enabled": True}]}, "bucket") == 0

    def test_of_nothing_to_empty_is_none(self) -> None:
        assert self.drift("aws_glue_job", {"tags": None}, {"tags": {}}, "tags") == 0

    def test_of_a_resource_that_is_gone_is_told(self) -> None:
        assert self.drift("aws_glue_job", {"name": "a"}, None) == 1

    def test_of_a_policy_that_somebody_attached_is_told(self) -> None:
        arns = ["arn:aws:iam::aws:policy/AdministratorAccess"]
        assert self.drift("aws_iam_role", {"managed_policy_arns": []}, {"managed_policy_arns": arns}) == 1

    @pytest.mark.parametrize(("name", "told"), [("job", 0), ("backdoor", 1)])
    def test_of_an_inline_policy_is_told_unless_it_is_managed_here(self, name: str, told: int) -> None:
        values = {"role": "r", "name": "job", "policy": "{}"}
        managed = resource("aws_iam_role_policy.this", "no-op", values, values)
        after = {"name": "r", "inline_policy": [{"name": name, "policy": "{}"}]}
        entry = resource("aws_iam_role.this", "update", {"name": "r", "inline_policy": []}, after)
        assert len(plan(managed, resource_drift=[entry]).drift) == told


def test_the_region_is_that_of_the_data_source() -> None:
    read = {"type": "aws_region", "values": {"id": "eu-west-1"}}
    state = {"values": {"root_module": {"child_modules": [{"resources": [read]}]}}}
    assert plan(prior_state=state).region == "eu-west-1"
