"""What roles may do, by iam:SimulatePrincipalPolicy, against what they call.

The simulation knows the identity's policies, boundaries and organisation. It does not know who may assume a role, nor
the policies of the key (LetIamPoliciesOfThisAccountCount, EncryptLogGroups, QueueUndeliveredEvents, PublishAlarms), of
buckets, of the topic and of the queue.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from botocore.exceptions import ClientError

from aws_facts import permissions, terraform_permissions
from aws_facts.iam_resources import arn_forms
from dataset_contract import places
from dataset_contract.json_types import JsonMapping
from pipeline_tools.crosscheck.apis import Api
from pipeline_tools.preflight.checks import CheckAnswer, CheckedDeployment, NotAskedError
from pipeline_tools.preflight.warehouse import DeployedWarehouse

_MACHINES: Final = ("pipeline", "record-failure", "run-sql", "start-on-arrival", "start-on-schedule")
# A request has 2,048 characters of actions and more; some dozens are well within.
_ACTIONS_AT_ONCE: Final = 40
# What SQS answers of a queue that is not there, by its old protocol and its new one.
_NO_QUEUE: Final = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})
_FOR_AWS: Final = (("kms:GrantIsForAWSResource", "boolean", "true"),)
Context = tuple[tuple[str, str, str], ...]  # each a key, its type and its value


@dataclass(frozen=True)
class Need:
    """An action on a resource that a role has to be allowed.

    Attributes:
        resource: an ARN, or "*" where AWS knows none.
    """

    action: str
    resource: str
    context: Context = ()


class DeployedParts:
    """What is deployed, as far as the needs of its roles depend on it."""

    def __init__(self, target: CheckedDeployment) -> None:
        self._client = cache(target.clients.get)
        self._outputs = target.applied
        self.prefix = target.prefix
        self.partition, _, self.region, self.account = self._outputs["state_machine_arn"].split(":")[1:5]
        self._keys: dict[str, str | None] = {}

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the deployment's account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def roles(self) -> Iterator[tuple[str, list[Need]]]:
        """The ARN of each role with its needs; a role that an option would make is left out where it is not there."""
        for name in _MACHINES:
            try:
                found = self._client("stepfunctions").describe_state_machine(
                    stateMachineArn=self.arn("states", f"stateMachine:{self.prefix}-{name}")
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "StateMachineDoesNotExist":
                    raise
                continue
            yield found["roleArn"], list(self._machine(found))
        function = self._client("lambda").get_function_configuration(FunctionName=self._outputs["lambda_function_name"])
        yield function["Role"], list(self._function(function))
        if emitting := self._outputs.get("lineage_function_name"):
            function = self._client("lambda").get_function_configuration(FunctionName=emitting)
            yield function["Role"], [*self._function(function), *self._lineage(function)]
        for output in ("python_job_name", "spark_job_name"):
            job = self._client("glue").get_job(JobName=self._outputs[output])["Job"]
            role = job["Role"] if job["Role"].startswith("arn:") else self._role(job["Role"])
            yield role, list(self._job(job))
        if self.warehouse.copy_role:
            yield self.warehouse.copy_role, list(self._copy())
        for name, started in (("pipeline-failed", "record-failure"), ("arrival", "start-on-arrival")):
            yield self._role(f"{self.prefix}-{name}"), [self._start(started)]
        yield self._role(f"{self.prefix}-pipeline-schedules"), list(self._schedules())

    def _role(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def _start(self, machine: str) -> Need:
        return Need("states:StartExecution", self.arn("states", f"stateMachine:{self.prefix}-{machine}"))

    def _schedules(self) -> Iterator[Need]:
        yield self._start("start-on-schedule")
        # One key encrypts what the environment keeps, the schedules' input among it.
        if key := self._key_of(Need("s3:GetObject", self._object("lake", ""))):
            yield from (Need(action, key) for action in permissions.ROLE_KEY_ACTIONS["scheduler"])
        try:
            self._client("sqs").get_queue_url(QueueName=f"{self.prefix}-pipeline-failed-undelivered")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NO_QUEUE:
                raise
            return
        queue = self.arn("sqs", f"{self.prefix}-pipeline-failed-undelivered")
        yield from self._with_key(Need("sqs:SendMessage", queue))

    def _machine(self, machine: JsonMapping) -> Iterator[Need]:
        for state in _tasks(json.loads(machine["definition"])):
            api = Api.read(state["Resource"])
            actions = set(api.required_actions())
            if api.alternative_actions():
                actions.add("secretsmanager:GetSecretValue")
            given = state.get("Arguments")
            arguments = given if isinstance(given, dict) else {}
            for action in sorted(actions):
                for resource in self._resources(action, api, arguments, machine["name"]):
                    yield from self._with_key(Need(action, resource))
        if machine.get("tracingConfiguration", {}).get("enabled"):
            yield from (Need(action, "*") for action in permissions.TRACE_ACTIONS["states"])
        if machine.get("loggingConfiguration", {}).get("level", "OFF") != "OFF":
            yield from (Need(action, "*") for action in permissions.LOG_DELIVERY_ACTIONS)

    def _resources(self, action: str, api: Api, arguments: Mapping[str, object], machine: str) -> list[str]:
        """What the action of a Task of a state machine is checked on."""
        if api.service == "glue" and str(arguments.get("JobName", "{%")).startswith("{%"):
            # Told at run time: either job.
            names = [self._outputs["python_job_name"], self._outputs["spark_job_name"]]
            return [self._resource(action, api, {"JobName": name}, machine) for name in names]
        return [self._resource(action, api, arguments, machine)]

    def _resource(self, action: str, api: Api, arguments: Mapping[str, object], machine: str) -> str:
        outputs, service = self._outputs, action.partition(":")[0]
        if action == "states:ListExecutions":
            return self.arn("states", f"stateMachine:{self.prefix}-run-sql")
        if action == "states:StartExecution":
            return str(arguments["StateMachineArn"])
        if action in ("redshift-data:BatchExecuteStatement", "redshift-data:ExecuteStatement"):
            return self.warehouse.arn
        found: str = {
            "events": self.arn("events", f"rule/{permissions.MANAGED_RULE}"),
            "glue": self.arn("glue", f"job/{arguments.get('JobName')}"),
            "lambda": self.arn("lambda", f"function:{outputs['lambda_function_name']}"),
            "redshift-data": "*",
            "s3": self._object("lake", f"{places.RUNS}preflight"),
            "secretsmanager": outputs["redshift_secret_arn"],
            "sns": outputs["failure_topic_arn"],
            "states": self.arn("states", f"execution:{self._executed(api, machine)}:preflight"),
        }[service]
        return found

    def _executed(self, api: Api, machine: str) -> str:
        # The recorder reads the history of the pipeline's. Both ask after their own; all else is about nested ones.
        machines = {"getExecutionHistory": f"{self.prefix}-pipeline", "describeExecution": machine}
        return machines.get(api.action, f"{self.prefix}-run-sql")

    def _function(self, function: JsonMapping) -> Iterator[Need]:
        group = f"log-group:/aws/lambda/{function['FunctionName']}:log-stream:preflight"
        yield Need("logs:CreateLogStream", self.arn("logs", group))
        yield Need("logs:PutLogEvents", self.arn("logs", group))
        if key := function.get("KMSKeyArn"):
            yield from (Need(action, self._key_arn(key)) for action in permissions.ROLE_KEY_ACTIONS["lambda"])
        if function.get("TracingConfig", {}).get("Mode") == "Active":
            yield from (Need(action, "*") for action in permissions.TRACE_ACTIONS["lambda"])

    def _lineage(self, function: JsonMapping) -> Iterator[Need]:
        for prefix in (places.RUNS, places.LINEAGE, places.LINEAGE_SENT):
            yield from self._with_key(Need("s3:GetObject", self._object("lake", f"{prefix}preflight")))
        for prefix in (places.LINEAGE, places.LINEAGE_SENT):
            yield from self._with_key(Need("s3:PutObject", self._object("lake", f"{prefix}preflight")))
        yield from self._list("lake", "", ("s3:ListBucket",))
        yield Need("states:GetExecutionHistory", self.arn("states", f"execution:{self.prefix}-pipeline:preflight"))
        if secret := function["Environment"]["Variables"]["TOKEN_SECRET_ARN"]:
            yield from self._with_key(Need("secretsmanager:GetSecretValue", secret))

    def _job(self, job: JsonMapping) -> Iterator[Need]:
        is_shell = job["Command"]["Name"] == "pythonshell"
        of_shell = [places.STAGED, places.REFERENCES, places.REJECTED, places.RUNS]
        writes = of_shell if is_shell else [places.CURATED, places.RUNS]
        if "--spark-event-logs-path" in job.get("DefaultArguments", {}):
            writes.append("spark-events/")
        reads = [("artifacts", ""), *(("lake", prefix) for prefix in writes)]
        reads += [("raw", "")] if is_shell else [("lake", places.REFERENCES), ("lake", places.STAGED)]
        for bucket, prefix in reads:
            yield from self._with_key(Need("s3:GetObject", self._object(bucket, f"{prefix}preflight")))
        for bucket in dict.fromkeys(bucket for bucket, _ in reads):
            yield from self._list(bucket, "", permissions.LIST_ACTIONS)
        for prefix in writes:
            for action in permissions.UPLOAD_ACTIONS:
                yield from self._with_key(Need(action, self._object("lake", f"{prefix}preflight")))
        yield from self._list("lake", "", permissions.LIST_UPLOAD_ACTIONS)
        stream = self.arn("logs", "log-group:/aws-glue/python-jobs/output:log-stream:preflight")
        yield from (Need(action, stream) for action in permissions.GLUE_LOG_ACTIONS)
        if "--enable-metrics" in job.get("DefaultArguments", {}):
            yield Need("cloudwatch:PutMetricData", "*", (("cloudwatch:namespace", "string", "Glue"),))

    def _copy(self) -> Iterator[Need]:
        yield from self._list("lake", "", ("s3:GetBucketLocation",))
        for prefix in (places.CURATED, places.RUNS):
            yield from self._with_key(Need("s3:GetObject", self._object("lake", f"{prefix}preflight")))
            yield from self._list("lake", prefix, ("s3:ListBucket",))

    def _list(self, bucket: str, prefix: str, actions: Iterable[str]) -> Iterator[Need]:
        """Actions on a bucket; of a prefix alone where one is given."""
        context = (("s3:prefix", "string", prefix),) if prefix else ()
        resource = self._object(bucket, "").removesuffix("/")
        yield from (Need(action, resource, context) for action in actions)

    def _object(self, bucket: str, key: str) -> str:
        return f"arn:{self.partition}:s3:::{self._outputs[f'{bucket}_bucket']}/{key}"

    # Keys

    def _with_key(self, need: Need) -> Iterator[Need]:
        """A need, with those on the key of what is touched."""
        yield need
        for action in permissions.CALLER_KEY_ACTIONS.get(need.action, ()):
            if key := self._key_of(need):
                yield Need(action, key, _FOR_AWS if action == "kms:CreateGrant" else ())

    def _key_of(self, need: Need) -> str | None:
        service = need.action.partition(":")[0]
        place = need.resource.partition("/")[0]
        if place not in self._keys:
            key_of = {
                "s3": self._bucket_key,
                "sns": self._topic_key,
                "sqs": self._queue_key,
                "secretsmanager": self._secret_key,
                "redshift-data": self._warehouse_key,
            }
            key = key_of[service](place)
            self._keys[place] = self._key_arn(key) if key else None
        return self._keys[place]

    def _bucket_key(self, arn: str) -> str | None:
        found = self._client("s3").get_bucket_encryption(Bucket=arn.rpartition(":")[2])
        rule = found["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
        key: str | None = rule.get("KMSMasterKeyID")
        return key

    def _topic_key(self, arn: str) -> str | None:
        found = self._client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
        key: str | None = found.get("KmsMasterKeyId")
        return key

    def _queue_key(self, arn: str) -> str | None:
        client = self._client("sqs")
        url = client.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["KmsMasterKeyId"]).get("Attributes", {})
        key: str | None = found.get("KmsMasterKeyId")
        return key

    def _secret_key(self, arn: str) -> str | None:
        key: str | None = self._client("secretsmanager").describe_secret(SecretId=arn).get("KmsKeyId")
        return key

    def _warehouse_key(self, _: str) -> str | None:
        return self.warehouse.kms_key

    def _key_arn(self, key: str) -> str:
        return str(self._client("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"])

    @cached_property
    def warehouse(self) -> DeployedWarehouse:
        """Where the statements run."""
        if workgroup := self._outputs.get("redshift_workgroup_name"):
            return DeployedWarehouse.of_workgroup(self._client, workgroup)
        cluster = self._outputs["redshift_cluster_identifier"]
        return DeployedWarehouse.of_cluster(self._client, cluster, self.arn("redshift", "cluster:"))


def _tasks(definition: JsonMapping) -> Iterator[JsonMapping]:
    for state in definition["States"].values():
        if state["Type"] == "Task":
            yield state
        for inner in [*state.get("Branches", ()), state.get("ItemProcessor")]:
            if inner:
                yield from _tasks(inner)


def roles(target: CheckedDeployment) -> CheckAnswer:
    """Each role of the deployment, and all that it calls."""
    client, problems, asked, count = target.clients.get("iam"), [], 0, 0
    deployment = DeployedParts(target)
    if deployment.warehouse.copy_role is None:
        problems.append(f"{deployment.warehouse.arn} has no default IAM role, by which COPY reads")
    for role, needs in deployment.roles():
        try:
            refused = refusals(client, role, needs)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise
            if not role.endswith(("-arrival", "-pipeline-schedules")):  # made where there is a trigger or a schedule
                problems.append(f"{role} is not there")
            continue
        count, asked = count + 1, asked + len(needs)
        name = role.rpartition("/")[2]
        problems += [f"{name} may not {need.action} on {need.resource}" for need in refused]
    return CheckAnswer(f"{asked} permissions of {count} roles", tuple(problems))


def plan(target: CheckedDeployment) -> CheckAnswer:
    """The caller, and what Terraform reads."""
    return _caller(target, {action for needs in terraform_permissions.TERRAFORM.values() for action in needs.read})


def apply(target: CheckedDeployment) -> CheckAnswer:
    """The caller, and what Terraform and `nox -s schema` change."""
    everything = [*terraform_permissions.TERRAFORM.values(), terraform_permissions.SCHEMA]
    return _caller(target, {action for needs in everything for action in needs.all})


def _caller(target: CheckedDeployment, actions: Iterable[str]) -> CheckAnswer:
    client = target.clients.get("sts")
    identity = client.get_caller_identity()["Arn"]
    partition, _, _, account, resource = identity.split(":", 5)[1:]
    kind, _, path = resource.partition("/")
    if kind == "root":
        raise NotAskedError("the caller is the account itself, whom nothing is denied")
    if kind not in ("assumed-role", "user"):
        raise NotAskedError(f"of {identity} AWS simulates nothing")
    iam = target.clients.get("iam")
    if kind == "assumed-role":
        # A session does not say the path of its role.
        identity = iam.get_role(RoleName=path.partition("/")[0])["Role"]["Arn"]
    needs = list(terraform_needs(actions, target.prefix, partition, client.meta.region_name, account))
    refused = refusals(iam, identity, needs)
    problems = tuple(f"{identity} may not {need.action} on {need.resource}" for need in refused)
    return CheckAnswer(f"{len(needs)} permissions of {identity}", problems)


def terraform_needs(actions: Iterable[str], prefix: str, partition: str, region: str, account: str) -> Iterator[Need]:
    """The actions on samples of what they are checked on, in the context of a plan or an apply."""
    names = {"partition": partition, "place": f"{region}:{account}", "account": account, "any": "preflight"}
    names |= {"name": f"{prefix}-preflight", "group": "/aws/lambda/"}
    bucket = f"{prefix}-artifacts-{account}-{region}"
    tags: Context = tuple((f"aws:{what}Tag/Pipeline", "string", prefix) for what in ("Request", "Resource"))
    all_actions = set(actions)
    for action in list(all_actions):
        all_actions.update(permissions.CALLER_KEY_ACTIONS.get(action, ()))
    for action in sorted(all_actions):
        for form in arn_forms(action):
            resource = form.format(**names, bucket=bucket, artifacts=bucket)
            context = (*tags, *_FOR_AWS) if action == "kms:CreateGrant" else tags
            if action == "iam:PassRole":
                context = (("iam:PassedToService", "string", "states.amazonaws.com"),)
            yield Need(action, resource, context)


def refusals(client: Any, role: str, needs: Iterable[Need]) -> list[Need]:
    """The needs that a role, by its ARN, is not allowed."""
    together: dict[tuple[str, Context], list[Need]] = defaultdict(list)
    for need in dict.fromkeys(needs):
        together[need.resource, need.context].append(need)
    refused = []
    for (resource, context), several in together.items():
        entries = [
            {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]} for key, kind, value in context
        ]
        for start in range(0, len(several), _ACTIONS_AT_ONCE):
            asked = {need.action: need for need in several[start : start + _ACTIONS_AT_ONCE]}
            answer = client.simulate_principal_policy(
                PolicySourceArn=role,
                ActionNames=list(asked),
                ResourceArns=[resource],
                ContextEntries=entries,
                MaxItems=1000,
            )
            allowed = {
                result["EvalActionName"]
                for result in answer["EvaluationResults"]
                if result["EvalDecision"] == "allowed"
            }
            refused += [need for action, need in asked.items() if action not in allowed]
    return refused
