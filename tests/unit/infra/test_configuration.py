"""What a mocked plan cannot show: orders, versions of the provider, and facts that stand in two places."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lark import Token, Tree

from pipeline_tools.crosscheck.hcl import parse
from pipeline_tools.environments import ROOT

FILES = sorted(path for path in (ROOT / "infra").rglob("*.tf") if ".terraform" not in path.parts)
# What provider 6 deprecates or does not have, and what provider 5 does not have.
# https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/version-6-upgrade
ONE_PROVIDER_ONLY = {
    r"\bdata\.aws_region\.\w+\.(?:name|region)\b": "id",
    r"\baws_s3_bucket\.\w+(?:\[[^\]]*\])?\.(?:region|bucket_region)\b": "var.region or data.aws_region",
    r"\baws_redshift_service_account\b": "the service principal redshift.amazonaws.com",
}
# Blocks of resources that provider 6 took away, each of which is a resource of its own in both.
BLOCKS_OF_FIVE_ONLY = {"aws_redshift_cluster": {"logging", "snapshot_copy"}}


def _words(tree: Tree[Token]) -> str:
    return "".join(str(token) for token in tree.scan_values(lambda value: isinstance(value, Token)))


def _resources(path: Path) -> list[tuple[str, Tree[Token]]]:
    """The resources of a file, by their types."""
    found = []
    for block in parse(path).find_data("block"):
        words = _words(block)
        if kind := re.match(r'resource"(\w+)"', words):
            found.append((kind[1], block))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "infra")))
def test_both_providers_take_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for pattern, instead in ONE_PROVIDER_ONLY.items():
        assert not re.search(pattern, text), f"{path}: write {instead}"
    for kind, block in _resources(path):
        inner = {str(next(tree.scan_values(lambda _: True))) for tree in block.find_data("block")}
        assert not inner & BLOCKS_OF_FIVE_ONLY.get(kind, set()), f"{path}: {kind}"


def test_objects_wait_for_the_encryption_and_the_versions_of_their_bucket() -> None:
    objects = [block for path in FILES for kind, block in _resources(path) if kind == "aws_s3_object"]
    assert objects
    for block in objects:
        depends = re.search(r"depends_on=\[([^\]]*)\]", re.sub(r"#[^\n]*|\s", "", _words(block)))
        assert depends
        assert "module.storage" in depends[1].split(",")


def test_log_groups_wait_for_the_policy_of_their_key() -> None:
    making = {
        path.parent.name for path in FILES if "aws_cloudwatch_log_group" in {kind for kind, _ in _resources(path)}
    }
    calls = [
        (words, module[1])
        for path in FILES
        for block in parse(path).find_data("block")
        for words in [re.sub(r"#[^\n]*|\s", "", _words(block))]
        if (module := re.match(r'module"\w+"\{source="\./modules/(\w+)"', words)) and module[1] in making
    ]
    assert {name for _, name in calls} == making
    for words, _ in calls:
        # CloudWatch Logs asks the key when a group is made: "local.kms_key_arn" may be there before its policy is.
        assert re.search(r"kms_key_arn=local\.log_kms_key_arn", words), words[:80]


def test_the_roles_and_the_configuration_make_the_same_prefix() -> None:
    made = {
        name: re.findall(r'coalesce\([\w.]+name_prefix, ("[^"]*)\$\{', (ROOT / "infra" / name).read_text("utf-8"))
        for name in ("locals.tf", "bootstrap/github.tf")
    }
    assert made["locals.tf"] == made["bootstrap/github.tf"] == ['"tdp-']
