mock_provider "aws" {}

variables {
  name                 = "dev-function"
  package_file         = "no-such-file.zip"
  handler              = "package.module.handler"
  environment          = { RAW_BUCKET = "dev-raw" }
  log_group_arn_prefix = "arn:aws:logs:us-east-1:123456789012:log-group:"
  log_retention_days   = 365
  kms_key_arn          = "arn:aws:kms:us-east-1:123456789012:key/1"
}

run "it_may_write_its_own_log_and_its_traces" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy) == jsondecode(jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/dev-function:*"]
        },
        {
          Sid      = "WriteTraces"
          Effect   = "Allow"
          Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
          Resource = ["*"]
        },
        {
          Sid      = "DecryptEnvironment"
          Effect   = "Allow"
          Action   = ["kms:Decrypt"]
          Resource = ["arn:aws:kms:us-east-1:123456789012:key/1"]
        },
      ]
    }))
    error_message = "Policy of the function: ${aws_iam_role_policy.this.policy}"
  }
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == jsondecode(jsonencode([{
      Sid       = "AssumedByLambda"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]))
    error_message = "The role is assumed by others: ${aws_iam_role.this.assume_role_policy}"
  }
}

run "it_may_do_what_it_is_given_besides" {
  command = plan

  variables {
    policy_statements = [
      { sid = "Write", actions = ["s3:PutObject"], resources = ["arn:aws:s3:::dev-lake/lineage/*"] },
      {
        sid       = "List"
        actions   = ["s3:ListBucket"]
        resources = ["arn:aws:s3:::dev-lake"]
        condition = { StringLike = { "s3:prefix" = ["lineage/*"] } }
      },
    ]
  }

  assert {
    condition = slice(jsondecode(aws_iam_role_policy.this.policy).Statement, 3, 5) == jsondecode(jsonencode([
      { Sid = "Write", Effect = "Allow", Action = ["s3:PutObject"], Resource = ["arn:aws:s3:::dev-lake/lineage/*"] },
      {
        Sid       = "List", Effect = "Allow", Action = ["s3:ListBucket"], Resource = ["arn:aws:s3:::dev-lake"]
        Condition = { StringLike = { "s3:prefix" = ["lineage/*"] } }
      },
    ]))
    error_message = "Policy of the function: ${aws_iam_role_policy.this.policy}"
  }
}

run "log_and_environment_are_encrypted_and_kept" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn &&
      aws_lambda_function.this.kms_key_arn == var.kms_key_arn
    )
    error_message = "The log group or the environment is not encrypted with the key."
  }
  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 365
    error_message = "The log is kept for another time."
  }
  assert {
    condition = (
      aws_lambda_function.this.logging_config[0].log_group == "/aws/lambda/dev-function" &&
      aws_lambda_function.this.logging_config[0].log_format == "Text"
    )
    error_message = "The function logs elsewhere, or wraps its JSON lines."
  }
  assert {
    condition = (
      aws_lambda_function.this.tracing_config[0].mode == "Active" &&
      aws_lambda_function.this.architectures == tolist(["arm64"])
    )
    error_message = "The function is not traced, or runs on another processor."
  }
}

run "without_key_and_traces_it_may_only_log" {
  command = plan

  variables {
    kms_key_arn     = null
    tracing_enabled = false
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[*].Sid == ["WriteLogs"]
    error_message = "Policy of the function: ${aws_iam_role_policy.this.policy}"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name                 = "dev function"
    handler              = "handler"
    runtime              = "nodejs22.x"
    architecture         = "sparc"
    memory_mb            = 64
    timeout_seconds      = 901
    log_group_arn_prefix = "arn:aws:logs:us-east-1:123456789012:log-group:*"
  }

  expect_failures = [
    var.name, var.handler, var.runtime, var.architecture, var.memory_mb, var.timeout_seconds, var.log_group_arn_prefix,
  ]
}
