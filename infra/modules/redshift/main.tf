locals {
  is_provisioned = var.mode == "provisioned"
  is_serverless  = var.mode == "serverless"
  is_existing    = var.mode == "existing"

  cluster_arn = "${var.cluster_arn_prefix}${coalesce(try(var.existing.cluster_identifier, null), var.name)}"

  subnet_ids         = length(var.network.subnet_ids) == 0 ? null : var.network.subnet_ids
  security_group_ids = length(var.network.security_group_ids) == 0 ? null : var.network.security_group_ids
}

# ---- provisioned -----------------------------------------------------------------------------------------------------

resource "aws_redshift_subnet_group" "this" {
  count = local.is_provisioned && local.subnet_ids != null ? 1 : 0

  name        = var.name
  description = "Subnets of ${var.name}"
  subnet_ids  = local.subnet_ids
}

resource "aws_redshift_parameter_group" "this" {
  count = local.is_provisioned && var.require_ssl ? 1 : 0

  name        = var.name
  family      = "redshift-1.0"
  description = "Parameters of ${var.name}"

  parameter {
    name  = "require_ssl"
    value = "true"
  }

  # Without it the user activity log stays empty even where it is exported.
  parameter {
    name  = "enable_user_activity_logging"
    value = "true"
  }
}

resource "aws_redshift_cluster" "this" {
  #checkov:skip=CKV_AWS_71:Logging is aws_redshift_logging below, chosen by log_exports
  #checkov:skip=CKV_AWS_321:Enhanced VPC routing needs a route to S3 in your subnets: network.enhanced_vpc_routing
  count = local.is_provisioned ? 1 : 0

  cluster_identifier = var.name
  database_name      = var.database
  node_type          = var.provisioned.node_type
  cluster_type       = var.provisioned.number_of_nodes == 1 ? "single-node" : "multi-node"
  number_of_nodes    = var.provisioned.number_of_nodes

  # Redshift makes the password, keeps it in Secrets Manager and rotates it: it is in no variable and in no state.
  master_username                   = var.admin_username
  manage_master_password            = true
  master_password_secret_kms_key_id = var.kms_key_arn

  encrypted  = true
  kms_key_id = var.kms_key_arn

  publicly_accessible          = false
  cluster_subnet_group_name    = one(aws_redshift_subnet_group.this[*].name)
  vpc_security_group_ids       = local.security_group_ids
  enhanced_vpc_routing         = var.network.enhanced_vpc_routing
  cluster_parameter_group_name = one(aws_redshift_parameter_group.this[*].name)

  # COPY says IAM_ROLE DEFAULT.
  iam_roles            = [aws_iam_role.copy[0].arn]
  default_iam_role_arn = aws_iam_role.copy[0].arn

  automated_snapshot_retention_period = var.provisioned.snapshot_retention_days
  skip_final_snapshot                 = var.provisioned.skip_final_snapshot
  # A final snapshot outlives its cluster, so a name that is used again would make the next destroy fail: each cluster
  # gets the time of its creation. Set even where it is skipped, so that skipping can be turned off later.
  final_snapshot_identifier = "${var.name}-final-${formatdate("YYYYMMDDhhmmss", plantimestamp())}"

  lifecycle {
    ignore_changes = [final_snapshot_identifier]
  }

  depends_on = [aws_iam_role_policy.copy]
}

resource "aws_redshift_logging" "this" {
  count = local.is_provisioned && length(var.log_exports) > 0 ? 1 : 0

  cluster_identifier   = aws_redshift_cluster.this[0].cluster_identifier
  log_destination_type = "cloudwatch"
  log_exports          = var.log_exports
}

# ---- serverless ------------------------------------------------------------------------------------------------------

resource "aws_redshiftserverless_namespace" "this" {
  count = local.is_serverless ? 1 : 0

  namespace_name = var.name
  db_name        = var.database

  # As for the cluster: Redshift makes, keeps and rotates the password.
  admin_username                   = var.admin_username
  manage_admin_password            = true
  admin_password_secret_kms_key_id = var.kms_key_arn

  # Always encrypted; without a key of ours, by one that AWS owns.
  kms_key_id = var.kms_key_arn

  # COPY says IAM_ROLE DEFAULT.
  iam_roles            = [aws_iam_role.copy[0].arn]
  default_iam_role_arn = aws_iam_role.copy[0].arn

  log_exports = var.log_exports

  depends_on = [aws_iam_role_policy.copy]
}

resource "aws_redshiftserverless_workgroup" "this" {
  count = local.is_serverless ? 1 : 0

  namespace_name = aws_redshiftserverless_namespace.this[0].namespace_name
  workgroup_name = var.name
  base_capacity  = var.serverless.base_capacity
  max_capacity   = var.serverless.max_capacity

  publicly_accessible  = false
  subnet_ids           = local.subnet_ids
  security_group_ids   = local.security_group_ids
  enhanced_vpc_routing = var.network.enhanced_vpc_routing

  # AWS answers with all parameters; one that is missing here would be a change in every plan. The other values are
  # AWS's defaults.
  dynamic "config_parameter" {
    for_each = {
      auto_mv                          = "true"
      datestyle                        = "ISO, MDY"
      enable_case_sensitive_identifier = "false"
      enable_user_activity_logging     = "true"
      max_query_execution_time         = "14400"
      query_group                      = "default"
      require_ssl                      = tostring(var.require_ssl)
      search_path                      = "$user, public"
      use_fips_ssl                     = "false"
    }

    content {
      parameter_key   = config_parameter.key
      parameter_value = config_parameter.value
    }
  }
}

# ---- the user that loads --------------------------------------------------------------------------------------------

# The secret alone: `nox -s schema` makes password, user and grants, so Terraform, its state and its plans never have
# the password. The name has a suffix, since a deleted secret keeps its own for a month.
resource "aws_secretsmanager_secret" "loader" {
  #checkov:skip=CKV2_AWS_57:Redshift rotates its admin user's password alone; docs/deploy.md says how this one is changed
  count = local.is_existing ? 0 : 1

  name_prefix = "${var.name}-loader-"
  description = "User that loads into ${var.name}; its password is made by nox -s schema."
  kms_key_id  = var.kms_key_arn
}

# ---- existing --------------------------------------------------------------------------------------------------------

# A workgroup's ARN ends in an ID that its name does not tell.
data "aws_redshiftserverless_workgroup" "existing" {
  count = local.is_existing && try(var.existing.workgroup_name, null) != null ? 1 : 0

  workgroup_name = var.existing.workgroup_name
}
