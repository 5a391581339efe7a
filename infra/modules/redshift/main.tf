resource "aws_redshift_parameter_group" "this" {
  count = var.require_ssl ? 1 : 0

  name        = var.cluster_identifier
  family      = "redshift-1.0"
  description = "Parameters of ${var.cluster_identifier}"

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
  cluster_identifier = var.cluster_identifier
  database_name      = var.database_name
  node_type          = var.node_type
  cluster_type       = var.number_of_nodes == 1 ? "single-node" : "multi-node"
  number_of_nodes    = var.number_of_nodes

  # Redshift makes the password, keeps it in Secrets Manager and rotates it: it is in no variable and in no state.
  master_username                   = var.master_username
  manage_master_password            = true
  master_password_secret_kms_key_id = var.kms_key_arn

  encrypted  = true
  kms_key_id = var.kms_key_arn

  publicly_accessible          = false
  cluster_subnet_group_name    = var.cluster_subnet_group_name
  vpc_security_group_ids       = length(var.vpc_security_group_ids) == 0 ? null : var.vpc_security_group_ids
  enhanced_vpc_routing         = var.enhanced_vpc_routing
  cluster_parameter_group_name = one(aws_redshift_parameter_group.this[*].name)

  iam_roles = [aws_iam_role.copy.arn]

  automated_snapshot_retention_period = var.snapshot_retention_days
  skip_final_snapshot                 = var.skip_final_snapshot
  final_snapshot_identifier           = var.skip_final_snapshot ? null : "${var.cluster_identifier}-final"

  depends_on = [aws_iam_role_policy.copy]
}

resource "aws_redshift_logging" "this" {
  count = length(var.log_exports) == 0 ? 0 : 1

  cluster_identifier   = aws_redshift_cluster.this.cluster_identifier
  log_destination_type = "cloudwatch"
  log_exports          = var.log_exports
}
