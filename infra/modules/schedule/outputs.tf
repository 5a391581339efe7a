output "schedule_arns" {
  description = "ARNs of the schedules by name."
  value       = { for name, schedule in aws_scheduler_schedule.this : name => schedule.arn }
}
