from __future__ import annotations

import json
from typing import Any

import pytest
from markdown_it import MarkdownIt

from pipeline_tools.plan_review import page, render
from tests.unit.pipeline_tools.plan_review.plans import configuration, plan, policy, resource

READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::my-lake/*"]}
LOGS = {"Sid": "Logs", "Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": ["arn:aws:logs:x"]}
BUCKET = {"bucket": "my-lake", "force_destroy": False}


def summary(*changes: dict[str, Any], **more: Any) -> str:
    return render.summary(plan(*changes, **more), "dev", against="what is deployed", full_plan="build/plan/dev.txt")


def section(text: str, title: str) -> list[str]:
    """The lines of a section."""
    found = [part for part in text.split("\n### ") if part.startswith(title)]
    assert len(found) == 1, text
    return [line for line in found[0].split("\n---\n")[0].splitlines()[1:] if line]


def replaced_bucket(new: str = "my-lakes", **values: Any) -> dict[str, Any]:
    before = {**BUCKET, **values}
    after = {**before, "bucket": new}
    return resource(
        'module.storage.aws_s3_bucket.this["lake"]', ["delete", "create"], before, after, replace_paths=[["bucket"]]
    )


def role_policy(before: str | None, after: str | None, action: str = "update") -> dict[str, Any]:
    sides = ({"role": "my-role", "policy": side} if side else None for side in (before, after))
    return resource("aws_iam_role_policy.this", action, *sides)


def test_the_counts_come_first() -> None:
    changes = [
        resource("aws_kms_key.a", "create", None, {}),
        resource("aws_kms_key.b", "update", {"x": 1}, {"x": 2}),
        replaced_bucket(),
        resource("aws_sqs_queue.this", "delete", {}),
        resource("data.aws_kms_key.this", "read", None, {}, entry={"mode": "data", "type": "aws_kms_key"}),
        resource("aws_kms_key.kept", "no-op", {}, {}, entry={"previous_address": "aws_kms_key.c"}),
        resource("aws_kms_key.left", "forget", {}, None),
    ]
    drift = [resource("aws_kms_key.b", "update", {"x": 3}, {"x": 1})]
    text = summary(*changes, resource_drift=drift, configuration=configuration(aws_kms_key__b=["x"]))
    line = text.splitlines()[2]
    counted = "1 to create, 1 to update in place, 1 to replace, 1 to delete, 1 to read, 1 drifted, 1 moved, 1 forgotten"
    assert line == f"**{counted}** · against what is deployed"
    assert section(text, "Moved") == [
        "- moved `aws_kms_key.c` → `aws_kms_key.kept`",
        "- forgotten, and left as it is: `aws_kms_key.left`",
        "- read during the apply: `data.aws_kms_key.this`",
    ]
    assert section(text, "Changed outside Terraform") == ["- `aws_kms_key.b`", "  - `x`: `3` → `1`"]


def test_a_renamed_bucket_is_a_data_loss_and_takes_its_settings_along() -> None:
    settings = [
        resource(
            f'module.storage.aws_s3_bucket_{kind}.this["lake"]',
            ["delete", "create"],
            {"bucket": "my-lake"},
            {"bucket": "my-lakes"},
            replace_paths=[["bucket"]],
        )
        for kind in ("versioning", "policy")
    ]
    lines = section(summary(*settings, replaced_bucket()), "⚠ Replaced and deleted")
    assert lines == [
        '- **replace** `module.storage.aws_s3_bucket.this["lake"]`: `bucket`: `"my-lake"` → `"my-lakes"`'
        " — ⚠ **data loss**: every object in it (force_destroy is off: the apply fails while it holds one)",
        '  - for the same reason: `module.storage.aws_s3_bucket_versioning.this["lake"]`,'
        ' `module.storage.aws_s3_bucket_policy.this["lake"]`',
    ]


@pytest.mark.parametrize(
    ("kind", "before", "loss"),
    [
        ("aws_s3_bucket", {"force_destroy": True}, "every object in it, since force_destroy is on"),
        ("aws_redshift_cluster", {"skip_final_snapshot": True}, "every table, without a final snapshot"),
        ("aws_redshift_cluster", {"final_snapshot_identifier": "c-final"}, "(a final snapshot c-final is taken)"),
        ("aws_kms_key", {"deletion_window_in_days": 7}, "all that it encrypts, 7 days after the apply"),
        ("aws_cloudwatch_log_group", {"skip_destroy": False}, "all its logs"),
        ("aws_sqs_queue", {}, "the messages in it"),
    ],
)
def test_what_is_lost_with_a_resource(kind: str, before: dict[str, Any], loss: str) -> None:
    entry = resource(f"{kind}.this", "delete", before, entry={"action_reason": "delete_because_no_resource_config"})
    (line,) = section(summary(entry), "⚠ Replaced and deleted")
    assert line.startswith(f"- **delete** `{kind}.this`: no longer in the configuration — ⚠ **data loss**: ")
    assert loss in line


def test_a_loss_of_data_comes_before_other_losses() -> None:
    others = [resource(f"aws_a.r{number}", "delete", {}) for number in range(60)]
    lines = section(summary(*others, resource("aws_sqs_queue.this", "delete", {})), "⚠ Replaced and deleted")
    assert "data loss" in lines[0]
    assert len(lines) == 61


def test_a_name_that_becomes_a_wildcard_is_no_rename() -> None:
    text = summary(replaced_bucket("*"), role_policy(policy(READ), policy(READ).replace("my-lake", "*")))
    assert "⚠ **widens**: new `*` in Resource" in "\n".join(section(text, "IAM"))


def test_a_log_group_that_is_only_forgotten_by_terraform_is_no_loss() -> None:
    text = summary(resource("aws_cloudwatch_log_group.this", "delete", {"skip_destroy": True}))
    assert "data loss" not in text


def test_a_replacement_that_creates_first_and_one_that_was_asked_for_say_so() -> None:
    first = resource(
        "aws_lambda_function.a",
        ["create", "delete"],
        {"name": "a"},
        {},
        unknown={"name": True},
        replace_paths=[["name"]],
    )
    tainted = resource(
        "aws_lambda_function.b", ["delete", "create"], {}, {}, entry={"action_reason": "replace_because_tainted"}
    )
    assert section(summary(first, tainted), "⚠ Replaced and deleted") == [
        '- **replace** `aws_lambda_function.a`, the new one first: `name`: `"a"` → _(known after apply)_',
        "- **replace** `aws_lambda_function.b`: it is tainted: an earlier apply failed half-way",
    ]


def test_statements_that_come_and_go_and_widen() -> None:
    wide = {**READ, "Action": ["s3:GetObject", "s3:*"]}
    text = summary(role_policy(policy(READ, LOGS), policy(wide)))
    assert section(text, "IAM") == [
        '- `aws_iam_role_policy.this`: `policy` of `"my-role"`',
        "  - **removed** `Logs`: Allow Action `logs:PutLogEvents`; Resource `arn:aws:logs:x`",
        "  - changed `Read`: Action + `s3:*` — ⚠ **widens**: new `*` in Action",
    ]


def test_policies_of_what_is_created_come_last() -> None:
    text = summary(role_policy(None, policy(READ), "create"))
    assert text.index("### IAM of what is created") > text.index("### Cost")


def test_a_change_that_only_follows_a_new_name_is_said_once() -> None:
    followed = role_policy(policy(READ), policy(READ).replace("my-lake", "my-lakes"))
    function = resource("aws_lambda_function.this", "update", {"e": {"LAKE": "my-lake"}}, {"e": {"LAKE": "my-lakes"}})
    text = summary(replaced_bucket(), followed, function)
    assert "### IAM" not in text
    assert "### Changed attributes" not in text
    assert section(text, "Follows from a new name") == [
        '- `"my-lake"` → `"my-lakes"`, left out above wherever only it differs',
        "- nothing else changes in `aws_iam_role_policy.this`, `aws_lambda_function.this`",
    ]


def test_updates_are_shown_attribute_by_attribute_without_secrets() -> None:
    before = {"timeout": 60, "default_arguments": {"--a": "1", "--token": "s3cret"}, "tags_all": {"x": "1"}}
    after = {"timeout": 90, "default_arguments": {"--b": "1", "--token": "n3w"}, "tags_all": {"x": "2"}}
    masks: tuple[Any, Any] = ({}, {"default_arguments": {"--token": True}})
    text = summary(resource("aws_glue_job.this", "update", before, after, sensitive=masks))
    assert section(text, "Changed attributes") == [
        "- `aws_glue_job.this`",
        "  - `timeout`: `60` → `90`",
        '  - `default_arguments.--a`: − `"1"`',
        "  - `default_arguments.--token`: _(sensitive value)_ → _(sensitive value)_",
        '  - `default_arguments.--b`: + `"1"`',
    ]
    assert "s3cret" not in text
    assert "n3w" not in text


def test_what_aws_fills_in_after_an_update_is_left_out() -> None:
    entry = resource("aws_lambda_function.this", "update", {"x": 1, "arn": "a"}, {"x": 2}, unknown={"arn": True})
    text = summary(entry, configuration=configuration(aws_lambda_function__this=["x"]))
    assert section(text, "Changed attributes") == ["- `aws_lambda_function.this`", "  - `x`: `1` → `2`"]


def test_what_changes_in_a_resource_beside_what_replaces_it_is_shown() -> None:
    before, after = {"name": "a", "timeout": 60, "arn": "x", "mfa": [{"on": ""}]}, {"name": "b", "timeout": 90}
    unknown = {"arn": True, "mfa": [{"on": True}]}
    entry = resource(
        *("aws_glue_job.this", ["delete", "create"], before, after), unknown=unknown, replace_paths=[["name"]]
    )
    text = summary(entry, configuration=configuration(aws_glue_job__this=["name", "timeout", "mfa"]))
    assert section(text, "Changed attributes") == ["- `aws_glue_job.this`", "  - `timeout`: `60` → `90`"]


def test_like_updates_are_grouped() -> None:
    objects = [
        resource(f'aws_s3_object.package["{number}"]', "update", {"source_hash": "a"}, {"source_hash": "b"})
        for number in range(12)
    ]
    (line,) = section(summary(*objects), "Changed attributes")
    assert line.startswith('- 12 × `source_hash`: `aws_s3_object.package["0"]`, ')
    assert line.endswith(" and 4 more")


def test_created_resources_are_counted_by_module_and_type() -> None:
    buckets = [resource(f'module.storage.aws_s3_bucket.this["{name}"]', "create", None, {}) for name in "ab"]
    text = summary(*buckets, resource("aws_kms_key.this", "create", None, {}))
    assert section(text, "Created") == ["- root module: 1 × `aws_kms_key`", "- `module.storage`: 2 × `aws_s3_bucket`"]


def test_outputs() -> None:
    outputs = {
        "new": {"actions": ["create"], "before": None, "after_unknown": True},
        "gone": {"actions": ["delete"], "before": "x", "after": None},
        "secret": {"actions": ["update"], "before": "s3cret", "after": "n3w", "after_sensitive": True},
        "kept": {"actions": ["no-op"], "before": "k", "after": "k"},
    }
    assert section(summary(output_changes=outputs), "Outputs") == [
        "- `new`: + _(known after apply)_",
        '- `gone`: − `"x"`',
        "- `secret`: _(sensitive value)_ → _(sensitive value)_",
    ]


def test_a_plan_without_changes_says_so_and_no_more() -> None:
    text = summary(resource("aws_s3_bucket.this", "no-op", BUCKET, BUCKET))
    assert "**No changes** against what is deployed." in text
    assert "###" not in text


def test_drift_alone_is_told_with_no_changes() -> None:
    gone = resource("aws_sqs_queue.this", "delete", {"name": "q"})
    text = summary(resource_drift=[gone])
    assert "**No changes**" in text
    assert section(text, "Changed outside Terraform") == ["- `aws_sqs_queue.this`: gone, and the apply leaves it so"]


def test_a_policy_that_somebody_added_is_told_statement_by_statement_and_that_it_stays() -> None:
    managed = {"role": "r", "name": "job", "policy": policy(READ)}
    inline = [{"name": "job", "policy": policy(READ)}, {"name": "backdoor", "policy": policy({**LOGS, "Action": "*"})}]
    after = {"name": "r", "inline_policy": inline}
    drift = resource("aws_iam_role.this", "update", {"name": "r", "inline_policy": []}, after)
    text = summary(resource("aws_iam_role_policy.this", "no-op", managed, managed), resource_drift=[drift])
    assert section(text, "Changed outside Terraform") == [
        "- `aws_iam_role.this`, and the apply leaves it so",
        "  - inline policy `backdoor`, which this configuration does not have",
        "    - **added** `Logs`: Allow Action `*`; Resource `arn:aws:logs:x` — ⚠ **widens**: new `*` in Action",
    ]


def test_a_policy_that_somebody_changed_is_told_by_statement() -> None:
    drift = role_policy(policy(READ, LOGS), policy(READ))
    text = summary(resource_drift=[drift], configuration=configuration(aws_iam_role_policy__this=["policy"]))
    assert section(text, "Changed outside Terraform")[1:] == [
        '  - `aws_iam_role_policy.this`: `policy` of `"my-role"`',
        "    - **removed** `Logs`: Allow Action `logs:PutLogEvents`; Resource `arn:aws:logs:x`",
    ]


def test_the_cost_of_a_change_is_in_the_head() -> None:
    cluster = {"cluster_identifier": "c", "node_type": "ra3.large", "number_of_nodes": 1}
    text = summary(resource("aws_redshift_cluster.this", "update", cluster, {**cluster, "number_of_nodes": 2}))
    assert "Cost, estimated: $396.63 → $793.02 per month and $0.0000 per run" in text.splitlines()[4]


def test_another_region_is_told() -> None:
    state = {"values": {"root_module": {"resources": [{"type": "aws_region", "values": {"id": "eu-west-1"}}]}}}
    text = summary(replaced_bucket(), prior_state=state)
    assert "⚠ The deployment is in `eu-west-1`, where prices may differ." in text


def test_a_long_summary_is_cut_where_it_matters_least_and_says_so() -> None:
    policies = [
        resource(
            f"aws_iam_role_policy.r{number}",
            "create",
            None,
            {
                "role": f"role-{number}",
                "policy": policy({**READ, "Resource": [f"arn:{i}" + "x" * 90 for i in range(9)]}),
            },
        )
        for number in range(200)
    ]
    text = summary(replaced_bucket(), *policies)
    assert 50_000 < len(text) <= page.MOST_CHARACTERS
    assert "more lines, cut since a comment has a limit" in "\n".join(section(text, "IAM of what is created"))
    for title in ("⚠ Replaced and deleted", "Cost", "Created"):
        assert "cut since" not in "\n".join(section(text, title))
    assert text.endswith("The whole plan, with every value in full: `build/plan/dev.txt`\n")


def test_a_summary_of_nothing_but_losses_fits_too() -> None:
    gone = [resource(f"aws_s3_bucket.b{number}" + "x" * 100, "delete", BUCKET) for number in range(600)]
    text = summary(*gone)
    assert len(text) <= page.MOST_CHARACTERS
    assert "600 to delete" in text.splitlines()[2]


@pytest.mark.parametrize("nasty", ["<img src=x onerror=alert(1)>", "`` ` ``", "a\n\n# heading", "x | y", "</details>"])
def test_no_value_breaks_the_page(nasty: str) -> None:
    text = summary(
        resource(f"aws_glue_job.this[{json.dumps(nasty)}]", "update", {"d": {nasty: "1"}}, {"d": {nasty: nasty}}),
        replaced_bucket(nasty),
        role_policy(policy(READ), policy({**READ, "Sid": nasty, "Action": [nasty]})),
        resource("aws_redshift_cluster.this", "create", None, {"cluster_identifier": nasty, "node_type": nasty}),
        resource("aws_glue_job.cost", "create", None, {"name": nasty, "max_capacity": 1, "command": []}),
        output_changes={"o": {"actions": ["create"], "before": None, "after": nasty}},
    )
    tokens = MarkdownIt().enable("table").parse(text)
    inner = [child for token in tokens for child in token.children or []]
    assert not [token for token in [*tokens, *inner] if token.type.startswith("html")]
    titles = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    assert "heading" not in titles
    # Two tables with a head of four cells each, and as many in every row.
    cells = sum(token.type in ("td_open", "th_open") for token in tokens)
    assert cells == 4 * sum(token.type == "tr_open" for token in tokens)
    plain = "".join(child.content for child in inner if child.type == "text")
    assert not any(part in plain for part in ("<img", "# heading", "x | y"))
