# CloudWatch alarms publish as a service: neither the key that AWS keeps for SNS (its policy cannot be changed) nor a topic
# without a policy for them would do. With alarms and without a key of the caller's, the topic gets a key of its own.

locals {
  own_key = length(var.alarm_arns) > 0 && var.kms_key_arn == null
}

data "aws_region" "current" {}

resource "aws_kms_key" "topic" {
  # checkov:skip=CKV_AWS_33:The account and SNS are conditions of the statement that names everyone.
  count = local.own_key ? 1 : 0

  description             = "Topic ${var.topic_name}"
  enable_key_rotation     = true
  deletion_window_in_days = 7

  # In a key's policy the resource "*" is this key.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Administer"
        Effect = "Allow"
        Action = [
          "kms:CancelKeyDeletion",
          "kms:DescribeKey",
          "kms:DisableKey",
          "kms:DisableKeyRotation",
          "kms:EnableKey",
          "kms:EnableKeyRotation",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:ListResourceTags",
          "kms:PutKeyPolicy",
          "kms:ScheduleKeyDeletion",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateKeyDescription",
        ]
        Principal = { AWS = "arn:${split(":", var.rule_arn)[1]}:iam::${var.account_id}:root" }
        Resource  = "*"
      },
      {
        # As with the key that AWS keeps for SNS: who may publish to the topic may use it, through SNS alone.
        Sid       = "UseThroughSns"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Principal = { AWS = "*" }
        Resource  = "*"
        Condition = {
          StringEquals = {
            "kms:CallerAccount" = var.account_id
            "kms:ViaService"    = "sns.${data.aws_region.current.name}.amazonaws.com"
          }
        }
      },
      {
        Sid       = "LetAlarmsPublish"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceAccount" = var.account_id }
          ArnLike      = { "aws:SourceArn" = var.alarm_arns }
        }
      },
    ]
  })
}

resource "aws_sns_topic_policy" "this" {
  count = length(var.alarm_arns) > 0 ? 1 : 0

  arn = aws_sns_topic.this.arn
  # Principals of this account publish by their own policies.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LetAlarmsPublish"
      Effect    = "Allow"
      Action    = ["sns:Publish"]
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Resource  = [aws_sns_topic.this.arn]
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = var.alarm_arns }
      }
    }]
  })
}
