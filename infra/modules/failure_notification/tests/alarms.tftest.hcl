mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
}

override_resource {
  target = aws_kms_key.topic
  values = { arn = "arn:aws:kms:eu-central-1:123456789012:key/own" }
}

override_resource {
  target = aws_sns_topic.this
  values = { arn = "arn:aws:sns:eu-central-1:123456789012:dev-pipeline-failures" }
}

override_resource {
  target = aws_sqs_queue.undelivered
  values = { arn = "arn:aws:sqs:eu-central-1:123456789012:dev-pipeline-failed-undelivered" }
}

override_resource {
  target = aws_iam_role.this
  values = { arn = "arn:aws:iam::123456789012:role/dev-pipeline-failed" }
}

variables {
  rule_name                  = "dev-pipeline-failed"
  rule_arn                   = "arn:aws:events:eu-central-1:123456789012:rule/dev-pipeline-failed"
  queue_name                 = "dev-pipeline-failed-undelivered"
  queue_arn                  = "arn:aws:sqs:eu-central-1:123456789012:dev-pipeline-failed-undelivered"
  account_id                 = "123456789012"
  watched_state_machine_arn  = "arn:aws:states:eu-central-1:123456789012:stateMachine:dev-pipeline"
  recorder_state_machine_arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:dev-record-failure"
  topic_name                 = "dev-pipeline-failures"
}

run "without_alarms_the_key_of_aws_will_do" {
  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == "alias/aws/sns" && length(aws_kms_key.topic) == 0 && length(aws_sns_topic_policy.this) == 0
    error_message = "A key costs money and is not needed."
  }
}

run "alarms_publish_by_the_topic_and_by_its_key" {
  variables {
    alarm_arns = ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:dev-*"]
  }

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == aws_kms_key.topic[0].arn
    error_message = "CloudWatch cannot use the key that AWS keeps for SNS."
  }
  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.topic[0].policy).Statement : statement if statement.Sid != "Administer"
      ] == [
      {
        Sid       = "UseThroughSns"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Principal = { AWS = "*" }
        Resource  = "*"
        Condition = { StringEquals = { "kms:CallerAccount" = "123456789012", "kms:ViaService" = "sns.eu-central-1.amazonaws.com" } }
      },
      {
        Sid       = "LetAlarmsPublish"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnLike      = { "aws:SourceArn" = ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:dev-*"] }
        }
      },
    ]
    error_message = "The key is open to others, or closed to the alarms: ${aws_kms_key.topic[0].policy}"
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.topic[0].policy).Statement :
      statement.Principal == { AWS = "arn:aws:iam::123456789012:root" } && !contains(statement.Action, "kms:*") if statement.Sid == "Administer"
    ])
    error_message = "The account administers the key, by actions named in full."
  }
  assert {
    condition = jsondecode(aws_sns_topic_policy.this[0].policy).Statement == [{
      Sid       = "LetAlarmsPublish"
      Effect    = "Allow"
      Action    = ["sns:Publish"]
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Resource  = ["arn:aws:sns:eu-central-1:123456789012:dev-pipeline-failures"]
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:dev-*"] }
      }
    }]
    error_message = "Others could publish, or the alarms could not."
  }
}

run "a_key_of_the_callers_is_used" {
  variables {
    alarm_arns  = ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:dev-*"]
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/callers"
  }

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == "arn:aws:kms:eu-central-1:123456789012:key/callers" && length(aws_kms_key.topic) == 0
    error_message = "The caller has a key."
  }
}

run "further_rules_may_leave_what_is_undelivered" {
  variables {
    further_rule_arns = ["arn:aws:events:eu-central-1:123456789012:rule/dev-arrival-flights"]
  }

  assert {
    condition = jsondecode(aws_sqs_queue.undelivered[0].policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == [
      "arn:aws:events:eu-central-1:123456789012:rule/dev-pipeline-failed",
      "arn:aws:events:eu-central-1:123456789012:rule/dev-arrival-flights",
    ]
    error_message = "The queue refuses what a rule sends, or takes what others send."
  }
}

run "an_alarm_has_an_arn" {
  command = plan
  variables {
    alarm_arns = ["dev-*"]
  }
  expect_failures = [var.alarm_arns]
}
