# ---- What runs the pipeline from day to day: schedules, triggers, alarms, a dashboard ------------------------------------

locals {
  event_rule_arn_prefix = "arn:${local.partition}:events:${local.region}:${local.account_id}:rule/"
  start_on_arrival_arn  = "arn:${local.partition}:states:${local.region}:${local.account_id}:stateMachine:${local.names.start_on_arrival}"
  start_on_schedule_arn = "arn:${local.partition}:states:${local.region}:${local.account_id}:stateMachine:${local.names.start_on_schedule}"
  dead_letter_queue_arn = var.keep_undelivered_events ? local.arns.failure_queue : null

  # For failure_notification, which owns the topic and the queue: who else may use them.
  alarm_arns         = var.monitoring_enabled ? ["arn:${local.partition}:cloudwatch:${local.region}:${local.account_id}:alarm:${local.prefix}-*"] : []
  arrival_rule_arns  = [for name in keys(var.arrival_triggers) : "${local.event_rule_arn_prefix}${local.names.arrival_trigger}-${name}"]
  arrival_is_watched = length(var.arrival_triggers) > 0
  has_schedules      = length(var.schedules) > 0
  # For the key.
  operations_log_group_arns = concat(
    var.monitoring_enabled ? ["${local.arns.log_group_prefix}/aws/events/${local.prefix}-glue-runs"] : [],
    local.arrival_is_watched ? ["${local.arns.log_group_prefix}/aws/vendedlogs/states/${local.names.start_on_arrival}"] : [],
    local.has_schedules ? ["${local.arns.log_group_prefix}/aws/vendedlogs/states/${local.names.start_on_schedule}"] : [],
  )
}

module "start_on_schedule" {
  source = "./modules/state_machine"
  count  = local.has_schedules ? 1 : 0

  name            = local.names.start_on_schedule
  account_id      = local.account_id
  definition_file = "${path.module}/state_machines/start-on-schedule.asl.yaml"
  definition_variables = {
    pipeline_state_machine_arn = local.arns.pipeline
  }
  log_retention_days     = var.log_retention_days
  kms_key_arn            = local.log_kms_key_arn
  log_level              = var.state_machine_log_level
  include_execution_data = var.state_machine_log_execution_data
  tracing_enabled        = var.tracing_enabled

  policy_statements = [{
    sid       = "StartPipeline"
    actions   = ["states:StartExecution"]
    resources = [local.arns.pipeline]
  }]

  depends_on = [module.pipeline]
}

module "schedule" {
  source = "./modules/schedule"
  count  = local.has_schedules ? 1 : 0

  name                  = local.names.schedules
  group_arn             = "arn:${local.partition}:scheduler:${local.region}:${local.account_id}:schedule-group/${local.names.schedules}"
  state_machine_arn     = local.start_on_schedule_arn
  dead_letter_queue_arn = local.dead_letter_queue_arn
  kms_key_arn           = local.kms_key_arn
  schedules             = var.schedules

  depends_on = [module.start_on_schedule]
}

module "start_on_arrival" {
  source = "./modules/state_machine"
  count  = local.arrival_is_watched ? 1 : 0

  name            = local.names.start_on_arrival
  account_id      = local.account_id
  definition_file = "${path.module}/state_machines/start-on-arrival.asl.yaml"
  definition_variables = {
    pipeline_state_machine_arn = local.arns.pipeline
  }
  log_retention_days     = var.log_retention_days
  kms_key_arn            = local.log_kms_key_arn
  log_level              = var.state_machine_log_level
  include_execution_data = var.state_machine_log_execution_data
  tracing_enabled        = var.tracing_enabled

  policy_statements = [{
    sid       = "StartPipeline"
    actions   = ["states:StartExecution"]
    resources = [local.arns.pipeline]
  }]

  depends_on = [module.pipeline]
}

module "arrival_trigger" {
  source = "./modules/arrival_trigger"
  count  = local.arrival_is_watched ? 1 : 0

  name                  = local.names.arrival_trigger
  rule_arn_prefix       = local.event_rule_arn_prefix
  bucket_name           = module.storage.bucket_names.raw
  state_machine_arn     = local.start_on_arrival_arn
  dead_letter_queue_arn = local.dead_letter_queue_arn
  triggers              = var.arrival_triggers

  depends_on = [module.failure_notification, module.start_on_arrival]
}

module "monitoring" {
  source = "./modules/monitoring"
  count  = var.monitoring_enabled ? 1 : 0

  name_prefix = local.prefix
  region      = local.region
  account_id  = local.account_id
  topic_arn   = module.failure_notification.topic_arn
  pipeline = {
    arn            = local.arns.pipeline
    log_group_name = "/aws/vendedlogs/states/${local.names.pipeline}"
  }
  helper_state_machine_arns = merge(
    { record-failure = local.arns.record_failure },
    local.arrival_is_watched ? { start-on-arrival = local.start_on_arrival_arn } : {},
    local.has_schedules ? { start-on-schedule = local.start_on_schedule_arn } : {},
  )
  glue_job_names          = { python = local.names.python_job, spark = local.names.spark_job }
  lambda_function_name    = local.names.lambda_function
  dead_letter_queue_names = var.keep_undelivered_events ? [local.names.failure_queue] : []
  log_group_arn_prefix    = local.arns.log_group_prefix
  kms_key_arn             = local.log_kms_key_arn
  log_retention_days      = var.log_retention_days
}

output "dashboard_name" {
  description = "CloudWatch dashboard of the pipeline; null without monitoring."
  value       = one(module.monitoring[*].dashboard_name)
}
