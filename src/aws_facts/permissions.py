"""Which IAM actions a call needs: those of a Task of Step Functions, and those on the key of what a call touches.

Service names are those that Step Functions gives them (`redshiftdata`), actions those of IAM (`redshift-data:…`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aws_facts import service_names

# ---- Tasks of Step Functions ----

# APIs whose action has another name than theirs.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_OTHER_ACTIONS: Final = {
    ("lambda", "invoke"): "lambda:InvokeFunction",
    ("s3", "headObject"): "s3:GetObject",
    ("s3", "listObjectsV2"): "s3:ListBucket",
}

MANAGED_RULE: Final = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
"""The EventBridge rule by which Step Functions learns that a nested execution has ended.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""
MANAGED_RULE_ACTIONS: Final = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
"""What the role of a state machine with `states:startExecution.sync` needs on that rule."""

_NESTED_EXECUTION_ACTIONS: Final = ("states:DescribeExecution", "states:StopExecution")
SYNC_ACTIONS: Final[Mapping[tuple[str, str, str], tuple[str, ...]]] = MappingProxyType(
    {
        # https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
        ("glue", "startJobRun", ".sync"): ("glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"),
        # https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
        ("states", "startExecution", ".sync"): _NESTED_EXECUTION_ACTIONS,
        ("states", "startExecution", ".sync:2"): _NESTED_EXECUTION_ACTIONS,
    }
)
"""What a Task that waits calls beside its own API, on what it started: to follow it and to stop it.

By service, API and pattern.
"""

LOG_DELIVERY_ACTIONS: Final = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
"""What the role of a state machine that logs needs, on "*".

https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

_TRACES: Final = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
TRACE_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        # https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
        "lambda": _TRACES,
        # https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
        "states": (*_TRACES, "xray:GetSamplingRules", "xray:GetSamplingTargets"),
    }
)
"""What the role of a function or of a state machine that is traced needs, on "*", by service."""

GLUE_LOG_ACTIONS: Final = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
"""What the role of a Glue job needs below /aws-glue/: the first run of an account makes the groups.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSGlueServiceRole.html
"""
LIST_ACTIONS: Final = ("s3:GetBucketLocation", "s3:ListBucket")
"""What a job needs on a bucket to find objects below a prefix; Spark's S3 client asks for the region.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""
LIST_UPLOAD_ACTIONS: Final = ("s3:ListBucketMultipartUploads",)
"""What who looks for unfinished uploads needs on their bucket; the page is that of UPLOAD_ACTIONS."""
UPLOAD_ACTIONS: Final = (
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
"""What who writes objects needs on them: large ones go up in parts, and what a failed run wrote is taken back.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
"""

DATA_API_CREDENTIALS: Final = frozenset(
    {
        "redshift-serverless:GetCredentials",
        "redshift:GetClusterCredentials",
        "redshift:GetClusterCredentialsWithIAM",
        "secretsmanager:GetSecretValue",
    }
)
"""How the Redshift Data API gets its credentials, with the caller's permissions: it needs one of these.

https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-access.html
"""


def action(service: str, api: str) -> str:
    """The IAM action of an API, named as in the Resource of a Task: `redshiftdata`, `executeStatement`."""
    return _OTHER_ACTIONS.get((service, api), f"{service_names.of_iam(service)}:{api[:1].upper()}{api[1:]}")


# ---- The key of what a call touches ----

_DECRYPT: Final = "kms:Decrypt"
_GENERATE: Final = "kms:GenerateDataKey"
_SEND: Final = (_GENERATE, _DECRYPT)
_SECRET: Final = (_GENERATE, _DECRYPT)
DATA_API_KEY_ACTIONS: Final = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What who executes statements needs on the cluster's or the namespace's key; AWS's wildcards are named in full.

https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-kms.html
"""

CALLER_KEY_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        # An S3 Bucket Key spares requests to KMS, not permissions: each requester is checked.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
        "s3:GetObject": (_DECRYPT,),
        "s3:PutObject": (_GENERATE,),
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
        "s3:CreateMultipartUpload": (_GENERATE,),
        "s3:UploadPart": (_DECRYPT,),
        "s3:CompleteMultipartUpload": (_DECRYPT,),
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        "sns:Publish": _SEND,
        "sns:PublishBatch": _SEND,
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        "sqs:SendMessage": _SEND,
        "sqs:SendMessageBatch": _SEND,
        "sqs:ReceiveMessage": (_DECRYPT,),
        # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
        "secretsmanager:GetSecretValue": (_DECRYPT,),
        "secretsmanager:CreateSecret": _SECRET,
        "secretsmanager:PutSecretValue": _SECRET,
        "secretsmanager:UpdateSecret": _SECRET,
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
        "lambda:CreateFunction": ("kms:CreateGrant", "kms:Encrypt"),
        "lambda:UpdateFunctionConfiguration": ("kms:CreateGrant", "kms:Encrypt"),
        "lambda:GetFunctionConfiguration": (_DECRYPT,),
        # https://docs.aws.amazon.com/redshift/latest/mgmt/authorizing-kms-customer-managed-key.html
        "redshift:CreateCluster": ("kms:CreateGrant", "kms:DescribeKey"),
        "redshift-data:BatchExecuteStatement": DATA_API_KEY_ACTIONS,
        "redshift-data:ExecuteStatement": DATA_API_KEY_ACTIONS,
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html
        "scheduler:CreateSchedule": ("kms:DescribeKey", *_SEND),
        "scheduler:UpdateSchedule": ("kms:DescribeKey", *_SEND),
        "scheduler:GetSchedule": (_DECRYPT,),
    }
)
"""What a caller needs on the customer-managed key of a resource, by the API that it calls.

Key policy and the caller's own policies both decide: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

ROLE_KEY_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        # A function's environment is decrypted when an instance of it starts.
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
        "lambda": (_DECRYPT,),
        # A schedule's input is decrypted before its target is called.
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html
        "scheduler": (_DECRYPT,),
    }
)
"""What the role of a function or of a schedule needs on the key of that function or schedule, by service."""

