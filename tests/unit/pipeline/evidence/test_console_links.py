from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.clients import Clients
from pipeline.evidence.console_links import Links
from pipeline.stacks import Stack


def links(partition: str = "aws", region: str = "eu-west-1", **more: Any) -> Links:
    arn = f"arn:{partition}:states:{region}:123456789012:stateMachine:pipeline"
    return Links(Stack(Clients(), {"state_machine_arn": arn, **more}, Path("outputs.json")))


def test_each_service_has_its_page() -> None:
    host = "https://eu-west-1.console.aws.amazon.com"
    assert links().execution("arn:x") == f"{host}/states/home?region=eu-west-1#/v2/executions/details/arn:x"
    assert links().job_run("job", "jr_1") == f"{host}/gluestudio/home?region=eu-west-1#/job/job/run/jr_1"
    assert links().folder("s3://lake/a=1/b/") == f"{host}/s3/buckets/lake?region=eu-west-1&prefix=a%3D1/b/"


def test_the_console_of_logs_wants_names_encoded_twice() -> None:
    assert links().log("/aws/x", "a/[b]").endswith("log-group/$252Faws$252Fx/log-events/a$252F$255Bb$255D")


def test_other_partitions_have_other_consoles_and_a_local_stack_none() -> None:
    assert links("aws-cn", "cn-north-1").execution("a").startswith("https://cn-north-1.console.amazonaws.cn/")
    assert links(endpoint_url="http://127.0.0.1:4566").execution("a") == ""
