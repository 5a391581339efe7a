"""GitHub's roles may do all that Terraform does for what is in infra/, on the resources that AWS checks."""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.loaders import Loader
from lark import Token, Tree

from aws_facts.iam_resources import arn_forms
from aws_facts.permissions import CALLER_KEY_ACTIONS
from aws_facts.terraform_permissions import PREFLIGHT, SCHEMA, TERRAFORM
from pipeline_tools.crosscheck.hcl import Expression, Infra, parse, reference
from pipeline_tools.environments import ROOT

BOOTSTRAP = ROOT / "infra" / "bootstrap"
PLACE = "eu-central-1:123456789012"
KEY = f"arn:aws:kms:{PLACE}:key/*"
# What the expressions of permissions.tf refer to, for an environment whose prefix is "mine".
VALUES = {
    "local.partition": "aws",
    "local.account_id": "123456789012",
    "var.region": "eu-central-1",
    "scope.regional": PLACE,
    "scope.prefix": "mine",
    "role.prefix": "mine",
    "key": "mine-plan",
}
# … and what infra/ calls things there.
NAMES = {
    "partition": "aws",
    "place": PLACE,
    "account": "123456789012",
    "name": "mine-thing",
    "any": "0a1b2c3d",
}
BUCKETS = [f"mine-{kind}-123456789012-eu-central-1" for kind in ("artifacts", "lake", "raw")]
LOG_GROUPS = ("/aws/lambda/", "/aws/vendedlogs/states/", "/aws/events/")
# Not operations: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
PERMISSION_ONLY = {"iam:PassRole", "lambda:InvokeFunction", "logs:CreateLogDelivery"}
BOTOCORE = {"servicequotas": "service-quotas", "states": "stepfunctions"}


@dataclass(frozen=True)
class Statement:
    actions: frozenset[str]
    resources: tuple[str, ...]

    def allows(self, action: str, resource: str) -> bool:
        return action in self.actions and any(fnmatch.fnmatchcase(resource, pattern) for pattern in self.resources)


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree) and child.data != "new_line_or_comment"]


def texts(expression: Expression, values: dict[str, str | list[str]]) -> list[str]:
    """The strings of a list: written out, made by `for`, or kept in a local."""
    tree = expression.bare()
    if tree.data == "for_tuple_expr":
        intro, body = _trees(tree)
        variable, over = _trees(intro)
        name = ".".join(reference(variable))
        return [
            text(Expression(body, expression.file).bare(), {**values, name: one})
            for one in texts(Expression(over, expression.file), values)
        ]
    if tree.data == "tuple":
        return [text(Expression(element, expression.file).bare(), values) for element in _trees(tree)]
    found = values[".".join(reference(tree))]
    assert isinstance(found, list)
    return found


def text(tree: Tree[Token], values: dict[str, str | list[str]]) -> str:
    """A string with what it refers to."""
    parts = []
    for part in _trees(tree):
        inner = list(part.find_data("interpolation"))
        if not inner:
            parts.append("".join(str(token) for token in part.scan_values(lambda value: isinstance(value, Token))))
            continue
        (expression,) = _trees(inner[0])
        bare = Expression(expression, Path()).bare()
        if bare.data == "index_expr_term":
            of, _ = _trees(bare)
            parts.append(values[".".join(reference(of))][0])
            continue
        found = values[".".join(reference(bare))]
        assert isinstance(found, str)
        parts.append(found)
    return "".join(parts)


def body_of_for(expression: Expression) -> Expression:
    """The object that `{ for … : key => object }` makes for each key."""
    return Expression(_trees(expression.bare())[-1], expression.file)


@lru_cache(maxsize=1)
def statements() -> dict[str, list[Statement]]:
    """By "read" and "write": what permissions.tf allows."""
    bootstrap = Infra.read(BOOTSTRAP)
    scope = body_of_for(bootstrap.locals["scopes"]).items()
    values: dict[str, str | list[str]] = dict(VALUES)
    for name in ("buckets", "serverless"):
        values[f"scope.{name}"] = texts(scope[name], values)
    found: dict[str, list[Statement]] = {"read": [], "write": []}
    for name, service in body_of_for(bootstrap.locals["services"]).items().items():
        fields = service.items()
        # The key is a condition's choice: one that the environment made, or one that it was given.
        resources = [KEY] if name in ("UseKey", "GrantKey") else texts(fields["resources"], values)
        for access, allowed in found.items():
            actions = frozenset(action for action, _ in fields[access].strings())
            allowed.append(Statement(actions, tuple(resources)))
    passing = bootstrap.locals["pass_role_statements"]
    (role,) = (found for found in passing.tree.find_data("string") if ":role/" in str(found))
    found["write"].append(Statement(frozenset({"iam:PassRole"}), (text(role, values),)))
    return found


def types_in(folder: Path) -> Iterator[str]:
    """`aws_x` of each resource and `data.aws_x` of each data source in the .tf files below a folder."""
    for file in sorted(folder.rglob("*.tf")):
        if BOOTSTRAP in file.parents:
            continue
        for block in parse(file).find_data("block"):
            words = [str(token) for token in block.scan_values(lambda value: isinstance(value, Token))]
            kind, name = words[0], "".join(words[1:]).split('"')[1] if '"' in words else ""
            if kind in ("resource", "data", "ephemeral") and name.startswith("aws_"):
                yield name if kind == "resource" else f"{kind}.{name}"


TYPES = sorted(set(types_in(ROOT / "infra")))


def resources_of(action: str) -> list[str]:
    """Samples of every resource that AWS checks an action on."""
    samples: list[str] = []
    for form in arn_forms(action):
        buckets = BUCKETS if "{bucket}" in form else BUCKETS[:1]
        groups = LOG_GROUPS if "{group}" in form else LOG_GROUPS[:1]
        samples += [
            form.format(**NAMES, bucket=bucket, artifacts=BUCKETS[0], group=group)
            for bucket in buckets
            for group in groups
        ]
    return samples


