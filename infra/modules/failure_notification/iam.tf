resource "aws_iam_role" "this" {
  name        = var.rule_name
  description = "What the rule ${var.rule_name} may start."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      # The rule's target is started as this role, for rules of this account.
      Sid       = "AssumedByEventBridge"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "events.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "start-recorder"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      # All that the rule does.
      Sid      = "StartRecorder"
      Effect   = "Allow"
      Action   = ["states:StartExecution"]
      Resource = [var.recorder_state_machine_arn]
    }]
  })
}
