module "state_machine" {
  source = "../.."

  name                 = "acme-dev-notify"
  account_id           = "123456789012"
  definition_file      = "${path.module}/notify.asl.yaml"
  definition_variables = { topic_arn = "arn:aws:sns:eu-central-1:123456789012:acme-dev-topic" }
  policy_statements = [{
    sid       = "Notify"
    actions   = ["sns:Publish"]
    resources = ["arn:aws:sns:eu-central-1:123456789012:acme-dev-topic"]
  }]
  logging = { retention_days = 365 }
}
