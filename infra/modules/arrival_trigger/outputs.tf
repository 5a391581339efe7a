output "rule_names" {
  description = "Names of the EventBridge rules by trigger."
  value       = { for name, rule in aws_cloudwatch_event_rule.this : name => rule.name }
}
