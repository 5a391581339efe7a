from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from pipeline import prices
from pipeline.prices import Prices
from pipeline_tools.plan_review import cost
from pipeline_tools.plan_review.cost import Estimate
from tests.unit.pipeline_tools.plan_review.plans import plan, resource

PRICES = Prices(
    {
        "region": "us-east-1",
        "as_of": "2026-10-07",
        "prices": {
            "redshift_node_hour": {"source": "s", "ra3.large": {"value": 0.5, "checked": "provider"}},
            "redshift_serverless": {"source": "s", "rpu_hour": {"value": 0.25, "checked": "provider"}},
            "redshift_storage": {"source": "s", "gb_month": {"value": 0.02, "checked": "second-hand"}},
            "glue_dpu_hour": {"source": "s", "STANDARD": {"value": 0.6, "checked": "provider"}},
            "lambda": {
                "source": "s",
                "request": {"value": 0.001, "checked": "provider"},
                "gb_second_x86_64": {"value": 0.2, "checked": "provider"},
                "gb_second_arm64": {"value": 0.1, "checked": "provider"},
            },
            "step_functions": {"source": "s", "transition": {"value": 0.01, "checked": "provider"}},
            "s3": {"source": "s", "gb_month": {"value": 0.03, "checked": "provider"}},
            "kms": {"source": "s", "key_month": {"value": 1, "checked": "provider"}},
            "cloudwatch": {
                "source": "s",
                "alarm_month": {"value": 0.1, "checked": "provider"},
                "log_gb_ingested": {"value": 0.5, "checked": "provider"},
            },
            "secrets_manager": {"source": "s", "secret_month": {"value": 0.4, "checked": "provider"}},
        },
        "glue_worker_dpu": {"G.1X": 1, "G.2X": 2},
        "assumptions": {
            "hours_per_month": 100,
            "runs_per_month": 30,
            "minutes_of_a_python_shell_run": 3,
            "minutes_of_a_spark_run": 5,
            "seconds_of_a_lambda_invocation": 2,
            "log_gb_per_run": 0.1,
            "gb_in_each_bucket": 10,
            "gb_in_the_cluster": 50,
        },
    }
)


def estimate(*resources: tuple[str, dict[str, Any]], prices: Prices = PRICES) -> Estimate:
    entries = [resource(f"{kind}.r{number}", "create", None, values) for number, (kind, values) in enumerate(resources)]
    return cost.estimate(plan(*entries).changes, prices, after=True)


def amounts(found: Estimate) -> dict[str, float]:
    return {item.label: round(item.dollars, 6) for item in found.items}


CLUSTER = {"cluster_identifier": "c", "node_type": "ra3.large", "number_of_nodes": 2, "manage_master_password": True}


def test_what_costs_by_the_month() -> None:
    found = estimate(
        ("aws_redshift_cluster", CLUSTER),
        ("aws_secretsmanager_secret", {}),
        ("aws_kms_key", {}),
        ("aws_s3_bucket", {}),
        ("aws_s3_bucket", {}),
        ("aws_cloudwatch_metric_alarm", {"metric_name": "m"}),
        ("aws_cloudwatch_metric_alarm", {"metric_query": [{"metric": [{}]}, {"metric": [{}]}, {"expression": "x"}]}),
    )
    assert amounts(found) == {
        "Redshift c": 100.0,
        "Redshift storage": 1.0,
        "KMS keys": 1.0,
        "Secrets, the one that Redshift keeps among them": 0.8,
        "CloudWatch alarms": 0.3,
        "S3": 0.6,
    }
    assert found.month == pytest.approx(103.7)
    assert found.run == 0


def spark(**change: Any) -> dict[str, Any]:
    return {"name": "s", "command": [{"name": "glueetl"}], "number_of_workers": 3, "worker_type": "G.2X", **change}


def test_a_glue_run_is_priced_by_its_size_and_an_assumed_time() -> None:
    shell = {"name": "p", "command": [{"name": "pythonshell"}], "max_capacity": 0.0625}
    found = amounts(estimate(("aws_glue_job", spark()), ("aws_glue_job", shell)))
    assert found == {"Glue s": 0.3, "Glue p": 0.001875, "CloudWatch Logs": 0.05}


