# Stops a plan that would deploy an absent or half-made package, before the files are read.
resource "terraform_data" "package" {
  input = local.code_version

  lifecycle {
    precondition {
      condition = length(local.package_missing) == 0
      error_message = join(" ", [
        "Missing in ${local.package_dir}: ${join(", ", local.package_missing)}. Run `nox -s package` first, or set",
        "package_dir to the folder that it wrote.",
      ])
    }
    precondition {
      condition = length(local.package_missing) > 0 || local.code_version != ""
      error_message = join(" ", [
        "${local.package_dir}/package.json has no code_version, or is not JSON.",
        "Run `nox -s package` again.",
      ])
    }
  }
}

# ---- Encryption ----------------------------------------------------------------------------------------------------

module "kms_key" {
  source = "./modules/kms_key"
  count  = var.kms.mode == "create" ? 1 : 0

  alias                = local.names.kms_alias
  description          = "Encrypts what the pipeline ${local.prefix} keeps."
  partition            = local.partition
  region               = local.region
  account_id           = local.account_id
  deletion_window_days = var.protect ? 30 : 7
  rotate               = var.kms.rotate
  log_group_arns = concat(local.operations_log_group_arns, [
    "${local.arns.log_group_prefix}/aws/lambda/${local.names.lambda_function}",
    "${local.arns.log_group_prefix}/aws/vendedlogs/states/${local.names.pipeline}",
    "${local.arns.log_group_prefix}/aws/vendedlogs/states/${local.names.record_failure}",
    "${local.arns.log_group_prefix}/aws/vendedlogs/states/${local.names.run_sql}",
  ])
}

locals {
  # Whether there is one is known before it is made.
  has_kms_key = var.kms.mode != "none"
  kms_key_arn = var.kms.mode == "create" ? one(module.kms_key[*].arn) : var.kms.key_arn
  # For log groups, which cannot be made before the key's policy is there.
  log_kms_key_arn = var.kms.mode == "create" ? one(module.kms_key[*].arn_for_log_groups) : var.kms.key_arn
}

# ---- Storage -----------------------------------------------------------------------------------------------------

module "storage" {
  source = "./modules/storage"

  bucket_names = {
    artifacts = local.names.artifacts_bucket
    lake      = local.names.lake_bucket
    raw       = local.names.raw_bucket
  }
  partition        = local.partition
  account_id       = local.account_id
  kms_key_arn      = local.kms_key_arn
  force_destroy    = var.force_destroy
  require_tls      = var.require_tls
  enable_lifecycle = var.enable_lifecycle
  lake_expiration_days = {
    (local.lake.references) = var.staged_expiration_days
    (local.lake.rejected)   = var.rejected_expiration_days
    (local.lake.staged)     = var.staged_expiration_days
  }
}

resource "aws_s3_object" "package" {
  for_each = local.package_keys

  bucket = module.storage.bucket_names.artifacts
  key    = each.value
  source = "${local.package_dir}/${each.value}"
  # Not etag: the ETag of an object under a KMS key is not its MD5.
  source_hash = filemd5("${local.package_dir}/${each.value}")

  # The whole module: an object that is there before its bucket's encryption and versioning would have neither.
  depends_on = [module.storage, terraform_data.package]
}

# ---- Step 1: the job ID --------------------------------------------------------------------------------------------

module "generate_param" {
  source = "./modules/lambda_function"

  name         = local.names.lambda_function
  description  = "Checks the execution's input and makes the job ID and the URIs of the run."
  package_file = "${local.package_dir}/${local.lambda_zip}"
  handler      = "lambda_generate_param.handler.handler"
  environment = {
    RAW_BUCKET       = local.names.raw_bucket
    LAKE_BUCKET      = local.names.lake_bucket
    ARTIFACTS_BUCKET = local.names.artifacts_bucket
    CODE_VERSION     = local.code_version
  }
  log_group_arn_prefix = local.arns.log_group_prefix
  log_retention_days   = var.log_retention_days
  tracing_enabled      = var.tracing_enabled
  kms_key_arn          = local.log_kms_key_arn

  depends_on = [terraform_data.package]
}

# ---- Steps 3 and 4: the Glue jobs ----------------------------------------------------------------------------------

module "python_job" {
  source = "./modules/glue_job"

