mock_provider "aws" {
  override_during = plan

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/dev-redshift-copy" }
  }
  mock_resource "aws_redshift_cluster" {
    defaults = {
      master_password_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!dev-redshift"
    }
  }
  mock_resource "aws_redshiftserverless_namespace" {
    defaults = {
      admin_password_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!dev-namespace"
    }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:dev-redshift-loader-1" }
  }
  mock_resource "aws_redshiftserverless_workgroup" {
    defaults = { arn = "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/made" }
  }
  mock_data "aws_redshiftserverless_workgroup" {
    defaults = { arn = "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/found" }
  }
}

variables {
  mode               = "provisioned"
  name               = "dev-redshift"
  database           = "analytics"
  kms_key_arn        = "arn:aws:kms:us-east-1:123456789012:key/1"
  cluster_arn_prefix = "arn:aws:redshift:us-east-1:123456789012:cluster:"
  account_id         = "123456789012"
  copy_role_name     = "dev-redshift-copy"
  copy_from          = { bucket_arn = "arn:aws:s3:::dev-lake", prefixes = ["curated/", "runs/"] }
  network = {
    subnet_ids           = ["subnet-1", "subnet-2", "subnet-3"]
    security_group_ids   = ["sg-1"]
    enhanced_vpc_routing = true
  }
  log_exports = ["connectionlog", "userlog"]
}

run "a_cluster_is_private_encrypted_and_keeps_its_password_to_itself" {
  command = plan

  assert {
    condition = (
      tobool(aws_redshift_cluster.this[0].encrypted) &&
      aws_redshift_cluster.this[0].kms_key_id == var.kms_key_arn
    )
    error_message = "The cluster is not encrypted with the key."
  }
  assert {
    condition = (
      aws_redshift_cluster.this[0].manage_master_password &&
      aws_redshift_cluster.this[0].master_password == null &&
      aws_redshift_cluster.this[0].master_password_secret_kms_key_id == var.kms_key_arn
    )
    error_message = "The password is in the state, or its secret is not encrypted with the key."
  }
  assert {
    condition = (
      !aws_redshift_cluster.this[0].publicly_accessible &&
      aws_redshift_cluster.this[0].enhanced_vpc_routing &&
      aws_redshift_cluster.this[0].vpc_security_group_ids == toset(["sg-1"]) &&
      aws_redshift_cluster.this[0].cluster_subnet_group_name == "dev-redshift"
    )
    error_message = "The cluster is not in the network that it was given."
  }
  assert {
    condition     = aws_redshift_subnet_group.this[0].subnet_ids == toset(["subnet-1", "subnet-2", "subnet-3"])
    error_message = "The subnet group has other subnets."
  }
  assert {
    condition = (
      { for parameter in aws_redshift_parameter_group.this[0].parameter : parameter.name => parameter.value } ==
      { enable_user_activity_logging = "true", require_ssl = "true" }
    )
    error_message = "Connections without TLS are let in."
  }
  assert {
    condition     = aws_redshift_cluster.this[0].cluster_parameter_group_name == "dev-redshift"
    error_message = "The cluster does not use the parameters."
  }
  assert {
    condition = (
      !aws_redshift_cluster.this[0].skip_final_snapshot &&
      aws_redshift_cluster.this[0].automated_snapshot_retention_period == 7 &&
      can(regex("^dev-redshift-final-[0-9]{14}$", aws_redshift_cluster.this[0].final_snapshot_identifier))
    )
    error_message = "By default there are snapshots for a week and a last one, under a name of its own."
  }
  assert {
    condition     = aws_redshift_logging.this[0].log_exports == toset(["connectionlog", "userlog"])
    error_message = "The audit logs are not exported."
  }
  assert {
    condition     = length(aws_redshiftserverless_namespace.this) + length(aws_redshiftserverless_workgroup.this) == 0
    error_message = "A cluster was asked for."
  }
  assert {
    condition = jsonencode({
      cluster   = output.cluster_identifier
      workgroup = output.workgroup_name
      arn       = output.arn
      admin     = output.admin_secret_arn
      secret    = output.secret_arn
      key       = output.secret_kms_key_arn
      role      = aws_redshift_cluster.this[0].default_iam_role_arn
      }) == jsonencode({
      cluster   = "dev-redshift"
      workgroup = null
      arn       = "arn:aws:redshift:us-east-1:123456789012:cluster:dev-redshift"
      admin     = "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!dev-redshift"
      secret    = "arn:aws:secretsmanager:us-east-1:123456789012:secret:dev-redshift-loader-1"
      key       = "arn:aws:kms:us-east-1:123456789012:key/1"
      role      = "arn:aws:iam::123456789012:role/dev-redshift-copy"
    })
    error_message = "The outputs do not name the cluster."
  }
}

