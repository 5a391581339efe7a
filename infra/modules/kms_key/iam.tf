locals {
  statements = [
    {
      # AWS asks for this one: without it no IAM policy counts for the key, and a mistake in the policy could lock
      # everybody out of it for good. It gives nothing by itself; the roles' IAM policies name single actions.
      # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
      Sid       = "LetIamPoliciesOfThisAccountCount"
      Effect    = "Allow"
      Principal = { AWS = "arn:${var.partition}:iam::${var.account_id}:root" }
      Action    = "kms:*"
      # In a key policy "*" is the key itself.
      Resource = "*"
    },
    {
      # CloudWatch Logs encrypts by itself, not as the role that writes: for these log groups and no others. What AWS
      # writes with wildcards is named in full.
      # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
      Sid       = "EncryptLogGroups"
      Effect    = "Allow"
      Principal = { Service = "logs.${var.region}.amazonaws.com" }
      Action = [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
      ]
      Resource  = "*"
      Condition = { ArnEquals = { "kms:EncryptionContext:aws:logs:arn" = var.log_group_arns } }
    },
    {
      # EventBridge puts undelivered events into an encrypted queue by itself. It gives KMS no source, so a condition on
      # aws:SourceArn or aws:SourceAccount would deny it; which rules may send, the queue's own policy says.
      # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
      # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
      Sid       = "QueueUndeliveredEvents"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = "*"
    },
    {
      # CloudWatch alarms publish to an encrypted topic by themselves.
      # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
      Sid       = "PublishAlarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = "*"
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:${var.partition}:cloudwatch:${var.region}:${var.account_id}:alarm:*" }
        StringEquals = { "aws:SourceAccount" = var.account_id }
      }
    },
  ]
}

# A resource of its own: the provider waits for a policy to be there, which only log groups need to wait for.
resource "aws_kms_key_policy" "this" {
  key_id = aws_kms_key.this.key_id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}
