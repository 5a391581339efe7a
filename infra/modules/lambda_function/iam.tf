resource "aws_iam_role" "this" {
  name        = var.name
  description = "What the function ${var.name} may do."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      # The function runs as this role.
      Sid       = "AssumedByLambda"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

locals {
  # The environment variables are encrypted with the key.
  kms_statement = {
    Sid      = "DecryptEnvironment"
    Effect   = "Allow"
    Action   = ["kms:Decrypt"]
    Resource = [var.kms_key_arn]
  }
  # Its own log group, which Terraform makes: so it need not create one.
  log_statement = {
    Sid      = "WriteLogs"
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = ["${var.log_group_arn_prefix}${local.log_group_name}:*"]
  }
  # Traces belong to no resource: for these AWS accepts no other resource than "*".
  trace_statement = {
    Sid      = "WriteTraces"
    Effect   = "Allow"
    Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    Resource = ["*"]
  }
}

resource "aws_iam_role_policy" "this" {
  name = "function"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [local.log_statement],
      var.tracing_enabled ? [local.trace_statement] : [],
      var.kms_key_arn == null ? [] : [local.kms_statement],
      [
        for statement in var.policy_statements : merge(
          { Sid = statement.sid, Effect = "Allow", Action = statement.actions, Resource = statement.resources },
          statement.condition == null ? {} : { Condition = statement.condition },
        )
      ],
    )
  })
}