run "the_secret_of_the_user_that_loads_is_encrypted_and_empty" {
  command = plan

  assert {
    condition = (
      aws_secretsmanager_secret.loader[0].kms_key_id == var.kms_key_arn &&
      aws_secretsmanager_secret.loader[0].name_prefix == "dev-redshift-loader-"
    )
    error_message = "The secret is not encrypted with the key, or its name could be taken."
  }
}

run "copy_reads_what_is_to_be_loaded" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.copy[0].policy) == jsondecode(jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "ReadObjects"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["arn:aws:s3:::dev-lake/curated/*", "arn:aws:s3:::dev-lake/runs/*"]
        },
        {
          Sid       = "ListObjects"
          Effect    = "Allow"
          Action    = ["s3:ListBucket"]
          Resource  = ["arn:aws:s3:::dev-lake"]
          Condition = { StringLike = { "s3:prefix" = ["curated/*", "runs/*"] } }
        },
        {
          Sid      = "LocateBucket"
          Effect   = "Allow"
          Action   = ["s3:GetBucketLocation"]
          Resource = ["arn:aws:s3:::dev-lake"]
        },
        {
          Sid      = "DecryptObjects"
          Effect   = "Allow"
          Action   = ["kms:Decrypt"]
          Resource = ["arn:aws:kms:us-east-1:123456789012:key/1"]
        },
      ]
    }))
    error_message = "Policy of COPY: ${aws_iam_role_policy.copy[0].policy}"
  }
  assert {
    condition = jsondecode(aws_iam_role.copy[0].assume_role_policy).Statement == jsondecode(jsonencode([{
      Sid       = "AssumedByRedshift"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = ["redshift.amazonaws.com"] }
      Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }]))
    error_message = "The role is assumed by others: ${aws_iam_role.copy[0].assume_role_policy}"
  }
}

run "a_workgroup_is_private_encrypted_and_keeps_its_password_to_itself" {
  command = plan

  variables {
    mode = "serverless"
  }

  assert {
    condition = (
      aws_redshiftserverless_namespace.this[0].kms_key_id == var.kms_key_arn &&
      aws_redshiftserverless_namespace.this[0].db_name == "analytics" &&
      aws_redshiftserverless_namespace.this[0].iam_roles == toset(["arn:aws:iam::123456789012:role/dev-redshift-copy"])
    )
    error_message = "The namespace is not encrypted with the key, or has another database or role."
  }
  assert {
    condition = (
      aws_redshiftserverless_namespace.this[0].manage_admin_password &&
      aws_redshiftserverless_namespace.this[0].admin_user_password == null &&
      aws_redshiftserverless_namespace.this[0].admin_password_secret_kms_key_id == var.kms_key_arn
    )
    error_message = "The password is in the state, or its secret is not encrypted with the key."
  }
  assert {
    condition = (
      !aws_redshiftserverless_workgroup.this[0].publicly_accessible &&
      aws_redshiftserverless_workgroup.this[0].enhanced_vpc_routing &&
      aws_redshiftserverless_workgroup.this[0].subnet_ids == toset(["subnet-1", "subnet-2", "subnet-3"]) &&
      aws_redshiftserverless_workgroup.this[0].security_group_ids == toset(["sg-1"])
    )
    error_message = "The workgroup is not in the network that it was given."
  }
  assert {
    condition = (
      one([
        for parameter in aws_redshiftserverless_workgroup.this[0].config_parameter :
        parameter.parameter_value if parameter.parameter_key == "require_ssl"
      ]) == "true"
    )
    error_message = "Connections without TLS are let in."
  }
  assert {
    condition = (
      aws_redshiftserverless_workgroup.this[0].base_capacity == 8 &&
      aws_redshiftserverless_workgroup.this[0].max_capacity == 32
    )
    error_message = "The workgroup has another size."
  }
  assert {
    condition = (
      jsondecode(aws_iam_role.copy[0].assume_role_policy).Statement[0].Principal ==
      { Service = ["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"] }
    )
    error_message = "The role is assumed by others: ${aws_iam_role.copy[0].assume_role_policy}"
  }
  assert {
    condition     = aws_redshiftserverless_namespace.this[0].default_iam_role_arn == aws_iam_role.copy[0].arn
    error_message = "COPY says IAM_ROLE DEFAULT, and the namespace has another default."
  }
  assert {
    condition = (
      length(aws_redshift_cluster.this) + length(aws_redshift_subnet_group.this) +
      length(aws_redshift_parameter_group.this) + length(aws_redshift_logging.this) == 0
    )
    error_message = "A workgroup was asked for."
  }
  assert {
    condition = jsonencode([
      output.cluster_identifier,
      output.workgroup_name,
      output.arn,
      output.secret_arn,
      output.admin_secret_arn,
      ]) == jsonencode([
      null,
      "dev-redshift",
      "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/made",
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:dev-redshift-loader-1",
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!dev-namespace",
    ])
    error_message = "The outputs do not name the workgroup."
  }
}

