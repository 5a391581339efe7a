# ---- What runs the pipeline from day to day: schedules, triggers, alarms, a dashboard --------------------------------

locals {
  dead_letter_queue_arn = var.keep_undelivered_events ? local.arns.failure_queue : null

  arrival_is_watched = length(var.arrival_triggers) > 0
  has_schedules      = length(var.schedules) > 0

  # For failure_notification, which owns the topic and the queue: who else may use them.
  alarm_arns = var.monitoring_enabled ? ["${local.arn_of.cloudwatch}:alarm:${local.prefix}-*"] : []
  arrival_rule_arns = [
    for name in keys(var.arrival_triggers) : "${local.arns.event_rule_prefix}${local.names.arrival_trigger}-${name}"
  ]

  # For the key.
  operations_log_group_arns = concat(
    var.monitoring_enabled ? ["${local.arns.log_group_prefix}/aws/events/${local.prefix}-glue-runs"] : [],
    local.arrival_is_watched ? [
      "${local.arns.log_group_prefix}/aws/vendedlogs/states/${local.names.start_on_arrival}"
    ] : [],
    local.has_schedules ? [
      "${local.arns.log_group_prefix}/aws/vendedlogs/states/${local.names.start_on_schedule}"
    ] : [],
    var.lineage.enabled ? ["${local.arns.log_group_prefix}/aws/lambda/${local.names.lineage_function}"] : [],
  )

  # Both starters start the pipeline, and do no more.
  starter_variables = { pipeline_state_machine_arn = local.arns.pipeline }
  starter_statements = [{
    sid       = "StartPipeline"
    actions   = ["states:StartExecution"]
    resources = [local.arns.pipeline]
  }]
}

module "start_on_schedule" {
  source = "./modules/state_machine"
  count  = local.has_schedules ? 1 : 0

  name                 = local.names.start_on_schedule
  account_id           = local.account_id
  definition_file      = "${path.module}/state_machines/start-on-schedule.asl.yaml"
  definition_variables = local.starter_variables
  policy_statements    = local.starter_statements
  logging              = local.state_machine_logging
  tracing_enabled      = var.tracing_enabled

  depends_on = [module.pipeline]
}

module "schedule" {
  source = "./modules/schedule"
  count  = local.has_schedules ? 1 : 0

  name                  = local.names.schedules
  group_arn             = local.arns.schedule_group
  state_machine_arn     = local.arns.start_on_schedule
  dead_letter_queue_arn = local.dead_letter_queue_arn
  kms_key_arn           = local.kms_key_arn
  schedules             = var.schedules

  depends_on = [module.start_on_schedule]
}

module "start_on_arrival" {
  source = "./modules/state_machine"
  count  = local.arrival_is_watched ? 1 : 0

  name                 = local.names.start_on_arrival
  account_id           = local.account_id
  definition_file      = "${path.module}/state_machines/start-on-arrival.asl.yaml"
  definition_variables = local.starter_variables
  policy_statements    = local.starter_statements
  logging              = local.state_machine_logging
  tracing_enabled      = var.tracing_enabled

  depends_on = [module.pipeline]
}

module "arrival_trigger" {
  source = "./modules/arrival_trigger"
  count  = local.arrival_is_watched ? 1 : 0

  name                  = local.names.arrival_trigger
  rule_arn_prefix       = local.arns.event_rule_prefix
  bucket_name           = module.storage.bucket_names.raw
  state_machine_arn     = local.arns.start_on_arrival
  dead_letter_queue_arn = local.dead_letter_queue_arn
  triggers              = var.arrival_triggers

  depends_on = [module.failure_notification, module.start_on_arrival]
}

module "emit_lineage" {
  source = "./modules/lambda_function"
  count  = var.lineage.enabled ? 1 : 0

