mock_provider "aws" {}

override_resource {
  target = aws_cloudwatch_metric_alarm.this
  values = { arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:any" }
}

variables {
  name_prefix = "dev"
  region      = "eu-central-1"
  account_id  = "123456789012"
  topic_arn   = "arn:aws:sns:eu-central-1:123456789012:dev-pipeline-failures"
  pipeline = {
    arn            = "arn:aws:states:eu-central-1:123456789012:stateMachine:dev-pipeline"
    log_group_name = "/aws/vendedlogs/states/dev-pipeline"
  }
  helper_state_machine_arns = {
    record-failure = "arn:aws:states:eu-central-1:123456789012:stateMachine:dev-record-failure"
  }
  glue_job_names          = { python = "dev-job-python-param", spark = "dev-job-spark-param" }
  lambda_function_name    = "dev-generate-param-lambda"
  dead_letter_queue_names = ["dev-pipeline-failed-undelivered"]
  log_group_arn_prefix    = "arn:aws:logs:eu-central-1:123456789012:log-group:"
  log_retention_days      = 14
}

run "every_alarm_tells_the_topic_of_the_first_failure" {
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      alarm.alarm_actions == toset([var.topic_arn]) &&
      alarm.threshold == 0 &&
      alarm.comparison_operator == "GreaterThanThreshold" &&
      alarm.evaluation_periods == 1
    ])
    error_message = "An alarm does not tell the topic of a single failure."
  }
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : alarm.treat_missing_data == "notBreaching"
    ])
    error_message = "An alarm would stay as it is while nothing runs."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : startswith(alarm.alarm_name, "dev-")])
    error_message = "The topic lets alarms of the prefix alone publish."
  }
}

run "all_that_can_fail_has_an_alarm" {
  assert {
    condition = toset([
      for alarm in aws_cloudwatch_metric_alarm.this :
      "${alarm.namespace} ${alarm.metric_name} ${join(",", values(alarm.dimensions))} ${alarm.statistic}"
      ]) == toset([
      "AWS/States ExecutionsFailed arn:aws:states:eu-central-1:123456789012:stateMachine:dev-pipeline Sum",
      "AWS/States ExecutionsTimedOut arn:aws:states:eu-central-1:123456789012:stateMachine:dev-pipeline Sum",
      "AWS/States ExecutionsAborted arn:aws:states:eu-central-1:123456789012:stateMachine:dev-pipeline Sum",
      "AWS/States ExecutionThrottled arn:aws:states:eu-central-1:123456789012:stateMachine:dev-pipeline Sum",
      "AWS/States ExecutionsFailed arn:aws:states:eu-central-1:123456789012:stateMachine:dev-record-failure Sum",
      "AWS/States ExecutionsTimedOut arn:aws:states:eu-central-1:123456789012:stateMachine:dev-record-failure Sum",
      "AWS/Lambda Errors dev-generate-param-lambda Sum",
      "AWS/Lambda Throttles dev-generate-param-lambda Sum",
      "AWS/Events TriggeredRules dev-python-job-failed Sum",
      "AWS/Events TriggeredRules dev-spark-job-failed Sum",
      "AWS/SQS ApproximateNumberOfMessagesVisible dev-pipeline-failed-undelivered Maximum",
    ])
    error_message = join(" ", [
      "The alarms are not these:",
      join("\n", [
        for alarm in aws_cloudwatch_metric_alarm.this :
        "${alarm.namespace} ${alarm.metric_name} ${join(",", values(alarm.dimensions))} ${alarm.statistic}"
      ]),
    ])
  }
}

