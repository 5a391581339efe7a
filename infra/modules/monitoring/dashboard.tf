# One look from top to bottom: what ran and with how many rows, how long it took, what failed.

locals {
  # The queries read the execution log of Step Functions, one JSON object an event: type, details, execution_arn. In it
  # input and output are texts that hold JSON, so the counts are taken out of them by regular expressions.
  log_widgets = {
    runs     = { title = "What ran: time, rows, job ID", log_group = var.pipeline.log_group_name }
    failures = { title = "What failed, and why", log_group = var.pipeline.log_group_name }
    states   = { title = "How long each state took", log_group = var.pipeline.log_group_name }
    glue_failures = {
      title     = "Glue runs that failed or timed out"
      log_group = aws_cloudwatch_log_group.glue_runs.name
    }
  }
  log_widget = {
    for name, widget in local.log_widgets : name => {
      type = "log"
      properties = {
        title  = widget.title
        region = var.region
        view   = "table"
        query  = "SOURCE '${widget.log_group}' | ${trimspace(file("${path.module}/queries/${name}.txt"))}"
      }
    }
  }

  metric_widgets = {
    executions = {
      title = "Executions"
      stat  = "Sum"
      metrics = [
        for name in [
          "ExecutionsStarted",
          "ExecutionsSucceeded",
          "ExecutionsFailed",
          "ExecutionsTimedOut",
          "ExecutionsAborted",
        ] :
        ["AWS/States", name, "StateMachineArn", var.pipeline.arn]
      ]
    }
    execution_time = {
      title = "Time of an execution (ms)"
      stat  = "Maximum"
      metrics = [
        for stat in ["p50", "Maximum"] :
        ["AWS/States", "ExecutionTime", "StateMachineArn", var.pipeline.arn, { stat = stat, label = stat }]
      ]
    }
    lambda = {
      title = "Lambda: duration (ms), errors, throttles"
      stat  = "Sum"
      metrics = concat(
        [
          for stat in ["p50", "Maximum"] :
          [
            "AWS/Lambda",
            "Duration",
            "FunctionName",
            var.lambda_function_name,
            { stat = stat, label = "Duration ${stat}" },
          ]
        ],
        [
          for name in ["Errors", "Throttles"] :
          ["AWS/Lambda", name, "FunctionName", var.lambda_function_name, { yAxis = "right" }]
        ],
      )
    }
    glue = {
      title = "Glue: Spark job's time (ms), failed runs"
      stat  = "Sum"
      metrics = concat(
        [[
          "Glue", "glue.driver.aggregate.elapsedTime",
          "JobName", var.glue_job_names.spark, "JobRunId", "ALL", "Type", "count",
          { stat = "Maximum", label = "spark" },
        ]],
        [
          for key, rule in local.glue_rule_names :
          ["AWS/Events", "TriggeredRules", "RuleName", rule, { yAxis = "right", label = "${key} failed" }]
        ],
      )
    }
  }
  metric_widget = {
    for name, widget in local.metric_widgets : name => {
      type = "metric"
      properties = {
        title   = widget.title
        region  = var.region
        view    = "timeSeries"
        stat    = widget.stat
        period  = 300
        metrics = widget.metrics
      }
    }
  }

  alarm_widget = {
    type = "alarm"
    properties = {
      title  = "Alarms"
      alarms = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn]
    }
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "${var.name_prefix}-pipeline"
  # A dashboard is 24 units wide.
  dashboard_body = jsonencode({
    widgets = [
      merge(local.alarm_widget, { x = 0, y = 0, width = 24, height = 3 }),
      merge(local.log_widget.runs, { x = 0, y = 3, width = 24, height = 7 }),
      merge(local.metric_widget.executions, { x = 0, y = 10, width = 12, height = 6 }),
      merge(local.metric_widget.execution_time, { x = 12, y = 10, width = 12, height = 6 }),
      merge(local.log_widget.failures, { x = 0, y = 16, width = 12, height = 6 }),
      merge(local.log_widget.glue_failures, { x = 12, y = 16, width = 12, height = 6 }),
      merge(local.log_widget.states, { x = 0, y = 22, width = 8, height = 6 }),
      merge(local.metric_widget.glue, { x = 8, y = 22, width = 8, height = 6 }),
      merge(local.metric_widget.lambda, { x = 16, y = 22, width = 8, height = 6 }),
    ]
  })
}