  name           = local.names.python_job
  description    = "Checks the source and reference files against the contract; writes staged and rejected rows."
  kind           = "pythonshell"
  script_uri     = "s3://${local.names.artifacts_bucket}/${local.python_script}"
  extra_py_files = ["s3://${local.names.artifacts_bucket}/${local.python_wheel}"]
  default_arguments = {
    "--code_version" = local.code_version
    # Half of the 1 or 16 GB that a run has: a sql rule is measured by a DuckDB of its own, with as much.
    "--memory_limit" = try(var.python_shell.max_capacity, null) == 1 ? "8GB" : "512MB"
  }
  timeout_minutes     = var.python_timeout_minutes
  max_concurrent_runs = var.max_concurrent_runs
  python_shell = merge(var.python_shell, {
    additional_python_modules = [for key in local.python_modules : "s3://${local.names.artifacts_bucket}/${key}"]
  })

  s3_access = [
    { bucket_arn = local.arns.raw_bucket, prefix = "" },
    { bucket_arn = local.arns.artifacts_bucket, prefix = "" },
    { bucket_arn = local.arns.lake_bucket, prefix = local.lake.staged, write = true },
    { bucket_arn = local.arns.lake_bucket, prefix = local.lake.references, write = true },
    { bucket_arn = local.arns.lake_bucket, prefix = local.lake.rejected, write = true },
    { bucket_arn = local.arns.lake_bucket, prefix = local.lake.runs, write = true },
  ]
  kms_key_arn          = local.kms_key_arn
  log_group_arn_prefix = local.arns.log_group_prefix

  depends_on = [aws_s3_object.package]
}

module "spark_job" {
  source = "./modules/glue_job"

  name                = local.names.spark_job
  description         = "Runs the data set's transform.sql over the staged rows; writes the curated tables."
  kind                = "spark"
  script_uri          = "s3://${local.names.artifacts_bucket}/${local.spark_script}"
  extra_py_files      = ["s3://${local.names.artifacts_bucket}/${local.spark_zip}"]
  default_arguments   = { "--code_version" = local.code_version }
  timeout_minutes     = var.spark_timeout_minutes
  max_concurrent_runs = var.max_concurrent_runs
  spark = merge(var.spark, {
    event_logs_uri = var.spark_event_logs_enabled ? "s3://${local.names.lake_bucket}/${local.lake.spark_events}" : null
  })

  s3_access = concat(
    [
      { bucket_arn = local.arns.artifacts_bucket, prefix = "" },
      { bucket_arn = local.arns.lake_bucket, prefix = local.lake.references },
      { bucket_arn = local.arns.lake_bucket, prefix = local.lake.staged },
      { bucket_arn = local.arns.lake_bucket, prefix = local.lake.curated, write = true },
      { bucket_arn = local.arns.lake_bucket, prefix = local.lake.runs, write = true },
    ],
    var.spark_event_logs_enabled
    ? [{ bucket_arn = local.arns.lake_bucket, prefix = local.lake.spark_events, write = true }]
    : [],
  )
  kms_key_arn          = local.kms_key_arn
  log_group_arn_prefix = local.arns.log_group_prefix

  depends_on = [aws_s3_object.package]
}

# ---- Steps 2 and 5: Redshift ---------------------------------------------------------------------------------------

module "redshift" {
  source = "./modules/redshift"

  mode           = var.redshift.mode
  name           = local.names.redshift
  database       = var.redshift.database
  admin_username = var.redshift.admin_username
  network        = var.redshift.network
  log_exports    = var.redshift.log_exports
  provisioned    = var.redshift.provisioned
  serverless     = var.redshift.serverless
  existing       = var.redshift.existing
  protect        = var.protect
  require_ssl    = var.require_tls
  kms_key_arn    = local.kms_key_arn

  cluster_arn_prefix = local.arns.redshift_cluster_prefix
  account_id         = local.account_id
  copy_role_name     = local.names.redshift_role
  copy_from = {
    bucket_arn = local.arns.lake_bucket
    prefixes   = [local.lake.curated, local.lake.runs]
  }
}

# ---- State machines ------------------------------------------------------------------------------------------------