LOG_GROUP_KEY_ACTIONS: Final = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What the key policy has to allow `logs.<region>.amazonaws.com`, with the log group's ARN as the encryption context.

What AWS writes with wildcards is named in full.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
"""
LOG_GROUP_CONTEXT: Final = "aws:logs:arn"
"""The key of that encryption context."""

SENDING_SERVICE_KEY_ACTIONS: Final = _SEND
"""What the key policy has to allow a service that itself sends to an encrypted topic or queue, by its principal.

EventBridge gives KMS neither `aws:SourceArn` nor `aws:SourceAccount`: a condition on them denies it.
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
"""
SENDERS_WITHOUT_SOURCE: Final = frozenset({"events.amazonaws.com"})
"""Those of them that give KMS no source to test."""

KEY_ERRORS: Final[Mapping[str, tuple[str, str, str, str]]] = MappingProxyType(
    {
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        "s3": ("AccessDenied", "KMS.NotFoundException", "KMS.DisabledException", "KMS.KMSInvalidStateException"),
        # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
        "sns": ("KMSAccessDenied", "KMSNotFound", "KMSDisabled", "KMSInvalidState"),
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
        "sqs": (
            "KMS.AccessDeniedException",
            "KMS.NotFoundException",
            "KMS.DisabledException",
            "KMS.InvalidStateException",
        ),
        # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        "lambda": (
            *("KMSAccessDeniedException", "KMSNotFoundException"),
            *("KMSDisabledException", "KMSInvalidStateException"),
        ),
    }
)
"""How a service names what is wrong with a key: no permission, no such key, disabled, another unusable state."""
KEY_ERROR: Final = "AccessDeniedException"
"""The name of other services for each of these."""

# ---- Log groups by resource policy ----

LOG_SENDERS: Final = ("delivery.logs.amazonaws.com", "events.amazonaws.com")
"""Whom a resource policy of CloudWatch Logs has to name, so that EventBridge can write to a log group.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-cloudwatchlogs-permissions
"""
LOG_SENDER_ACTIONS: Final[Mapping[str, bool]] = MappingProxyType(
    {"logs:CreateLogStream": False, "logs:PutLogEvents": True}
)
"""The actions that EventBridge needs there, and whether a condition on the source works for it.

https://github.com/hashicorp/terraform-provider-aws/issues/26628
"""