@pytest.mark.parametrize(
    ("kind", "values", "gap"),
    [
        ("aws_redshift_cluster", {**CLUSTER, "node_type": "ra9.huge"}, "2 × ra9.huge"),
        ("aws_glue_job", spark(worker_type="R.8X"), "3 × R.8X"),
        ("aws_glue_job", spark(execution_class="TURBO"), "TURBO"),
        ("aws_redshiftserverless_workgroup", {"base_capacity": 8}, "8 RPU × $0.25"),
    ],
)
def test_what_has_no_price_is_said_to_have_none(kind: str, values: dict[str, Any], gap: str) -> None:
    found = estimate((kind, values))
    assert any(gap in text for text in found.gaps)
    assert not any(item.label.endswith((" c", " s")) for item in found.items)


def machine(name: str, *resources: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    states: dict[str, Any] = {}
    for number, (service, arguments) in enumerate(resources):
        states[f"S{number}"] = {"Type": "Task", "Resource": f"arn:aws:states:::{service}", "Arguments": arguments}
        states[f"S{number}"]["Next"] = f"S{number + 1}"
    states[f"S{len(resources)}"] = {"Type": "Succeed"}
    return "aws_sfn_state_machine", {"name": name, "definition": json.dumps({"StartAt": "S0", "States": states})}


def test_a_run_counts_the_states_of_nested_executions_and_not_those_of_other_machines() -> None:
    nested = {"StateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:sql"}
    pipeline = machine(
        "pipeline", ("lambda:invoke", {}), ("glue:startJobRun.sync", {}), ("states:startExecution.sync:2", nested)
    )
    function = ("aws_lambda_function", {"function_name": "f", "memory_size": 512, "architectures": ["arm64"]})
    found = estimate(pipeline, machine("sql", ("aws-sdk:x", {})), machine("failed", ("lambda:invoke", {})), function)
    # 4 of the pipeline, 2 of the machine that it starts.
    assert amounts(found) == {"Step Functions": 0.06, "Lambda f": 0.101, "CloudWatch Logs": 0.05}


def test_a_definition_that_is_not_known_yet_is_said_to_be_not_counted() -> None:
    entry = resource("aws_sfn_state_machine.this", "create", None, {"name": "m"}, unknown={"definition": True})
    found = cost.estimate(plan(entry).changes, PRICES, after=True)
    assert found.items == ()
    assert "State machine m" in found.gaps[0]


def test_before_and_after() -> None:
    entry = resource("aws_redshift_cluster.this", "update", CLUSTER, {**CLUSTER, "number_of_nodes": 4})
    before, after = cost.estimates(plan(entry), PRICES)
    assert (amounts(before)["Redshift c"], amounts(after)["Redshift c"]) == (100.0, 200.0)


def test_the_price_list_has_a_source_and_a_day_for_every_price() -> None:
    listed = prices.prices()
    days = []
    for name, group in listed.document["prices"].items():
        assert group["source"].startswith("https://aws.amazon.com/"), name
        for entry in (entry for key, entry in group.items() if key != "source"):
            assert entry["checked"] in ("provider", "second-hand")
            assert entry["value"] > 0
            days += [entry["read"]] if isinstance(entry["read"], date) else []
            assert isinstance(entry["read"], date) or entry["read"] == "undated"
    assert listed.document["as_of"] == max(days)


def test_the_price_list_has_what_the_estimate_asks_for() -> None:
    # Every kind of resource at once, by the real list: a name that is not in it is an error.
    found = estimate(
        ("aws_redshift_cluster", CLUSTER),
        ("aws_redshiftserverless_workgroup", {"base_capacity": 8}),
        ("aws_glue_job", spark()),
        ("aws_glue_job", spark(name="flex", execution_class="FLEX")),
        ("aws_kms_key", {}),
        ("aws_cloudwatch_metric_alarm", {}),
        ("aws_s3_bucket", {}),
        machine("pipeline", ("lambda:invoke", {}), ("glue:startJobRun.sync", {})),
        ("aws_lambda_function", {"function_name": "x86", "memory_size": 128}),
        ("aws_lambda_function", {"function_name": "arm", "architectures": ["arm64"]}),
        prices=prices.prices(),
    )
    assert len(found.items) == 12
    assert all(item.dollars > 0 for item in found.items)
