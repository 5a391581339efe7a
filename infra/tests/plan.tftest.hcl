# The whole configuration. The provider is mocked, since a real one asks Step Functions whether it accepts a definition.
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_redshiftserverless_workgroup" {
    defaults = { arn = "arn:aws:redshift-serverless:eu-central-1:123456789012:workgroup/found" }
  }
}

# What is known only after apply, and is part of policies and definitions.
override_resource {
  target          = module.kms_key[0].aws_kms_key.this
  override_during = plan
  values          = { arn = "arn:aws:kms:eu-central-1:123456789012:key/made", key_id = "made" }
}

override_resource {
  target          = module.redshift.aws_redshift_cluster.this[0]
  override_during = plan
  values = {
    master_password_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:of-cluster"
  }
}

override_resource {
  target          = module.redshift.aws_redshiftserverless_namespace.this[0]
  override_during = plan
  values = {
    admin_password_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:of-namespace"
  }
}

override_resource {
  target          = module.redshift.aws_secretsmanager_secret.loader[0]
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:of-loader" }
}

override_resource {
  target          = module.redshift.aws_redshiftserverless_workgroup.this[0]
  override_during = plan
  values          = { arn = "arn:aws:redshift-serverless:eu-central-1:123456789012:workgroup/made" }
}

variables {
  environment = "prod"
  name_prefix = "prod"
}

run "prod_is_encrypted_with_a_key_of_its_own" {
  command = plan

  assert {
    condition     = length(module.kms_key) == 1 && local.kms_key_arn == "arn:aws:kms:eu-central-1:123456789012:key/made"
    error_message = "By default there is a key."
  }
  assert {
    condition = [
      for statement in jsondecode(module.run_sql.policy).Statement :
      jsonencode(statement) if strcontains(statement.Sid, "Key") || statement.Sid == "DecryptCredentials"
      ] == [
      jsonencode({
        Sid    = "UseWarehouseKey"
        Effect = "Allow"
        Action = [
          "kms:Decrypt",
          "kms:DescribeKey",
          "kms:Encrypt",
          "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
        ]
        Resource = ["arn:aws:kms:eu-central-1:123456789012:key/made"]
      }),
      jsonencode({
        Sid       = "GrantWarehouseKey"
        Effect    = "Allow"
        Action    = ["kms:CreateGrant"]
        Resource  = ["arn:aws:kms:eu-central-1:123456789012:key/made"]
        Condition = { Bool = { "kms:GrantIsForAWSResource" = ["true"] } }
      }),
    ]
    error_message = "run-sql can use the key for too little or too much: ${module.run_sql.policy}"
  }
}

run "on_a_cluster_the_statements_name_it_and_may_do_no_more" {
  command = plan

  assert {
    condition = (
      strcontains(module.run_sql.definition, "'ClusterIdentifier': 'prod-redshift'") &&
      !strcontains(module.run_sql.definition, "WorkgroupName")
    )
    error_message = "run-sql does not name the cluster."
  }
  assert {
    condition = (
      strcontains(module.run_sql.definition, "{'Parameters': [$batch.parameters]}") &&
      !strcontains(module.run_sql.definition, "$inlined")
    )
    error_message = "The values are not bound."
  }
  assert {
    condition = slice(jsondecode(module.run_sql.policy).Statement, 0, 3) == jsondecode(jsonencode([
      {
        Sid      = "RunStatements"
        Effect   = "Allow"
        Action   = ["redshift-data:BatchExecuteStatement"]
        Resource = ["arn:aws:redshift:eu-central-1:123456789012:cluster:prod-redshift"]
      },
      {
        Sid    = "FollowStatements"
        Effect = "Allow"
        Action = [
          "redshift-data:CancelStatement",
          "redshift-data:DescribeStatement",
          "redshift-data:GetStatementResult",
          "redshift-data:ListStatements",
        ]
        Resource = ["*"]
      },
      {
        Sid      = "ReadCredentials"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:of-loader"]
      },
    ]))
    error_message = "Policy of run-sql: ${module.run_sql.policy}"
  }
  assert {
    condition = [
      for name in ["cluster", "loader"] : "arn:aws:secretsmanager:eu-central-1:123456789012:secret:of-${name}"
      ] == [
      output.redshift_admin_secret_arn, output.redshift_secret_arn,
    ]
    error_message = "The outputs name other secrets: ${output.redshift_admin_secret_arn}, ${output.redshift_secret_arn}"
  }
}

