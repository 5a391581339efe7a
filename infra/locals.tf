data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.id # provider 6 deprecates "name" for "region", which 5 has not; both have this
  partition  = data.aws_partition.current.partition
  # Whoever deploys may change whatever in the account begins with it, so not the environment's name alone.
  prefix = coalesce(var.name_prefix, "tdp-${var.environment}")

  # The one place where resources get their names.
  names = {
    arrival_trigger   = "${local.prefix}-arrival"
    artifacts_bucket  = "${local.prefix}-artifacts-${local.account_id}-${local.region}"
    failure_queue     = "${local.prefix}-pipeline-failed-undelivered"
    failure_rule      = "${local.prefix}-pipeline-failed"
    failure_topic     = "${local.prefix}-pipeline-failures"
    kms_alias         = "${local.prefix}-pipeline"
    lake_bucket       = "${local.prefix}-lake-${local.account_id}-${local.region}"
    lambda_function   = "${local.prefix}-generate-param-lambda"
    lineage           = "${local.prefix}-lineage"
    lineage_function  = "${local.prefix}-emit-lineage-lambda"
    pipeline          = "${local.prefix}-pipeline"
    python_job        = "${local.prefix}-job-python-param"
    raw_bucket        = "${local.prefix}-raw-${local.account_id}-${local.region}"
    record_failure    = "${local.prefix}-record-failure"
    redshift          = "${local.prefix}-redshift"
    redshift_role     = "${local.prefix}-redshift-copy"
    run_sql           = "${local.prefix}-run-sql"
    schedules         = "${local.prefix}-pipeline-schedules"
    spark_job         = "${local.prefix}-job-spark-param"
    start_on_arrival  = "${local.prefix}-start-on-arrival"
    start_on_schedule = "${local.prefix}-start-on-schedule"
  }

  # An ARN of this account and region up to the kind of the resource, by service.
  arn_of = {
    cloudwatch = "arn:${local.partition}:cloudwatch:${local.region}:${local.account_id}"
    events     = "arn:${local.partition}:events:${local.region}:${local.account_id}"
    glue       = "arn:${local.partition}:glue:${local.region}:${local.account_id}"
    lambda     = "arn:${local.partition}:lambda:${local.region}:${local.account_id}"
    logs       = "arn:${local.partition}:logs:${local.region}:${local.account_id}"
    redshift   = "arn:${local.partition}:redshift:${local.region}:${local.account_id}"
    s3         = "arn:${local.partition}:s3::"
    scheduler  = "arn:${local.partition}:scheduler:${local.region}:${local.account_id}"
    sns        = "arn:${local.partition}:sns:${local.region}:${local.account_id}"
    sqs        = "arn:${local.partition}:sqs:${local.region}:${local.account_id}"
    states     = "arn:${local.partition}:states:${local.region}:${local.account_id}"
  }

  # ARNs are composed of known names, not read from resources: a first plan then shows the policies in full, but for
  # those with a key or a secret that is yet to be made.
  arns = {
    artifacts_bucket  = "${local.arn_of.s3}:${local.names.artifacts_bucket}"
    failure_queue     = "${local.arn_of.sqs}:${local.names.failure_queue}"
    failure_rule      = "${local.arn_of.events}:rule/${local.names.failure_rule}"
    failure_topic     = "${local.arn_of.sns}:${local.names.failure_topic}"
    lake_bucket       = "${local.arn_of.s3}:${local.names.lake_bucket}"
    lambda_function   = "${local.arn_of.lambda}:function:${local.names.lambda_function}"
    lineage_function  = "${local.arn_of.lambda}:function:${local.names.lineage_function}"
    pipeline          = "${local.arn_of.states}:stateMachine:${local.names.pipeline}"
    pipeline_runs     = "${local.arn_of.states}:execution:${local.names.pipeline}:*"
    python_job        = "${local.arn_of.glue}:job/${local.names.python_job}"
    raw_bucket        = "${local.arn_of.s3}:${local.names.raw_bucket}"
    record_failure    = "${local.arn_of.states}:stateMachine:${local.names.record_failure}"
    recorder_runs     = "${local.arn_of.states}:execution:${local.names.record_failure}:*"
    run_sql           = "${local.arn_of.states}:stateMachine:${local.names.run_sql}"
    run_sql_runs      = "${local.arn_of.states}:execution:${local.names.run_sql}:*"
    schedule_group    = "${local.arn_of.scheduler}:schedule-group/${local.names.schedules}"
    spark_job         = "${local.arn_of.glue}:job/${local.names.spark_job}"
    start_on_arrival  = "${local.arn_of.states}:stateMachine:${local.names.start_on_arrival}"
    start_on_schedule = "${local.arn_of.states}:stateMachine:${local.names.start_on_schedule}"

    # Up to the name of a cluster, a rule and a log group.
    redshift_cluster_prefix = "${local.arn_of.redshift}:cluster:"
    event_rule_prefix       = "${local.arn_of.events}:rule/"
    log_group_prefix        = "${local.arn_of.logs}:log-group:"

    # Step Functions itself makes this rule, to learn that a nested execution has ended.
    nested_execution_rule = "${local.arn_of.events}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
  }

  # The prefixes of the lake bucket.
  lake = {
    curated      = "curated/"
    lineage      = "lineage/"
    lineage_sent = "lineage-sent/"
    references   = "references/"
    rejected     = "rejected/"
    runs         = "runs/"
    spark_events = "spark-events/"
    staged       = "staged/"
  }

  # A Glue job that ends by its own timeout is reported with its reason; a task that times out first leaves the run
  # going. So a task waits for the job's timeout and, beyond it, this long for the run to start and to be seen ended.
  glue_start_margin_seconds = 600
  python_timeout_seconds    = var.python_timeout_minutes * 60 + local.glue_start_margin_seconds
  spark_timeout_seconds     = var.spark_timeout_minutes * 60 + local.glue_start_margin_seconds

  # The jobs' time-outs can be days. To them come those of the SQL states (15 minutes and 4 hours), the waits for a free
  # job run (twice about 20 minutes) and short requests: rounded up to 8 hours.
  pipeline_timeout_seconds = local.python_timeout_seconds + local.spark_timeout_seconds + 8 * 60 * 60
}

