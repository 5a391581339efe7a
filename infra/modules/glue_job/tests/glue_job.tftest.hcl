mock_provider "aws" {}

variables {
  name              = "dev-job"
  kind              = "pythonshell"
  script_uri        = "s3://dev-artifacts/job/main.py"
  extra_py_files    = ["s3://dev-artifacts/job-1-py3-none-any.whl"]
  default_arguments = { "--code_version" = "1" }
  timeout_minutes   = 60
  s3_access = [
    { bucket_arn = "arn:aws:s3:::dev-raw", prefix = "" },
    { bucket_arn = "arn:aws:s3:::dev-lake", prefix = "staged/", write = true },
  ]
  kms_key_arn          = "arn:aws:kms:us-east-1:123456789012:key/1"
  log_group_arn_prefix = "arn:aws:logs:us-east-1:123456789012:log-group:"
}

run "it_reads_and_writes_where_it_was_told" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy) == jsondecode(jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "ListBuckets"
          Effect   = "Allow"
          Action   = ["s3:GetBucketLocation", "s3:ListBucket"]
          Resource = ["arn:aws:s3:::dev-raw", "arn:aws:s3:::dev-lake"]
        },
        {
          Sid      = "ReadObjects"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["arn:aws:s3:::dev-raw/*", "arn:aws:s3:::dev-lake/staged/*"]
        },
        {
          Sid      = "WriteObjects"
          Effect   = "Allow"
          Action   = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
          Resource = ["arn:aws:s3:::dev-lake/staged/*"]
        },
        {
          Sid      = "ListUploads"
          Effect   = "Allow"
          Action   = ["s3:ListBucketMultipartUploads"]
          Resource = ["arn:aws:s3:::dev-lake"]
        },
        {
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["arn:aws:logs:us-east-1:123456789012:log-group:/aws-glue/*"]
        },
        {
          Sid      = "UseKey"
          Effect   = "Allow"
          Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource = ["arn:aws:kms:us-east-1:123456789012:key/1"]
        },
      ]
    }))
    error_message = "Policy of the job: ${aws_iam_role_policy.this.policy}"
  }
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == jsondecode(jsonencode([{
      Sid       = "AssumedByGlue"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "glue.amazonaws.com" }
    }]))
    error_message = "The role is assumed by others: ${aws_iam_role.this.assume_role_policy}"
  }
}

run "a_python_shell_job_has_capacity_and_no_workers" {
  command = plan

  variables {
    python_shell = {
      max_capacity              = 1
      additional_python_modules = ["s3://dev-artifacts/a.whl", "s3://dev-artifacts/b.whl"]
    }
  }

  assert {
    condition = (
      aws_glue_job.this.command[0].name == "pythonshell" &&
      aws_glue_job.this.command[0].python_version == "3.9"
    )
    error_message = "Not a Python shell job on Python 3.9."
  }
  # What is not set is computed, so it is unknown here and cannot be asserted; what is set can.
  assert {
    condition = (
      aws_glue_job.this.max_capacity == 1 &&
      aws_glue_job.this.timeout == 60 &&
      aws_glue_job.this.max_retries == 0
    )
    error_message = "Capacity, time-out or retries are not as given."
  }
  assert {
    condition = aws_glue_job.this.default_arguments == tomap({
      "--additional-python-modules" = "s3://dev-artifacts/a.whl,s3://dev-artifacts/b.whl"
      "--library-set"               = "none"
      "--code_version"              = "1"
      "--extra-py-files"            = "s3://dev-artifacts/job-1-py3-none-any.whl"
    })
    error_message = "Arguments: ${jsonencode(aws_glue_job.this.default_arguments)}"
  }
}

run "a_spark_job_has_workers_metrics_and_no_capacity" {
  command = plan

  variables {
    kind           = "spark"
    extra_py_files = ["s3://dev-artifacts/job.zip"]
    kms_key_arn    = null
    spark          = { number_of_workers = 4, event_logs_uri = "s3://dev-lake/spark-events/" }
  }

  assert {
    condition = (
      aws_glue_job.this.command[0].name == "glueetl" &&
      aws_glue_job.this.glue_version == "5.1" &&
      aws_glue_job.this.worker_type == "G.1X" &&
      aws_glue_job.this.number_of_workers == 4 &&
      aws_glue_job.this.execution_class == "STANDARD"
    )
    error_message = "Not the Spark job that was asked for."
  }
  assert {
    condition = (
      aws_glue_job.this.default_arguments["--spark-event-logs-path"] == "s3://dev-lake/spark-events/" &&
      aws_glue_job.this.default_arguments["--enable-metrics"] == "true"
    )
    error_message = "Arguments: ${jsonencode(aws_glue_job.this.default_arguments)}"
  }
  assert {
    condition = (
      jsondecode(aws_iam_role_policy.this.policy).Statement[*].Sid ==
      ["ListBuckets", "ReadObjects", "WriteObjects", "ListUploads", "WriteLogs", "WriteMetrics"]
    )
    error_message = "Policy of the job: ${aws_iam_role_policy.this.policy}"
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement[5] == jsondecode(jsonencode({
      Sid       = "WriteMetrics"
      Effect    = "Allow"
      Action    = ["cloudwatch:PutMetricData"]
      Resource  = ["*"]
      Condition = { StringEquals = { "cloudwatch:namespace" = "Glue" } }
    }))
    error_message = "Metrics of another namespace could be written."
  }
}

run "a_python_shell_job_takes_no_zip" {
  command = plan

  variables {
    extra_py_files = ["s3://dev-artifacts/job-1-py3-none-any.whl", "s3://dev-artifacts/job.zip"]
  }

  expect_failures = [var.extra_py_files]
}

run "a_spark_job_takes_no_egg" {
  command = plan

  variables {
    kind           = "spark"
    extra_py_files = ["s3://dev-artifacts/job.egg"]
  }

  expect_failures = [var.extra_py_files]
}

run "writing_to_a_whole_bucket_is_refused" {
  command = plan

  variables {
    s3_access = [{ bucket_arn = "arn:aws:s3:::dev-lake", prefix = "", write = true }]
  }

  expect_failures = [var.s3_access]
}

run "a_job_that_writes_nowhere_is_refused" {
  command = plan

  variables {
    s3_access = [{ bucket_arn = "arn:aws:s3:::dev-raw", prefix = "reference/" }]
  }

  expect_failures = [var.s3_access]
}

run "a_prefix_that_others_begin_with_is_refused" {
  command = plan

  variables {
    s3_access = [
      { bucket_arn = "arn:aws:s3:::dev-raw", prefix = "reference" },
      { bucket_arn = "arn:aws:s3:::dev-lake", prefix = "staged/", write = true },
    ]
  }

  expect_failures = [var.s3_access]
}

run "a_job_that_is_neither_or_not_pinned_is_refused" {
  command = plan

  variables {
    name                 = "dev job"
    kind                 = "ray"
    script_uri           = "job.py"
    default_arguments    = { "--job_id" = "1" }
    timeout_minutes      = 0
    max_concurrent_runs  = 0
    python_shell         = { max_capacity = 2, additional_python_modules = ["duckdb==1.4.5"] }
    spark                = { execution_class = "FLEX", worker_type = "R.1X" }
    log_group_arn_prefix = "*"
  }

  expect_failures = [
    var.name, var.kind, var.script_uri, var.default_arguments, var.timeout_minutes,
    var.max_concurrent_runs, var.python_shell, var.spark, var.log_group_arn_prefix,
  ]
}
