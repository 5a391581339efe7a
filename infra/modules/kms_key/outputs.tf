output "arn" {
  description = "ARN of the key."
  value       = aws_kms_key.this.arn
}

output "arn_for_log_groups" {
  description = "The same, once the key's policy is there: CloudWatch Logs asks it when it is given the key."
  value       = aws_kms_key.this.arn
  depends_on  = [aws_kms_key_policy.this]
}