  name            = local.names.lineage_function
  description     = "Writes OpenLineage events of the pipeline and its stages to the lake, and posts them."
  package_file    = "${local.package_dir}/${local.lineage_zip}"
  handler         = "lambda_emit_lineage.handler.handler"
  timeout_seconds = 60
  environment = {
    NAMESPACE   = local.prefix
    RAW_BUCKET  = local.names.raw_bucket
    LAKE_BUCKET = local.names.lake_bucket
    WAREHOUSE_NAMESPACE = format(
      "redshift://%s.%s:5439",
      coalesce(module.redshift.workgroup_name, module.redshift.cluster_identifier), local.region,
    )
    WAREHOUSE_DATABASE = module.redshift.database
    CODE_VERSION       = local.code_version
    SCHEDULES          = jsonencode(keys(var.schedules))
    LINEAGE_URL        = var.lineage.url
    TOKEN_SECRET_ARN   = var.lineage.token_secret_arn == null ? "" : var.lineage.token_secret_arn
  }
  log_group_arn_prefix = local.arns.log_group_prefix
  log_retention_days   = var.log_retention_days
  tracing_enabled      = var.tracing_enabled
  kms_key_arn          = local.log_kms_key_arn

  policy_statements = concat(
    [
      {
        # Manifests, and events that are there already: HeadObject asks for the same as GetObject.
        sid     = "ReadManifestsAndEvents"
        actions = ["s3:GetObject"]
        resources = [
          for prefix in [local.lake.runs, local.lake.lineage, local.lake.lineage_sent] :
          "${local.arns.lake_bucket}/${prefix}*"
        ]
      },
      {
        sid     = "WriteEvents"
        actions = ["s3:PutObject"]
        resources = [
          for prefix in [local.lake.lineage, local.lake.lineage_sent] : "${local.arns.lake_bucket}/${prefix}*"
        ]
      },
      {
        # Without it S3 answers AccessDenied, not NoSuchKey, for what is not there. HeadObject has no prefix to test.
        sid       = "SeeWhatIsMissing"
        actions   = ["s3:ListBucket"]
        resources = [local.arns.lake_bucket]
      },
      {
        # The event of a failure does not name the state.
        sid       = "FindFailedState"
        actions   = ["states:GetExecutionHistory"]
        resources = [local.arns.pipeline_runs]
      },
    ],
    # Decrypt is there for the environment, which is under the same key.
    local.has_kms_key ? [{
      sid       = "EncryptEvents"
      actions   = ["kms:GenerateDataKey"]
      resources = [local.kms_key_arn]
    }] : [],
    var.lineage.token_secret_arn == null ? [] : [{
      sid       = "ReadToken"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [var.lineage.token_secret_arn]
    }],
    var.lineage.token_kms_key_arn == null ? [] : [{
      sid       = "DecryptToken"
      actions   = ["kms:Decrypt"]
      resources = [var.lineage.token_kms_key_arn]
    }],
  )

  depends_on = [terraform_data.package]
}

module "lineage" {
  source = "./modules/lineage"
  count  = var.lineage.enabled ? 1 : 0

  name              = local.names.lineage
  rule_arn_prefix   = local.arns.event_rule_prefix
  account_id        = local.account_id
  state_machine_arn = local.arns.pipeline
  bucket_name       = module.storage.bucket_names.lake
  manifest_prefix   = local.lake.runs
  function_name     = module.emit_lineage[0].name
  function_arn      = local.arns.lineage_function
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
    local.arrival_is_watched ? { start-on-arrival = local.arns.start_on_arrival } : {},
    local.has_schedules ? { start-on-schedule = local.arns.start_on_schedule } : {},
  )
  glue_job_names          = { python = local.names.python_job, spark = local.names.spark_job }
  lambda_function_name    = local.names.lambda_function
  dead_letter_queue_names = var.keep_undelivered_events ? [local.names.failure_queue] : []
  log_group_arn_prefix    = local.arns.log_group_prefix
  kms_key_arn             = local.log_kms_key_arn
  log_retention_days      = var.log_retention_days
}