locals {
  state_machine_logging = {
    retention_days         = var.log_retention_days
    level                  = var.state_machine_log_level
    include_execution_data = var.state_machine_log_execution_data
    kms_key_arn            = local.log_kms_key_arn
  }

  # Known before the key is made. What we make has one key for both the warehouse and its secret.
  uses_existing_redshift = var.redshift.mode == "existing"
  has_warehouse_kms_key = (
    local.uses_existing_redshift
    ? try(var.redshift.existing.kms_key_arn, null) != null
    : local.has_kms_key
  )
  has_secret_kms_key = local.uses_existing_redshift && try(var.redshift.existing.secret_kms_key_arn, null) != null

  # Statements that more than one state machine needs: to call the Lambda function in any version, …
  invoke_lambda_statement = {
    sid       = "InvokeGenerateParam"
    actions   = ["lambda:InvokeFunction"]
    resources = [local.arns.lambda_function, "${local.arns.lambda_function}:*"]
  }
  # … and to run SQL as a nested execution, stop it when this one is stopped, and learn from a rule that it has ended.
  # https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
  run_sql_statements = [
    {
      sid       = "StartRunSql"
      actions   = ["states:StartExecution"]
      resources = [local.arns.run_sql]
    },
    {
      sid       = "FollowRunSql"
      actions   = ["states:DescribeExecution", "states:StopExecution"]
      resources = [local.arns.run_sql_runs]
    },
    {
      sid       = "LearnThatRunSqlEnded"
      actions   = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
      resources = [local.arns.nested_execution_rule]
    },
  ]
  # Manifests and the topic are encrypted with the key.
  use_kms_key_statements = local.has_kms_key ? [{
    sid       = "UseKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [local.kms_key_arn]
  }] : []
}

module "run_sql" {
  source = "./modules/state_machine"

  name            = local.names.run_sql
  account_id      = local.account_id
  definition_file = "${path.module}/state_machines/run-sql.asl.yaml"
  definition_variables = {
    # A cluster and a workgroup are named by different parameters of the Data API.
    redshift_target_parameter = module.redshift.workgroup_name == null ? "ClusterIdentifier" : "WorkgroupName"
    redshift_target           = coalesce(module.redshift.workgroup_name, module.redshift.cluster_identifier)
    redshift_database         = module.redshift.database
    redshift_secret_arn       = module.redshift.secret_arn
    sql_parameters            = var.redshift.sql_parameters
    polling                   = var.redshift.polling
  }
  logging         = local.state_machine_logging
  tracing_enabled = var.tracing_enabled

  policy_statements = concat(
    [
      {
        # With a secret, neither redshift:GetClusterCredentials nor redshift-serverless:GetCredentials is asked for:
        # https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-access.html
        sid       = "RunStatements"
        actions   = ["redshift-data:BatchExecuteStatement"]
        resources = [module.redshift.arn]
      },
      {
        # A statement has no ARN: for these AWS accepts no other resource than "*".
        sid = "FollowStatements"
        actions = [
          "redshift-data:CancelStatement",
          "redshift-data:DescribeStatement",
          "redshift-data:GetStatementResult",
          "redshift-data:ListStatements",
        ]
        resources = ["*"]
      },
      {
        # The Data API reads the secret as the caller: that of the user that loads, not the administrator's.
        sid       = "ReadCredentials"
        actions   = ["secretsmanager:GetSecretValue"]
        resources = [module.redshift.secret_arn]
      },
    ],
    local.has_warehouse_kms_key ? [{
      # The Data API keeps statements and results under the warehouse's key, with the caller's rights on it; that key
      # has its secret too. What AWS writes with wildcards is named in full.
      # https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-kms.html
      sid = "UseWarehouseKey"
      actions = [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
      ]
      resources = [module.redshift.kms_key_arn]
    }] : [],
    local.has_warehouse_kms_key ? [{
      # The Data API asks for a grant in the caller's name; the role itself could make none for anybody else.
      # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource
      sid       = "GrantWarehouseKey"
      actions   = ["kms:CreateGrant"]
      resources = [module.redshift.kms_key_arn]
      condition = { Bool = { "kms:GrantIsForAWSResource" = ["true"] } }
    }] : [],
    local.has_secret_kms_key ? [{
      # The secret of a warehouse that was there before may be under a key of its own.
      sid       = "DecryptCredentials"
      actions   = ["kms:Decrypt"]
      resources = [module.redshift.secret_kms_key_arn]
    }] : [],
  )
}

module "pipeline" {
  source = "./modules/state_machine"

  name            = local.names.pipeline
  account_id      = local.account_id
  definition_file = "${path.module}/state_machines/pipeline.asl.yaml"
  definition_variables = {
    lambda_function_arn       = local.arns.lambda_function
    run_sql_state_machine_arn = local.arns.run_sql
    python_job_name           = local.names.python_job
    spark_job_name            = local.names.spark_job
    lake_bucket               = local.names.lake_bucket
    python_timeout_seconds    = local.python_timeout_seconds
    spark_timeout_seconds     = local.spark_timeout_seconds
    timeout_seconds           = local.pipeline_timeout_seconds
  }
  logging         = local.state_machine_logging
  tracing_enabled = var.tracing_enabled

