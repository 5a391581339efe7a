output "dashboard_name" {
  description = "CloudWatch dashboard: what ran, how long, how many rows, what failed."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
