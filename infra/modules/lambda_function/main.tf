locals {
  log_group_name = "/aws/lambda/${var.name}"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group_name
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn
  handler       = var.handler
  runtime       = var.runtime
  architectures = [var.architecture]
  memory_size   = var.memory_mb
  timeout       = var.timeout_seconds
  filename      = var.package_file
  # Terraform works this out for a destroy too, and there the file need not exist any more.
  source_code_hash = fileexists(var.package_file) ? filebase64sha256(var.package_file) : null

  environment {
    variables = var.environment
  }

  # The handler writes JSON lines itself; Lambda's JSON format would wrap each of them in another object.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = var.tracing_enabled ? "Active" : "PassThrough"
  }

  depends_on = [aws_iam_role_policy.this]
}