  policy_statements = concat(
    [local.invoke_lambda_statement],
    local.run_sql_statements,
    [
      {
        # Start, follow and stop: https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
        sid       = "RunJobs"
        actions   = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
        resources = [local.arns.python_job, local.arns.spark_job]
      },
      {
        # Whether the execution that has a job is at work on it: a redrive of it may be.
        sid       = "LookAtOwner"
        actions   = ["states:DescribeExecution"]
        resources = [local.arns.pipeline_runs]
      },
      {
        # The jobs' manifests are read, the load's is written.
        sid       = "Manifests"
        actions   = ["s3:GetObject", "s3:PutObject"]
        resources = ["${local.arns.lake_bucket}/${local.lake.runs}*"]
      },
    ],
    local.use_kms_key_statements,
  )

  # The ARNs above are composed, so Terraform does not see that an execution, or its failure, needs all of these.
  depends_on = [
    module.failure_notification,
    module.generate_param,
    module.python_job,
    module.record_failure,
    module.run_sql,
    module.spark_job,
    module.storage,
  ]
}

# ---- Failures ------------------------------------------------------------------------------------------------------

module "record_failure" {
  source = "./modules/state_machine"

  name            = local.names.record_failure
  account_id      = local.account_id
  definition_file = "${path.module}/state_machines/record-failure.asl.yaml"
  definition_variables = {
    lambda_function_arn              = local.arns.lambda_function
    pipeline_state_machine_arn       = local.arns.pipeline
    record_failure_state_machine_arn = local.arns.record_failure
    run_sql_state_machine_arn        = local.arns.run_sql
    python_job_name                  = local.names.python_job
    spark_job_name                   = local.names.spark_job
    lake_bucket                      = local.names.lake_bucket
    topic_arn                        = local.arns.failure_topic
    chat_notifications               = var.chat_notifications_enabled
  }
  logging         = local.state_machine_logging
  tracing_enabled = var.tracing_enabled

  policy_statements = concat(
    [local.invoke_lambda_statement],
    local.run_sql_statements,
    [
      {
        # Once for each event: by an execution of a name that is made of it.
        sid       = "StartOnce"
        actions   = ["states:StartExecution"]
        resources = [local.arns.record_failure]
      },
      {
        sid       = "LookAtFirst"
        actions   = ["states:DescribeExecution"]
        resources = [local.arns.recorder_runs]
      },
      {
        # The event of a failure does not name the state.
        sid       = "FindFailedState"
        actions   = ["states:GetExecutionHistory"]
        resources = [local.arns.pipeline_runs]
      },
      {
        # What the attempt has left running. A nested execution may be stopped by what is above.
        sid       = "StopJobRuns"
        actions   = ["glue:GetJobRuns", "glue:BatchStopJobRun"]
        resources = [local.arns.python_job, local.arns.spark_job]
      },
      {
        sid       = "FindNestedExecutions"
        actions   = ["states:ListExecutions"]
        resources = [local.arns.run_sql]
      },
      {
        # What the stages said and counted. Without s3:ListBucket S3 says AccessDenied also of what is not there; either
        # is passed over.
        sid       = "ReadEvidence"
        actions   = ["s3:GetObject"]
        resources = ["${local.arns.lake_bucket}/${local.lake.runs}*"]
      },
      {
        # People are told after the failure was recorded, so by this state machine and not by the rule.
        sid       = "Notify"
        actions   = ["sns:Publish"]
        resources = [local.arns.failure_topic]
      },
    ],
    local.use_kms_key_statements,
  )

  depends_on = [module.generate_param, module.run_sql]
}

module "failure_notification" {
  source = "./modules/failure_notification"

  rule_name                  = local.names.failure_rule
  rule_arn                   = local.arns.failure_rule
  queue_name                 = local.names.failure_queue
  queue_arn                  = local.arns.failure_queue
  account_id                 = local.account_id
  watched_state_machine_arn  = local.arns.pipeline
  recorder_state_machine_arn = local.arns.record_failure
  topic_name                 = local.names.failure_topic
  topic_arn                  = local.arns.failure_topic
  kms_key_arn                = local.kms_key_arn
  require_tls                = var.require_tls
  emails                     = var.notification_emails
  keep_undelivered           = var.keep_undelivered_events
  alarm_arns                 = local.alarm_arns
  further_rule_arns          = local.arrival_rule_arns
}
