mock_provider "aws" {}

variables {
  alias          = "dev-pipeline"
  description    = "Encrypts what the pipeline keeps."
  partition      = "aws"
  region         = "us-east-1"
  account_id     = "123456789012"
  log_group_arns = ["arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/dev"]
}

run "the_key_rotates_and_can_be_taken_back" {
  command = plan

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key does not rotate."
  }
  assert {
    condition     = aws_kms_key.this.deletion_window_in_days == 30
    error_message = "A deleted key has to be there for 30 days."
  }
  assert {
    condition     = aws_kms_alias.this.name == "alias/dev-pipeline"
    error_message = "The key has another alias."
  }
}

run "services_use_it_for_this_account_only" {
  command = plan

  assert {
    condition = jsondecode(aws_kms_key_policy.this.policy) == jsondecode(jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "LetIamPoliciesOfThisAccountCount"
          Effect    = "Allow"
          Principal = { AWS = "arn:aws:iam::123456789012:root" }
          Action    = "kms:*"
          Resource  = "*"
        },
        {
          Sid       = "EncryptLogGroups"
          Effect    = "Allow"
          Principal = { Service = "logs.us-east-1.amazonaws.com" }
          Action = [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
          ]
          Resource = "*"
          Condition = {
            ArnEquals = {
              "kms:EncryptionContext:aws:logs:arn" = ["arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/dev"]
            }
          }
        },
        {
          Sid       = "QueueUndeliveredEvents"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = "*"
        },
        {
          Sid       = "PublishAlarms"
          Effect    = "Allow"
          Principal = { Service = "cloudwatch.amazonaws.com" }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = "*"
          Condition = {
            ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*" }
            StringEquals = { "aws:SourceAccount" = "123456789012" }
          }
        },
      ]
    }))
    error_message = "Policy of the key: ${aws_kms_key_policy.this.policy}"
  }
}

run "wide_or_wrong_values_are_refused" {
  command = plan

  variables {
    alias                = "aws/s3"
    account_id           = "*"
    deletion_window_days = 1
    log_group_arns       = ["arn:aws:logs:us-east-1:123456789012:log-group:*"]
  }

  expect_failures = [var.alias, var.account_id, var.deletion_window_days, var.log_group_arns]
}
