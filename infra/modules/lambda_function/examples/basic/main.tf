module "lambda_function" {
  source = "../.."

  name         = "acme-dev-generate-param"
  description  = "Makes the job ID of an execution."
  package_file = "build/package/lambda_generate_param.zip"
  handler      = "lambda_generate_param.handler.handler"
  environment  = { LAKE_BUCKET = "acme-dev-lake" }
  policy_statements = [{
    sid       = "ReadManifests"
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-dev-lake/runs/*"]
  }]
  log_group_arn_prefix = "arn:aws:logs:eu-central-1:123456789012:log-group:"
  log_retention_days   = 365
  kms_key_arn          = null
}
