module "lineage" {
  source = "../.."

  name              = "acme-dev-lineage"
  rule_arn_prefix   = "arn:aws:events:eu-central-1:123456789012:rule/"
  account_id        = "123456789012"
  state_machine_arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:acme-dev-pipeline"
  bucket_name       = "acme-dev-lake"
  manifest_prefix   = "runs/"
  function_name     = "acme-dev-emit-lineage"
  function_arn      = "arn:aws:lambda:eu-central-1:123456789012:function:acme-dev-emit-lineage"
}