def with_key(actions: Iterable[str]) -> set[str]:
    """The actions, with those on the key of what they touch."""
    return set(actions).union(*(CALLER_KEY_ACTIONS.get(action, ()) for action in actions))


def lacking(actions: Iterable[str], allowed: list[Statement]) -> list[str]:
    return [
        f"{action} on {resource}"
        for action in sorted(with_key(actions))
        for resource in resources_of(action)
        if not any(statement.allows(action, resource) for statement in allowed)
    ]


def test_the_types_are_read() -> None:
    assert {"aws_s3_bucket", "aws_redshift_cluster", "data.aws_region"} <= set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_the_apply_role_may_do_all_that_a_type_needs(name: str) -> None:
    assert name in TERRAFORM, f"say in src/aws_facts/terraform_permissions.py what {name} needs"
    allowed = [*statements()["read"], *statements()["write"]]
    assert lacking(TERRAFORM[name].all, allowed) == []


@pytest.mark.parametrize("name", TYPES)
def test_the_plan_role_may_read_what_a_type_needs(name: str) -> None:
    assert lacking(TERRAFORM[name].read, statements()["read"]) == []


def test_the_apply_role_may_bring_the_schema_up_to_date() -> None:
    assert lacking(SCHEMA.all, [*statements()["read"], *statements()["write"]]) == []


def test_the_plan_role_may_ask_what_preflight_asks() -> None:
    assert lacking(PREFLIGHT.all, statements()["read"]) == []


def test_the_needs_of_preflight_are_what_its_modules_call() -> None:
    """A call of a client that is added to one of them has to be added to the roles too."""
    loader = Loader()
    prefixes = {action.partition(":")[0] for action in PREFLIGHT.all} | {"s3", "sts"}
    methods: dict[str, set[str]] = {}
    for prefix in prefixes:
        for operation in loader.load_service_model(BOTOCORE.get(prefix, prefix), "service-2")["operations"]:
            methods.setdefault(xform_name(operation), set()).add(f"{prefix}:{operation}")
    called: set[str] = set()
    sources = [*(ROOT / "src" / "pipeline_tools" / "preflight").glob("*.py")]
    for file in [*sources, ROOT / "src" / "pipeline_tools" / "state_tests" / "answers.py"]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                called.add(node.attr)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                called.add(node.value)
    named = {
        "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
        # The state, which Terraform reads as well; and everybody may ask STS who he is.
        "s3:HeadBucket": "",
        "s3:HeadObject": "",
        "sts:GetCallerIdentity": "",
    }
    actions = {named.get(action, action) for method in called & methods.keys() for action in methods[method]}
    assert actions - {""} == PREFLIGHT.all


def test_a_role_is_passed_to_the_services_that_take_one_and_to_no_other() -> None:
    passing = Infra.read(BOOTSTRAP).locals["pass_role_statements"]
    trusted = {service for service, _ in passing.strings() if service.endswith(".amazonaws.com")}
    assert trusted == {TERRAFORM[name].passed_to for name in TYPES} - {""}


def test_what_nothing_needs_is_not_allowed() -> None:
    needed = with_key(SCHEMA.all.union(PREFLIGHT.all, *(TERRAFORM[name].all for name in TYPES)))
    allowed = {action for access in statements().values() for statement in access for action in statement.actions}
    # To take back what was deleted by mistake.
    assert allowed - needed == {"kms:CancelKeyDeletion"}


@pytest.mark.parametrize(
    "service", sorted({a.split(":")[0] for n in (SCHEMA, PREFLIGHT, *TERRAFORM.values()) for a in n.all} - {"s3"})
)
def test_an_action_is_an_operation_of_its_service(service: str) -> None:
    """S3's actions have names of their own."""
    loader = Loader()
    known = loader.load_service_model(BOTOCORE.get(service, service), "service-2")["operations"].keys()
    named = {
        action
        for needs in (SCHEMA, PREFLIGHT, *TERRAFORM.values())
        for action in needs.all
        if action.startswith(f"{service}:")
    }
    assert {action for action in named - PERMISSION_ONLY if action.split(":")[1] not in known} == set()


@pytest.mark.parametrize("name", TERRAFORM)
def test_each_need_has_its_source(name: str) -> None:
    assert TERRAFORM[name].sources
    assert all(re.fullmatch(r"https://\S+", source) for source in TERRAFORM[name].sources)


def test_the_needs_of_schema_are_what_its_modules_call() -> None:
    """A call of a client that is added to one of them has to be added to the roles too."""
    loader = Loader()
    methods = {
        xform_name(operation): f"{prefix}:{operation}"
        for service, prefix in (
            *(("lambda", "lambda"), ("stepfunctions", "states"), ("redshift-data", "redshift-data")),
            ("secretsmanager", "secretsmanager"),
        )
        for operation in loader.load_service_model(service, "service-2")["operations"]
    }
    called = set()
    schema, user = "pipeline_tools/deployment/schema", "pipeline_tools/deployment/loader"
    for place in (schema, user, "pipeline/redshift", "pipeline_tools/deployed"):
        for node in ast.walk(ast.parse((ROOT / "src" / f"{place}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called.add(node.func.attr)
                if node.func.attr == "get_paginator" and isinstance(node.args[0], ast.Constant):
                    called.add(str(node.args[0].value))
    actions = {methods[method] for method in called if method in methods}
    named = {"lambda:Invoke": "lambda:InvokeFunction"}
    assert {named.get(action, action) for action in actions} == SCHEMA.all
