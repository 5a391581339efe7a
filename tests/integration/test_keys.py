"""Customer-managed keys are in force: key policy and the caller's own policies both decide about each use.

Roles are made for the occasion, with all permissions but those on keys; no pipeline is needed.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from aws_facts import permissions
from pipeline_tools.endpoint import LocalEndpoint
from tests.integration.conftest import given_endpoint
from tests.waiting import until

ACCOUNT = "000000000000"
ROOT = {"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}
REST = {"Sid": "Rest", "Effect": "Allow", "NotAction": "kms:*", "Resource": "*"}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def desk(endpoint: LocalEndpoint) -> Desk:
    if given_endpoint() or endpoint.engine != "ministack":
        pytest.skip("docs/emulators.md: it holds nobody to a policy")
    return Desk(endpoint)


@pytest.fixture
def key(desk: Desk) -> Iterator[str]:
    made = desk.key(ROOT)
    yield made
    desk.root("kms").schedule_key_deletion(KeyId=made)


class Desk:
    """The endpoint, with what these tests make on it."""

    def __init__(self, endpoint: LocalEndpoint) -> None:
        self.endpoint = endpoint
        self._session = boto3.session.Session()  # one for all: it keeps the services' models, which take long to load

    def name(self) -> str:
        return f"keys-{next(_numbers)}"

    def root(self, service: str) -> Any:
        return self._client(service, "test", "test", None)

    def _client(self, service: str, key: str, secret: str, token: str | None) -> Any:
        return self._session.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint.endpoint_url,
            region_name=self.endpoint.region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
        )

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.endpoint.region}:{ACCOUNT}:{resource}"

    def key(self, *statements: dict[str, Any]) -> str:
        policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"} for statement in statements]}
        return str(self.root("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"])

    def role(self, *statements: dict[str, Any], trusted: str = "lambda") -> str:
        trust = [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}]
        service = {"Service": f"{trusted}.amazonaws.com"}
        trust.append({"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"})
        name, iam = self.name(), self.root("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(*trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_policy(*statements))
        return str(arn)

    def may(self, key: str, *actions: str) -> Callable[[str], Any]:
        """Clients of a role with all but keys, and these actions on a key."""
        on_key = [{"Effect": "Allow", "Action": list(actions), "Resource": key}] if actions else []
        return self.acting(self.role(REST, *on_key))

    def acting(self, role: str) -> Callable[[str], Any]:
        """Clients of a role."""
        given = self.root("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return lambda service: self._client(service, *(given[name] for name in names))

    @cached_property
    def package(self) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("f.py", "def h(event, context):\n    return 42\n")
        return file.getvalue()


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def bucket(desk: Desk, key: str | None) -> str:
    name, s3 = desk.name(), desk.root("s3")
    s3.create_bucket(Bucket=name)
    if key:
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    return name


# ---- The uses: each makes what it uses as the account, and gives what a role then does ----

Act = Callable[[Callable[[str], Any]], Any]


def get_object(desk: Desk, key: str) -> Act:
    made = bucket(desk, key)
    desk.root("s3").put_object(Bucket=made, Key="k", Body=b"x")
    return lambda client: client("s3").get_object(Bucket=made, Key="k")


def head_object(desk: Desk, key: str) -> Act:
    made = bucket(desk, key)
    desk.root("s3").put_object(Bucket=made, Key="k", Body=b"x")
    return lambda client: client("s3").head_object(Bucket=made, Key="k", ChecksumMode="ENABLED")


def put_object(desk: Desk, key: str) -> Act:
    made = bucket(desk, key)
    return lambda client: client("s3").put_object(Bucket=made, Key="k", Body=b"x")


def put_object_with_key(desk: Desk, key: str) -> Act:
    made = bucket(desk, None)
    return lambda client: client("s3").put_object(
        Bucket=made, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )


def copy_from(desk: Desk, key: str) -> Act:
    source, target = bucket(desk, key), bucket(desk, None)
    desk.root("s3").put_object(Bucket=source, Key="k", Body=b"x")
    return lambda client: client("s3").copy_object(Bucket=target, Key="k", CopySource={"Bucket": source, "Key": "k"})


def copy_to(desk: Desk, key: str) -> Act:
    source, target = bucket(desk, None), bucket(desk, key)
    desk.root("s3").put_object(Bucket=source, Key="k", Body=b"x")
    return lambda client: client("s3").copy_object(Bucket=target, Key="k", CopySource={"Bucket": source, "Key": "k"})


def create_upload(desk: Desk, key: str) -> Act:
    made = bucket(desk, key)
    return lambda client: client("s3").create_multipart_upload(Bucket=made, Key="k")


def upload_part(desk: Desk, key: str) -> Act:
    made = bucket(desk, key)
    upload = desk.root("s3").create_multipart_upload(Bucket=made, Key="k")["UploadId"]
    return lambda client: client("s3").upload_part(Bucket=made, Key="k", UploadId=upload, PartNumber=1, Body=b"x")


def complete_upload(desk: Desk, key: str) -> Act:
    made, s3 = bucket(desk, key), desk.root("s3")
    upload = s3.create_multipart_upload(Bucket=made, Key="k")["UploadId"]
    part = s3.upload_part(Bucket=made, Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    return lambda client: client("s3").complete_multipart_upload(
        Bucket=made, Key="k", UploadId=upload, MultipartUpload=parts
    )


def publish(desk: Desk, key: str) -> Act:
    topic = desk.root("sns").create_topic(Name=desk.name(), Attributes={"KmsMasterKeyId": key})["TopicArn"]
    return lambda client: client("sns").publish(TopicArn=topic, Message="m")


def queue(desk: Desk, key: str, policy: str = "") -> str:
    attributes = {"KmsMasterKeyId": key, **({"Policy": policy} if policy else {})}
    return str(desk.root("sqs").create_queue(QueueName=desk.name(), Attributes=attributes)["QueueUrl"])


def send_message(desk: Desk, key: str) -> Act:
    url = queue(desk, key)
    return lambda client: client("sqs").send_message(QueueUrl=url, MessageBody="m")


def receive_message(desk: Desk, key: str) -> Act:
    url = queue(desk, key)
    return lambda client: client("sqs").receive_message(QueueUrl=url)


def secret(desk: Desk, key: str) -> str:
    return str(desk.root("secretsmanager").create_secret(Name=desk.name(), SecretString="s", KmsKeyId=key)["ARN"])


def get_secret(desk: Desk, key: str) -> Act:
    arn = secret(desk, key)
    return lambda client: client("secretsmanager").get_secret_value(SecretId=arn)


def create_secret(desk: Desk, key: str) -> Act:
    return lambda client: client("secretsmanager").create_secret(Name=desk.name(), SecretString="s", KmsKeyId=key)


def put_secret(desk: Desk, key: str) -> Act:
    arn = secret(desk, key)
    return lambda client: client("secretsmanager").put_secret_value(SecretId=arn, SecretString="t")


def schedule(desk: Desk, key: str, role: str = "") -> dict[str, Any]:
    target = {"Arn": desk.arn("sqs", "nothing"), "RoleArn": role or desk.role(REST, trusted="scheduler")}
    return {
        "Name": desk.name(),
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
        "KmsKeyArn": key,
    }


def create_schedule(desk: Desk, key: str) -> Act:
    wanted = schedule(desk, key)
    return lambda client: client("scheduler").create_schedule(**wanted)


def update_schedule(desk: Desk, key: str) -> Act:
    wanted = schedule(desk, key)
    desk.root("scheduler").create_schedule(**wanted)
    return lambda client: client("scheduler").update_schedule(**wanted)


def get_schedule(desk: Desk, key: str) -> Act:
    wanted = schedule(desk, key)
    desk.root("scheduler").create_schedule(**wanted)
    return lambda client: client("scheduler").get_schedule(Name=wanted["Name"])


def function(desk: Desk, key: str, role: str = "") -> dict[str, Any]:
    return {
        "FunctionName": desk.name(),
        "Runtime": "python3.11",
        "Handler": "f.h",
        "Role": role or desk.role(REST),
        "Code": {"ZipFile": desk.package},
        "Environment": {"Variables": {"A": "b"}},
        "KMSKeyArn": key,
    }


def create_function(desk: Desk, key: str) -> Act:
    wanted = function(desk, key)
    return lambda client: client("lambda").create_function(**wanted)


def update_function(desk: Desk, key: str) -> Act:
    wanted = function(desk, key)
    desk.root("lambda").create_function(**wanted)
    return lambda client: client("lambda").update_function_configuration(
        FunctionName=wanted["FunctionName"], Environment={"Variables": {"A": "c"}}
    )


def cluster(desk: Desk, key: str) -> dict[str, Any]:
    return {
        "ClusterIdentifier": desk.name(),
        "NodeType": "ra3.large",
        "MasterUsername": "admin",
        "MasterUserPassword": "Secret123",
        "DBName": "dev",
        "Encrypted": True,
        "KmsKeyId": key,
    }


def create_cluster(desk: Desk, key: str) -> Act:
    wanted = cluster(desk, key)
    return lambda client: client("redshift").create_cluster(**wanted)


def statements(desk: Desk, key: str) -> dict[str, str]:
    wanted = cluster(desk, key)
    desk.root("redshift").create_cluster(**wanted)
    return {"ClusterIdentifier": wanted["ClusterIdentifier"], "Database": "dev", "DbUser": "admin"}


def execute(desk: Desk, key: str) -> Act:
    where = statements(desk, key)
    return lambda client: client("redshift-data").execute_statement(**where, Sql="SELECT 1")


def execute_batch(desk: Desk, key: str) -> Act:
    where = statements(desk, key)
    return lambda client: client("redshift-data").batch_execute_statement(**where, Sqls=["SELECT 1"])


@dataclass(frozen=True)
class Use:
    api: str
    make: Callable[[Desk, str], Act]
    code: str
    says: str = "is not authorized to perform: {action} on resource: {key}"

    @property
    def actions(self) -> tuple[str, ...]:
        return permissions.CALLER_KEY_ACTIONS[self.api]


SECRET = "Access to KMS is not allowed"
USES = [
    Use("s3:GetObject", get_object, "AccessDenied"),
    Use("s3:GetObject", head_object, "403", "Forbidden"),
    Use("s3:GetObject", copy_from, "AccessDenied"),
    Use("s3:PutObject", put_object, "AccessDenied"),
    Use("s3:PutObject", put_object_with_key, "AccessDenied"),
    Use("s3:PutObject", copy_to, "AccessDenied"),
    Use("s3:CreateMultipartUpload", create_upload, "AccessDenied"),
    Use("s3:UploadPart", upload_part, "AccessDenied"),
    Use("s3:CompleteMultipartUpload", complete_upload, "AccessDenied"),
    Use("sns:Publish", publish, "KMSAccessDenied"),
    Use("sqs:SendMessage", send_message, "KMS.AccessDeniedException"),
    Use("sqs:ReceiveMessage", receive_message, "KMS.AccessDeniedException"),
    Use("secretsmanager:GetSecretValue", get_secret, "AccessDeniedException", SECRET),
    Use("secretsmanager:CreateSecret", create_secret, "AccessDeniedException", SECRET),
    Use("secretsmanager:PutSecretValue", put_secret, "AccessDeniedException", SECRET),
    Use("scheduler:CreateSchedule", create_schedule, "AccessDeniedException"),
    Use("scheduler:UpdateSchedule", update_schedule, "AccessDeniedException"),
    Use("scheduler:GetSchedule", get_schedule, "AccessDeniedException"),
    Use("lambda:CreateFunction", create_function, "AccessDeniedException"),
    Use("lambda:UpdateFunctionConfiguration", update_function, "AccessDeniedException"),
    Use("redshift:CreateCluster", create_cluster, "UnauthorizedOperation"),
    Use("redshift-data:ExecuteStatement", execute, "AccessDeniedException"),
    Use("redshift-data:BatchExecuteStatement", execute_batch, "AccessDeniedException"),
]


@pytest.mark.parametrize("use", USES, ids=lambda use: use.make.__name__)
def test_each_action_on_the_key_is_needed(desk: Desk, key: str, use: Use) -> None:
    act = use.make(desk, key)
    for missing in use.actions:
        with pytest.raises(ClientError) as refused:
            act(desk.may(key, *(action for action in use.actions if action != missing)))
        assert refused.value.response["Error"]["Code"] == use.code
        assert use.says.format(action=missing, key=key) in refused.value.response["Error"]["Message"]
    act(desk.may(key, *use.actions))


@pytest.mark.parametrize("use", USES, ids=lambda use: use.make.__name__)
def test_the_key_policy_has_to_let_iam_policies_count(desk: Desk, key: str, use: Use) -> None:
    act = use.make(desk, key)
    user = desk.may(key, *use.actions)
    admin = {**ROOT, "Action": ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"], "Resource": "*"}
    desk.root("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=_policy(admin))
    for client in (user, desk.root):
        with pytest.raises(ClientError) as refused:
            act(client)
        assert refused.value.response["Error"]["Code"] == use.code


@pytest.mark.parametrize("state", ["disabled", "pending deletion"])
@pytest.mark.parametrize("make", [put_object, publish, send_message, get_secret], ids=lambda make: make.__name__)
def test_an_unusable_key_is_used_by_nobody(desk: Desk, key: str, make: Callable[[Desk, str], Act], state: str) -> None:
    act = make(desk, key)
    kms = desk.root("kms")
    if state == "disabled":
        kms.disable_key(KeyId=key)
    else:
        kms.schedule_key_deletion(KeyId=key)
    with pytest.raises(ClientError):
        act(desk.root)


def test_a_function_without_its_key_does_not_start(desk: Desk, key: str) -> None:
    decrypt = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}
    allowed, refused = (function(desk, key, desk.role(REST, *more)) for more in ((decrypt,), ()))
    client = desk.root("lambda")
    for wanted in (allowed, refused):
        client.create_function(**wanted)
    answer = client.invoke(FunctionName=allowed["FunctionName"])
    assert (json.loads(answer["Payload"].read()), answer.get("FunctionError")) == (42, None)
    with pytest.raises(client.exceptions.KMSAccessDeniedException, match=r"perform: kms:Decrypt on resource: arn:"):
        client.invoke(FunctionName=refused["FunctionName"])


def test_a_function_is_read_without_its_environment_by_who_may_not_decrypt(desk: Desk, key: str) -> None:
    wanted = function(desk, key)
    desk.root("lambda").create_function(**wanted)
    read = [
        desk.may(key, *actions)("lambda").get_function(FunctionName=wanted["FunctionName"])["Configuration"]
        for actions in (["kms:Decrypt"], [])
    ]
    assert read[0]["Environment"] == {"Variables": {"A": "b"}}
    assert read[1]["Environment"]["Error"]["ErrorCode"] == "AccessDeniedException"
    assert "Variables" not in read[1]["Environment"]


def log_statement(desk: Desk, name: str, *actions: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{desk.endpoint.region}.amazonaws.com"},
        "Action": actions,
        "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": desk.arn("logs", f"log-group:{name}")}},
    }


def test_a_log_group_is_encrypted_by_the_key_policy_alone(desk: Desk) -> None:
    logs, name, needed = desk.root("logs"), desk.name(), permissions.LOG_GROUP_KEY_ACTIONS
    lacking = [log_statement(desk, name, *(set(needed) - {action})) for action in needed]
    for statement in (*lacking, log_statement(desk, "another", *needed)):
        with pytest.raises(logs.exceptions.ClientError, match="not allowed to be used with Arn") as refused:
            logs.create_log_group(logGroupName=name, kmsKeyId=desk.key(ROOT, statement))
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    logs.create_log_group(logGroupName=name, kmsKeyId=desk.key(ROOT, log_statement(desk, name, *needed)))


# ---- What EventBridge and Scheduler do by themselves ----

SEND = {"Sid": "Send", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": "*"}
KEY_FOR_EVENTS = {**SEND, "Action": list(permissions.SENDING_SERVICE_KEY_ACTIONS)}
SOURCES = [
    {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    {"ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{ACCOUNT}:rule/*"}},
]


@dataclass
class Bus:
    """A rule whose events are told apart by their source."""

    desk: Desk
    source: str

    def target(self, arn: str, **further: Any) -> None:
        events = self.desk.root("events")
        events.put_rule(Name=self.source, EventPattern=json.dumps({"source": [self.source]}))
        events.put_targets(Rule=self.source, Targets=[{"Id": "t", "Arn": arn, **further}])

    def put(self, number: int) -> None:
        detail = json.dumps({"number": number})
        entry = {"Source": self.source, "DetailType": "Test", "Detail": detail}
        assert self.desk.root("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def queue_arn(desk: Desk, url: str) -> str:
    return desk.arn("sqs", url.rpartition("/")[2])


def numbers(desk: Desk, url: str) -> list[int]:
    found = desk.root("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"])["detail"]["number"] for message in found]


def one(desk: Desk, url: str) -> list[int]:
    return until(lambda: numbers(desk, url) or None, "a message arrived")


def set_policy(desk: Desk, key: str, *statements: dict[str, Any]) -> None:
    policy = _policy(*({**statement, "Resource": "*"} for statement in statements))
    desk.root("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


@pytest.mark.parametrize("way", ["target", "dead letters"])
def test_eventbridge_sends_to_an_encrypted_queue_by_the_key_policy_without_a_source(
    desk: Desk, key: str, way: str
) -> None:
    bus = Bus(desk, desk.name())
    url = queue(desk, key, _policy({**SEND, "Action": "sqs:SendMessage"}))
    if way == "target":
        bus.target(queue_arn(desk, url))
    else:
        # No role may start it.
        machine = desk.arn("states", "stateMachine:nothing")
        bus.target(
            machine,
            RoleArn=desk.role({**REST, "Effect": "Deny"}, trusted="events"),
            DeadLetterConfig={"Arn": queue_arn(desk, url)},
        )
    for number, condition in enumerate(SOURCES):
        set_policy(desk, key, ROOT, {**KEY_FOR_EVENTS, "Condition": condition})
        bus.put(number)
    set_policy(desk, key, ROOT, KEY_FOR_EVENTS)
    bus.put(99)
    assert one(desk, url) == [99]


def test_eventbridge_sends_to_a_queue_by_its_policy(desk: Desk, key: str) -> None:
    bus = Bus(desk, desk.name())
    set_policy(desk, key, ROOT, KEY_FOR_EVENTS)
    sqs, url = desk.root("sqs"), queue(desk, key)
    bus.target(queue_arn(desk, url))
    rule = desk.arn("events", f"rule/{bus.source}")
    for number, condition in enumerate(
        [{"ArnEquals": {"aws:SourceArn": f"{rule}-x"}}, {"ArnEquals": {"aws:SourceArn": rule}}]
    ):
        policy = _policy({**SEND, "Action": "sqs:SendMessage", "Condition": condition})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        bus.put(number)
    assert one(desk, url) == [1]


def test_a_schedule_needs_rights_on_its_own_key_and_on_that_of_the_queue(desk: Desk, key: str) -> None:
    url, own = queue(desk, key), desk.key(ROOT)
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn(desk, url)}
    read = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": own}
    write = [
        {"Effect": "Allow", "Action": action, "Resource": key} for action in ("kms:Decrypt", "kms:GenerateDataKey")
    ]
    needed = [send, read, *write]
    # The one that may comes last: when its message is there, the others have had their turn.
    roles = [[statement for statement in needed if statement != missing] for missing in needed]
    for number, statements in enumerate([*roles, needed]):
        wanted = schedule(desk, own, desk.role(*statements, trusted="scheduler"))
        target = {**wanted["Target"], "Arn": queue_arn(desk, url), "Input": json.dumps({"detail": {"number": number}})}
        wanted |= {"ScheduleExpression": "at(2020-01-01T00:00:00)", "Target": target}
        desk.root("scheduler").create_schedule(**wanted)
    assert set(one(desk, url)) == {len(needed)}  # a schedule may deliver more than once


def test_a_topic_hands_its_messages_to_an_encrypted_queue_by_the_key_policy(desk: Desk, key: str) -> None:
    service = {**SEND, "Principal": {"Service": "sns.amazonaws.com"}}
    sns = desk.root("sns")
    topic, url = (
        sns.create_topic(Name=desk.name())["TopicArn"],
        queue(desk, key, _policy({**service, "Action": "sqs:SendMessage"})),
    )
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(desk, url), Attributes={"RawMessageDelivery": "true"}
    )
    use = {**service, "Action": list(permissions.SENDING_SERVICE_KEY_ACTIONS)}
    here = {"Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
    elsewhere = {"Condition": {"ArnEquals": {"aws:SourceArn": f"{topic}-x"}}}
    for number, statements in enumerate([[], [{**use, **elsewhere}], [{**use, **here}]]):
        set_policy(desk, key, ROOT, *statements)
        sns.publish(TopicArn=topic, Message=json.dumps({"detail": {"number": number}}))
    assert one(desk, url) == [2]


def test_an_alarm_publishes_by_the_policies_of_the_topic_and_of_its_key(desk: Desk, key: str) -> None:
    service = {**SEND, "Principal": {"Service": "cloudwatch.amazonaws.com"}}
    sns, watch, name = desk.root("sns"), desk.root("cloudwatch"), desk.name()
    topic = sns.create_topic(Name=name, Attributes={"KmsMasterKeyId": key})["TopicArn"]
    url = str(desk.root("sqs").create_queue(QueueName=name)["QueueUrl"])
    for_sns = {**SEND, "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    desk.root("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(for_sns)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(desk, url))
    watch.put_metric_alarm(
        AlarmName=name,
        Namespace=name,
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
        OKActions=[topic],
    )
    publish = {**service, "Action": "sns:Publish"}
    use = {**service, "Action": list(permissions.SENDING_SERVICE_KEY_ACTIONS)}
    here = {"Condition": {"ArnLike": {"aws:SourceArn": desk.arn("cloudwatch", f"alarm:{name}")}}}
    elsewhere = {"Condition": {"ArnLike": {"aws:SourceArn": desk.arn("cloudwatch", "alarm:another")}}}
    cases = [
        (publish, None),
        ({**publish, **elsewhere}, use),
        (publish, {**use, **elsewhere}),
        (publish, {**use, **here}),
    ]
    for number, (on_topic, on_key) in enumerate(cases):
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=_policy(on_topic))
        set_policy(desk, key, ROOT, *([on_key] if on_key else []))
        watch.set_alarm_state(AlarmName=name, StateValue="ALARM" if number % 2 else "OK", StateReason=str(number))

    def reasons() -> list[str] | None:
        found = desk.root("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        said = [json.loads(json.loads(message["Body"])["Message"]) for message in found]
        return [message["NewStateReason"] for message in said] or None

    assert until(reasons, "an alarm was published") == ["3"]


def test_eventbridge_writes_logs_by_a_resource_policy_whose_source_is_told_for_events_alone(desk: Desk) -> None:
    logs, bus = desk.root("logs"), Bus(desk, desk.name())
    group = f"/aws/events/{bus.source}"
    logs.create_log_group(logGroupName=group)
    bus.target(desk.arn("logs", f"log-group:{group}"))
    where = {"Effect": "Allow", "Resource": desk.arn("logs", f"log-group:{group}:*")}
    both = {**where, "Principal": {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]}}
    create, put = ({**both, "Action": f"logs:{name}"} for name in ("CreateLogStream", "PutLogEvents"))
    account = {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
    alone = {"Principal": {"Service": "events.amazonaws.com"}}
    wrong = [(create, {**put, **alone}), ({**create, **account}, {**put, **account}), (create,), (put,)]
    for number, statements in enumerate([*wrong, (create, {**put, **account})]):
        logs.put_resource_policy(policyName=group, policyDocument=_policy(*statements))
        bus.put(number)

    def lines() -> list[int] | None:
        found = logs.filter_log_events(logGroupName=group)["events"]
        return [json.loads(line["message"])["detail"]["number"] for line in found] or None

    try:
        assert until(lines, "an event was written") == [4]
    finally:
        logs.delete_resource_policy(policyName=group)


@pytest.mark.parametrize("may_list", [True, False])
def test_who_may_not_list_a_bucket_is_not_told_what_is_missing(desk: Desk, may_list: bool) -> None:
    made = bucket(desk, None)
    allowed = ["s3:GetObject", *(["s3:ListBucket"] if may_list else [])]
    role = desk.role({"Effect": "Allow", "Action": allowed, "Resource": "*"})
    client = desk.acting(role)("s3")
    with pytest.raises(ClientError) as head:
        client.head_object(Bucket=made, Key="missing")
    with pytest.raises(ClientError) as get:
        client.get_object(Bucket=made, Key="missing")
    codes = [found.value.response["Error"]["Code"] for found in (head, get)]
    assert codes == (["404", "NoSuchKey"] if may_list else ["403", "AccessDenied"])
    assert ("s3:ListBucket" in get.value.response["Error"]["Message"]) is not may_list
