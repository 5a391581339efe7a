"""What Terraform's AWS provider calls for each type in infra/, as IAM actions.

Besides the `sources` of a type: what AWS lists for the same type in CloudFormation (the schema's `handlers`), less what
infra/ does not set and plus what the provider's source calls. What a call needs on a key stands in
`permissions.CALLER_KEY_ACTIONS`, and here only where one of the sources asks for more.
https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations.html
https://github.com/hashicorp/terraform-provider-aws/tree/v5.100.0/internal/service
"""

from __future__ import annotations

from dataclasses import dataclass

_AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_"
_PROVIDER = "https://github.com/hashicorp/terraform-provider-aws/blob/v5.100.0/internal/service/"


@dataclass(frozen=True)
class Needs:
    """What a type of Terraform's needs.

    Attributes:
        sources: where that is said.
        read: for a plan, and after each change.
        create: to make it, with its tags, and to wait until it is there.
        update: to change what can be changed in place.
        delete: to take it away.
        passed_to: the service that a role is handed to (iam:PassRole), or empty.
    """

    sources: tuple[str, ...]
    read: tuple[str, ...] = ()
    create: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    passed_to: str = ""

    @property
    def all(self) -> frozenset[str]:
        """Every action, with iam:PassRole where a role is handed over."""
        passing = ("iam:PassRole",) if self.passed_to else ()
        return frozenset((*self.read, *self.create, *self.update, *self.delete, *passing))


