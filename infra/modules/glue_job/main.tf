locals {
  is_spark = var.kind == "spark"

  python_shell_arguments = {
    "--additional-python-modules" = join(",", var.python_shell.additional_python_modules)
    # Of Glue's own libraries none: the job gets the versions that it was tested with, and they change with it alone.
    "--library-set" = "none"
  }
  spark_arguments = merge(
    {
      "--job-language"                 = "python"
      "--enable-auto-scaling"          = tostring(var.spark.auto_scaling)
      "--enable-metrics"               = "true"
      "--enable-observability-metrics" = "true"
    },
    var.spark.event_logs_uri == null ? {} : {
      "--enable-spark-ui"       = "true"
      "--spark-event-logs-path" = var.spark.event_logs_uri
    },
  )
}

resource "aws_glue_job" "this" {
  # A security configuration would also move the job's logs to other log groups, where nobody would find the job ID.
  #checkov:skip=CKV_AWS_195:The buckets encrypt what the job writes, and it keeps no bookmarks
  name        = var.name
  description = var.description
  role_arn    = aws_iam_role.this.arn

  # A Python shell job is sized by capacity and refuses Glue versions and workers; a Spark job is the other way round.
  glue_version      = local.is_spark ? var.spark.glue_version : null
  worker_type       = local.is_spark ? var.spark.worker_type : null
  number_of_workers = local.is_spark ? var.spark.number_of_workers : null
  execution_class   = local.is_spark ? var.spark.execution_class : null
  max_capacity      = local.is_spark ? null : var.python_shell.max_capacity

  # Retries are the state machine's: a retry made by Glue would be a run that nobody follows.
  max_retries = 0
  timeout     = var.timeout_minutes

  default_arguments = merge(
    { "--extra-py-files" = join(",", var.extra_py_files) },
    local.is_spark ? local.spark_arguments : local.python_shell_arguments,
    var.default_arguments,
  )

  command {
    name            = local.is_spark ? "glueetl" : "pythonshell"
    python_version  = local.is_spark ? "3" : "3.9"
    script_location = var.script_uri
  }

  execution_property {
    max_concurrent_runs = var.max_concurrent_runs
  }

  depends_on = [aws_iam_role_policy.this]
}
