"""What the roles of the deployment are granted, and taking it away for a while."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.integration.conftest import Pipeline


@dataclass(frozen=True)
class Granted:
    """A statement of a role's policy."""

    role: str
    policy: str
    document: dict[str, Any]
    index: int

    @property
    def sid(self) -> str:
        return str(self.document["Statement"][self.index]["Sid"])

    @property
    def actions(self) -> list[str]:
        actions: list[str] = self.document["Statement"][self.index]["Action"]
        return actions

    @property
    def resources(self) -> list[str]:
        resources: list[str] = self.document["Statement"][self.index]["Resource"]
        return resources


class Roles:
    """The roles of the deployment, and what a test takes from them for a while."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.iam = pipeline.clients.get("iam")
        self.prefix = pipeline.outputs["state_machine_arn"].rpartition(":")[2].removesuffix("-pipeline")

    def statements(self) -> list[Granted]:
        roles = self.iam.get_paginator("list_roles").paginate().build_full_result()["Roles"]
        return [
            Granted(role["RoleName"], policy, document, index)
            for role in roles
            if role["RoleName"].startswith(f"{self.prefix}-")
            for policy in self.iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
            for document in [self.iam.get_role_policy(RoleName=role["RoleName"], PolicyName=policy)["PolicyDocument"]]
            for index in range(len(document["Statement"]))
        ]

    @contextlib.contextmanager
    def without(self, *taken: Granted) -> Iterator[None]:
        """Take statements away, at most one of a policy or several of different ones."""
        try:
            for policy in {(granted.role, granted.policy) for granted in taken}:
                mine = [granted for granted in taken if (granted.role, granted.policy) == policy]
                gone = {granted.index for granted in mine}
                document = mine[0].document
                left = [found for index, found in enumerate(document["Statement"]) if index not in gone]
                self._put(*policy, {**document, "Statement": left})
            yield
        finally:
            for granted in taken:
                self._put(granted.role, granted.policy, granted.document)

    def _put(self, role: str, policy: str, document: dict[str, Any]) -> None:
        if document["Statement"]:
            self.iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
        else:
            self.iam.delete_role_policy(RoleName=role, PolicyName=policy)