run "with_an_existing_cluster_nothing_is_made" {
  command = plan

  variables {
    mode = "existing"
    existing = {
      cluster_identifier = "warehouse"
      secret_arn         = "arn:aws:secretsmanager:us-east-1:123456789012:secret:warehouse"
    }
  }

  assert {
    condition = 0 == sum([
      length(aws_iam_role.copy), length(aws_iam_role_policy.copy), length(aws_redshift_cluster.this),
      length(aws_redshift_logging.this), length(aws_redshift_parameter_group.this),
      length(aws_redshift_subnet_group.this), length(aws_redshiftserverless_namespace.this),
      length(aws_redshiftserverless_workgroup.this), length(aws_secretsmanager_secret.loader),
    ])
    error_message = "Something is made."
  }
  assert {
    condition = jsonencode([
      output.cluster_identifier,
      output.workgroup_name,
      output.arn,
      output.secret_arn,
      output.admin_secret_arn,
      output.secret_kms_key_arn,
      ]) == jsonencode([
      "warehouse",
      null,
      "arn:aws:redshift:us-east-1:123456789012:cluster:warehouse",
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:warehouse",
      null,
      null,
    ])
    error_message = "The outputs do not name the cluster."
  }
}

run "an_existing_workgroup_is_looked_up_for_its_arn" {
  command = plan

  variables {
    mode = "existing"
    existing = {
      workgroup_name     = "warehouse"
      secret_arn         = "arn:aws:secretsmanager:us-east-1:123456789012:secret:warehouse"
      secret_kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/2"
    }
  }

  assert {
    condition = jsonencode([
      output.cluster_identifier,
      output.workgroup_name,
      output.arn,
      output.secret_kms_key_arn,
      ]) == jsonencode([
      null,
      "warehouse",
      "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/found",
      "arn:aws:kms:us-east-1:123456789012:key/2",
    ])
    error_message = "The outputs do not name the workgroup."
  }
}

run "existing_without_its_settings_is_refused" {
  command = plan

  variables {
    mode = "existing"
  }

  expect_failures = [var.existing]
}

run "settings_without_existing_are_refused" {
  command = plan

  variables {
    existing = {
      cluster_identifier = "warehouse"
      workgroup_name     = "warehouse"
      secret_arn         = "warehouse"
    }
  }

  expect_failures = [var.existing]
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name               = "Dev--Redshift"
    database           = "1st"
    admin_username     = "Admin"
    network            = { subnet_ids = ["10.0.0.0/24"], security_group_ids = ["open"] }
    log_exports        = ["everything"]
    provisioned        = { node_type = "large", number_of_nodes = 0, snapshot_retention_days = 0 }
    serverless         = { base_capacity = 8, max_capacity = 4 }
    cluster_arn_prefix = "*"
    copy_from          = { bucket_arn = "arn:aws:s3:::dev-lake", prefixes = [""] }
  }

  expect_failures = [
    var.name, var.database, var.admin_username, var.network, var.log_exports, var.provisioned, var.serverless,
    var.cluster_arn_prefix, var.copy_from,
  ]
}

run "a_protected_cluster_keeps_its_snapshots" {
  command = plan

  variables {
    provisioned = { snapshot_retention_days = 1 }
  }

  expect_failures = [var.provisioned]
}

run "a_protected_cluster_is_not_destroyed_without_a_snapshot" {
  command = plan

  variables {
    provisioned = { skip_final_snapshot = true }
  }

  expect_failures = [var.provisioned]
}

run "what_can_be_thrown_away_keeps_no_snapshot" {
  command = plan

  variables {
    protect     = false
    provisioned = { snapshot_retention_days = 1, skip_final_snapshot = true }
  }

  assert {
    condition = (aws_redshift_cluster.this[0].skip_final_snapshot &&
    aws_redshift_cluster.this[0].automated_snapshot_retention_period == 1)
    error_message = "The cluster keeps snapshots that nobody wants."
  }
}

run "a_mode_that_is_none_is_refused" {
  command = plan

  variables {
    mode = "cluster"
  }

  expect_failures = [var.mode]
}

run "the_administrator_does_not_load" {
  command = plan

  variables {
    admin_username = "pipeline_loader"
  }

  expect_failures = [var.admin_username]
}
