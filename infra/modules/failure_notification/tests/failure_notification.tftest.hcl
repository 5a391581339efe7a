mock_provider "aws" {
  override_during = plan

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:123456789012:dev-undelivered" }
  }
}

variables {
  rule_name                  = "dev-failed"
  rule_arn                   = "arn:aws:events:us-east-1:123456789012:rule/dev-failed"
  queue_name                 = "dev-undelivered"
  queue_arn                  = "arn:aws:sqs:us-east-1:123456789012:dev-undelivered"
  account_id                 = "123456789012"
  watched_state_machine_arn  = "arn:aws:states:us-east-1:123456789012:stateMachine:dev-pipeline"
  recorder_state_machine_arn = "arn:aws:states:us-east-1:123456789012:stateMachine:dev-record-failure"
  topic_name                 = "dev-failures"
  topic_arn                  = "arn:aws:sns:us-east-1:123456789012:dev-failures"
  kms_key_arn                = "arn:aws:kms:us-east-1:123456789012:key/1"
  alarm_arns                 = ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:dev-*"]
  further_rule_arns          = ["arn:aws:events:us-east-1:123456789012:rule/dev-arrival-flights"]
}

run "every_end_without_success_starts_the_recorder" {
  command = plan

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.this.event_pattern) == jsondecode(jsonencode({
      source        = ["aws.states"]
      "detail-type" = ["Step Functions Execution Status Change"]
      detail        = { stateMachineArn = [var.watched_state_machine_arn], status = ["FAILED", "TIMED_OUT", "ABORTED"] }
    }))
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.this.event_pattern}"
  }
  assert {
    condition = (
      aws_cloudwatch_event_target.this.arn == var.recorder_state_machine_arn &&
      aws_cloudwatch_event_target.this.dead_letter_config[0].arn == var.queue_arn
    )
    error_message = "The rule starts something else, or forgets what it could not hand over."
  }
}

run "the_rule_may_start_the_recorder_only" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy) == jsondecode(jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid      = "StartRecorder"
        Effect   = "Allow"
        Action   = ["states:StartExecution"]
        Resource = [var.recorder_state_machine_arn]
      }]
    }))
    error_message = "Policy of the rule: ${aws_iam_role_policy.this.policy}"
  }
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == jsondecode(jsonencode([{
      Sid       = "AssumedByEventBridge"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "events.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }]))
    error_message = "The role is assumed by others: ${aws_iam_role.this.assume_role_policy}"
  }
}

run "topic_and_queue_let_in_what_they_are_for" {
  command = plan

  assert {
    condition = jsondecode(aws_sns_topic.this.policy) == jsondecode(jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "PublishAlarms"
          Effect    = "Allow"
          Principal = { Service = "cloudwatch.amazonaws.com" }
          Action    = ["sns:Publish"]
          Resource  = [var.topic_arn]
          Condition = {
            ArnLike      = { "aws:SourceArn" = var.alarm_arns }
            StringEquals = { "aws:SourceAccount" = "123456789012" }
          }
        },
        {
          Sid       = "DenyInsecureTransport"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["sns:Publish"]
          Resource  = [var.topic_arn]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ]
    }))
    error_message = "Policy of the topic: ${aws_sns_topic.this.policy}"
  }
  assert {
    condition = jsondecode(aws_sqs_queue.undelivered[0].policy) == jsondecode(jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "KeepUndelivered"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = ["sqs:SendMessage"]
          Resource  = [var.queue_arn]
          Condition = { ArnEquals = { "aws:SourceArn" = concat([var.rule_arn], var.further_rule_arns) } }
        },
        {
          Sid       = "DenyInsecureTransport"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["sqs:*"]
          Resource  = [var.queue_arn]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ]
    }))
    error_message = "Policy of the queue: ${aws_sqs_queue.undelivered[0].policy}"
  }
}

run "topic_and_queue_are_encrypted_with_the_key" {
  command = plan

  assert {
    condition = (
      aws_sns_topic.this.kms_master_key_id == var.kms_key_arn &&
      aws_sqs_queue.undelivered[0].kms_master_key_id == var.kms_key_arn
    )
    error_message = "The topic or the queue is not encrypted with the key."
  }
}

run "without_a_key_of_ours_aws_encrypts" {
  command = plan

  variables {
    kms_key_arn = null
  }

  assert {
    condition = (
      aws_sns_topic.this.kms_master_key_id == "alias/aws/sns" &&
      aws_sqs_queue.undelivered[0].sqs_managed_sse_enabled
    )
    error_message = "The topic or the queue is not encrypted."
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    rule_name                  = "dev failed"
    recorder_state_machine_arn = "arn:aws:states:us-east-1:123456789012:stateMachine:dev-pipeline"
    emails                     = ["nobody"]
  }

  expect_failures = [var.rule_name, var.recorder_state_machine_arn, var.emails]
}

run "an_alarm_has_an_arn" {
  command = plan

  variables {
    alarm_arns = ["dev-*"]
  }
  expect_failures = [var.alarm_arns]
}