# What `nox -s package` made.
locals {
  package_dir  = startswith(var.package_dir, "/") ? var.package_dir : "${path.module}/${var.package_dir}"
  package      = try(jsondecode(file("${local.package_dir}/package.json")), {})
  code_version = try(local.package.code_version, "")
  # Not fileset, which takes a bracket in the path of the folder for a pattern.
  package_keys = toset([
    for name in concat(["package.json"], try(local.package.files, [])) :
    name if fileexists("${local.package_dir}/${name}")
  ])

  lambda_zip    = "lambda_generate_param.zip"
  lineage_zip   = "lambda_emit_lineage.zip"
  python_script = "glue_python_job/main.py"
  # Its name has the project's version; where there is none, this is what is said to be missing.
  python_wheel = try(
    coalesce(one([for name in local.package_keys : name if can(regex("^glue_python_job-[^/]*[.]whl$", name))])),
    "glue_python_job-*.whl",
  )
  spark_script = "glue_spark_job/main.py"
  spark_zip    = "glue_spark_job.zip"

  # What the Python job imports besides; where there is none, this is what is said to be missing.
  python_modules = coalescelist(
    sort([for name in local.package_keys : name if can(regex("^wheels/[^/]+[.]whl$", name))]), ["wheels/*.whl"],
  )

  package_missing = setsubtract(
    [
      "package.json", local.python_modules[0], local.lambda_zip, local.lineage_zip, local.python_script,
      local.python_wheel, local.spark_script, local.spark_zip,
    ],
    local.package_keys,
  )
}
