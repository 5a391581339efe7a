# Every action is named in full: an action that a new resource needs shows as AccessDenied and is added here. Resources
# are those of the environment's prefix; where AWS knows no resource for an action, "*" stands with the reason beside
# it.

locals {
  scopes = {
    for key, role in local.roles : key => {
      regional = "${var.region}:${local.account_id}"
      prefix   = role.prefix
      buckets = [
        for kind in ["artifacts", "lake", "raw"] :
        "arn:${local.partition}:s3:::${role.prefix}-${kind}-${local.account_id}-${var.region}"
      ]
      serverless = [
        for kind in ["namespace", "workgroup"] :
        "arn:${local.partition}:redshift-serverless:${var.region}:${local.account_id}:${kind}/*"
      ]
      state = join("/", [
        "arn:${local.partition}:s3:::${local.state_bucket}/${var.state_key_prefix}/${role.environment}",
        "terraform.tfstate",
      ])
      plans = "arn:${local.partition}:s3:::${local.state_bucket}/${var.state_key_prefix}/${role.environment}/plans/*"
    }
  }

  # What a role makes has the tag of its prefix from the start. What has another one's is not to be tagged anew.
  new_for = {
    for key, role in local.roles : key => {
      StringEquals         = { "aws:RequestTag/Pipeline" = role.prefix }
      StringEqualsIfExists = { "aws:ResourceTag/Pipeline" = role.prefix }
    }
  }

  # The key that the environment encrypts with: the one that it made itself, or one that it was given.
  used_keys = {
    for key, role in local.roles : key => {
      arns = (
        role.kms_key_arn == null
        ? ["arn:${local.partition}:kms:${var.region}:${local.account_id}:key/*"]
        : [role.kms_key_arn]
      )
      condition = {
        for test, values in { StringEquals = { "aws:ResourceTag/Pipeline" = role.prefix } } :
        test => values if role.kms_key_arn == null
      }
    }
  }

  # By service: what Terraform reads, what it changes, and the resources that both are limited to.
  services = {
    for key, scope in local.scopes : key => {
      Buckets = {
        read = [
          "s3:GetAccelerateConfiguration", "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketLocation",
          "s3:GetBucketLogging", "s3:GetBucketNotification", "s3:GetBucketObjectLockConfiguration",
          "s3:GetBucketOwnershipControls", "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock",
          "s3:GetBucketRequestPayment", "s3:GetBucketTagging", "s3:GetBucketVersioning", "s3:GetBucketWebsite",
          "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration",
          "s3:ListBucket", "s3:ListBucketVersions",
        ]
        write = [
          "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:PutBucketNotification",
          "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging",
          "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
        ]
        resources = scope.buckets
      }
      # The package. Rows are for the jobs alone.
      Artifacts = {
        read      = ["s3:GetObject", "s3:GetObjectTagging"]
        write     = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject", "s3:PutObjectTagging"]
        resources = ["${scope.buckets[0]}/*"]
      }
      Lambda = {
        read = [
          "lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionConfiguration",
          "lambda:GetPolicy", "lambda:ListTags", "lambda:ListVersionsByFunction",
        ]
        write = [
          "lambda:AddPermission", "lambda:CreateFunction", "lambda:DeleteFunction", "lambda:DeleteFunctionConcurrency",
          "lambda:PutFunctionConcurrency", "lambda:RemovePermission", "lambda:TagResource", "lambda:UntagResource",
          "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
          # `nox -s schema` asks the function for the statements.
          "lambda:InvokeFunction",
        ]
        resources = ["arn:${local.partition}:lambda:${scope.regional}:function:${scope.prefix}-*"]
      }
      Glue = {
        read      = ["glue:GetJob", "glue:GetTags"]
        write     = ["glue:CreateJob", "glue:DeleteJob", "glue:TagResource", "glue:UntagResource", "glue:UpdateJob"]
        resources = ["arn:${local.partition}:glue:${scope.regional}:job/${scope.prefix}-*"]
      }
      StateMachines = {
        read = ["states:DescribeStateMachine", "states:ListStateMachineVersions", "states:ListTagsForResource"]
        write = [
          "states:CreateStateMachine", "states:DeleteStateMachine", "states:TagResource", "states:UntagResource",
          "states:UpdateStateMachine",
        ]
        resources = ["arn:${local.partition}:states:${scope.regional}:stateMachine:${scope.prefix}-*"]
      }
      Topics = {
        read = ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"]
        write = [
          "sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource",
          "sns:UntagResource",
        ]
        resources = ["arn:${local.partition}:sns:${scope.regional}:${scope.prefix}-*"]
      }
      Queues = {
        read      = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"]
        write     = ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"]
        resources = ["arn:${local.partition}:sqs:${scope.regional}:${scope.prefix}-*"]
      }
      Rules = {
        read = ["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"]
        write = [
          "events:DeleteRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets",
          "events:TagResource", "events:UntagResource",
        ]
        resources = ["arn:${local.partition}:events:${scope.regional}:rule/${scope.prefix}-*"]
      }
      Schedules = {
        read = ["scheduler:GetSchedule", "scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"]
        write = [
          "scheduler:CreateSchedule", "scheduler:CreateScheduleGroup", "scheduler:DeleteSchedule",
          "scheduler:DeleteScheduleGroup", "scheduler:TagResource", "scheduler:UntagResource",
          "scheduler:UpdateSchedule",
        ]
        resources = [
          for kind in ["schedule", "schedule-group"] :
          "arn:${local.partition}:scheduler:${scope.regional}:${kind}/${scope.prefix}-*"
        ]
      }
      Logs = {
        read = ["logs:ListTagsForResource"]
        write = [
          "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy",
          "logs:DisassociateKmsKey", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
        ]
        resources = [
          for group in ["/aws/lambda/", "/aws/vendedlogs/states/", "/aws/events/"] :
          "arn:${local.partition}:logs:${scope.regional}:log-group:${group}${scope.prefix}-*"
        ]
      }
      Alarms = {
        read = ["cloudwatch:ListTagsForResource"]
        write = [
          "cloudwatch:DeleteAlarms",
          "cloudwatch:PutMetricAlarm",
          "cloudwatch:TagResource",
          "cloudwatch:UntagResource",
        ]
        resources = ["arn:${local.partition}:cloudwatch:${scope.regional}:alarm:${scope.prefix}-*"]
      }
      # AWS checks this on all alarms, whichever are asked for.
      AllAlarms = {
        read      = ["cloudwatch:DescribeAlarms"]
        write     = []
        resources = ["arn:${local.partition}:cloudwatch:${scope.regional}:alarm:*"]
      }
      Dashboards = {
        read      = ["cloudwatch:GetDashboard"]
        write     = ["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"]
        resources = ["arn:${local.partition}:cloudwatch::${local.account_id}:dashboard/${scope.prefix}-*"]
      }
      Redshift = {
        read = ["redshift:DescribeClusterParameters", "redshift:DescribeLoggingStatus", "redshift:DescribeTags"]
        write = [
          "redshift:CreateCluster", "redshift:CreateClusterParameterGroup", "redshift:CreateClusterSubnetGroup",
          "redshift:CreateTags", "redshift:DeleteCluster", "redshift:DeleteClusterParameterGroup",
          "redshift:DeleteClusterSubnetGroup", "redshift:DeleteTags", "redshift:DisableLogging",
          "redshift:EnableLogging", "redshift:ModifyCluster", "redshift:ModifyClusterIamRoles",
          "redshift:ModifyClusterParameterGroup", "redshift:ModifyClusterSubnetGroup", "redshift:RebootCluster",
          "redshift:ResetClusterParameterGroup",
        ]
        resources = [
          for kind in ["cluster", "parametergroup", "subnetgroup", "snapshot"] :
          "arn:${local.partition}:redshift:${scope.regional}:${kind}:${scope.prefix}-*"
        ]
      }
      # Namespaces and workgroups have no names in their ARNs. To describe them takes no tag, since Terraform also asks
      # for those that are gone; to change them takes the tag that Terraform gives everything (providers.tf).
      Serverless = {
        read = [
          "redshift-serverless:GetNamespace",
          "redshift-serverless:GetWorkgroup",
          "redshift-serverless:ListTagsForResource",
        ]
        write     = []
        resources = scope.serverless
      }
      OwnServerless = {
        read = []
        write = [
          "redshift-serverless:DeleteNamespace", "redshift-serverless:DeleteWorkgroup",
          "redshift-serverless:TagResource", "redshift-serverless:UntagResource", "redshift-serverless:UpdateNamespace",
          "redshift-serverless:UpdateWorkgroup",
        ]
        resources = scope.serverless
        condition = { StringEquals = { "aws:ResourceTag/Pipeline" = scope.prefix } }
      }
      NewServerless = {
        read = []
        write = [
          "redshift-serverless:CreateNamespace",
          "redshift-serverless:CreateWorkgroup",
          "redshift-serverless:TagResource",
        ]
        resources = scope.serverless
        condition = local.new_for[key]
      }
      # `nox -s schema` asks which columns there are, and makes tables, the user that loads and its grants.
      Queries = {
        read      = []
        write     = ["redshift-data:BatchExecuteStatement", "redshift-data:ExecuteStatement"]
        resources = ["arn:${local.partition}:redshift:${scope.regional}:cluster:${scope.prefix}-*"]
      }
      ServerlessQueries = {
        read      = []
        write     = ["redshift-data:BatchExecuteStatement", "redshift-data:ExecuteStatement"]
        resources = ["arn:${local.partition}:redshift-serverless:${scope.regional}:workgroup/*"]
        condition = { StringEquals = { "aws:ResourceTag/Pipeline" = scope.prefix } }
      }
      # The secret that Redshift makes for the cluster's password. Its value is for `nox -s schema`, and not for a plan.
      Secrets = {
        read = ["secretsmanager:DescribeSecret"]
        write = [
          "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:GetSecretValue",
          "secretsmanager:RotateSecret", "secretsmanager:TagResource", "secretsmanager:UpdateSecret",
        ]
        resources = ["arn:${local.partition}:secretsmanager:${scope.regional}:secret:redshift!${scope.prefix}-*"]
      }
      # That of the user that loads, whose password `nox -s schema` makes.
      OwnSecrets = {
        read = ["secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"]
        write = [
          "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:GetSecretValue",
          "secretsmanager:PutSecretValue", "secretsmanager:TagResource", "secretsmanager:UntagResource",
          "secretsmanager:UpdateSecret",
        ]
        resources = ["arn:${local.partition}:secretsmanager:${scope.regional}:secret:${scope.prefix}-*"]
      }
      Roles = {
        read = [
          "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
          "iam:ListRolePolicies",
        ]
        write = [
          "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy", "iam:TagRole",
          "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
        ]
        resources = ["arn:${local.partition}:iam::${local.account_id}:role/${scope.prefix}-*"]
      }
      # `nox -s preflight` asks what the environment's roles, and the role itself, may do.
      Simulations = {
        read  = ["iam:GetRole", "iam:SimulatePrincipalPolicy"]
        write = []
        resources = [
          for name in ["${scope.prefix}-*", "github-${key}"] :
          "arn:${local.partition}:iam::${local.account_id}:role/${name}"
        ]
      }
      # A key has no name: the tag that Terraform gives everything (providers.tf) stands for the prefix.
      Keys = {
        read = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"]
        write = [
          "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DisableKey", "kms:DisableKeyRotation",
          "kms:EnableKey", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource",
          "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
        ]
        resources = ["arn:${local.partition}:kms:${scope.regional}:key/*"]
        condition = { StringEquals = { "aws:ResourceTag/Pipeline" = scope.prefix } }
      }
      NewKeys = {
        read      = []
        write     = ["kms:CreateKey", "kms:TagResource"]
        resources = ["*"] # a key that is not there yet
        condition = local.new_for[key]
      }
      # Lambda, S3, Scheduler, Redshift and Secrets Manager encrypt with the key, and decrypt, as who asks them to. A
      # plan reads the function's environment, the package and the schedules.
      UseKey = {
        read = ["kms:Decrypt", "kms:DescribeKey"]
        write = [
          "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
          "kms:ReEncryptTo", "kms:RetireGrant",
        ]
        resources = local.used_keys[key].arns
        condition = local.used_keys[key].condition
      }
      # Only for a service of AWS that is to use the key for what the role makes.
      GrantKey = {
        read      = []
        write     = ["kms:CreateGrant"]
        resources = local.used_keys[key].arns
        condition = merge(local.used_keys[key].condition, { Bool = { "kms:GrantIsForAWSResource" = "true" } })
      }
      Aliases = {
        read      = []
        write     = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
        resources = ["arn:${local.partition}:kms:${scope.regional}:alias/${scope.prefix}-*"]
      }
      # For these AWS accepts no other resource than "*": lists and descriptions, a definition that is checked before it
      # has a name, single states, quotas, identity providers, subscriptions, passwords, statements (only one's own),
      # and the resource policies and deliveries of CloudWatch Logs, which belong to the account. (A VPC has an ARN, but
      # only its ID.)
      Account = {
        read = [
          "ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeAvailabilityZones",
          "ec2:DescribeInternetGateways", "ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
          "iam:ListOpenIDConnectProviders", "kms:ListAliases", "logs:DescribeLogGroups",
          "logs:DescribeResourcePolicies", "redshift:DescribeClusterParameterGroups",
          "redshift:DescribeClusterSubnetGroups", "redshift:DescribeClusters",
          "redshift:DescribeOrderableClusterOptions", "servicequotas:ListAWSDefaultServiceQuotas",
          "servicequotas:ListServiceQuotas", "sns:GetSubscriptionAttributes", "states:TestState",
          "states:ValidateStateMachineDefinition",
        ]
        write = [
          "logs:CreateLogDelivery", "logs:DeleteResourcePolicy", "logs:PutResourcePolicy",
          "redshift-data:DescribeStatement", "redshift-data:GetStatementResult", "secretsmanager:GetRandomPassword",
          "sns:Unsubscribe",
        ]
        resources = ["*"]
      }
    }
  }

  state_statements = {
    for key, scope in local.scopes : key => concat(
      [
        {
          # Terraform asks for the object itself (HEAD). Before the first apply S3 says that there is none (404) only to
          # who may list the bucket, and such a request has no prefix that a condition could test: names are all it
          # shows.
          Sid      = "FindState"
          Effect   = "Allow"
          Action   = ["s3:ListBucket"]
          Resource = ["arn:${local.partition}:s3:::${local.state_bucket}"]
        },
        {
          Sid      = "ReadState"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = [scope.state]
        },
        {
          # Native locking: an object beside the state (use_lockfile).
          Sid      = "LockState"
          Effect   = "Allow"
          Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
          Resource = ["${scope.state}.tflock"]
        },
      ],
      # A saved plan has sensitive values in clear, as the state has, so it goes the same way: from the role that made
      # it, which cannot read it again, to the one that applies it.
      endswith(key, "-apply") ? [
        {
          Sid      = "WriteState"
          Effect   = "Allow"
          Action   = ["s3:PutObject"]
          Resource = [scope.state]
        },
        {
          Sid      = "ReadPlans"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = [scope.plans]
        },
        ] : [
        {
          Sid      = "KeepPlans"
          Effect   = "Allow"
          Action   = ["s3:PutObject"]
          Resource = [scope.plans]
        },
      ],
    )
  }

  pass_role_statements = {
    for key, scope in local.scopes : key => [
      for role in [key] : {
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = ["iam:PassRole"]
        Resource = ["arn:${local.partition}:iam::${local.account_id}:role/${scope.prefix}-*"]
        Condition = { StringEquals = { "iam:PassedToService" = [
          "events.amazonaws.com", "glue.amazonaws.com", "lambda.amazonaws.com", "redshift-serverless.amazonaws.com",
          "redshift.amazonaws.com",
          "scheduler.amazonaws.com", "states.amazonaws.com",
        ] } }
      } if endswith(role, "-apply")
    ]
  }

  # What holds data, and what may be done with it. A policy has 6,144 characters at most, so these have their own.
  data_services = [
    "Aliases", "Artifacts", "Buckets", "GrantKey", "Keys", "NewKeys", "NewServerless", "OwnSecrets", "OwnServerless",
    "Queries", "Redshift", "Roles", "Secrets", "Serverless", "ServerlessQueries", "Simulations", "UseKey",
  ]

  statements = {
    for key, services in local.services : key => {
      for access in ["read", "write"] : access => {
        for name, service in services : name => merge(
          { Sid = "${title(access)}${name}", Effect = "Allow", Action = service[access], Resource = service.resources },
          length(try(service.condition, {})) == 0 ? {} : { Condition = service.condition },
        ) if length(service[access]) > 0
      }
    }
  }
  policies = merge([
    for key, statements in local.statements : {
      for policy, found in {
        "${key}/state" = local.state_statements[key]
        "${key}/read" = [
          for name, statement in statements.read : statement if !contains(local.data_services, name)
        ]
        "${key}/read-data" = [for name, statement in statements.read : statement if contains(local.data_services, name)]
        "${key}/write" = concat(
          local.pass_role_statements[key],
          [for name, statement in statements.write : statement if !contains(local.data_services, name)],
        )
        "${key}/write-data" = [
          for name, statement in statements.write : statement if contains(local.data_services, name)
        ]
      } : policy => found if endswith(key, "-apply") || !strcontains(policy, "/write")
    }
  ]...)
}

resource "aws_iam_policy" "github" {
  for_each = local.policies

  name        = "github-${replace(each.key, "/", "-")}"
  description = "What github-${split("/", each.key)[0]} may ${split("/", each.key)[1]}."
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value })

  lifecycle {
    postcondition {
      condition     = length(self.policy) <= 6144
      error_message = "The policy ${self.name} has ${length(self.policy)} characters; AWS accepts 6144."
    }
  }
}

resource "aws_iam_role_policy_attachment" "github" {
  for_each = local.policies

  role       = aws_iam_role.github[split("/", each.key)[0]].name
  policy_arn = aws_iam_policy.github[each.key].arn
}
