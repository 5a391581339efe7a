resource "aws_iam_role" "this" {
  name        = var.name
  description = "What the state machine ${var.name} may do."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      # Executions run as this role, for state machines of this account.
      Sid       = "AssumedByStepFunctions"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

locals {
  own_statements = [
    for statement in var.policy_statements : {
      for key, value in {
        Sid       = statement.sid
        Effect    = "Allow"
        Action    = statement.actions
        Resource  = statement.resources
        Condition = statement.condition
      } : key => value if value != null
    }
  ]
  # The delivery of logs is set up for the account: for these AWS accepts no other resource than "*".
  log_delivery_statement = {
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
  }
  # Traces belong to no resource: for these AWS accepts no other resource than "*".
  trace_statement = {
    Sid    = "WriteTraces"
    Effect = "Allow"
    Action = [
      "xray:GetSamplingRules",
      "xray:GetSamplingTargets",
      "xray:PutTelemetryRecords",
      "xray:PutTraceSegments",
    ]
    Resource = ["*"]
  }
}

resource "aws_iam_role_policy" "this" {
  name = "state-machine"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.own_statements,
      [local.log_delivery_statement],
      var.tracing_enabled ? [local.trace_statement] : [],
    )
  })
}
