locals {
  states = "arn:aws:states:eu-central-1:123456789012:stateMachine"
}

module "monitoring" {
  source = "../.."

  name_prefix = "acme-dev"
  region      = "eu-central-1"
  account_id  = "123456789012"
  topic_arn   = "arn:aws:sns:eu-central-1:123456789012:acme-dev-pipeline-failures"
  pipeline = {
    arn            = "${local.states}:acme-dev-pipeline"
    log_group_name = "/aws/vendedlogs/states/acme-dev-pipeline"
  }
  helper_state_machine_arns = { record-failure = "${local.states}:acme-dev-record-failure" }
  glue_job_names            = { python = "acme-dev-job-python", spark = "acme-dev-job-spark" }
  lambda_function_name      = "acme-dev-generate-param"
  dead_letter_queue_names   = ["acme-dev-pipeline-failed-undelivered"]
  log_group_arn_prefix      = "arn:aws:logs:eu-central-1:123456789012:log-group:"
  log_retention_days        = 365
}
