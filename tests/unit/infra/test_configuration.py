"""What a mocked plan cannot show: orders, versions of the provider, and facts that stand in two places."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lark import Token, Tree

from dataset_contract import places
from pipeline_tools.crosscheck.hcl import Infra, labelled, parse
from pipeline_tools.environments import ROOT

INFRA = ROOT / "infra"
FILES = sorted(path for path in INFRA.rglob("*.tf") if ".terraform" not in path.parts)
MODULES = sorted(path for path in (INFRA / "modules").iterdir() if path.is_dir())
LINE = 140
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


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(INFRA)))
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
    infra = Infra.read(INFRA)
    calls = [(name, module) for name in sorted(making) for module in infra.of(name)]
    assert {name for name, _ in calls} == making
    for _, module in calls:
        # CloudWatch Logs asks the key when a group is made: "local.kms_key_arn" may be there before its policy is.
        logging = module.attributes.get("logging")
        given = infra.entries(logging) if logging else module.attributes
        assert given["kms_key_arn"].source() == "local.log_kms_key_arn", module.name


def test_a_module_has_the_files_that_readers_look_for() -> None:
    files = {"main.tf", "iam.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md"}
    for module in MODULES:
        assert files <= {path.name for path in module.iterdir()}, module.name
        assert (module / "examples" / "basic" / "main.tf").is_file(), module.name
        inputs = {
            labels[0] for path in module.glob("*.tf") if path.name != "variables.tf" for labels, _ in labelled(path)
        }
        assert "variable" not in inputs, module.name


def test_every_example_is_planned_by_a_test() -> None:
    for module in MODULES:
        examples = {path.parent.name for path in module.glob("examples/*/main.tf")}
        test = (module / "tests" / "examples.tftest.hcl").read_text(encoding="utf-8")
        assert set(re.findall(r'source = "\./examples/(\w+)"', test)) == examples, module.name


def test_modules_take_any_newer_provider_and_configurations_pin_it() -> None:
    versions = {
        path.parent: attributes["aws"].items()["version"].literal()
        for path in FILES
        for labels, attributes in labelled(path)
        if labels == ("required_providers",)
    }
    pinned = {folder: versions.pop(folder) for folder in (INFRA, INFRA / "bootstrap")}
    assert set(pinned.values()) == {"~> 5.100"}
    examples = {path.parent for module in MODULES for path in module.glob("examples/*/main.tf")}
    assert versions == dict.fromkeys([*MODULES, *examples], ">= 5.100")


def test_no_type_is_written_twice() -> None:
    """Modules may have the same one as another: each of them is used without the others."""
    for module in MODULES:
        types = [kind for folder in (INFRA, module) for kind in _object_types(folder)]
        assert len(types) == len(set(types)), f"{module.name}: {sorted(types)}"


def _object_types(folder: Path) -> list[str]:
    """The objects in the types of a folder's variables, without the defaults of their members."""
    found = []
    for file in folder.glob("*.tf"):
        for labels, attributes in labelled(file):
            if labels[0] == "variable":
                for call in attributes["type"].tree.find_data("function_call"):
                    words = re.sub(r"#[^\n]*|\s", "", _words(call))
                    if words.startswith("object("):
                        found.append(re.sub(r"(optional\(\w+(?:\(\w+\))?),[^()]*?\)", r"\1)", words))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(INFRA)))
def test_lines_are_short_enough_to_read(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > LINE] == []


def test_the_prefixes_of_the_lake_are_those_that_the_jobs_write_to() -> None:
    block = re.search(r"\n  lake = \{\n(.*?)\n  \}\n", (INFRA / "locals.tf").read_text("utf-8"), re.DOTALL)
    assert block
    named = dict(re.findall(r'^ *(\w+) += "([^"]+)"$', block[1], re.MULTILINE))
    # Spark itself writes its events, where the job's arguments of Terraform say.
    assert named.pop("spark_events") == "spark-events/"
    assert named == {name: getattr(places, name.upper()) for name in named}
    assert len(named) == 7


def test_the_roles_and_the_configuration_make_the_same_prefix() -> None:
    made = {
        name: re.findall(r'coalesce\([\w.]+name_prefix, ("[^"]*)\$\{', (ROOT / "infra" / name).read_text("utf-8"))
        for name in ("locals.tf", "bootstrap/github.tf")
    }
    assert made["locals.tf"] == made["bootstrap/github.tf"] == ['"tdp-']
