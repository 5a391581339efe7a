output "rule_names" {
  description = "Names of the EventBridge rules: executions and stages."
  value       = { for name, rule in aws_cloudwatch_event_rule.this : name => rule.name }
}