run "on_a_workgroup_the_statements_name_it" {
  command = plan

  variables {
    redshift = { mode = "serverless", database = "warehouse", sql_parameters = "inlined", polling = "short" }
  }

  assert {
    condition = (
      strcontains(module.run_sql.definition, "$power(2,") &&
      !strcontains(module.run_sql.definition, "WaitTimeSeconds")
    )
    error_message = "The looks are not short."
  }
  assert {
    condition = (
      strcontains(module.run_sql.definition, "function($sql) { $inlined($sql) }") &&
      !strcontains(module.run_sql.definition, "'Parameters'")
    )
    error_message = "The values are not put in place."
  }
  assert {
    condition = (
      strcontains(module.run_sql.definition, "'WorkgroupName': 'prod-redshift'") &&
      strcontains(module.run_sql.definition, "'Database': 'warehouse'") &&
      !strcontains(module.run_sql.definition, "ClusterIdentifier")
    )
    error_message = "run-sql does not name the workgroup."
  }
  assert {
    condition = [for index in [0, 2] : jsondecode(module.run_sql.policy).Statement[index].Resource] == [
      ["arn:aws:redshift-serverless:eu-central-1:123456789012:workgroup/made"],
      ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:of-loader"],
    ]
    error_message = "Policy of run-sql: ${module.run_sql.policy}"
  }
  assert {
    condition     = output.redshift_workgroup_name == "prod-redshift" && output.redshift_cluster_identifier == null
    error_message = "The outputs do not name the workgroup."
  }
}

run "on_what_is_there_already_nothing_is_made" {
  command = plan

  variables {
    kms = { mode = "existing", key_arn = "arn:aws:kms:eu-central-1:123456789012:key/given" }
    redshift = {
      mode = "existing"
      existing = {
        workgroup_name = "shared"
        secret_arn     = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared"
      }
    }
  }

  assert {
    condition     = strcontains(module.run_sql.definition, "'WorkgroupName': 'shared'")
    error_message = "run-sql does not name the workgroup."
  }
  assert {
    condition = (
      output.redshift_admin_secret_arn == null &&
      output.redshift_secret_arn == "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared"
    )
    error_message = "There is one user of the warehouse that was there."
  }
  assert {
    condition = (
      jsondecode(module.run_sql.policy).Statement[0].Resource ==
      ["arn:aws:redshift-serverless:eu-central-1:123456789012:workgroup/found"]
    )
    error_message = "Policy of run-sql: ${module.run_sql.policy}"
  }
  assert {
    condition = !anytrue([
      for statement in jsondecode(module.run_sql.policy).Statement :
      anytrue([for action in statement.Action : startswith(action, "kms:")])
    ])
    error_message = "Neither the warehouse nor its secret has a key of its own."
  }
  assert {
    condition = (
      length(module.kms_key) == 0 &&
      local.kms_key_arn == "arn:aws:kms:eu-central-1:123456789012:key/given"
    )
    error_message = "The given key is not used."
  }
}

run "the_keys_of_what_is_there_already_are_used" {
  command = plan

  variables {
    redshift = {
      mode = "existing"
      existing = {
        cluster_identifier = "shared"
        kms_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/warehouse"
        secret_arn         = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared"
        secret_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/secret"
      }
    }
  }

  assert {
    condition = {
      for statement in jsondecode(module.run_sql.policy).Statement :
      statement.Sid => statement.Resource if startswith(statement.Action[0], "kms:")
      } == {
      UseWarehouseKey    = ["arn:aws:kms:eu-central-1:123456789012:key/warehouse"]
      GrantWarehouseKey  = ["arn:aws:kms:eu-central-1:123456789012:key/warehouse"]
      DecryptCredentials = ["arn:aws:kms:eu-central-1:123456789012:key/secret"]
    }
    error_message = "Policy of run-sql: ${module.run_sql.policy}"
  }
}

run "without_lineage_nothing_of_it_is_made" {
  command = plan

  variables {
    lineage = { enabled = false }
  }

  assert {
    condition = (
      length(module.lineage) == 0 &&
      length(module.emit_lineage) == 0 &&
      output.lineage_function_name == null
    )
    error_message = "There are rules or a function for events that nobody wants."
  }
}

run "what_lineage_is_posted_to_is_a_url_by_tls" {
  command = plan

  variables {
    lineage = {
      url               = "http://marquez.example.com/api/v1/lineage"
      token_secret_arn  = "secret"
      token_kms_key_arn = "key"
    }
  }

  expect_failures = [var.lineage]
}

