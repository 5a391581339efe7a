resource "aws_iam_role" "this" {
  name        = var.name
  description = "What the rules of ${var.name} may start."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "events.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = split(":", var.rule_arn_prefix)[4] }
        ArnEquals = {
          "aws:SourceArn" = [for name in keys(var.triggers) : "${var.rule_arn_prefix}${var.name}-${name}"]
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "start"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "StartExecution"
      Effect   = "Allow"
      Action   = ["states:StartExecution"]
      Resource = [var.state_machine_arn]
    }]
  })
}
