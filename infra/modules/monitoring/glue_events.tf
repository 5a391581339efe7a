# Glue has no metric of failed runs that costs nothing and covers both jobs: a Python shell job has no metrics at all,
# and the Spark job's are of tasks, not of runs. So the state changes are taken, which Glue sends to EventBridge for
# free. They are matched by a rule a job, whose own metric (AWS/Events TriggeredRules, free too) is what an alarm
# watches, and kept in a log group for the dashboard. Not published to the topic: that would open the topic's key to
# every rule of the account, since EventBridge gives KMS no source to test.

locals {
  glue_log_group_name = "/aws/events/${var.name_prefix}-glue-runs"
  glue_rule_names     = { for key, name in var.glue_job_names : key => "${var.name_prefix}-${key}-job-failed" }
}

resource "aws_cloudwatch_log_group" "glue_runs" {
  name              = local.glue_log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_cloudwatch_event_rule" "glue_failed" {
  for_each = var.glue_job_names

  name        = local.glue_rule_names[each.key]
  description = "A run of the Glue job ${each.value} failed or timed out."
  event_pattern = jsonencode({
    source        = ["aws.glue"]
    "detail-type" = ["Glue Job State Change"]
    detail = {
      jobName = [each.value]
      state   = ["FAILED", "TIMEOUT"]
    }
  })
}

resource "aws_cloudwatch_event_target" "glue_failed" {
  for_each = aws_cloudwatch_event_rule.glue_failed

  rule      = each.value.name
  target_id = "log"
  arn       = "${var.log_group_arn_prefix}${aws_cloudwatch_log_group.glue_runs.name}"

  depends_on = [aws_cloudwatch_log_resource_policy.glue_runs]
}
