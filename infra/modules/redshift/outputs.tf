output "cluster_identifier" {
  description = "Identifier of the cluster; null where a workgroup runs the statements."
  value = (
    local.is_existing
    ? var.existing.cluster_identifier
    : one(aws_redshift_cluster.this[*].cluster_identifier)
  )
}

output "workgroup_name" {
  description = "Name of the serverless workgroup; null where a cluster runs the statements."
  value = (
    local.is_existing
    ? var.existing.workgroup_name
    : one(aws_redshiftserverless_workgroup.this[*].workgroup_name)
  )
}

output "arn" {
  description = <<-EOT
    ARN of the cluster or workgroup: what the Data API's actions are allowed on. A cluster's is composed, so that a
    first plan shows it.
  EOT
  value = coalesce(
    one(data.aws_redshiftserverless_workgroup.existing[*].arn),
    one(aws_redshiftserverless_workgroup.this[*].arn),
    local.cluster_arn,
  )
}

output "database" {
  description = "Database that the statements run in."
  value       = var.database
}

output "secret_arn" {
  description = "ARN of the secret of the user that loads and reads."
  value       = local.is_existing ? var.existing.secret_arn : aws_secretsmanager_secret.loader[0].arn
}

output "admin_secret_arn" {
  description = <<-EOT
    ARN of the secret of the user that makes tables and the loader; null where the warehouse was there before.
  EOT
  value = local.is_existing ? null : (
    local.is_serverless
    ? aws_redshiftserverless_namespace.this[0].admin_password_secret_arn
    : aws_redshift_cluster.this[0].master_password_secret_arn
  )
}

output "kms_key_arn" {
  description = "ARN of the customer managed key of the cluster or namespace; null where it is under a key of AWS's."
  value       = local.is_existing ? var.existing.kms_key_arn : var.kms_key_arn
}

output "secret_kms_key_arn" {
  description = <<-EOT
    ARN of the customer managed key of these secrets; null where they are under the key that AWS keeps for Secrets
    Manager.
  EOT
  value       = local.is_existing ? var.existing.secret_kms_key_arn : var.kms_key_arn
}
