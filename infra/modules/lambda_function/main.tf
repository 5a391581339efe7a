locals {
  log_group_name = "/aws/lambda/${var.name}"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:Reserved concurrency would be taken from the account's; who calls it tries again when throttled
  #checkov:skip=CKV_AWS_116:Step Functions waits for the answer; the next event makes up for a lost one of lineage
  #checkov:skip=CKV_AWS_117:It calls nothing inside a VPC
  #checkov:skip=CKV_AWS_272:Terraform uploads the package itself and shows its hash in the plan
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

  kms_key_arn = var.kms_key_arn
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