run "the_rules_match_the_runs_of_one_job_that_failed" {
  assert {
    condition = {
      for key, rule in aws_cloudwatch_event_rule.glue_failed : key => jsondecode(rule.event_pattern)
      } == {
      for key, job in var.glue_job_names : key => {
        source        = ["aws.glue"]
        "detail-type" = ["Glue Job State Change"]
        detail        = { jobName = [job], state = ["FAILED", "TIMEOUT"] }
      }
    }
    error_message = "A rule matches something else."
  }
  assert {
    condition = alltrue([
      for key, rule in aws_cloudwatch_event_rule.glue_failed :
      one(values(aws_cloudwatch_metric_alarm.this["${key}-job-failed"].dimensions)) == rule.name &&
      aws_cloudwatch_event_target.glue_failed[key].rule == rule.name
    ])
    error_message = "An alarm or a target belongs to another rule."
  }
  assert {
    condition = jsonencode(
      jsondecode(aws_cloudwatch_log_resource_policy.glue_runs.policy_document).Statement
      ) == jsonencode([
        {
          Sid       = "MakeStreams"
          Effect    = "Allow"
          Action    = ["logs:CreateLogStream"]
          Principal = { Service = ["events.amazonaws.com", "delivery.logs.amazonaws.com"] }
          Resource  = ["arn:aws:logs:eu-central-1:123456789012:log-group:/aws/events/dev-glue-runs:*"]
        },
        {
          Sid       = "WriteGlueEvents"
          Effect    = "Allow"
          Action    = ["logs:PutLogEvents"]
          Principal = { Service = ["events.amazonaws.com", "delivery.logs.amazonaws.com"] }
          Resource  = ["arn:aws:logs:eu-central-1:123456789012:log-group:/aws/events/dev-glue-runs:*"]
          Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
        },
    ])
    error_message = "EventBridge may write elsewhere, or others may write."
  }
}

run "the_dashboard_answers_the_four_questions" {
  assert {
    condition = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.type] == [
      "alarm", "log", "metric", "metric", "log", "log", "log", "metric", "metric",
    ]
    error_message = "A widget is missing."
  }
  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      widget.properties.region == "eu-central-1" if widget.type != "alarm"
    ])
    error_message = "A widget looks at another region."
  }
  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      widget.x + widget.width <= 24
    ])
    error_message = "A widget sticks out of the dashboard, which is 24 units wide."
  }
  assert {
    # A widget a question: what ran and its rows, what failed, how long; and Glue's own account of a failure.
    condition = [
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      regex("^SOURCE '([^']+)' \\|", widget.properties.query)[0] if widget.type == "log"
      ] == [
      "/aws/vendedlogs/states/dev-pipeline",
      "/aws/vendedlogs/states/dev-pipeline",
      "/aws/events/dev-glue-runs",
      "/aws/vendedlogs/states/dev-pipeline",
    ]
    error_message = "A query reads another log group."
  }
  assert {
    condition = toset([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      trimspace(split("' |", widget.properties.query)[1]) if widget.type == "log"
    ]) == toset([for name in fileset("queries", "*.txt") : trimspace(file("queries/${name}"))])
    error_message = "A query is not shown, or one is shown twice."
  }
  assert {
    condition = toset([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      [for metric in widget.properties.metrics : "${metric[0]} ${metric[1]}"] if widget.type == "metric"
      ]) == toset([
      [
        "AWS/States ExecutionsStarted",
        "AWS/States ExecutionsSucceeded",
        "AWS/States ExecutionsFailed",
        "AWS/States ExecutionsTimedOut",
        "AWS/States ExecutionsAborted",
      ],
      ["AWS/States ExecutionTime", "AWS/States ExecutionTime"],
      ["AWS/Lambda Duration", "AWS/Lambda Duration", "AWS/Lambda Errors", "AWS/Lambda Throttles"],
      ["Glue glue.driver.aggregate.elapsedTime", "AWS/Events TriggeredRules", "AWS/Events TriggeredRules"],
    ])
    error_message = "A metric is missing, or another one is shown."
  }
}

run "a_topic_is_needed" {
  command = plan

  variables {
    topic_arn = "dev-pipeline-failures"
  }

  expect_failures = [var.topic_arn]
}

run "the_spark_job_is_needed" {
  command = plan

  variables {
    glue_job_names = { python = "dev-job-python-param" }
  }

  expect_failures = [var.glue_job_names]
}
