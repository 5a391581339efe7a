mock_provider "aws" {}

variables {
  name              = "dev-lineage"
  rule_arn_prefix   = "arn:aws:events:us-east-1:123456789012:rule/"
  account_id        = "123456789012"
  state_machine_arn = "arn:aws:states:us-east-1:123456789012:stateMachine:dev-pipeline"
  bucket_name       = "dev-lake"
  manifest_prefix   = "runs/"
  function_name     = "dev-emit-lineage"
  function_arn      = "arn:aws:lambda:us-east-1:123456789012:function:dev-emit-lineage"
}

run "every_start_end_and_complete_stage_is_told" {
  command = plan

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.this["executions"].event_pattern) == jsondecode(jsonencode({
      source        = ["aws.states"]
      "detail-type" = ["Step Functions Execution Status Change"]
      detail = {
        stateMachineArn = [var.state_machine_arn]
        status          = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
      }
    }))
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.this["executions"].event_pattern}"
  }
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.this["stages"].event_pattern) == jsondecode(jsonencode({
      source        = ["aws.s3"]
      "detail-type" = ["Object Created"]
      detail = {
        bucket = { name = ["dev-lake"] }
        object = { key = [{ wildcard = "runs/*/python.json" }, { wildcard = "runs/*/spark.json" }] }
      }
    }))
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.this["stages"].event_pattern}"
  }
  assert {
    condition     = aws_s3_bucket_notification.this.eventbridge && aws_s3_bucket_notification.this.bucket == "dev-lake"
    error_message = "The bucket tells EventBridge nothing."
  }
}

run "the_rules_alone_may_call_the_function" {
  command = plan

  assert {
    condition = (
      { for rule, target in aws_cloudwatch_event_target.this : rule => target.arn } ==
      { executions = var.function_arn, stages = var.function_arn }
    )
    error_message = "A rule calls something else."
  }
  assert {
    condition = {
      for rule, permission in aws_lambda_permission.this :
      rule => "${permission.principal} ${permission.source_account} ${permission.source_arn}"
      } == {
      executions = "events.amazonaws.com 123456789012 arn:aws:events:us-east-1:123456789012:rule/dev-lineage-executions"
      stages     = "events.amazonaws.com 123456789012 arn:aws:events:us-east-1:123456789012:rule/dev-lineage-stages"
    }
    error_message = "Others may call the function."
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name            = "dev lineage"
    rule_arn_prefix = "arn:aws:events:us-east-1:123456789012:rule/dev-*"
    manifest_prefix = "runs"
  }

  expect_failures = [var.name, var.rule_arn_prefix, var.manifest_prefix]
}
