"""The resources that AWS checks the actions of a deployment on: "Resource types" in its authorization reference.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

# For these AWS knows no resource: a statement allows them with "*" or not at all.
WITHOUT_RESOURCE = frozenset(
    {
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAddresses",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcs",
        "iam:ListOpenIDConnectProviders",
        "kms:CreateKey",
        "kms:ListAliases",
        "logs:CreateLogDelivery",
        "logs:DeleteResourcePolicy",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:PutResourcePolicy",
        "redshift-data:DescribeStatement",
        "redshift-data:GetStatementResult",
        "redshift:DescribeClusterParameterGroups",
        "redshift:DescribeClusterSubnetGroups",
        "redshift:DescribeClusters",
        "redshift:DescribeOrderableClusterOptions",
        "secretsmanager:GetRandomPassword",
        "servicequotas:ListAWSDefaultServiceQuotas",
        "servicequotas:ListServiceQuotas",
        "sns:GetSubscriptionAttributes",
        "sns:Unsubscribe",
        "states:TestState",
        "states:ValidateStateMachineDefinition",
    }
)

# What the other actions of a service are checked on, after arn:<partition>:. {place} is <region>:<account>, {name}
# begins with the environment's prefix, {any} is whatever AWS or the package calls it.
_ARNS = {
    "cloudwatch": ("cloudwatch:{place}:alarm:{name}",),
    "events": ("events:{place}:rule/{name}",),
    "glue": ("glue:{place}:job/{name}",),
    "iam": ("iam::{account}:role/{name}",),
    "kms": ("kms:{place}:key/{any}",),
    "lambda": ("lambda:{place}:function:{name}",),
    "logs": ("logs:{place}:log-group:{group}{name}",),
    "redshift": ("redshift:{place}:cluster:{name}",),
    "redshift-serverless": (
        "redshift-serverless:{place}:namespace/{any}",
        "redshift-serverless:{place}:workgroup/{any}",
    ),
    "s3": ("s3:::{bucket}",),
    "scheduler": ("scheduler:{place}:schedule/{name}/{any}",),
    # Redshift's own of a cluster, and the environment's.
    "secretsmanager": ("secretsmanager:{place}:secret:redshift!{name}", "secretsmanager:{place}:secret:{name}"),
    "sns": ("sns:{place}:{name}",),
    "sqs": ("sqs:{place}:{name}",),
    "states": ("states:{place}:stateMachine:{name}",),
}
# … and those that are checked on another one.
_PARAMETER_GROUP = ("redshift:{place}:parametergroup:{name}",)
_SUBNET_GROUP = ("redshift:{place}:subnetgroup:{name}",)
_SCHEDULE_GROUP = ("scheduler:{place}:schedule-group/{name}",)
_DASHBOARD = ("cloudwatch::{account}:dashboard/{name}",)
_OBJECT = ("s3:::{artifacts}/{any}",)
_ALIAS = ("kms:{place}:alias/{name}", "kms:{place}:key/{any}")
_WAREHOUSE = (*_ARNS["redshift"], "redshift-serverless:{place}:workgroup/{any}")
_MANAGED_SECRET = ("secretsmanager:{place}:secret:redshift!{name}",)
_OWN_SECRET = ("secretsmanager:{place}:secret:{name}",)
_REDSHIFT_TAGGED = (*_ARNS["redshift"], *_PARAMETER_GROUP, *_SUBNET_GROUP)
_ARNS_OF_ACTION = {
    # AWS checks it on all alarms, whatever names are asked for: https://github.com/mattclay/aws-terminator/pull/63
    "cloudwatch:DescribeAlarms": ("cloudwatch:{place}:alarm:*",),
    "cloudwatch:DeleteDashboards": _DASHBOARD,
    "cloudwatch:GetDashboard": _DASHBOARD,
    "cloudwatch:PutDashboard": _DASHBOARD,
    "ec2:DescribeVpcAttribute": ("ec2:{place}:vpc/{any}",),
    "kms:CreateAlias": _ALIAS,
    "kms:DeleteAlias": _ALIAS,
    "kms:UpdateAlias": _ALIAS,
    "redshift:CreateClusterParameterGroup": _PARAMETER_GROUP,
    "redshift:CreateClusterSubnetGroup": _SUBNET_GROUP,
    "redshift:CreateTags": _REDSHIFT_TAGGED,
    "redshift:DeleteClusterParameterGroup": _PARAMETER_GROUP,
    "redshift:DeleteClusterSubnetGroup": _SUBNET_GROUP,
    "redshift:DeleteTags": _REDSHIFT_TAGGED,
    "redshift:DescribeClusterParameters": _PARAMETER_GROUP,
    "redshift:DescribeTags": _REDSHIFT_TAGGED,
    "redshift:ModifyClusterParameterGroup": _PARAMETER_GROUP,
    "redshift:ModifyClusterSubnetGroup": _SUBNET_GROUP,
    "redshift:ResetClusterParameterGroup": _PARAMETER_GROUP,
    "redshift-data:BatchExecuteStatement": _WAREHOUSE,
    "redshift-data:ExecuteStatement": _WAREHOUSE,
    "s3:DeleteObject": _OBJECT,
    "s3:DeleteObjectVersion": _OBJECT,
    "s3:GetObject": _OBJECT,
    "s3:GetObjectTagging": _OBJECT,
    "s3:PutObject": _OBJECT,
    "s3:PutObjectTagging": _OBJECT,
    "scheduler:CreateScheduleGroup": _SCHEDULE_GROUP,
    "scheduler:DeleteScheduleGroup": _SCHEDULE_GROUP,
    "scheduler:GetScheduleGroup": _SCHEDULE_GROUP,
    "scheduler:ListTagsForResource": _SCHEDULE_GROUP,
    "scheduler:TagResource": _SCHEDULE_GROUP,
    "scheduler:UntagResource": _SCHEDULE_GROUP,
    # What Terraform and `nox -s schema` do to the environment's secret alone, and Redshift to its own alone.
    "secretsmanager:GetResourcePolicy": _OWN_SECRET,
    "secretsmanager:PutSecretValue": _OWN_SECRET,
    "secretsmanager:RotateSecret": _MANAGED_SECRET,
    "secretsmanager:UntagResource": _OWN_SECRET,
}


def arn_forms(action: str) -> tuple[str, ...]:
    """The resources that AWS checks an action on, each of which has to be allowed; ("*",) where it knows none.

    Raises:
        KeyError: nothing is known of the action's service.
    """
    if action in WITHOUT_RESOURCE:
        return ("*",)
    own = _ARNS_OF_ACTION.get(action) or _ARNS[action.partition(":")[0]]
    return tuple(f"arn:{{partition}}:{form}" for form in own)
