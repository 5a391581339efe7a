locals {
  pipeline_dimensions = { StateMachineArn = var.pipeline.arn }
  lambda_dimensions   = { FunctionName = var.lambda_function_name }

  # Each is a count a minute of which a single one is too much.
  alarms = merge(
    {
      pipeline-executions-failed = {
        description = "An execution of the pipeline failed. audit.job_run and the mail of record-failure say why."
        namespace   = "AWS/States"
        metric_name = "ExecutionsFailed"
        dimensions  = local.pipeline_dimensions
      }
      pipeline-executions-timed-out = {
        description = "An execution of the pipeline ran out of time."
        namespace   = "AWS/States"
        metric_name = "ExecutionsTimedOut"
        dimensions  = local.pipeline_dimensions
      }
      pipeline-executions-aborted = {
        description = "Somebody stopped an execution of the pipeline."
        namespace   = "AWS/States"
        metric_name = "ExecutionsAborted"
        dimensions  = local.pipeline_dimensions
      }
      pipeline-executions-throttled = {
        description = join(" ", [
          "Step Functions slowed down or retried state transitions of the pipeline:",
          "a quota of the account is used up.",
        ])
        namespace   = "AWS/States"
        metric_name = "ExecutionThrottled"
        dimensions  = local.pipeline_dimensions
      }
      lambda-errors = {
        description = "An invocation of ${var.lambda_function_name} failed; a refused execution input is one too."
        namespace   = "AWS/Lambda"
        metric_name = "Errors"
        dimensions  = local.lambda_dimensions
      }
      lambda-throttles = {
        description = "Invocations of ${var.lambda_function_name} were refused: the account's concurrency is used up."
        namespace   = "AWS/Lambda"
        metric_name = "Throttles"
        dimensions  = local.lambda_dimensions
      }
    },
    merge([
      for name, arn in var.helper_state_machine_arns : {
        for ending, metric in { failed = "ExecutionsFailed", timed-out = "ExecutionsTimedOut" } :
        "${name}-executions-${ending}" => {
          description = "An execution of ${name} ended without success: what it should have done did NOT happen."
          namespace   = "AWS/States"
          metric_name = metric
          dimensions  = { StateMachineArn = arn }
        }
      }
    ]...),
    {
      for key, rule in local.glue_rule_names : "${key}-job-failed" => {
        description = join(" ", [
          "A run of the Glue job ${var.glue_job_names[key]} failed or timed out.",
          "The log group ${local.glue_log_group_name} says why.",
        ])
        namespace   = "AWS/Events"
        metric_name = "TriggeredRules"
        dimensions  = { RuleName = rule }
      }
    },
    {
      for name in var.dead_letter_queue_names : "messages-in-${trimprefix(name, "${var.name_prefix}-")}" => {
        description = "Something could not be delivered and waits in the queue ${name}, for 14 days at most."
        namespace   = "AWS/SQS"
        metric_name = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = name }
        # A level and not a count: summed up it would grow with the number of samples.
        statistic = "Maximum"
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name        = "${var.name_prefix}-${each.key}"
  alarm_description = each.value.description

  namespace           = each.value.namespace
  metric_name         = each.value.metric_name
  dimensions          = each.value.dimensions
  statistic           = try(each.value.statistic, "Sum")
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  # Nothing is reported while nothing runs. It also ends an alarm, so that the next failure is told again.
  treat_missing_data = "notBreaching"

  alarm_actions = [var.topic_arn]
}
