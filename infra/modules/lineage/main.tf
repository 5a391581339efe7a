# What OpenLineage events are made of. EventBridge calls the function, so nothing that goes wrong in it can fail a job.

locals {
  rules = {
    executions = {
      description = "An execution of the pipeline began, or ended."
      pattern = {
        source        = ["aws.states"]
        "detail-type" = ["Step Functions Execution Status Change"]
        detail = {
          stateMachineArn = [var.state_machine_arn]
          status          = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
        }
      }
    }
    # That of the load is not waited for: the execution ends right after it.
    stages = {
      description = "A stage's manifest is there, so the stage is complete."
      pattern = {
        source        = ["aws.s3"]
        "detail-type" = ["Object Created"]
        detail = {
          bucket = { name = [var.bucket_name] }
          object = { key = [for stage in ["python", "spark"] : { wildcard = "${var.manifest_prefix}*/${stage}.json" }] }
        }
      }
    }
  }
}

resource "aws_s3_bucket_notification" "this" {
  bucket      = var.bucket_name
  eventbridge = true
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.rules

  name          = "${var.name}-${each.key}"
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = aws_cloudwatch_event_rule.this

  rule      = each.value.name
  target_id = "emit"
  arn       = var.function_arn

  retry_policy {
    maximum_event_age_in_seconds = 24 * 60 * 60
    maximum_retry_attempts       = 185
  }

  depends_on = [aws_lambda_permission.this]
}