# Redshift encrypts for the caller as the caller.
_MAKE_WITH_KEY = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:RetireGrant")
# Redshift makes, rotates and deletes the secret of its password as the caller too.
_MANAGED_SECRET = (
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetRandomPassword",
    "secretsmanager:RotateSecret",
    "secretsmanager:TagResource",
    "secretsmanager:UpdateSecret",
)
# Redshift looks at the network as the caller. What it makes there it makes as its service-linked role:
# https://docs.aws.amazon.com/redshift/latest/mgmt/using-service-linked-roles.html
_LOOK_AT_NETWORK = (
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAddresses",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
_REDSHIFT = (f"{_AUTHORIZATION}amazonredshift.html",)
_SERVERLESS = (f"{_AUTHORIZATION}amazonredshiftserverless.html",)
_S3 = (f"{_AUTHORIZATION}amazons3.html", f"{_PROVIDER}s3/bucket.go")


def _bucket_part(read: str, change: str, delete: str = "") -> Needs:
    """A part of a bucket's configuration: taking it away writes an empty one unless there is an action of its own."""
    return Needs(_S3, read=("s3:ListBucket", read), create=(change,), update=(change,), delete=(delete or change,))


TERRAFORM: dict[str, Needs] = {
    "aws_cloudwatch_dashboard": Needs(
        (f"{_AUTHORIZATION}amazoncloudwatch.html",),
        read=("cloudwatch:GetDashboard",),
        create=("cloudwatch:PutDashboard",),
        update=("cloudwatch:PutDashboard",),
        delete=("cloudwatch:DeleteDashboards",),
    ),
    "aws_cloudwatch_event_rule": Needs(
        (f"{_AUTHORIZATION}amazoneventbridge.html",),
        read=("events:DescribeRule", "events:ListTagsForResource"),
        create=("events:PutRule", "events:TagResource"),
        update=("events:PutRule", "events:TagResource", "events:UntagResource"),
        delete=("events:DeleteRule",),
    ),
    "aws_cloudwatch_event_target": Needs(
        (f"{_AUTHORIZATION}amazoneventbridge.html",),
        read=("events:ListTargetsByRule",),
        create=("events:PutTargets",),
        update=("events:PutTargets",),
        delete=("events:RemoveTargets",),
        passed_to="events.amazonaws.com",
    ),
    "aws_cloudwatch_log_group": Needs(
        (f"{_AUTHORIZATION}amazoncloudwatchlogs.html", f"{_PROVIDER}logs/group.go"),
        read=("logs:DescribeLogGroups", "logs:ListTagsForResource"),
        create=("logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource"),
        update=(
            "logs:AssociateKmsKey",
            "logs:DeleteRetentionPolicy",
            "logs:DisassociateKmsKey",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "logs:UntagResource",
        ),
        delete=("logs:DeleteLogGroup",),
    ),
    "aws_cloudwatch_log_resource_policy": Needs(
        (f"{_AUTHORIZATION}amazoncloudwatchlogs.html",),
        read=("logs:DescribeResourcePolicies",),
        create=("logs:PutResourcePolicy",),
        update=("logs:PutResourcePolicy",),
        delete=("logs:DeleteResourcePolicy",),
    ),
    "aws_cloudwatch_metric_alarm": Needs(
        (f"{_AUTHORIZATION}amazoncloudwatch.html",),
        read=("cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"),
        create=("cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"),
        update=("cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"),
        delete=("cloudwatch:DeleteAlarms",),
    ),
    "aws_glue_job": Needs(
        (f"{_AUTHORIZATION}awsglue.html",),
        read=("glue:GetJob", "glue:GetTags"),
        create=("glue:CreateJob", "glue:TagResource"),
        update=("glue:TagResource", "glue:UntagResource", "glue:UpdateJob"),
        delete=("glue:DeleteJob",),
        passed_to="glue.amazonaws.com",
    ),
    "aws_iam_role": Needs(
        (f"{_AUTHORIZATION}awsidentityandaccessmanagementiam.html", f"{_PROVIDER}iam/role.go"),
        read=("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
        create=("iam:CreateRole", "iam:TagRole"),
        update=(
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            "iam:UpdateRoleDescription",
        ),
        delete=("iam:DeleteRole", "iam:ListInstanceProfilesForRole"),
    ),
    "aws_iam_role_policy": Needs(
        (f"{_AUTHORIZATION}awsidentityandaccessmanagementiam.html",),
        read=("iam:GetRolePolicy",),
        create=("iam:PutRolePolicy",),
        update=("iam:PutRolePolicy",),
        delete=("iam:DeleteRolePolicy",),
    ),
    "aws_kms_alias": Needs(
        ("https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html",),
        read=("kms:ListAliases",),
        create=("kms:CreateAlias",),
        update=("kms:UpdateAlias",),
        delete=("kms:DeleteAlias",),
    ),
    "aws_kms_key": Needs(
        (f"{_AUTHORIZATION}awskeymanagementservice.html", f"{_PROVIDER}kms/key.go"),
        read=("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"),
        create=("kms:CreateKey", "kms:EnableKeyRotation", "kms:TagResource"),
        update=(
            "kms:DisableKey",
            "kms:DisableKeyRotation",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:PutKeyPolicy",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:UpdateKeyDescription",
        ),
        delete=("kms:ScheduleKeyDeletion",),
    ),
    # To take it away is to give the key its default policy.
    "aws_kms_key_policy": Needs(
        (f"{_PROVIDER}kms/key_policy.go",),
        read=("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"),
        create=("kms:PutKeyPolicy",),
        update=("kms:PutKeyPolicy",),
        delete=("kms:PutKeyPolicy",),
    ),
    "aws_lambda_function": Needs(
        (
            f"{_AUTHORIZATION}awslambda.html",
            "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html",
        ),
        # Without kms:Decrypt the environment reads as empty, and every plan changes it.
        read=(
            "kms:Decrypt",
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:ListTags",
            "lambda:ListVersionsByFunction",
        ),
        create=("kms:GenerateDataKey", "lambda:CreateFunction", "lambda:TagResource"),
        update=(
            "kms:GenerateDataKey",
            "lambda:DeleteFunctionConcurrency",
            "lambda:GetFunctionConfiguration",
            "lambda:PutFunctionConcurrency",
            "lambda:TagResource",
            "lambda:UntagResource",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ),
        delete=("lambda:DeleteFunction",),
        passed_to="lambda.amazonaws.com",
    ),
    "aws_lambda_permission": Needs(
        (f"{_AUTHORIZATION}awslambda.html", f"{_PROVIDER}lambda/permission.go"),
        read=("lambda:GetPolicy",),
        create=("lambda:AddPermission", "lambda:GetPolicy"),
        delete=("lambda:GetPolicy", "lambda:RemovePermission"),
    ),
    "aws_redshift_cluster": Needs(
        (*_REDSHIFT, "https://docs.aws.amazon.com/redshift/latest/mgmt/redshift-secrets-manager-integration.html"),
        read=("redshift:DescribeClusters", "redshift:DescribeLoggingStatus", "redshift:DescribeTags"),
        create=(
            *_MAKE_WITH_KEY,
            *_MANAGED_SECRET,
            *_LOOK_AT_NETWORK,
            "ec2:DescribeNetworkAcls",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeVpcEndpoints",
            "redshift:CreateCluster",
            "redshift:CreateTags",
        ),
        update=(
            *_MAKE_WITH_KEY,
            *_MANAGED_SECRET,
            "redshift:CreateTags",
            "redshift:DeleteTags",
            "redshift:ModifyCluster",
            "redshift:ModifyClusterIamRoles",
            "redshift:RebootCluster",
        ),
        delete=("redshift:DeleteCluster",),
        passed_to="redshift.amazonaws.com",
    ),
    "aws_redshift_logging": Needs(
        _REDSHIFT,
        read=("redshift:DescribeLoggingStatus",),
        create=("redshift:EnableLogging",),
        update=("redshift:EnableLogging",),
        delete=("redshift:DisableLogging",),
    ),
    "aws_redshift_parameter_group": Needs(
        _REDSHIFT,
        read=("redshift:DescribeClusterParameterGroups", "redshift:DescribeClusterParameters", "redshift:DescribeTags"),
        create=("redshift:CreateClusterParameterGroup", "redshift:CreateTags", "redshift:ModifyClusterParameterGroup"),
        update=(
            "redshift:CreateTags",
            "redshift:DeleteTags",
            "redshift:ModifyClusterParameterGroup",
            "redshift:ResetClusterParameterGroup",
        ),
        delete=("redshift:DeleteClusterParameterGroup",),
    ),
    "aws_redshift_subnet_group": Needs(
        _REDSHIFT,
        read=(*_LOOK_AT_NETWORK, "redshift:DescribeClusterSubnetGroups", "redshift:DescribeTags"),
        create=("redshift:CreateClusterSubnetGroup", "redshift:CreateTags"),
        update=("redshift:CreateTags", "redshift:DeleteTags", "redshift:ModifyClusterSubnetGroup"),
        delete=("redshift:DeleteClusterSubnetGroup",),
    ),
    "aws_redshiftserverless_namespace": Needs(
        _SERVERLESS,
        read=("redshift-serverless:GetNamespace", "redshift-serverless:ListTagsForResource"),
        create=(
            *_MAKE_WITH_KEY,
            *_MANAGED_SECRET,
            "redshift-serverless:CreateNamespace",
            "redshift-serverless:TagResource",
        ),
        update=(
            *_MAKE_WITH_KEY,
            *_MANAGED_SECRET,
            "redshift-serverless:TagResource",
            "redshift-serverless:UntagResource",
            "redshift-serverless:UpdateNamespace",
        ),
        delete=("redshift-serverless:DeleteNamespace",),
        passed_to="redshift-serverless.amazonaws.com",
    ),
    "aws_redshiftserverless_workgroup": Needs(
        _SERVERLESS,
        read=(
            *_LOOK_AT_NETWORK,
            "ec2:DescribeVpcAttribute",
            "redshift-serverless:GetWorkgroup",
            "redshift-serverless:ListTagsForResource",
        ),
        create=(
            "redshift-serverless:CreateWorkgroup",
            "redshift-serverless:GetNamespace",
            "redshift-serverless:TagResource",
        ),
        update=(
            "redshift-serverless:TagResource",
            "redshift-serverless:UntagResource",
            "redshift-serverless:UpdateWorkgroup",
        ),
        delete=("redshift-serverless:DeleteWorkgroup",),
    ),
    "aws_s3_bucket": Needs(
        _S3,
        read=(
            "s3:GetAccelerateConfiguration",
            "s3:GetBucketAcl",
            "s3:GetBucketCORS",
            "s3:GetBucketLocation",
            "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketPolicy",
            "s3:GetBucketRequestPayment",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
        ),
        create=("s3:CreateBucket", "s3:PutBucketTagging"),
        update=("s3:PutBucketTagging",),
        # What force_destroy deletes are rows, which the roles may not touch: infra/bootstrap/README.md.
        delete=("s3:DeleteBucket", "s3:ListBucketVersions"),
    ),
    "aws_s3_bucket_lifecycle_configuration": _bucket_part(
        "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"
    ),
    "aws_s3_bucket_notification": _bucket_part("s3:GetBucketNotification", "s3:PutBucketNotification"),
    "aws_s3_bucket_ownership_controls": _bucket_part("s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
    "aws_s3_bucket_policy": _bucket_part("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
    "aws_s3_bucket_public_access_block": _bucket_part("s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    "aws_s3_bucket_server_side_encryption_configuration": _bucket_part(
        "s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"
    ),
    "aws_s3_bucket_versioning": _bucket_part("s3:GetBucketVersioning", "s3:PutBucketVersioning"),
    "aws_s3_object": Needs(
        (
            f"{_PROVIDER}s3/object.go",
            "https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html",
        ),
        read=("s3:GetObject", "s3:GetObjectTagging", "s3:ListBucket"),
        create=("s3:PutObject", "s3:PutObjectTagging"),
        update=("s3:PutObject", "s3:PutObjectTagging"),
        delete=("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"),
    ),
    "aws_scheduler_schedule": Needs(
        (
            f"{_AUTHORIZATION}amazoneventbridgescheduler.html",
            "https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html",
        ),
        read=("scheduler:GetSchedule",),
        create=("scheduler:CreateSchedule",),
        update=("scheduler:UpdateSchedule",),
        delete=("scheduler:DeleteSchedule",),
        passed_to="scheduler.amazonaws.com",
    ),
    "aws_scheduler_schedule_group": Needs(
        (f"{_AUTHORIZATION}amazoneventbridgescheduler.html",),
        read=("scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"),
        create=("scheduler:CreateScheduleGroup", "scheduler:TagResource"),
        update=("scheduler:TagResource", "scheduler:UntagResource"),
        delete=("scheduler:DeleteSchedule", "scheduler:DeleteScheduleGroup"),
    ),
    "aws_secretsmanager_secret": Needs(
        (f"{_AUTHORIZATION}awssecretsmanager.html", f"{_PROVIDER}secretsmanager/secret.go"),
        read=("secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"),
        create=("secretsmanager:CreateSecret", "secretsmanager:TagResource"),
        update=("secretsmanager:TagResource", "secretsmanager:UntagResource", "secretsmanager:UpdateSecret"),
        delete=("secretsmanager:DeleteSecret",),
    ),
    "aws_sfn_state_machine": Needs(
        (
            f"{_AUTHORIZATION}awsstepfunctions.html",
            # Who sets up the logs of a state machine needs the delivery's actions too.
            "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V1-CloudWatchLogs.html",
        ),
        read=(
            "states:DescribeStateMachine",
            "states:ListStateMachineVersions",
            "states:ListTagsForResource",
            "states:ValidateStateMachineDefinition",
        ),
        create=(
            "logs:CreateLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:PutResourcePolicy",
            "states:CreateStateMachine",
            "states:TagResource",
        ),
        update=(
            "logs:CreateLogDelivery",
            "states:TagResource",
            "states:UntagResource",
            "states:UpdateStateMachine",
        ),
        delete=("states:DeleteStateMachine",),
        passed_to="states.amazonaws.com",
    ),
    "aws_sns_topic": Needs(
        (f"{_AUTHORIZATION}amazonsns.html",),
        read=("sns:GetTopicAttributes", "sns:ListTagsForResource"),
        create=("sns:CreateTopic", "sns:SetTopicAttributes", "sns:TagResource"),
        update=("sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource"),
        delete=("sns:DeleteTopic",),
    ),
    # Its protocol, endpoint and topic cannot be changed in place, and infra/ sets nothing else.
    "aws_sns_topic_subscription": Needs(
        (f"{_AUTHORIZATION}amazonsns.html",),
        read=("sns:GetSubscriptionAttributes", "sns:ListSubscriptionsByTopic"),
        create=("sns:Subscribe",),
        delete=("sns:Unsubscribe",),
    ),
    "aws_sqs_queue": Needs(
        (f"{_AUTHORIZATION}amazonsqs.html",),
        read=("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"),
        create=("sqs:CreateQueue", "sqs:TagQueue"),
        update=("sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"),
        delete=("sqs:DeleteQueue",),
    ),
    # Everybody may ask STS who he is; partition and region are asked of nobody.
    "data.aws_caller_identity": Needs(
        ("https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html",)
    ),
    "data.aws_partition": Needs((f"{_PROVIDER}meta/partition_data_source.go",)),
    "data.aws_region": Needs((f"{_PROVIDER}meta/region_data_source.go",)),
    "data.aws_redshiftserverless_workgroup": Needs(_SERVERLESS, read=("redshift-serverless:GetWorkgroup",)),
}

# What the apply role does besides: `nox -s schema`, which makes tables, compares their columns with the contracts, and
# makes the user that loads, with a password that it puts into that user's secret.
SCHEMA = Needs(
    ("https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-iam.html",),
    read=(
        "lambda:GetFunctionConfiguration",
        "redshift-data:DescribeStatement",
        "redshift-data:GetStatementResult",
    ),
    create=(
        "lambda:InvokeFunction",
        "redshift-data:BatchExecuteStatement",
        "redshift-data:ExecuteStatement",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
    ),
)

# What `nox -s preflight` asks besides, as who plans or applies.
PREFLIGHT = Needs(
    (
        "https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_servicequotas.html",
    ),
    read=(
        "glue:GetJob",
        "iam:GetRole",
        "iam:ListOpenIDConnectProviders",
        "iam:SimulatePrincipalPolicy",
        "kms:DescribeKey",
        "lambda:GetFunctionConfiguration",
        "logs:DescribeResourcePolicies",
        "redshift:DescribeClusters",
        "redshift:DescribeOrderableClusterOptions",
        "redshift-serverless:GetNamespace",
        "redshift-serverless:GetWorkgroup",
        "s3:GetEncryptionConfiguration",
        "secretsmanager:DescribeSecret",
        "servicequotas:ListAWSDefaultServiceQuotas",
        "servicequotas:ListServiceQuotas",
        "sns:GetTopicAttributes",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "states:DescribeStateMachine",
        "states:TestState",
        "states:ValidateStateMachineDefinition",
    ),
)
