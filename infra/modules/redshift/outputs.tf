output "cluster_identifier" {
  description = "Identifier of the cluster."
  value       = aws_redshift_cluster.this.cluster_identifier
}

output "database_name" {
  description = "Database that the cluster was made with."
  value       = aws_redshift_cluster.this.database_name
}

output "secret_arn" {
  description = "ARN of the secret in which Redshift keeps the owner's password."
  value       = aws_redshift_cluster.this.master_password_secret_arn
}

output "copy_role_arn" {
  description = "ARN of the role that COPY reads with."
  value       = aws_iam_role.copy.arn
}
