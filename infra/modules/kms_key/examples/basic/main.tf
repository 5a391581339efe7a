module "kms_key" {
  source = "../.."

  alias       = "acme-dev-pipeline"
  description = "Encrypts what the pipeline keeps."
  partition   = "aws"
  region      = "eu-central-1"
  account_id  = "123456789012"
  log_group_arns = [
    "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/acme-dev-generate-param-lambda",
  ]
}
