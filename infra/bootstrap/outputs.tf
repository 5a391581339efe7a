output "state_bucket" {
  description = "Bucket for Terraform's state."
  value       = aws_s3_bucket.state.bucket
}

output "role_arns" {
  description = "Roles for the workflows, by <environment>-plan and <environment>-apply."
  value       = { for key, role in aws_iam_role.github : key => role.arn }
}
