output "name" {
  description = "Name of the job."
  value       = aws_glue_job.this.name
}

output "default_arguments" {
  description = "Arguments of every run."
  value       = aws_glue_job.this.default_arguments
}

output "policy" {
  description = "What the job may do, as a policy document."
  value       = aws_iam_role_policy.this.policy
}
