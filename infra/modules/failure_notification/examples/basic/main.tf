locals {
  region_and_account = "eu-central-1:123456789012"
}

module "failure_notification" {
  source = "../.."

  rule_name                  = "acme-dev-pipeline-failed"
  rule_arn                   = "arn:aws:events:${local.region_and_account}:rule/acme-dev-pipeline-failed"
  queue_name                 = "acme-dev-pipeline-failed-undelivered"
  queue_arn                  = "arn:aws:sqs:${local.region_and_account}:acme-dev-pipeline-failed-undelivered"
  topic_name                 = "acme-dev-pipeline-failures"
  topic_arn                  = "arn:aws:sns:${local.region_and_account}:acme-dev-pipeline-failures"
  account_id                 = "123456789012"
  watched_state_machine_arn  = "arn:aws:states:${local.region_and_account}:stateMachine:acme-dev-pipeline"
  recorder_state_machine_arn = "arn:aws:states:${local.region_and_account}:stateMachine:acme-dev-record-failure"
  kms_key_arn                = null
  emails                     = ["data@example.com"]
}