run "the_pipeline_may_do_what_its_states_do" {
  command = plan

  assert {
    condition = {
      for statement in jsondecode(module.pipeline.policy).Statement :
      statement.Sid => [statement.Action, statement.Resource]
      if !contains(["DeliverLogs", "WriteTraces"], statement.Sid)
      } == {
      InvokeGenerateParam = [
        ["lambda:InvokeFunction"],
        [
          "arn:aws:lambda:eu-central-1:123456789012:function:prod-generate-param-lambda",
          "arn:aws:lambda:eu-central-1:123456789012:function:prod-generate-param-lambda:*",
        ],
      ]
      StartRunSql = [
        ["states:StartExecution"],
        ["arn:aws:states:eu-central-1:123456789012:stateMachine:prod-run-sql"],
      ]
      FollowRunSql = [
        ["states:DescribeExecution", "states:StopExecution"],
        ["arn:aws:states:eu-central-1:123456789012:execution:prod-run-sql:*"],
      ]
      LearnThatRunSqlEnded = [
        ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
        ["arn:aws:events:eu-central-1:123456789012:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"],
      ]
      RunJobs = [
        ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"],
        [
          "arn:aws:glue:eu-central-1:123456789012:job/prod-job-python-param",
          "arn:aws:glue:eu-central-1:123456789012:job/prod-job-spark-param",
        ],
      ]
      LookAtOwner = [
        ["states:DescribeExecution"],
        ["arn:aws:states:eu-central-1:123456789012:execution:prod-pipeline:*"],
      ]
      Manifests = [
        ["s3:GetObject", "s3:PutObject"],
        ["arn:aws:s3:::prod-lake-123456789012-eu-central-1/runs/*"],
      ]
      UseKey = [
        ["kms:Decrypt", "kms:GenerateDataKey"],
        ["arn:aws:kms:eu-central-1:123456789012:key/made"],
      ]
    }
    error_message = "Policy of the pipeline: ${module.pipeline.policy}"
  }
}

run "the_recorder_may_do_what_its_states_do" {
  command = plan

  assert {
    condition = {
      for statement in jsondecode(module.record_failure.policy).Statement :
      statement.Sid => [statement.Action, statement.Resource]
      if contains(
        [
          "FindFailedState", "FindNestedExecutions", "LookAtFirst", "Notify", "ReadEvidence", "StartOnce",
          "StopJobRuns", "UseKey",
        ],
        statement.Sid
      )
      } == {
      FindFailedState = [
        ["states:GetExecutionHistory"],
        ["arn:aws:states:eu-central-1:123456789012:execution:prod-pipeline:*"],
      ]
      FindNestedExecutions = [
        ["states:ListExecutions"],
        ["arn:aws:states:eu-central-1:123456789012:stateMachine:prod-run-sql"],
      ]
      LookAtFirst = [
        ["states:DescribeExecution"],
        ["arn:aws:states:eu-central-1:123456789012:execution:prod-record-failure:*"],
      ]
      Notify       = [["sns:Publish"], ["arn:aws:sns:eu-central-1:123456789012:prod-pipeline-failures"]]
      ReadEvidence = [["s3:GetObject"], ["arn:aws:s3:::prod-lake-123456789012-eu-central-1/runs/*"]]
      StartOnce = [
        ["states:StartExecution"],
        ["arn:aws:states:eu-central-1:123456789012:stateMachine:prod-record-failure"],
      ]
      StopJobRuns = [
        ["glue:GetJobRuns", "glue:BatchStopJobRun"],
        [
          "arn:aws:glue:eu-central-1:123456789012:job/prod-job-python-param",
          "arn:aws:glue:eu-central-1:123456789012:job/prod-job-spark-param",
        ],
      ]
      UseKey = [["kms:Decrypt", "kms:GenerateDataKey"], ["arn:aws:kms:eu-central-1:123456789012:key/made"]]
    }
    error_message = "Policy of the recorder: ${module.record_failure.policy}"
  }
}

