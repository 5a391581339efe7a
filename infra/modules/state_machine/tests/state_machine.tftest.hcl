mock_provider "aws" {
  # A log group's ARN is not known before; the log destination is made of it.
  override_during = plan

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/dev-machine" }
  }
}

variables {
  name                 = "dev-machine"
  account_id           = "123456789012"
  definition_file      = "tests/definition.yaml"
  definition_variables = { seconds = "60" }
  logging              = { retention_days = 365, kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/1" }
  policy_statements = [{
    sid       = "Notify"
    actions   = ["sns:Publish"]
    resources = ["arn:aws:sns:us-east-1:123456789012:dev-topic"]
    condition = { StringEquals = { "aws:PrincipalAccount" = ["123456789012"] } }
  }]
}

run "the_definition_is_rendered" {
  command = plan

  assert {
    condition = jsondecode(aws_sfn_state_machine.this.definition) == jsondecode(jsonencode({
      QueryLanguage  = "JSONata"
      StartAt        = "Only"
      TimeoutSeconds = 60
      States         = { Only = { Type = "Pass", Output = "{% 'job ' & $states.input.job_id %}", End = true } }
    }))
    error_message = "Definition: ${aws_sfn_state_machine.this.definition}"
  }
  assert {
    condition     = aws_sfn_state_machine.this.type == "STANDARD"
    error_message = "An Express execution cannot wait for a job."
  }
}

run "it_may_do_what_it_was_given_log_and_trace" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy) == jsondecode(jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "Notify"
          Effect    = "Allow"
          Action    = ["sns:Publish"]
          Resource  = ["arn:aws:sns:us-east-1:123456789012:dev-topic"]
          Condition = { StringEquals = { "aws:PrincipalAccount" = ["123456789012"] } }
        },
        {
          Sid    = "DeliverLogs"
          Effect = "Allow"
          Action = [
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
          ]
          Resource = ["*"]
        },
        {
          Sid    = "WriteTraces"
          Effect = "Allow"
          Action = [
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
          ]
          Resource = ["*"]
        },
      ]
    }))
    error_message = "Policy of the state machine: ${aws_iam_role_policy.this.policy}"
  }
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == jsondecode(jsonencode([{
      Sid       = "AssumedByStepFunctions"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }]))
    error_message = "The role is assumed by others: ${aws_iam_role.this.assume_role_policy}"
  }
}

run "its_log_is_encrypted_and_kept" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_log_group.this.kms_key_id == var.logging.kms_key_arn &&
      aws_cloudwatch_log_group.this.retention_in_days == 365
    )
    error_message = "The log group is not encrypted with the key, or kept for another time."
  }
  assert {
    condition = (
      aws_sfn_state_machine.this.logging_configuration[0].log_destination ==
      "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/dev-machine:*"
    )
    error_message = "Step Functions wants the ARN of a log group with :* behind."
  }
  assert {
    condition = (
      aws_sfn_state_machine.this.logging_configuration[0].level == "ALL" &&
      aws_sfn_state_machine.this.tracing_configuration[0].enabled
    )
    error_message = "By default everything is logged and traced."
  }
}

run "actions_with_wildcards_are_refused" {
  command = plan

  variables {
    policy_statements = [{ sid = "All", actions = ["s3:*"], resources = ["*"] }]
    name              = "dev machine"
    logging           = { retention_days = 365, level = "SOME" }
  }

  expect_failures = [var.policy_statements, var.name, var.logging]
}

run "a_statement_id_is_used_once" {
  command = plan

  variables {
    policy_statements = [
      { sid = "One", actions = ["sns:Publish"], resources = ["arn:aws:sns:us-east-1:123456789012:a"] },
      { sid = "One", actions = ["sns:Publish"], resources = ["arn:aws:sns:us-east-1:123456789012:b"] },
    ]
  }

  expect_failures = [var.policy_statements]
}
