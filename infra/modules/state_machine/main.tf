resource "aws_cloudwatch_log_group" "this" {
  # Below this prefix one entry in the resource policy of CloudWatch Logs, whose size is limited, serves all log groups.
  name              = "/aws/vendedlogs/states/${var.name}"
  retention_in_days = var.logging.retention_days
  kms_key_id        = var.logging.kms_key_arn
}

resource "aws_sfn_state_machine" "this" {
  name     = var.name
  type     = "STANDARD"
  role_arn = aws_iam_role.this.arn

  # Decoded and encoded again, so that a plan shows the definition's changes state by state.
  definition = jsonencode(yamldecode(templatefile(var.definition_file, var.definition_variables)))

  logging_configuration {
    level                  = var.logging.level
    include_execution_data = var.logging.include_execution_data
    log_destination        = "${aws_cloudwatch_log_group.this.arn}:*"
  }

  tracing_configuration {
    enabled = var.tracing_enabled
  }

  # Step Functions tries the log delivery with the role when the state machine is made.
  depends_on = [aws_iam_role_policy.this]
}