run "references_are_read_raw_by_the_python_job_alone" {
  command = plan

  assert {
    condition = {
      for statement in jsondecode(module.python_job.policy).Statement :
      statement.Sid => statement.Resource if contains(["ReadObjects", "WriteObjects"], statement.Sid)
      } == {
      ReadObjects = [
        "arn:aws:s3:::prod-raw-123456789012-eu-central-1/*",
        "arn:aws:s3:::prod-artifacts-123456789012-eu-central-1/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/staged/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/references/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/rejected/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/runs/*",
      ]
      WriteObjects = [
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/staged/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/references/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/rejected/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/runs/*",
      ]
    }
    error_message = "Policy of the Python job: ${module.python_job.policy}"
  }
  assert {
    condition = {
      for statement in jsondecode(module.spark_job.policy).Statement :
      statement.Sid => statement.Resource if contains(["ReadObjects", "WriteObjects"], statement.Sid)
      } == {
      ReadObjects = [
        "arn:aws:s3:::prod-artifacts-123456789012-eu-central-1/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/references/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/staged/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/curated/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/runs/*",
      ]
      WriteObjects = [
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/curated/*",
        "arn:aws:s3:::prod-lake-123456789012-eu-central-1/runs/*",
      ]
    }
    error_message = "Policy of the Spark job: ${module.spark_job.policy}"
  }
}

run "an_execution_outlasts_its_jobs" {
  command = plan

  variables {
    python_timeout_minutes = 10080
    spark_timeout_minutes  = 10080
  }

  assert {
    condition = jsondecode(module.pipeline.definition).TimeoutSeconds > sum([
      for state in jsondecode(module.pipeline.definition).States : try(state.TimeoutSeconds, 0)
    ])
    error_message = "The execution times out before its states do."
  }
  assert {
    condition     = jsondecode(module.pipeline.definition).States.TransformWithSpark.TimeoutSeconds > 10080 * 60
    error_message = "The task times out before the job run does."
  }
}

run "the_jobs_get_their_size_and_their_code" {
  command = plan

  variables {
    spark        = { auto_scaling = false }
    python_shell = { max_capacity = 1 }
  }

  assert {
    condition     = module.spark_job.default_arguments["--enable-auto-scaling"] == "false"
    error_message = "The Spark job does not get its settings: ${jsonencode(module.spark_job.default_arguments)}"
  }
  assert {
    condition     = endswith(module.python_job.default_arguments["--additional-python-modules"], ".whl")
    error_message = "The Python job's settings take its wheels away: ${jsonencode(module.python_job.default_arguments)}"
  }
  assert {
    condition     = module.python_job.default_arguments["--memory_limit"] == "8GB"
    error_message = "The Python job does not use the memory of its size: ${jsonencode(module.python_job.default_arguments)}"
  }
}

run "a_protected_environment_keeps_its_data_logs_and_encryption" {
  command = plan

  variables {
    force_destroy           = true
    require_tls             = false
    log_retention_days      = 30
    kms                     = { mode = "none" }
    keep_undelivered_events = false
    state_machine_log_level = "OFF"
  }

  expect_failures = [
    var.force_destroy, var.require_tls, var.log_retention_days, var.kms, var.keep_undelivered_events,
    var.state_machine_log_level,
  ]
}

run "production_is_protected" {
  command = plan

  variables {
    environment = "production-eu"
    protect     = false
  }

  expect_failures = [var.protect]
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    environment              = "Prod"
    name_prefix              = "a--b"
    staged_expiration_days   = 7
    rejected_expiration_days = 0
  }

  expect_failures = [var.environment, var.name_prefix, var.staged_expiration_days, var.rejected_expiration_days]
}

run "another_way_of_polling_is_refused" {
  command = plan

  variables {
    redshift = { polling = "endless" }
  }

  expect_failures = [var.redshift]
}

run "another_mode_of_parameters_is_refused" {
  command = plan

  variables {
    redshift = { sql_parameters = "escaped" }
  }

  expect_failures = [var.redshift]
}

run "an_alias_is_no_key" {
  command = plan

  variables {
    kms = { mode = "existing", key_arn = "arn:aws:kms:eu-central-1:123456789012:alias/mine" }
  }

  expect_failures = [var.kms]
}

run "a_key_is_named_where_it_is_used" {
  command = plan

  variables {
    kms = { mode = "create", key_arn = "arn:aws:kms:eu-central-1:123456789012:key/given" }
  }

  expect_failures = [var.kms]
}

run "a_name_without_prefix_is_distinctive" {
  command = plan
  variables {
    name_prefix = null
  }

  assert {
    condition     = local.names.pipeline == "tdp-prod-pipeline"
    error_message = "Roles for \"prod-*\" could change what belongs to others: ${local.names.pipeline}"
  }
}

run "a_schedule_starts_what_starts_once" {
  command = plan
  variables {
    schedules = { nightly = { dataset = "flights", source_uri = "s3://raw/flights/", expression = "rate(1 day)" } }
  }

  assert {
    condition     = strcontains(one(module.start_on_schedule).definition, "stateMachine:prod-pipeline")
    error_message = "start-on-schedule does not start the pipeline."
  }
}

run "the_key_of_a_protected_environment_rotates" {
  command = plan

  variables {
    kms = { rotate = false }
  }

  expect_failures = [var.kms]
}
