output "topic_arn" {
  description = "ARN of the SNS topic that people subscribe to."
  value       = aws_sns_topic.this.arn
}
